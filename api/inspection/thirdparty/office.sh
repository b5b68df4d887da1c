#!/usr/bin/env bash
# office.sh FILE.xlsx DIR: LibreOffice opens the workbook and writes, into DIR, each
# sheet as CSV (NAME-SHEET.csv: semicolons, UTF-8, cells as they are shown), all pages
# as PDF and, by poppler, as PNG. Exit code 0: all of it was written.
set -euo pipefail
file=$1 dir=$2
say() { echo "office: $*" >&2; }
die() { say "$*"; exit 1; }

# convert FORMAT DIR: soffice ends with 0 also when it wrote nothing.
convert() {
	timeout 120 soffice "-env:UserInstallation=file://$profile" --headless --convert-to "$1" --outdir "$2" "$file" >"$profile.said" 2>&1 ||
		{ cat "$profile.said" >&2; die "LibreOffice fails"; }
	[ -n "$(find "$2" -type f -print -quit)" ] || { cat "$profile.said" >&2; die "LibreOffice wrote nothing"; }
}

command -v soffice >/dev/null || die "soffice is not here: deploy/real/fetch.sh others"
command -v pdftoppm >/dev/null || die "pdftoppm is not here: deploy/real/fetch.sh others"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
profile=$tmp/profile
mkdir -p "$dir/shown" "$dir/pages"
# The tokens: 59 is ;  34 is "  76 is UTF-8, from line 1, cells as shown, -1: every sheet.
convert 'csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false,false,false,-1' "$dir/shown"
convert pdf "$dir/pages"
pdftoppm -r 60 -png "$dir"/pages/*.pdf "$dir/pages/page"
[ -n "$(find "$dir/pages" -name "page-*.png" -size +1k -print -quit)" ] || die "no page can be seen"
soffice --version
