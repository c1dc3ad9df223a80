#!/bin/sh
# Runs the executable for linux-amd64 where there is nothing but itself, glibc and certificates: in the folder that
# `make test-platforms` fills.
exec unshare --map-root-user chroot "$(dirname "$(realpath "$0")")/../target/dist/chroot" /pulumi-resource-aws "$@"
