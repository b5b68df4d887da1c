#!/usr/bin/env bash
# Runs every fuzz target of the module for a time each:
#
#   fuzz.sh TIME   TIME as of -fuzztime: 3s, 10000x   (GO, default go)
#
# Each package's test program is built once, with the fuzzer's instrumentation, and
# finds its corpora in the package's folder and in Go's own cache, as `go test -fuzz`
# would. A target fails if it finds something; the input is then in the package's
# testdata/fuzz. Go's fuzzer now and then reports its own end of time as a failure
# ("context deadline exceeded", no input, no other line): that target is run once
# more, and a second time is a failure. It also fails if there is no target at all.
set -euo pipefail
time=${1:?"fuzz.sh TIME"}
go=${GO:-go}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
corpus=$("$go" env GOCACHE)/fuzz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fuzz PACKAGE FOLDER TARGET: once, its output in $work/out.
fuzz() {
	(cd "$2" && "$work/test" -test.run '^$' -test.fuzz "^$3\$" -test.fuzztime "$time" \
		-test.fuzzminimizetime 10x -test.fuzzcachedir "$corpus/$1") >"$work/out" 2>&1
}

# ended: the output is of a run that failed of its own end and found nothing.
ended() {
	! grep -q 'Failing input' "$work/out" &&
		[ "$(sed -n '/^--- FAIL/,$p' "$work/out" | grep -vcE '^(--- FAIL: .*|    context deadline exceeded|FAIL|exit status 1)$')" = 0 ] &&
		grep -qx '    context deadline exceeded' "$work/out"
}

targets=0
while read -r package folder; do
	grep -qsE '^func Fuzz[A-Z_0-9]' "$folder"/*_test.go || continue
	"$go" test -c -fuzz . -o "$work/test" "$package"
	names=$(cd "$folder" && "$work/test" -test.list '^Fuzz')
	for target in $names; do
		echo "fuzz $package $target"
		if ! fuzz "$package" "$folder" "$target"; then
			ended || { cat "$work/out"; exit 1; }
			echo "     the fuzzer failed of its own end of time; once more"
			fuzz "$package" "$folder" "$target" || { cat "$work/out"; exit 1; }
		fi
		tail -n 2 "$work/out" | head -n 1
		targets=$((targets + 1))
	done
done < <("$go" list -f '{{.ImportPath}} {{.Dir}}' ./...)
[ "$targets" -gt 0 ] || { echo "fuzz: no target" >&2; exit 1; }
echo "fuzz: $targets targets, $time each"
