#!/usr/bin/env bash
# Builds the plugin for each PLATFORM that this machine can build for, and packs it once a package:
# dist.sh VERSION VERSION-OF-AWS-ECR PLATFORM... Says which it cannot, and why; with COMPLETE set it fails then. A build that
# fails keeps none of the others from being built.
set -euo pipefail
cd "$(dirname "$0")/.."
aws=pulumi-resource-aws-v$1
aws_ecr=pulumi-resource-aws-ecr-v$2
shift 2

# A system in the compiler's words.
target() {
    case $1 in
        linux-amd64) echo x86_64-unknown-linux-gnu ;;
        linux-amd64-musl) echo x86_64-unknown-linux-musl ;;
        linux-arm64) echo aarch64-unknown-linux-gnu ;;
        darwin-amd64) echo x86_64-apple-darwin ;;
        darwin-arm64) echo aarch64-apple-darwin ;;
        windows-amd64) echo x86_64-pc-windows-gnu ;;
        *) return 1 ;;
    esac
}

has() { command -v "$1" >/dev/null; }

# Whether Debian's packages can be unpacked and what is in them runs.
has_packages() { [ "$(uname -sm)" = "Linux x86_64" ] && has apt-get && has dpkg-deb; }

# What keeps this machine from building for a system, if anything does.
lacks() {
    local target
    target=$(target "$1")
    if ! [ -d "$(rustc --print target-libdir --target "$target")" ] && ! has_packages; then
        echo "it takes Rust's library, as by \`rustup target add $target\`, or Debian's packages on x86-64"
    elif [[ $1 = windows-* ]] && ! has_packages; then
        echo "it takes MinGW from Debian's packages on x86-64"
    elif [[ $1 = linux-* ]] && ! has readelf; then
        echo "it takes readelf, of GNU's binutils"
    elif ! "${TAR:-tar}" --version | grep 'GNU tar' >/dev/null; then
        echo "it takes GNU tar: name it, as by \`make dist TAR=gtar\`"
    fi
}

# Builds for a target and packs it for its platform.
pack() {
    local executable extension=
    executable=$(platforms/build.sh "$1") || return
    if [[ $executable = *.exe ]]; then extension=.exe; fi
    platforms/pack.sh "$executable" "dist/$aws-$2.tar.gz" &&
        platforms/pack.sh "$executable" "dist/$aws_ecr-$2.tar.gz" "pulumi-resource-aws-ecr$extension" &&
        platforms/sbom.py "$1" >"dist/$aws-$2.cdx.json"
}

for platform in "$@"; do
    target "$platform" >/dev/null || { echo "dist.sh: nobody has tried to build for $platform" >&2; exit 1; }
done
mkdir -p dist
rm -f "dist/$aws"-* "dist/$aws_ecr"-* dist/SHA256SUMS
left_out=
failed=
for platform in "$@"; do
    why=$(lacks "$platform")
    if [ -n "$why" ]; then
        left_out+="$platform is left out: $why"$'\n'
        continue
    fi
    echo "==> Building $platform (some minutes)"
    if ! pack "$(target "$platform")" "$platform"; then
        failed+="$platform failed: what is above says why"$'\n'
        rm -f "dist/$aws-$platform".* "dist/$aws_ecr-$platform".*
    fi
done

if has sha256sum; then sum=sha256sum; else sum="shasum -a 256"; fi
shopt -s nullglob
(cd dist && for file in "$aws"-* "$aws_ecr"-*; do $sum -- "$file"; done | tee SHA256SUMS)
printf '%s' "$left_out$failed"
[ -z "$failed${COMPLETE:+$left_out}" ]
