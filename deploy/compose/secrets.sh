#!/usr/bin/env bash
# Makes the passwords of compose.yaml as files, in deploy/secrets, once: what is
# there is left alone. The folder is for its owner only; the files in it can be
# read by the containers' users. Keep them out of version control and backups.
set -euo pipefail
dir=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/secrets}
umask 077
mkdir -p "$dir"
chmod 700 "$dir"

secret() { # NAME
	[ -s "$dir/$1" ] || openssl rand -hex 24 | tr -d '\n' >"$dir/$1"
	chmod 444 "$dir/$1"
}
hash_of() { sha256sum <"$dir/$1" | cut -d' ' -f1; }

for name in postgres_password vault_password audit_password officer_password inspector_password grafana_password; do
	secret "$name"
done
# What clickhouse/users.xml takes from the environment.
{
	echo "GREFFE_SHA256=$(hash_of audit_password)"
	echo "OFFICER_SHA256=$(hash_of officer_password)"
	echo "INSPECTOR_SHA256=$(hash_of inspector_password)"
} >"$dir/clickhouse.env"
echo "secrets are in $dir"
