"""Cosmos SDK chains (0.50): addresses, protobuf, transactions, REST client, and the adapter that sends safely."""
