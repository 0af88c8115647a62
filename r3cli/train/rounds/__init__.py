"""Rounds of training that a stranger can check: their documents, and what miner, verifier and proposer do.

Reading order: `manifest` (what a round is), `leaves` (what each step commits to), `payload` (what a miner hands
in), `mine`, `verify`, `aggregate`, `challenge`, `receipt`; `run` is the loop over them. The formats are written
down in docs/rounds.md.
"""
