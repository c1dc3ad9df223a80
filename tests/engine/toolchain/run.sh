#!/usr/bin/env bash
# Runs a command that takes minutes: its output goes to a log, and a line now and then tells how far it is.
# Such commands fetch from registries, which fail for a moment now and then: one that fails runs once more.
# usage: run.sh WHAT LOG COMMAND [ARGUMENT...]
set -euo pipefail

what=$1 log=$2
shift 2
mkdir -p "$(dirname "$log")"

report() {
    while sleep 15 </dev/null >/dev/null 2>&1; do
        echo "tools: $what ... $SECONDS s: $(tail -n 1 "$log" | cut -c 1-100)"
    done
}

echo "tools: $what ..."
report &
trap 'kill $!' EXIT

again() {
    tail -n 10 "$log"
    echo "tools: $what ... failed after $SECONDS s, trying once more"
    sleep 10 # for a registry to come back
    "$@" >>"$log" 2>&1
}

if ! "$@" >"$log" 2>&1 && ! again "$@"; then
    tail -n 40 "$log" >&2
    echo "tools: $what ... failed after $SECONDS s; the whole log is in $log" >&2
    exit 1
fi
echo "tools: $what ... done in $SECONDS s"
