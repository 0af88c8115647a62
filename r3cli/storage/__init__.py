"""Content by CID: what bytes are called, where they are kept, and how every byte is checked on its way back."""
