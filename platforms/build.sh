#!/usr/bin/env bash
# Builds the plugin for release for one system: build.sh TARGET, which prints the path of the executable.
#
# For Linux, Zig compiles the C parts and links against the oldest glibc that it may meet. The same commit gives the same
# bytes in any folder: no path of this machine gets into the executable.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1
root=$PWD
tools=$root/.tools
cargo_home=${CARGO_HOME:-$HOME/.cargo}

if ! [ -d "$(rustc --print target-libdir --target "$target")" ]; then
    export RUSTC=$root/platforms/rustc # Debian's has more libraries than the pinned one
fi
sysroot=$("${RUSTC:-rustc}" --print sysroot)

export CARGO_TARGET_DIR=${DIST_TARGET_DIR:-$root/target/dist}
export RUSTFLAGS="--remap-path-prefix=$root=/plugin --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
export CFLAGS="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$CARGO_TARGET_DIR=/target"
arguments=(--release --locked --bin pulumi-resource-aws)
case $target in
    *-linux-gnu) PATH=$tools/zig/bin:$PATH cargo zigbuild "${arguments[@]}" --target "$target.2.17" >&2 ;;
    *) cargo build "${arguments[@]}" --target "$target" >&2 ;;
esac
echo "$CARGO_TARGET_DIR/$target/release/pulumi-resource-aws"
