"""Content by CID."""
