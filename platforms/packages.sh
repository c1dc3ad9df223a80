#!/usr/bin/env bash
# Unpacks Debian packages into a folder: packages.sh FOLDER PACKAGE... A name may be a pattern, as libllvm*. They are of the
# machine's release, or of the one that SUITE names.
#
# Nothing is installed: apt keeps lists, states and architectures of its own in .tools, so that neither root nor the
# machine's own packages matter.
set -euo pipefail
folder=$1
shift
own=$(realpath -m "$(dirname "$folder")/apt")
architectures=(--option APT::Architecture=amd64 --option APT::Architectures::=amd64)
# Only for packages of it, with lists of their own: Ubuntu has those of arm64 elsewhere.
if [[ " $* " = *":arm64 "* ]]; then
    own+=-arm64
    architectures+=(--option APT::Architectures::=arm64)
fi
sources=()
if [ -n "${SUITE-}" ]; then
    own+=-$SUITE
    mkdir -p "$own/etc"
    here=$(. /etc/os-release && echo "$VERSION_CODENAME")
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
        if grep --quiet --no-messages --word-regexp "$here" "$list"; then
            sed "s/\b$here\b/$SUITE/g" "$list" >"$own/etc/$(basename "$list")"
        fi
    done
    sources=(--option Dir::Etc::sourcelist=/dev/null --option "Dir::Etc::sourceparts=$own/etc")
fi
lists=$own/state/lists
options=(--option "Dir::State=$own/state" --option "Dir::State::status=$own/state/status" --option "Dir::Cache=$own/cache"
    --option APT::Sandbox::User=root "${architectures[@]}" "${sources[@]}")

command -v apt-get >/dev/null || { echo "packages.sh: apt-get is not here: this takes Debian's packages" >&2; exit 1; }
mkdir -p "$lists/partial" "$own/cache/archives/partial"
touch "$own/state/status"
# Debian keeps only the present version of a package, so old lists name packages that are gone.
if [ -z "$(find "$own/updated" -mmin -720 2>/dev/null)" ]; then
    apt-get --quiet "${options[@]}" update
    touch "$own/updated"
fi

downloaded=$(mktemp -d)
trap 'rm -rf "$downloaded"' EXIT
(cd "$downloaded" && apt-get --quiet "${options[@]}" download "$@")
rm -rf "$folder" && mkdir -p "$folder"
for archive in "$downloaded"/*.deb; do
    dpkg-deb --extract "$archive" "$folder"
done
