"""Exact training arithmetic: every result is fixed by IEEE 754 or by integers, so that anyone can check it.

Read in this order: `numbers` (codes and scales), `matmul` and `sums` (exact contractions), `functions`
(exp, log, square root), then the layers built from them (`norm`, `rope`, `linear`, `attention`, `loss`),
the network in `model`, `optimizer`, and the whole in `step`. `oracle` switches the contractions to their
slow integer definitions; the fast ones must give the same bits.
"""
