#!/usr/bin/env bash
# Builds the present commit for each TARGET once more, in another folder and with cargo's things in another, and wants the bytes
# that `make dist` packed: twice.sh TARGET...
set -euo pipefail
cd "$(dirname "$0")/.."
[ -z "$(git status --porcelain)" ] || { echo "twice.sh: what is not committed would make the difference" >&2; exit 1; }

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git clone --quiet . "$copy/elsewhere"
ln -s "$PWD/.tools" "$copy/elsewhere/.tools"
# Copied, since compilers look behind links; what is unpacked there is unpacked anew.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
mkdir -p "$copy/cargo/registry"
for part in config.toml registry/cache registry/index; do
    if [ -e "$cargo_home/$part" ]; then cp -R "$cargo_home/$part" "$copy/cargo/$part"; fi
done
for target in "$@"; do
    first=$(platforms/build.sh "$target")
    second=$(CARGO_HOME=$copy/cargo "$copy/elsewhere/platforms/build.sh" "$target")
    cmp "$first" "$second"
    echo "the same bytes twice for $target: $(sha256sum <"$first")"
done
