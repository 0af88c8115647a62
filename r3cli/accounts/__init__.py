"""What `r3 wallet` does: wallets as accounts of chains. Keys live in `r3cli.wallet`, addresses in `r3cli.chain`."""
