#!/usr/bin/env bash
# Packs an executable as `pulumi plugin install` takes it: pack.sh EXECUTABLE TARBALL [NAME], under another name if one is
# given. The same executable gives the same bytes: the tarball holds neither a time nor a user. Needs GNU tar.
set -euo pipefail
mkdir -p "$(dirname "$2")"
"${TAR:-tar}" --create --format ustar --mtime @0 --owner 0 --group 0 --numeric-owner --mode 0755 \
    --transform "s,.*,${3:-$(basename "$1")}," --directory "$(dirname "$1")" "$(basename "$1")" | gzip --no-name --best >"$2"
