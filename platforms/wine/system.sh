#!/usr/bin/env bash
# Completes Debian's Wine, unpacked into .tools/wine, and makes it a Windows in .tools/wine/prefix.
set -euo pipefail
cd "$(dirname "$0")/../../.tools/wine"
own=$PWD/../../platforms/wine
libraries=usr/lib/x86_64-linux-gnu/wine/x86_64-windows
prefix=$PWD/prefix

# What is there asks for paths below /usr.
ln -sf wineserver64 usr/lib/wine/wineserver
cp usr/x86_64-w64-mingw32/lib/zlib1.dll "$libraries/"
rm -rf "$prefix"
# Its own end fails where zlib1.dll is not in the system's folder yet; what it was to make is there.
"$own/wine.sh" wineboot.exe --init || [ -d "$prefix/drive_c/windows/system32" ]
cp "$libraries/zlib1.dll" "$prefix/drive_c/windows/system32/"
PATH=$PWD/../mingw/usr/bin:$PATH x86_64-w64-mingw32-gcc-win32 -shared -O2 \
    -o "$prefix/drive_c/windows/system32/bcryptprimitives.dll" "$own/bcryptprimitives.c" -ladvapi32
"$own/wine.sh" cmd.exe /c ver
