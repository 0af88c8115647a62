"""Keys, keystores, unlock sources and signers. Knows no chain."""
