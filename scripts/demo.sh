#!/bin/sh
# The main job on a throw-away local network: its ledger, content and checkpoints lie in one folder.
# usage: scripts/demo.sh R3 STATE
set -eu

r3=$1
state=$2

counter=$state/demo-rounds # how many rounds the runs before this one have finished
finished=$(cat "$counter" 2>/dev/null || echo 0)
total=$((finished + 5))

if [ -d "$state" ]; then
    echo "demo: going on in $state, to round $total" >&2
else
    echo "demo: a throw-away network with development keys in $state" >&2
fi
"$r3" train run --network local --rounds "$total" --state "$state"
echo "$total" >"$counter"
cat >&2 <<END

What can be done with it now:
  $r3 train verify $total --step random --state $state   # recompute one random step
  $r3 train verify $total --state $state                 # recompute the whole round
  $r3 train receipt $total -o receipt.json --state $state
  $r3 train verify --receipt receipt.json --state $state   # from content alone, no chain asked
  $r3 status --state $state
  $r3 logs --state $state
END
