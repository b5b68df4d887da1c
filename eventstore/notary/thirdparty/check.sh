#!/usr/bin/env bash
# What the notary publishes, checked by programs that are not ours: golang.org/x/mod's
# note and tlog (the package's test), and fsck of transparency-dev's Tessera, which is
# taken by its version from the Go module proxy or cache. Logs with one edited byte must
# be refused. fsck ends with 0 even when it refuses, so that its words are read; with
# few workers it stands still after a wrong tile, so that it has many, and a time limit.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
fsck=github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$here" && GREFFE_THIRDPARTY="$work/logs" go test -count=1 .)
(cd "$work" && GOFLAGS='' GOWORK=off GOBIN="$work" go install "$fsck")
agrees() { # directory, facts
	timeout 60 "$work/fsck" --ui=false -N 300 --storage_url="file://$1/" --public_key="$1/vkey" >"$work/said" 2>&1 || true
	grep -q "Successfully fsck'd log with size $2 " "$work/said"
}

for log in "$work"/logs/*; do
	size=$(basename "$log")
	agrees "$log" "$size" || { cat "$work/said"; echo "fsck refuses $size facts"; exit 1; }
	echo "tessera fsck: $size facts agree"
done
for file in tile/0/001 tile/1/000.p/2 tile/0/002.p/188 tile/entries/001 checkpoint; do
	cp -r "$work/logs/700" "$work/edited"
	printf '\xa5' | dd of="$work/edited/$file" bs=1 seek=60 conv=notrunc status=none
	if agrees "$work/edited" 700; then echo "fsck takes an edited $file"; exit 1; fi
	grep -q 'fsck failed' "$work/said" || { cat "$work/said"; echo "fsck did not look at an edited $file"; exit 1; }
	echo "tessera fsck: an edited $file is refused"
	rm -r "$work/edited"
done
