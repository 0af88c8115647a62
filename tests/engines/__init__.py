"""Real counterparts for tests: a Kubo daemon, a Cosmos SDK chain, cosmjs; built once, started on demand."""
