#!/usr/bin/env bash
# Builds the present commit for linux-amd64 once more, in another folder, and wants the bytes that `make dist` packed.
set -euo pipefail
cd "$(dirname "$0")/.."
target=x86_64-unknown-linux-gnu
[ -z "$(git status --porcelain)" ] || { echo "twice.sh: what is not committed would make the difference" >&2; exit 1; }

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git clone --quiet . "$copy/elsewhere"
ln -s "$PWD/.tools" "$copy/elsewhere/.tools"
first=$(platforms/build.sh $target)
second=$("$copy/elsewhere/platforms/build.sh" $target)
cmp "$first" "$second"
echo "the same bytes twice: $(sha256sum <"$first")"
