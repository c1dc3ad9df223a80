#!/usr/bin/env bash
# Builds the plugin for release for one system: build.sh TARGET, which prints the path of the executable.
#
# For Linux, Zig compiles the C parts and links against the oldest glibc that it may meet. No path of this machine gets
# into the executable.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1
root=$PWD
glibc=2.17
tools=$root/.tools
cargo_home=${CARGO_HOME:-$HOME/.cargo}

# Only what is absent is installed: the pinned compiler has more libraries where rustup gave it some.
if ! [ -d "$(rustc --print target-libdir --target "$target")" ]; then
    make --no-print-directory .tools/rustc-web/.unpacked >&2
    export RUSTC=$root/platforms/rustc
fi
sysroot=$("${RUSTC:-rustc}" --print sysroot)

export CARGO_TARGET_DIR=$root/target/dist
# A panic aborts, so nothing reads the tables by which exceptions unwind the stack.
export RUSTFLAGS="-C force-unwind-tables=no --remap-path-prefix=$root=/plugin --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
export CFLAGS="-fstack-protector-strong -fno-asynchronous-unwind-tables -ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$CARGO_TARGET_DIR=/target"
arguments=(--release --locked --bin pulumi-resource-aws)
case $target in
    *-linux-gnu)
        make --no-print-directory .tools/zig/.installed >&2
        PATH=$tools/zig/bin:$PATH cargo zigbuild "${arguments[@]}" --target "$target.$glibc" >&2
        ;;
    *) cargo build "${arguments[@]}" --target "$target" >&2 ;;
esac
executable=$CARGO_TARGET_DIR/$target/release/pulumi-resource-aws
if [[ $target = *-linux-gnu ]]; then
    newest=$(readelf --version-info "$executable" | grep --only-matching 'GLIBC_[0-9.]*' | sort --version-sort | tail -n 1)
    [ "$(printf '%s\n' "$newest" "GLIBC_$glibc" | sort --version-sort | tail -n 1)" = "GLIBC_$glibc" ] ||
        { echo "build.sh: $executable asks for $newest, newer than GLIBC_$glibc" >&2; exit 1; }
fi
echo "$executable"
