#!/bin/sh
# check.sh DIR KEY README: runs the commands of a bundle's README as they stand
# there, with the tools of others: sha256sum, openssl, od and DuckDB. DuckDB comes
# from pip (or from the wheel named by DUCKDB_WHEEL) into a temporary directory, or into
# DUCKDB_VENV for several calls, with a few lines of Python in the place of its command line. Exit code 0: all hold.
set -eu
dir=$1 key=$2 readme=$3
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
venv=${DUCKDB_VENV:-$tmp/venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import duckdb' 2>/dev/null || "$venv/bin/pip" -q --disable-pip-version-check install "${DUCKDB_WHEEL:-duckdb}"
mkdir "$tmp/bin"
printf '#!/bin/sh\nexec "%s/bin/python" "%s/cli.py" "$@"\n' "$venv" "$here" > "$tmp/bin/duckdb"
chmod +x "$tmp/bin/duckdb"
PATH=$tmp/bin:$PATH
cd "$dir"
# Step 1, 2, 3, 4 and 5 of the README, the key's name put in.
sed -n 's/^  \(\(openssl\|duckdb\|find\|od\) .*\)/\1/p' "$readme" | sed "s#-inkey [^ ]*#-inkey $key#; s#  *(.*)\$##" > "$tmp/commands"
test "$(wc -l < "$tmp/commands")" -ge 7
n=0
while IFS= read -r line; do
	n=$((n + 1))
	printf "$ %s\n" "$line"
	sh -c "$line" > "$tmp/out" 2>&1 || { cat "$tmp/out"; echo "failed: command $n"; exit 1; }
	cat "$tmp/out"; echo
	cp "$tmp/out" "$tmp/out.$n"
done < "$tmp/commands"
grep -q "Signature Verified Successfully" "$tmp/out.1"
# 4: the leaf that was hashed by hand is the one in the tile.
leaf=$(cut -c1-64 "$tmp/out.5") tile=$(cat "$tmp/out.6")
test -n "$tile" && test "$leaf" = "$tile"
"$venv/bin/python" "$here/sums.py"
