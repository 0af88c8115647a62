"""The network in a box: servers that speak the real protocols over one ledger on disk."""
