#!/bin/sh
# Starts or stops the server of Wine that all programs share until then: server.sh start|stop.
root=$(dirname "$(realpath "$0")")/../../.tools/wine
WINEPREFIX=$(realpath "$root")/prefix
export WINEPREFIX
unset TMPDIR
case $1 in
    start)
        "$root/usr/lib/wine/wineserver" -p
        "$(dirname "$0")/wine.sh" cmd.exe /c exit >/dev/null 2>&1 </dev/null
        ;;
    stop) "$root/usr/lib/wine/wineserver" -k 2>/dev/null ;; # it lists what was open
esac
