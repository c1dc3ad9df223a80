#!/usr/bin/env bash
# Runs the tests on what `make dist` built, on Linux on x86-64: test.sh PLATFORM...
#
# An executable for another system stands under its name in a folder with the tests beside it, as cargo puts them, so that
# they run it. What shows nothing there is skipped, and said to be.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
tools=$root/.tools
folder=$root/target/platforms
name=pulumi-resource-aws

say() { printf '\n==> %s\n' "$*"; }

# place PLATFORM EXECUTABLE [COMMAND...]: puts the executable in its place, or a script that runs it by a command. Limits that a
# test sets hold for the script, too.
place() {
    local platform=$1 executable=$2
    shift 2
    rm -rf "${folder:?}/$platform" && mkdir -p "$folder/$platform/own" "$folder/$platform/deps"
    cp "$executable" "$folder/$platform/own/"
    local extension=${executable#*/release/"$name"}
    ln "$folder/$platform/own/$name$extension" "$folder/$platform/own/$name-ecr$extension"
    if [ $# = 0 ]; then
        ln "$folder/$platform/own/"* "$folder/$platform/"
    else
        script "$platform" "$* $folder/$platform/own/\${0##*/}$extension"
    fi
    cp "$tests" "$folder/$platform/deps/plugin"
}

# script PLATFORM COMMAND: puts a script in the executable's place that runs a command of the shell's.
script() {
    printf '#!/bin/sh\nexec %s "$@"\n' "$2" >"$folder/$1/$name"
    chmod +x "$folder/$1/$name"
}

# Holds what stands in a place against the protocol.
conformance() {
    say "Holding $1 against the protocol"
    (cd tests/conformance && PROVIDER="$folder/$1/$name" go test -count 1 -v -run '^TestProvider$' .)
}

# plugin PLATFORM [TEST...]: runs the tests of the plugin as a process on what stands in a place, but for some.
plugin() {
    say "Testing $1 as a process, but for footprint::, which weighs what \`make build\` built"
    local platform=$1 skipped=()
    for test in "${@:2}"; do skipped+=(--skip "$test"); done
    "$folder/$platform/deps/plugin" --test-threads 4 --skip footprint:: "${skipped[@]}"
}

# Where there is nothing but an executable, the libraries that it asks for as Debian's oldest release has them, and
# certificates; then as a process.
linux() {
    local platform=$1 executable=$2
    local chroot=$root/target/dist/chroot
    rm -rf "$chroot" && mkdir -p "$chroot/etc/ssl/certs"
    ldd "$executable" | sed -n 's,^[^/]*\(/[^ ]*\).*,\1,p' | while read -r library; do
        local old=$tools/oldest-debian/lib/x86_64-linux-gnu/$(basename "$library")
        install -D "$old" "$chroot/$library"
    done
    cp /etc/ssl/certs/ca-certificates.crt "$chroot/etc/ssl/certs/"
    cp "$executable" "$chroot/"
    mkdir -p "$folder/chroot"
    script chroot "unshare --map-root-user chroot $chroot /$name"
    say "$platform, where there is nothing else but what it asks for and certificates:"
    (cd "$chroot" && find . -type f)
    conformance chroot
    place "$platform" "$executable"
    plugin "$platform"
}

linux_amd64() { linux linux-amd64 target/dist/x86_64-unknown-linux-gnu/release/$name; }

linux_amd64_musl() { linux linux-amd64-musl target/dist/x86_64-unknown-linux-musl/release/$name; }

# As `cargo install --git` leaves it, which knows nothing of .cargo/config.toml and rust-toolchain.toml.
cargo_install() {
    say "Building by cargo install (some minutes)"
    (cd / && CARGO_TARGET_DIR=$root/target/cargo-install cargo install --quiet --locked --root "$folder/cargo-install" --force \
        --git "file://$root" "$name")
    conformance cargo-install/bin
}

# What weighs a process, or limits it, weighs or limits its emulator.
emulated=(scarcity:: servers:: load:: credentials::shared_files::long credentials::processes::long soak:: strangers::calls_go_on
    patience::standard_retries)

linux_arm64() {
    place linux-arm64 target/dist/aarch64-unknown-linux-gnu/release/$name \
        "$tools/qemu/usr/bin/qemu-aarch64-static" -L "$tools/qemu"
    conformance linux-arm64
    say "Skipped on linux-arm64: what has a bound in memory, threads, files or time, of which the emulator takes most: ${emulated[*]}"
    plugin linux-arm64 "${emulated[@]}"
}

# What Windows has otherwise: commands by cmd.exe, jobs, profiles, TLS. Told by `doctor`, which does what an Invoke does.
windows_commands() {
    say "Running commands, reading files and calling over TLS on windows-amd64"
    local home=$folder/windows-amd64/home
    mkdir -p "$home/with space" && mkfifo "$home/stdin" "$home/stdout"
    target/debug/ecr-stand-in <"$home/stdin" >"$home/stdout" &
    exec 3>"$home/stdin"
    read -r url <"$home/stdout"
    local secret=9f3cA
    echo '{"Version": 1, "AccessKeyId": "AKIDOFPROCESS", "SecretAccessKey": "'$secret'"}' >"$home/with space/keys.json"
    local own=$folder/windows-amd64/own
    cp "$own/$name.exe" "$own/bystander.exe"
    cp "$own/$name.exe" "$own/lingerer.exe"
    cat >"$home/config" <<END
[profile keys]
region = eu-west-1
aws_access_key_id = AKIDOFPROFILE
aws_secret_access_key = $secret
[profile process]
region = eu-west-1
credential_process = type "$(windows "$home/with space/keys.json")"
[profile leaves]
region = eu-west-1
credential_process = start /b "" "$(windows "$own/lingerer.exe")" >NUL & type "$(windows "$home/with space/keys.json")"
[profile fails]
region = eu-west-1
credential_process = start /b "" "$(windows "$own/bystander.exe")" >NUL & echo no keys today>&2 & exit /b 7
END
    doctor() {
        AWS_CONFIG_FILE=$(windows "$home/config") AWS_EC2_METADATA_DISABLED=true AWS_ENDPOINT_URL=$url NO_PROXY=127.0.0.1 \
            AWS_PROFILE=$1 "$folder/windows-amd64/$name" doctor --registry 123456789012 3>&-
    }
    doctor keys | tee "$home/output"
    grep --quiet 'keys of profile keys' "$home/output"
    grep --quiet --fixed-strings "files: $(windows "$home/config") was read" "$home/output"
    doctor process | tee "$home/output"
    grep --quiet 'credential_process of profile process' "$home/output"
    doctor leaves >"$home/output"
    pgrep --full lingerer.exe
    if doctor fails >"$home/output"; then return 1; fi
    grep 'exit code: 7 and said: no keys today' "$home/output"
    if pgrep --full bystander.exe; then return 1; fi
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$home/key.pem" -out "$home/ca.pem" -days 2 \
        -subj /CN=platforms -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE 2>/dev/null
    cat "$home/ca.pem" "$home/key.pem" >"$home/server.pem"
    mkfifo "$home/tls"
    platforms/tls.py "$home/server.pem" "${url##*:}" >"$home/tls" 3>&- &
    local tls=$!
    read -r url <"$home/tls"
    AWS_CA_BUNDLE=$(windows "$home/ca.pem") doctor keys | tee "$home/output"
    grep --quiet "token: for https://" "$home/output"
    if doctor keys >"$home/output"; then return 1; fi
    grep 'no secure connection' "$home/output"
    kill "$tls"
    exec 3>&-
    wait
}

# A path as Wine shows it to programs for Windows.
windows() { printf 'Z:%s' "${1//\//\\}"; }

windows_amd64() {
    place windows-amd64 target/dist/x86_64-pc-windows-gnu/release/$name.exe "$root/platforms/wine/wine.sh"
    # Started by a test, it would keep that test's pipes open.
    "$root/platforms/wine/server.sh" start
    trap '"$root/platforms/wine/server.sh" stop' EXIT
    say "Holding windows-amd64 against the protocol; Linux shows Wine's sockets as those of its server"
    local report=$folder/windows-amd64/report
    (cd tests/conformance && go run . -provider "$folder/windows-amd64/$name") | tee "$report" || true
    grep --quiet '^must: ' "$report"
    if grep '^broken' "$report" | grep --invert-match ' process.loopback '; then return 1; fi
    windows_commands
    "$root/platforms/wine/server.sh" stop
    trap - EXIT
}

say "Building the tests"
tests=$(cargo test --locked --test plugin --no-run --message-format json |
    python3 -c 'import json, sys; print(*(line["executable"] for line in map(json.loads, sys.stdin)
        if line.get("executable") and line["target"]["name"] == "plugin"))')
for platform in "$@"; do
    "${platform//-/_}"
done
