package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// importing is an import in progress. It fills the tables of a schema beside the
// vault's, in which nothing is left meanwhile but the table that says what it is: who
// looks for any other, on any node, finds none (transfer.ErrPartial). The last
// transaction puts the one in the place of the other.
type importing struct {
	s     *Store
	conn  *pgx.Conn
	order transfer.Order
	batch transfer.Batch
	facts []byte // of the batch, while it is pending
	end   bool   // committed, closed or failed
}

func (s *Store) importSchema() string { return s.schema + "_import" }

// held counts what a vault holds.
const held = `SELECT EXISTS (SELECT FROM batch)::int + EXISTS (SELECT FROM link)::int + EXISTS (SELECT FROM hold)::int + EXISTS (SELECT FROM meta)::int
	+ EXISTS (SELECT FROM owner)::int + EXISTS (SELECT FROM fence)::int + (SELECT past + phase FROM retoken)`

// Import implements transfer.Target. One at a time.
func (s *Store) Import(ctx context.Context) (_ transfer.Writer, err error) {
	if err := s.idle(ctx, "import"); err != nil {
		return nil, err
	}
	conn, err := s.connect(ctx, s.importSchema())
	if err != nil {
		return nil, fmt.Errorf("vault: import: %w", s.outside(ctx, err))
	}
	w := &importing{s: s, conn: conn}
	if err := w.begin(ctx); err != nil {
		return nil, fmt.Errorf("vault: import: %w", errors.Join(s.outside(ctx, err), w.Close()))
	}
	return w, nil
}

func (w *importing) begin(ctx context.Context) error {
	alone := false
	if err := w.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lockOf(w.s.importSchema())).Scan(&alone); err != nil {
		return err
	}
	if !alone {
		return own{fmt.Errorf("not committed: %w: another import is under way", vault.ErrUnavailable)}
	}
	tx, err := w.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after a commit it does nothing
	if err := w.empty(ctx, tx); err != nil {
		return err
	}
	at, beside := pgx.Identifier{w.s.schema}.Sanitize(), pgx.Identifier{w.s.importSchema()}.Sanitize()
	for _, sql := range []string{
		"DROP SCHEMA IF EXISTS " + beside + " CASCADE",
		"DROP SCHEMA " + at + " CASCADE", "CREATE SCHEMA " + at, "CREATE TABLE " + at + ".vault (version int NOT NULL, buckets int NOT NULL)",
		fmt.Sprintf("INSERT INTO %s.vault VALUES (%d, %d)", at, schemaVersion, len(w.s.buckets)),
		"CREATE SCHEMA " + beside,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	for _, step := range migrations() {
		if _, err := tx.Exec(ctx, step(len(w.s.buckets))); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "INSERT INTO vault VALUES (true, $1, $2)", schemaVersion, len(w.s.buckets)); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// empty demands that the vault holds nothing, or what an import left.
func (w *importing) empty(ctx context.Context, tx pgx.Tx) error {
	var whole bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'meta')", w.s.schema).Scan(&whole)
	if err != nil || !whole {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT set_config('search_path', $1, true)", pgx.Identifier{w.s.schema}.Sanitize()); err != nil {
		return err
	}
	// Nobody puts something in any more when it is looked at.
	if _, err := tx.Exec(ctx, "LOCK TABLE retoken, batch, link, hold, meta, owner, fence IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	n := 0
	if err := tx.QueryRow(ctx, held).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return own{transfer.ErrNotEmpty}
	}
	_, err = tx.Exec(ctx, "SELECT set_config('search_path', $1, true)", pgx.Identifier{w.s.importSchema()}.Sanitize())
	return err
}

// lot is records, column by column.
type lot struct {
	keys         []vault.KeyWrite
	owners       [][]byte
	revs         []int64
	destroyed    []bool
	by           [][]byte
	at           []*int64
	links, holds []pair
	numbers      []int64
	lines        [][]byte
	names        []string
	values       [][]byte
	batches      []transfer.Batch
	pending      map[int64][]byte // facts of batches that are whole
	events       [][]byte
	seqs         []int64
	of, places   [][]byte
	macs         [][]byte // of rows
	cells        map[int]*cells
	base         map[int][]int64
}

// Write implements transfer.Writer.
func (w *importing) Write(ctx context.Context, records []transfer.Record) error {
	if w.end {
		return fmt.Errorf("vault: import: %w", transfer.ErrPartial)
	}
	l := &lot{cells: map[int]*cells{}, base: map[int][]int64{}, pending: map[int64][]byte{}}
	for _, r := range records {
		if err := w.take(l, r); err != nil {
			w.end = true
			return fmt.Errorf("vault: import: %w", err)
		}
	}
	out := &pgx.Batch{}
	w.queue(out, l)
	ctx, cancel := context.WithTimeout(ctx, longLimit*w.s.limit)
	defer cancel()
	if err := together(ctx, w.conn, out); err != nil {
		w.end = true
		return fmt.Errorf("vault: import: %w", w.s.outside(ctx, err))
	}
	return nil
}

func (w *importing) take(l *lot, r transfer.Record) error {
	if err := w.order.Take(r); err != nil {
		return err
	}
	switch r := r.(type) {
	case transfer.Meta:
		l.names, l.values = append(l.names, r.Name), append(l.values, append([]byte{}, r.Value...))
	case transfer.FenceLine:
		l.numbers, l.lines = append(l.numbers, r.Number), append(l.lines, append([]byte{}, r.Line...))
	case transfer.Link:
		l.links = append(l.links, pair{r.Token[:], r.ID[:], someMAC(&r.MAC)})
	case transfer.Hold:
		l.holds = append(l.holds, pair{r.Token[:], r.ID[:], someMAC(&r.MAC)})
	case transfer.Key:
		l.key(&r)
	case transfer.Batch:
		w.flush(l)
		w.batch = r
		l.batches = append(l.batches, r)
	case transfer.Row:
		w.row(l, &r)
	}
	return nil
}

