"""R3MES: messages, queries and commitments of the `remes.remes.v1` module."""
