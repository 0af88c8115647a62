"""The commands, driven through the front door."""
