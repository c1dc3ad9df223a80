#!/usr/bin/env bash
# Builds the plugin for each PLATFORM that this machine can build for, and packs it once a package:
# dist.sh VERSION VERSION-OF-AWS-ECR PLATFORM... Says which it cannot, and why.
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
    esac
}

# What keeps this machine from building for a system, if anything does.
lacks() {
    case $1 in
        darwin-*)
            [ "$(uname -s)" = Darwin ] || [ -d "$(rustc --print target-libdir --target "$(target "$1")")" ] ||
                { [ "$(uname -sm)" = "Linux x86_64" ] && command -v apt-get >/dev/null; } ||
                echo "it takes a Mac, Rust's library for macOS from rustup, or Debian's packages on x86-64"
            ;;
        *-musl)
            [ -d "$(rustc --print target-libdir --target "$(target "$1")")" ] ||
                { [ "$(uname -sm)" = "Linux x86_64" ] && command -v apt-get >/dev/null; } ||
                echo "it takes Rust's library for musl from rustup, or Debian's packages on x86-64"
            ;;
        linux-* | windows-amd64) ;;
        *) echo "nobody has tried to build for it" ;;
    esac
}

mkdir -p dist
rm -f "dist/$aws"-* "dist/$aws_ecr"-* dist/SHA256SUMS
left_out=
for platform in "$@"; do
    why=$(lacks "$platform")
    if [ -n "$why" ]; then
        left_out+="$platform is left out: $why"$'\n'
        continue
    fi
    echo "==> Building $platform (some minutes)"
    target=$(target "$platform")
    executable=$(platforms/build.sh "$target")
    platforms/pack.sh "$executable" "dist/$aws-$platform.tar.gz"
    [[ $executable = *.exe ]] && extension=.exe || extension=
    platforms/pack.sh "$executable" "dist/$aws_ecr-$platform.tar.gz" "pulumi-resource-aws-ecr$extension"
    platforms/sbom.py "$target" >"dist/$aws-$platform.cdx.json"
done
printf '%s' "$left_out"
(cd dist && sha256sum -- "$aws"-* "$aws_ecr"-* | tee SHA256SUMS)
