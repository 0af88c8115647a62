"""Training in rounds: model, data, exact arithmetic, and the protocol around them."""

import os

# How long a waiting thread spins before it sleeps, in turns of libgomp's loop; it must be set before torch loads.
# An exact nano step on two cores took 0.16 s with this on a quiet machine and 0.4 s beside two busy processes;
# 100,000 turns gave 0.16 s and 5.6 s, always sleeping (OMP_WAIT_POLICY=PASSIVE) 0.30 s and 0.65 s.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
