#!/bin/sh
# Installs what the tests' counterparts need from the system, as far as it is missing. Needs root and Debian.
set -eu

wanted=
need() { # PROGRAM PACKAGE...
    command -v "$1" >/dev/null && return
    shift
    wanted="$wanted $*"
}

need zsh zsh
need fish fish
need node nodejs
need npm npm
need gcc gcc libc6-dev
need make make
python3 -c 'import venv, ensurepip' 2>/dev/null || wanted="$wanted python3 python3-venv"

[ -n "$wanted" ] || exit 0
echo "ci: installing$wanted" >&2
apt-get -q -o DPkg::Lock::Timeout=300 update
# shellcheck disable=SC2086  # a list of packages
DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $wanted
