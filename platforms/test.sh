#!/usr/bin/env bash
# Runs what `make dist` built for linux-amd64, on such a machine: the conformance suite, where there is nothing but the
# executable, what it is linked with, and certificates.
set -euo pipefail
cd "$(dirname "$0")/.."
executable=target/dist/x86_64-unknown-linux-gnu/release/pulumi-resource-aws

chroot=target/dist/chroot
rm -rf "$chroot" && mkdir -p "$chroot/etc/ssl/certs"
cp "$executable" "$chroot/"
ldd "$executable" | grep --only-matching '/[^ ]*' | while read -r library; do
    install -D "$library" "$chroot/$library"
done
cp /etc/ssl/certs/ca-certificates.crt "$chroot/etc/ssl/certs/"
echo "==> Holding linux-amd64 against the protocol, alone with glibc and certificates"
cd tests/conformance && PROVIDER="$OLDPWD/platforms/linux-amd64.sh" go test -count 1 -v -run '^TestProvider$' .
