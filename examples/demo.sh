#!/usr/bin/env bash
# Brings up examples/yaml with a real Pulumi engine, the plugin, and a stand-in for Amazon ECR on this machine. No AWS
# account is needed and nothing is left behind. `make demo` builds what this script uses.
set -euo pipefail
cd "$(dirname "$0")/.."

plugin=$PWD/target/release
stand_in=$PWD/target/debug/ecr-stand-in
if command -v pulumi > /dev/null; then
	pulumi=$(command -v pulumi)
else
	pulumi=$PWD/.tools/pulumi-3.259.0/pulumi
fi

work=$(mktemp -d)
exec {stop}<> <(:)
cleanup() {
	exec {stdin}>&- 2> /dev/null || true
	[ -z "${stand_in_pid:-}" ] || wait "$stand_in_pid" || true
	rm -rf "$work"
}
trap cleanup EXIT

say() { printf '\n==> %s\n' "$*"; }

# Shows a command as a user would type it, then runs it.
run() {
	printf '\n$ pulumi %s\n' "$*"
	"$pulumi" "$@"
}

say "Starting the stand-in for Amazon ECR"
mkfifo "$work/stdin"
"$stand_in" < "$work/stdin" > "$work/url" &
stand_in_pid=$!
exec {stdin}> "$work/stdin"
until [ -s "$work/url" ]; do kill -0 "$stand_in_pid"; done
url=$(cat "$work/url")
echo "It listens at $url."

cp -r examples/yaml "$work/program"
cd "$work/program"
cat >> Pulumi.yaml << EOF
plugins:
  providers:
    - name: aws
      path: $plugin
EOF
export PULUMI_HOME=$work/home PULUMI_BACKEND_URL=file://$work PULUMI_CONFIG_PASSPHRASE=demo
export PULUMI_SKIP_UPDATE_CHECK=true PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=dummy AWS_REGION=eu-west-1 AWS_ENDPOINT_URL_ECR=$url
export NO_PROXY=127.0.0.1,localhost

say "Bringing up examples/yaml: these are the commands to run by hand"
run stack init demo --non-interactive
run config set registryId 123456789012
run up --yes --skip-preview --non-interactive
say "The outputs; the engine masks the secret ones"
run stack output
run destroy --yes --skip-preview --non-interactive
say "Done. In a project of your own, add the lines under \`plugins:\` to Pulumi.yaml, with the folder of the plugin."
