#!/bin/sh
# The main job on a throw-away local network: its ledger, content and checkpoints lie in one folder.
# usage: scripts/demo.sh R3 STATE
set -eu

r3=$1
state=$2

if [ -d "$state" ]; then
    echo "demo: going on in $state" >&2
else
    echo "demo: a throw-away network with development keys in $state" >&2
fi
"$r3" train run --network local --state "$state"
cat >&2 <<END

What can be done with it now:
  $r3 train verify 1 --step random --state $state   # recompute one step of round 1
  $r3 train verify 1 --state $state                 # recompute all of it
  $r3 train receipt 1 -o receipt.json --state $state
  $r3 train verify --receipt receipt.json           # as a stranger would
  $r3 status --state $state
  $r3 logs --state $state
END
