package clickhouse

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"greffe/domain"
)

//go:embed schema/*.sql
var schemas embed.FS

// migration is one file of schema/. Its statements may be run again.
type migration struct {
	version    uint32
	statements []string
}

// migrations are in order of version; a file's name begins with it.
func migrations() ([]migration, error) {
	names, err := fs.Glob(schemas, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	var out []migration
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "schema/"), "_")
		version, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		b, err := schemas.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out = append(out, migration{uint32(version), statements(string(b))})
	}
	return out, nil
}

// statements splits SQL at the semicolons that end a line, without the comments.
func statements(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	var out []string
	for _, s := range strings.Split(strings.Join(lines, ""), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

const makeMigrations = "CREATE TABLE IF NOT EXISTS ~.migrations (version UInt32, at DateTime64(3, 'UTC') DEFAULT now64(3)) " +
	"ENGINE = @MergeTree ORDER BY version"

// ready makes the database what this program knows, once for a server's life.
// Several nodes may do so at a time.
func (d *Dataset) ready(ctx context.Context) error {
	if d.closed.Load() {
		return ErrClosed
	}
	if d.made.Load() {
		return nil
	}
	select {
	case d.making <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.making }()
	if d.made.Load() {
		return nil
	}
	all, err := migrations()
	if err != nil {
		return err
	}
	last := all[len(all)-1].version
	at, err := d.version(ctx)
	if at <= last && d.broken.Swap(false) {
		at = 0
	}
	switch {
	case err != nil:
		return err
	case at > last:
		return fmt.Errorf("%w: %d, and this one knows %d", ErrNewer, at, last)
	case at < last:
		if err := d.migrate(ctx, all, at); err != nil {
			return err
		}
	}
	if err := d.own(ctx); err != nil {
		return err
	}
	d.made.Store(true)
	return nil
}

// version is that of the database, 0 for none.
func (d *Dataset) version(ctx context.Context) (at uint32, err error) {
	var there uint64
	err = d.pool.row(ctx, "look at the schema", "SELECT count() FROM system.tables WHERE database = {db:String} AND name = 'migrations'",
		[]any{named("db", d.database)}, &there)
	if err != nil || there == 0 {
		return 0, err
	}
	return at, d.pool.row(ctx, "look at the schema", "SELECT max(version) FROM ~.migrations", nil, &at)
}

func (d *Dataset) migrate(ctx context.Context, all []migration, from uint32) error {
	const what = "migrate the schema"
	if err := d.pool.exec(ctx, what, "CREATE DATABASE IF NOT EXISTS `"+d.database+"`"); err != nil {
		return err
	}
	if err := d.pool.exec(ctx, what, makeMigrations); err != nil {
		return err
	}
	for _, m := range all {
		if m.version <= from {
			continue
		}
		for _, s := range m.statements {
			if err := d.pool.work(ctx, what, s); err != nil {
				return fmt.Errorf("to version %d: %w", m.version, err)
			}
		}
		if err := d.pool.exec(ctx, what, "INSERT INTO ~.migrations (version) VALUES ("+strconv.Itoa(int(m.version))+")"); err != nil {
			return err
		}
	}
	return nil
}

// own writes down whose dataset it is, and refuses another's.
func (d *Dataset) own(ctx context.Context) error {
	const what = "look whose dataset it is"
	var others, mine uint64
	err := d.pool.row(ctx, what, "SELECT countIf(id != {ledger:UUID}), countIf(id = {ledger:UUID}) FROM ~.ledger",
		[]any{named("ledger", d.ledger)}, &others, &mine)
	switch {
	case err != nil:
		return err
	case others > 0:
		return ErrForeign
	case mine > 0 || d.ledger == domain.ID{}:
		return nil
	}
	return d.pool.exec(ctx, what, "INSERT INTO ~.ledger (id) VALUES ('"+d.ledger.String()+"')")
}
