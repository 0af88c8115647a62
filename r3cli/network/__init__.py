"""Networks: what a chain's messages and queries mean on one of them."""
