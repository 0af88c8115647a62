#!/bin/sh
# Makes a virtual environment with r3 in it. Asks nothing; says what it will download before it does.
# usage: scripts/install.sh VENV run|dev
set -eu
cd "$(dirname "$0")/.."

venv=$1
case $2 in
    run) extras=train ;;
    dev) extras=train,dev ;;
    *) echo "install: the second argument is run or dev" >&2; exit 2 ;;
esac
# Installed sizes, with room for pip's temporary files; measured with torch 2.13.
cuda_need_mb=9000
cpu_need_mb=2500

say() { echo "install: $*" >&2; }
fail() { say "$1"; say "cure: $2"; exit 2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if command -v "$name" >/dev/null && new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    fail "no Python 3.11 or newer is on PATH" "apt-get install python3 python3-venv, or name one: make run PYTHON=/path/to/python3"
}

make_venv() {
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "$python has no venv module" "apt-get install python3-venv"
    say "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
}

# torch is the one large download, and its size depends on where pip finds it.
announce_torch() {
    "$venv/bin/python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)' && return
    free_mb=$(df -Pm "$venv" | awk 'NR == 2 {print $4}')
    say "about to download torch: up to 3 GB, 5 GB on disk, with its CUDA libraries; 0.2 GB and 1 GB where pip"
    say "is set to a CPU-only index. $free_mb MB are free."
    [ "$free_mb" -ge "$cpu_need_mb" ] ||
        fail "less than $cpu_need_mb MB are free" "free some space, or name another disk: make run VENV=/path/to/venv"
    [ "$free_mb" -ge "$cuda_need_mb" ] ||
        say "that may not be enough for the CUDA build, which needs $cuda_need_mb MB"
}

if [ -x "$venv/bin/python" ] && new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    say "going on with $venv"
else
    make_venv
fi
announce_torch
quiet=--quiet
[ -t 2 ] && quiet= # somebody watches: show pip's progress
# shellcheck disable=SC2086  # absent when empty
"$venv/bin/python" -m pip install $quiet --disable-pip-version-check --no-input \
    --constraint constraints.txt --editable ".[$extras]"
say "r3 is $venv/bin/r3"
