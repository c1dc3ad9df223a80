#!/bin/sh
# Runs a program for Windows: wine.sh PROGRAM.EXE ARGUMENT... All of them share one server, whose place depends on TMPDIR.
root=$(dirname "$(realpath "$0")")/../../.tools/wine
unset TMPDIR
WINEPREFIX=$(realpath "$root")/prefix WINEDEBUG=${WINEDEBUG:--all} exec "$root/usr/lib/wine/wine64" "$@"