func (l *lot) key(k *transfer.Key) {
	l.owners, l.revs, l.destroyed = append(l.owners, ownerKey(k.Owner)), append(l.revs, k.Rev), append(l.destroyed, k.Destroyed)
	if k.Destroyed {
		l.by, l.at = append(l.by, k.By[:]), append(l.at, &k.At)
		return
	}
	l.by, l.at = append(l.by, nil), append(l.at, nil)
	l.keys = append(l.keys, vault.KeyWrite{Owner: k.Owner, Rev: k.Rev - 1, Wrapped: k.Wrapped})
}

func (w *importing) row(l *lot, r *transfer.Row) {
	seq := r.Number<<seqBits | int64(r.Index)
	places := w.s.pack(l.cells, r.Index, &r.Row)
	for _, k := range places { // a cell's index alone does not tell its batch
		for len(l.base[int(k)]) < len(l.cells[int(k)].index) {
			l.base[int(k)] = append(l.base[int(k)], r.Number<<seqBits)
		}
	}
	l.events, l.seqs = append(l.events, r.Event[:]), append(l.seqs, seq)
	l.of, l.places, l.macs = append(l.of, ownerKey(r.Owner)), append(l.places, append([]byte{}, places...)), append(l.macs, someMAC(&r.MAC))
	if w.batch.Pending {
		w.facts = binary.BigEndian.AppendUint32(w.facts, uint32(len(r.Fact)))
		w.facts = append(w.facts, r.Fact...)
	}
}

// flush keeps the facts of the batch before, if it is pending.
func (w *importing) flush(l *lot) {
	if w.batch.Pending {
		l.pending[w.batch.Number] = w.facts
	}
	w.batch, w.facts = transfer.Batch{}, nil
}

func (w *importing) queue(out *pgx.Batch, l *lot) {
	if len(l.names) > 0 {
		out.Queue("INSERT INTO meta SELECT unnest($1::text[]), unnest($2::bytea[])", l.names, l.values)
	}
	if len(l.numbers) > 0 {
		out.Queue("INSERT INTO fence SELECT unnest($1::bigint[]), unnest($2::bytea[])", l.numbers, l.lines)
	}
	for table, pairs := range map[string][]pair{"link": l.links, "hold": l.holds} {
		if len(pairs) > 0 {
			tokens, ids, macs := columns(pairs)
			out.Queue("INSERT INTO "+table+" SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[])", tokens, ids, macs)
		}
	}
	if len(l.owners) > 0 {
		out.Queue("INSERT INTO owner SELECT unnest($1::bytea[]), unnest($2::bigint[]), unnest($3::boolean[]), unnest($4::bytea[]), unnest($5::bigint[])",
			l.owners, l.revs, l.destroyed, l.by, l.at)
		w.s.queueWrapped(out, l.keys)
	}
	for _, b := range l.batches {
		out.Queue("INSERT INTO batch VALUES ($1, $2, $3, $4)", b.Number, int64(b.Base), b.Rows, b.Pending)
	}
	for _, number := range slices.Sorted(maps.Keys(l.pending)) {
		out.Queue("INSERT INTO fact VALUES ($1, $2)", number, append([]byte{}, l.pending[number]...))
	}
	if len(l.events) > 0 {
		out.Queue("INSERT INTO intake SELECT unnest($1::bytea[]), unnest($2::bigint[]), unnest($3::bytea[]), unnest($4::bytea[]), unnest($5::bytea[])", l.events, l.seqs, l.of, l.places, l.macs)
	}
	for _, k := range slices.Sorted(maps.Keys(l.cells)) {
		c := l.cells[k]
		out.Queue(w.s.buckets[k].importCells, c.index, c.ord, c.owner, c.class, c.epoch, c.data, c.tokens, l.base[k])
	}
}

// Commit implements transfer.Writer.
func (w *importing) Commit(ctx context.Context) error {
	if w.end {
		return fmt.Errorf("vault: import: %w", transfer.ErrPartial)
	}
	w.end = true
	state, err := w.order.End()
	if err != nil {
		return fmt.Errorf("vault: import: %w", err)
	}
	l := &lot{pending: map[int64][]byte{}}
	w.flush(l)
	out := &pgx.Batch{}
	w.queue(out, l)
	out.Queue("UPDATE retoken SET past = $1", state.Generation-1)
	out.Queue("SELECT setval('batch_number', $1, false)", max(state.Next, 1))
	out.Queue("DROP SCHEMA " + pgx.Identifier{w.s.schema}.Sanitize() + " CASCADE")
	out.Queue("ALTER SCHEMA " + pgx.Identifier{w.s.importSchema()}.Sanitize() + " RENAME TO " + pgx.Identifier{w.s.schema}.Sanitize())
	ctx, cancel := context.WithTimeout(ctx, longLimit*w.s.limit)
	defer cancel()
	if err := together(ctx, w.conn, out); err != nil {
		return fmt.Errorf("vault: import: %w", w.s.outside(ctx, err))
	}
	return nil
}

// Close implements transfer.Writer.
func (w *importing) Close() error {
	w.end = true
	ctx, cancel := context.WithTimeout(context.Background(), defaultLimit)
	defer cancel()
	_ = w.conn.Close(ctx) // what was committed is durable, and the lock goes with the connection
	return nil
}
