#!/bin/sh
# Makes the prose that the base model is trained on, from Debian packages whose texts are in the public domain:
# the Jargon File 4.4.7 and the King James Bible. Needs apt and dpkg-deb, not root. docs/base.md names the result.
# usage: scripts/base_corpus.sh PYTHON OUTPUT
set -eu
cd "$(dirname "$0")/.."

python=$1
output=$2
packages="jargon-text=4.4.7-4.1 bible-kjv-text=4.38 bible-kjv=4.38"

for command in apt-get dpkg-deb; do
    command -v "$command" >/dev/null || {
        echo "base_corpus: $command is needed; take the text by its CID instead (docs/base.md)" >&2
        exit 1
    }
done
mkdir -p "$(dirname "$output")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC2086 # a list of words
(cd "$work" && apt-get download -qq $packages)
for package in "$work"/*.deb; do
    dpkg-deb -x "$package" "$work/unpacked"
done
gzip -dc "$work/unpacked/usr/share/doc/jargon-text/jargon.txt.gz" >"$work/jargon.txt"
# The Bible's package holds a compressed form that only its reader knows.
"$work/unpacked/usr/bin/bible" -p "$work/unpacked/usr/lib" -l 79 gen1:1-rev22:21 </dev/null >"$work/bible.txt"
"$python" scripts/base_corpus.py "$output" "$work/jargon.txt" "$work/bible.txt"
cat >"${output%.*}.sources" <<END
The Jargon File 4.4.7, public domain (Debian package jargon-text 4.4.7-4.1)
The King James Bible, public domain (Debian packages bible-kjv-text 4.38, bible-kjv 4.38)
END
