"""Chains: one folder each, the same file names in all of them."""
