package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/jackc/pgx/v5"

	"greffe/eventstore/vault"
)

// schemaVersion is the newest this program knows.
const schemaVersion = 2

// migrations bring a schema from version i to i+1, each in one transaction, under an
// advisory lock of the schema. %d is the number of buckets.
func migrations() []func(buckets int) string {
	return []func(int) string{first, second}
}

// first is the layout of version 1; the package's doc says why it is so. Statistics
// of what is to be destroyable are switched off, for ANALYZE copies values into a
// catalogue; so is compression, for ciphertext.
func first(buckets int) string {
	var b strings.Builder
	b.WriteString(`
CREATE TABLE vault (one boolean PRIMARY KEY DEFAULT true CHECK (one), version int NOT NULL, buckets int NOT NULL);
CREATE FUNCTION refuse(code text) RETURNS boolean LANGUAGE plpgsql AS
	$$ BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'greffe: refused'; END $$;
CREATE TABLE meta (name text PRIMARY KEY, value bytea NOT NULL);
CREATE SEQUENCE batch_number;
CREATE TABLE batch (number bigint PRIMARY KEY, base bigint NOT NULL, rows int NOT NULL, pending boolean NOT NULL);
CREATE INDEX batch_end ON batch ((base + rows)) WHERE NOT pending AND rows > 0;
CREATE TABLE fact (number bigint PRIMARY KEY, data bytea NOT NULL);
ALTER TABLE fact ALTER data SET STORAGE EXTERNAL, ALTER data SET STATISTICS 0;
CREATE TABLE intake (event bytea PRIMARY KEY, seq bigint NOT NULL, owner bytea NOT NULL, buckets bytea NOT NULL);
CREATE UNIQUE INDEX intake_seq ON intake (seq);
CREATE TABLE owner (owner bytea PRIMARY KEY, rev bigint NOT NULL, destroyed boolean NOT NULL DEFAULT false, doomed_by bytea, doomed_at bigint);
CREATE TABLE retoken (one boolean PRIMARY KEY DEFAULT true CHECK (one), past int NOT NULL, phase int NOT NULL,
	token bytea NOT NULL, bucket int NOT NULL, seq bigint NOT NULL, done bigint NOT NULL, total bigint NOT NULL);
ALTER TABLE retoken ALTER token SET STATISTICS 0;
INSERT INTO retoken VALUES (true, 0, 0, '', 0, -1, 0, 0);
CREATE TABLE lease (role text COLLATE "C" PRIMARY KEY, holder bytea NOT NULL, term bigint NOT NULL, note bytea NOT NULL, until timestamptz NOT NULL);
CREATE TABLE fence (number bigint PRIMARY KEY, line bytea NOT NULL);
CREATE TABLE dirty (what text PRIMARY KEY, mark bigint NOT NULL);
`)
	for _, name := range []string{"link", "hold"} {
		b.WriteString("CREATE TABLE " + name + " (token bytea NOT NULL, id bytea NOT NULL, CONSTRAINT " + name + "_token PRIMARY KEY (token));\n" +
			"ALTER TABLE " + name + " ALTER token SET STATISTICS 0;\n")
	}
	for k := range keyBuckets(buckets) {
		fmt.Fprintf(&b, `
CREATE TABLE wrapped_%[1]d (owner bytea PRIMARY KEY, rev bigint NOT NULL, data bytea NOT NULL, written int NOT NULL DEFAULT 0);
ALTER TABLE wrapped_%[1]d ALTER data SET STORAGE EXTERNAL, ALTER data SET STATISTICS 0;
`, k)
	}
	for k := range buckets {
		fmt.Fprintf(&b, `
CREATE TABLE cell_%[1]d (seq bigint NOT NULL, ord int NOT NULL, owner bytea NOT NULL, class bytea, epoch bytea, data bytea, tokens bytea,
	written int NOT NULL DEFAULT 0);
ALTER TABLE cell_%[1]d ALTER data SET STORAGE EXTERNAL, ALTER tokens SET STORAGE EXTERNAL,
	ALTER data SET STATISTICS 0, ALTER tokens SET STATISTICS 0;
CREATE INDEX cell_%[1]d_seq ON cell_%[1]d (seq, ord);
CREATE INDEX cell_%[1]d_owner ON cell_%[1]d (owner, seq) WHERE class IS NULL;
`, k)
	}
	return b.String()
}

// second gives entries MACs; those that are there have none.
func second(int) string {
	return `
ALTER TABLE intake ADD COLUMN mac bytea;
ALTER TABLE link ADD COLUMN mac bytea;
ALTER TABLE hold ADD COLUMN mac bytea;
ALTER TABLE IF EXISTS link_next ADD COLUMN mac bytea;
ALTER TABLE IF EXISTS hold_next ADD COLUMN mac bytea;
`
}

// tokenTable maps tokens to ids. Retoken makes it anew beside the old one.
func tokenTable(name string) []string {
	return []string{
		"CREATE TABLE " + name + " (token bytea NOT NULL, id bytea NOT NULL, mac bytea, CONSTRAINT " + name + "_token PRIMARY KEY (token))",
		"ALTER TABLE " + name + " ALTER token SET STATISTICS 0",
	}
}

// migrate makes a new schema or brings an old one up to date, one process at a time,
// and says how many buckets it has.
func migrate(ctx context.Context, conn *pgx.Conn, schema string, buckets int) (_ int, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback(ctx) // the connection is closed if it cannot be
		}
	}()
	if _, err := tx.Exec(ctx, "SELECT set_config('statement_timeout', '0', true), pg_advisory_xact_lock($1)", lockOf(schema)); err != nil {
		return 0, err
	}
	version, found, err := versionOf(ctx, tx, schema)
	if err != nil {
		return 0, err
	}
	if found > 0 {
		buckets = found
	}
	if version > schemaVersion {
		return 0, own{fmt.Errorf("its version is %d, this program knows %d: %w", version, schemaVersion, vault.ErrNewer)}
	}
	if version == schemaVersion {
		return buckets, tx.Commit(ctx)
	}
	if version == 0 {
		if err := makeSchema(ctx, tx, schema); err != nil {
			return 0, err
		}
	}
	for _, step := range migrations()[version:] {
		if _, err := tx.Exec(ctx, step(buckets)); err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(ctx, "INSERT INTO vault VALUES (true, $1, $2) ON CONFLICT (one) DO UPDATE SET version = excluded.version", schemaVersion, buckets)
	if err != nil {
		return 0, err
	}
	return buckets, tx.Commit(ctx)
}

func makeSchema(ctx context.Context, tx pgx.Tx, schema string) error {
	var there bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&there); err != nil || there {
		return err
	}
	_, err := tx.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{schema}.Sanitize())
	return err
}

// versionOf is 0 where there is no vault.
func versionOf(ctx context.Context, tx pgx.Tx, schema string) (version, buckets int, err error) {
	var there bool
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'vault')", schema).Scan(&there)
	if err != nil || !there {
		return 0, 0, err
	}
	err = tx.QueryRow(ctx, "SELECT version, buckets FROM vault").Scan(&version, &buckets)
	if err == nil && (version < 1 || buckets < 1 || buckets > maxBuckets) {
		err = own{errors.New("the schema is not a vault's")}
	}
	return version, buckets, err
}

func lockOf(schema string) int64 {
	h := fnv.New64a()
	h.Write([]byte("greffe vault " + schema))
	return int64(h.Sum64())
}
