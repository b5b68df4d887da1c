#!/usr/bin/env bash
# Runs every test that has build tag real, package by package, so that two cores
# carry one package's servers at a time:
#
#   check.sh [PACKAGES]   (default ./...)   GO, REAL_TIMEOUT (default 20m a package)
#
# Which tests those are is asked of the Go tool: they stand in the test files that
# are there only with the tag. The tests fetch nothing and start and end their
# servers themselves; fetch.sh all comes first. It fails if a package fails or if
# there is no such test at all. Packages whose files with the tag only help tests
# that are there without it too are named: those are make check-grown's.
set -euo pipefail
go=${GO:-go}
patterns=("${@:-./...}")

# shellcheck disable=SC2016
files() { # of tests, as "PACKAGE FILE"
	"$go" list "$@" -f '{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}' \
		"${patterns[@]}" | sed '/^$/d' | sort
}

plain=$(files)
tagged=$(files -tags real)
only=$(comm -13 <(echo "$plain") <(echo "$tagged"))
[ -n "$only" ] || { echo "check-real: no test has the build tag real in ${patterns[*]}" >&2; exit 1; }

failed=()
ran=0
while read -r package; do
	names=$(echo "$only" | awk -v p="$package" '$1 == p {print $2}' | xargs sed -n 's/^func \(Test[A-Za-z0-9_]*\)(t \*testing\.T).*/\1/p' | sort -u | paste -sd'|')
	if [ -z "$names" ]; then
		echo "     $package has helpers only"
		continue
	fi
	began=$SECONDS
	out=$("$go" test -tags real -count=1 -timeout "${REAL_TIMEOUT:-20m}" -run "^($names)\$" "$package" 2>&1) || failed+=("$package")
	echo "$out"
	if echo "$out" | grep -q 'no tests to run'; then failed+=("$package"); fi
	echo "   $((SECONDS - began)) s: $names"
	ran=$((ran + 1))
done < <(echo "$only" | cut -d' ' -f1 | sort -u)

if [ ${#failed[@]} -gt 0 ]; then
	echo "check-real: failed: ${failed[*]}" >&2
	exit 1
fi
[ "$ran" -gt 0 ] || { echo "check-real: no package was run" >&2; exit 1; }
echo "check-real: $ran packages on real parts"
