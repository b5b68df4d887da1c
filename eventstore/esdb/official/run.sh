#!/usr/bin/env bash
# Runs the official Go client's own tests for append, read, subscription,
# deletion and TLS against esdbtest. The tests are taken from the Go module each
# time, into a temporary directory, and never kept. Needs the module cache or
# proxy, no network beside.
#
#   run.sh             all of them on servers of our own: at least 33 must pass
#   run.sh HOST:PORT   those that need no data set, on the insecure server there
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
module=github.com/EventStore/EventStore-Client-Go/v4
version=$(cd "$root" && go list -m -f '{{.Version}}' "$module")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

src=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "$module@$version" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
cp -r "$src/." "$work/client"
chmod -R u+w "$work/client"
cp "$here/containers_test.go.txt" "$work/client/esdb/containers_test.go"
(cd "$root" && go build -o "$work/esdbtest" ./eventstore/esdb/esdbtest/cmd)
cd "$work/client/esdb"
go test -mod=mod -c -o "$work/official.test" .

groups='^(TestStreams|TestExpectations)$/^(AppendTests|ReadStreamTests|ReadAllTests|SubscriptionTests|DeleteTests|ConnectionTests|TLSTests)$'
failed=0
run() { # name, then environment
	local name=$1
	shift
	env "$@" "$work/official.test" -test.v -test.count=1 -test.timeout=5m -test.run "$groups" >"$work/$name.log" 2>&1 || failed=1
	grep -E '^ *--- (FAIL|SKIP)|^panic' "$work/$name.log" || true
}
if [ $# -gt 0 ]; then
	least=11
	run there EVENTSTORE_INSECURE=true ESDB_TARGET_ADDR="$1"
else
	least=33
	run insecure EVENTSTORE_INSECURE=true ESDB_TARGET_CMD="$work/esdbtest"
	run secure EVENTSTORE_INSECURE=false ESDB_TARGET_CMD="$work/esdbtest"
fi
# Leaves only, each name once, whatever the number of runs it passed in.
passed=$(cat "$work"/*.log | sed -n 's/^ *--- PASS: \([^ ]*\/[^ ]*\/[^ ]*\) .*/\1/p' | sort -u | wc -l)
echo "official client $version: $passed tests passed, at least $least must"
if [ "$failed" -ne 0 ] || [ "$passed" -lt "$least" ]; then
	[ "$passed" -gt 0 ] || tail -20 "$work"/*.log
	exit 1
fi
