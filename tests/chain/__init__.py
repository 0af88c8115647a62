"""Tests of r3cli/chain."""
