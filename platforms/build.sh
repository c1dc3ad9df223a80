#!/usr/bin/env bash
# Builds the plugin for release for one system: build.sh TARGET, which prints the path of the executable.
#
# For Linux, Zig compiles the C parts and links against the oldest glibc that it may meet, or musl in; for macOS against libSystem and the
# names in platforms/darwin; for Windows MinGW does. Rust's standard library is built where there is none. No path of this
# machine gets into the executable, but the list of crates does, where scanners look for it.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1
root=$PWD
glibc=2.17
tools=$root/.tools
cargo_home=${CARGO_HOME:-$HOME/.cargo}
if [[ $root$cargo_home = *[[:space:]]* ]]; then
    echo "build.sh: compilers take their flags apart at blanks, and $root or $cargo_home has one" >&2
    exit 1
fi

make --no-print-directory .tools/auditable/bin/cargo-auditable >&2
export PATH=$tools/auditable/bin:$PATH

# Only what is absent is installed: the pinned compiler has more libraries where rustup gave it some.
std=()
if ! [ -d "$(rustc --print target-libdir --target "$target")" ]; then
    make --no-print-directory .tools/rustc-web/.unpacked >&2
    export RUSTC=$root/platforms/rustc
    if ! [ -d "$("$RUSTC" --print target-libdir --target "$target")" ]; then
        # The option is an unstable one, which only the nightly toolchain would take.
        export RUSTC_BOOTSTRAP=1
        std=(-Z "build-std=std,panic_abort")
    fi
fi
sysroot=$("${RUSTC:-rustc}" --print sysroot)

export CARGO_TARGET_DIR=$root/target/dist
export RUSTFLAGS="--remap-path-prefix=$root=/plugin --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
# Of what is below this folder cargo names the rest of the path alone.
RUSTFLAGS+=" --remap-path-prefix=${sysroot#"$root"/}=/rust"
export CFLAGS="-fstack-protector-strong -fno-asynchronous-unwind-tables -ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$CARGO_TARGET_DIR=/target"
case $target in
    *-windows-gnu) RUSTFLAGS+=" -C link-arg=-Wl,--no-insert-timestamp" ;;
    # A panic aborts, so nothing reads the tables by which exceptions unwind the stack. Windows has to have them.
    *) RUSTFLAGS+=" -C force-unwind-tables=no" ;;
esac
name=pulumi-resource-aws
arguments=(--release --locked --bin "$name")
executable=$CARGO_TARGET_DIR/$target/release/$name
case $target in
    *-linux-gnu)
        make --no-print-directory .tools/zig/.installed >&2
        PATH=$tools/zig/bin:$PATH cargo auditable zigbuild "${arguments[@]}" --target "$target.$glibc" >&2
        ;;
    *-linux-musl)
        make --no-print-directory .tools/zig/.installed >&2
        variable=${target//-/_}
        export ZIG_TARGET=${target%%-*}-linux-musl
        export "CC_$variable=$root/platforms/musl/cc" "AR_$variable=$tools/zig/bin/python-zig ar"
        export "CARGO_TARGET_${variable^^}_LINKER=$root/platforms/musl/cc"
        RUSTFLAGS+=" -C link-self-contained=no"
        cargo auditable build "${std[@]}" "${arguments[@]}" --target "$target" >&2
        ;;
    *-windows-gnu)
        make --no-print-directory .tools/mingw/.unpacked >&2
        executable+=.exe
        mingw=$tools/mingw/usr/bin/x86_64-w64-mingw32
        # So that the library for the protection of stacks is linked in, and no DLL asked for.
        rm -f "$tools"/mingw/usr/lib/gcc/x86_64-w64-mingw32/*/libssp.dll.a
        export PATH=${mingw%/*}:$PATH CC_x86_64_pc_windows_gnu=$mingw-gcc-win32 AR_x86_64_pc_windows_gnu=$mingw-ar
        export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$mingw-gcc-win32
        cargo auditable build "${std[@]}" "${arguments[@]}" --target "$target" >&2
        ;;
    *-apple-darwin)
        macos=$("${RUSTC:-rustc}" --print deployment-target --target "$target")
        macos=${macos#*=}
        if [ "$(uname -s)" != Darwin ]; then
            make --no-print-directory .tools/zig/.installed >&2
            darwin=$root/platforms/darwin
            RUSTFLAGS+=" -L $darwin -C link-arg=-F$darwin -C link-arg=-Wl,-dead_strip_dylibs"
            # The linker strips what it then signs; rustc would strip what is signed.
            RUSTFLAGS+=" -C link-arg=-Wl,-S -C link-arg=-Wl,-x"
            arguments+=("${std[@]}" --config profile.release.strip=false --config "profile.release.package.$name.strip=false")
            export ZIG_TARGET=${target%%-*}-macos.$macos-none
            # Any folder: rustc would look for Xcode's.
            export SDKROOT=$darwin
            variable=${target//-/_}
            export "CC_$variable=$darwin/cc" "AR_$variable=$tools/zig/bin/python-zig ar"
            export "CARGO_TARGET_${variable^^}_LINKER=$darwin/cc"
        fi
        cargo auditable build "${arguments[@]}" --target "$target" >&2
        ;;
    *) cargo auditable build "${arguments[@]}" --target "$target" >&2 ;;
esac
if grep --quiet --text --fixed-strings -e "$root/" -e "$cargo_home/" -e "$sysroot/lib/rustlib/" "$executable"; then
    echo "build.sh: $executable holds a path of this machine" >&2
    exit 1
fi
if ! grep --quiet --text --fixed-strings -e .dep-v0 "$executable"; then
    echo "build.sh: $executable has no list of its crates" >&2
    exit 1
fi
if [[ $target = *-apple-darwin ]]; then
    platforms/darwin/check.py "$executable" "${target%%-*}" "$macos"
elif [[ $target = *-linux-gnu ]]; then
    newest=$(readelf --version-info "$executable" | grep --only-matching 'GLIBC_[0-9.]*' | sort --version-sort | tail -n 1)
    [ "$(printf '%s\n' "$newest" "GLIBC_$glibc" | sort --version-sort | tail -n 1)" = "GLIBC_$glibc" ] ||
        { echo "build.sh: $executable asks for $newest, newer than GLIBC_$glibc" >&2; exit 1; }
elif [[ $target = *-linux-musl ]]; then
    if readelf --dynamic --program-headers "$executable" | grep -e '(NEEDED)' -e 'interpreter:' >&2; then
        echo "build.sh: $executable asks for a library or a loader" >&2
        exit 1
    fi
fi
echo "$executable"
