"""Training in rounds: model, data, exact arithmetic, and the protocol around them."""

import os

# Threads that wait for each other sleep instead of spinning. On a machine that does other work too, spinning made an
# exact step three times slower (2.2-2.9 s against 0.6-1.2 s, two threads, load 4). It must be set before torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
