"""The `remes` module of the lab's chain: what the R3MES schema means, and what its published chain does."""
