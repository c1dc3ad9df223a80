#!/usr/bin/env bash
# Says how long a run took, and how long the next one takes, which finds what this one built.
# usage: took.sh BEGUN BUILT, in seconds since 1970
set -euo pipefail

begun=$1 built=$2 ended=$(date +%s)

span() { printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); }

echo "==> Done in $(span $((ended - begun))). $(span $((built - begun))) of it went into what stays in target/ and .tools/:" \
    "the next run takes about $(span $((ended - built)))."
