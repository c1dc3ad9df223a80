#!/bin/sh
# Runs a program for Windows: wine.sh PROGRAM.EXE ARGUMENT...
root=$(dirname "$(realpath "$0")")/../../.tools/wine
WINEPREFIX=$(realpath "$root")/prefix WINEDEBUG=${WINEDEBUG:--all} exec "$root/usr/lib/wine/wine64" "$@"
