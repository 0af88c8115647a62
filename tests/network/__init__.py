"""Tests of r3cli/network."""
