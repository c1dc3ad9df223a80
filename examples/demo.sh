#!/usr/bin/env bash
# Brings up examples/yaml with a real Pulumi engine, the plugin, and a stand-in for Amazon ECR on this machine. No AWS
# account is needed and nothing is left behind. `make demo` builds what this script uses.
set -euo pipefail
cd "$(dirname "$0")/.."

plugin=$PWD/target/release
stand_in=$PWD/target/debug/ecr-stand-in
built_engine=$PWD/.tools/pulumi-3.274.1/pulumi
pulumi=$(command -v pulumi || echo "$built_engine")

# The demo is about nobody's account: what this shell has set for AWS and Pulumi stays out of it.
for variable in $(compgen -e AWS_) $(compgen -e PULUMI_); do unset "$variable"; done

work=$(mktemp -d)
trap 'exec 3>&-; wait; rm -rf "$work"' EXIT

say() { printf '\n==> %s\n' "$*"; }

# Shows a command as a user would type it, then runs it.
run() {
	printf '\n$ pulumi %s\n' "$*"
	"$pulumi" "$@" --non-interactive
}

say "Starting the stand-in for Amazon ECR"
mkfifo "$work/stdin" "$work/stdout"
"$stand_in" < "$work/stdin" > "$work/stdout" &
# It runs until this end of its stdin is closed.
exec 3> "$work/stdin"
read -r url < "$work/stdout"
echo "It listens at $url."

cp -r examples/yaml "$work/program"
cd "$work/program"
sed -i.bak "s|path: .*|path: $plugin|" Pulumi.yaml
export PULUMI_HOME="$work/home" PULUMI_BACKEND_URL="file://$work" PULUMI_CONFIG_PASSPHRASE=demo
export PULUMI_SKIP_UPDATE_CHECK=true PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=dummy AWS_REGION=eu-west-1 AWS_ENDPOINT_URL_ECR="$url"
export NO_PROXY=127.0.0.1,localhost

say "Bringing up examples/yaml with $("$pulumi" version): the commands are those to run by hand"
run stack init demo
run config set registryId 123456789012
run up --yes --skip-preview
say "The outputs; the password is masked because the program calls it a secret"
run stack output
run destroy --yes --skip-preview
say "Done. Your own program needs the lines under \`plugins:\` in examples/yaml/Pulumi.yaml, and your AWS credentials."
