#!/usr/bin/env bash
# Prints the oldest or the newest Python of this machine that the SDKs take: interpreter.sh oldest|newest
set -euo pipefail

lowest=3.10 highest=3.14 # Requires-Python of pulumi; the newest for which requirements.txt has wheels

for candidate in python3 python3.{10..14} "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
    # Those of a version manager may stand on PATH without being there.
    "$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.executable)' 2>/dev/null || true
done | sort --version-sort --unique | awk -v lowest="$lowest" -v highest="$highest" -v which="$1" '
    { split($1, version, "."); split(lowest, low, "."); split(highest, high, ".") }
    version[2] >= low[2] && version[2] <= high[2] { if (!oldest) oldest = $2; newest = $2 }
    END { if (!oldest) exit 1; print which == "oldest" ? oldest : newest }'
