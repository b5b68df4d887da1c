#!/bin/bash
# Run once by the PostgreSQL image, as the superuser, on an empty server: the role
# and the database of the vault. The role may do what the vault needs and no more:
# see that destroyed bytes left the write-ahead log, and have them leave it.
set -euo pipefail
export VAULT_PASSWORD_FILE=${VAULT_PASSWORD_FILE:-/run/secrets/vault_password}
psql --no-psqlrc -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\set password `cat "$VAULT_PASSWORD_FILE"`
CREATE ROLE greffe LOGIN PASSWORD :'password';
CREATE DATABASE greffe OWNER greffe;
GRANT pg_checkpoint, pg_monitor TO greffe;
\connect greffe
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_switch_wal() TO greffe;
SQL
