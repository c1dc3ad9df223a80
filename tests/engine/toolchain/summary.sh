#!/usr/bin/env bash
# Sums up the steps that the engine tests took: an engine a line, with how often each program was run through a step.
# usage: summary.sh STEPS
set -euo pipefail

awk -F ' · ' '
    { steps[$1]++; if (!taken[$1, $2]++) programs[$1] = programs[$1] "\n" $2 }
    / FAILED$/ { failed[$1]++ }
    END {
        for (engine in steps) {
            count = split(substr(programs[engine], 2), names, "\n")
            list = ""
            for (i = 1; i <= count; i++) list = list (i > 1 ? "; " : "") names[i] " " taken[engine, names[i]]
            printf "%s: %d steps, %d failed (%s)\n", engine, steps[engine], failed[engine], list
        }
    }' "$1" | sort --version-sort
