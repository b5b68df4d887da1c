package postgres

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

const (
	seqBits = 20 // a seq is batch number ‖ index of the row in it
	maxRows = 1 << seqBits
)

// Every check locks what it looks at until the commit, or makes it (a row that must not
// be there is inserted): read committed is enough then, and nothing fails that another
// order would have let pass. Rows are locked in the order of their keys, and what is
// spread over buckets comes last, when nothing is waited for any more.
const (
	checkState = `SELECT CASE WHEN phase <> 0 THEN refuse('` + codeRetoken + `')
		WHEN $1 <> 0 AND $1 <> past + 1 THEN refuse('` + codeGeneration + `') END FROM retoken`
	checkLease = `WITH l AS (SELECT 1 FROM lease WHERE role = $1 AND term = $2 AND holder <> $3 FOR SHARE)
		SELECT refuse('` + codeFenced + `') WHERE NOT EXISTS (SELECT FROM l)`
	putBatch  = "INSERT INTO batch VALUES (nextval('batch_number'), $1, $2, $2 > 0) RETURNING number"
	putFacts  = "INSERT INTO fact VALUES (currval('batch_number'), $1)"
	putIntake = `WITH i AS (INSERT INTO intake (event, seq, owner, buckets, mac)
		SELECT unnest($1::bytea[]), currval('batch_number') << 20 | unnest($2::int[]), unnest($3::bytea[]), unnest($4::bytea[]), unnest($5::bytea[])
		ON CONFLICT DO NOTHING RETURNING 1)
		SELECT refuse('` + codeExists + `') FROM (SELECT count(*) AS n FROM i) c WHERE n <> cardinality($1)`
	putLinks = `WITH i AS (INSERT INTO link (token, id, mac) SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[])
		ON CONFLICT DO NOTHING RETURNING 1)
		SELECT refuse('` + codeStale + `') FROM (SELECT count(*) AS n FROM i) c WHERE n <> cardinality($1)`
	lockLinks = `WITH v AS (SELECT unnest($1::bytea[]) AS t, unnest($2::bytea[]) AS i),
		l AS (SELECT 1 FROM link JOIN v ON token = v.t WHERE id = v.i ORDER BY token FOR UPDATE OF link)
		SELECT refuse('` + codeStale + `') FROM (SELECT count(*) AS n FROM l) c WHERE n <> cardinality($1)`
	moveLinks = `WITH v AS (SELECT unnest($1::bytea[]) AS t, unnest($2::bytea[]) AS i, unnest($3::bytea[]) AS m)
		UPDATE link SET id = v.i, mac = v.m FROM v WHERE token = v.t`
	dropLinks = "DELETE FROM link WHERE token = ANY($1)"
	dropHolds = "DELETE FROM hold WHERE token = ANY($1)"
	putHolds  = `INSERT INTO hold (token, id, mac) SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[])
		ON CONFLICT (token) DO UPDATE SET id = excluded.id, mac = excluded.mac`
	settle = `WITH v AS (SELECT unnest($1::bigint[]) AS n, unnest($2::bigint[]) AS b),
		u AS (UPDATE batch SET base = v.b, pending = false FROM v WHERE number = v.n AND pending RETURNING number)
		DELETE FROM fact USING u WHERE fact.number = u.number`
)

// Prepare implements vault.Store, in one round trip and one transaction.
func (s *Store) Prepare(ctx context.Context, b *vault.Batch) (number int64, err error) {
	if err := checkBatch(b); err != nil {
		return 0, err
	}
	err = s.write(ctx, "prepare", func(ctx context.Context, conn *pgx.Conn) error {
		out := &pgx.Batch{}
		s.queue(out, b, &number)
		return together(ctx, conn, out)
	})
	if err != nil {
		return 0, err
	}
	return number, nil
}

// checkBatch refuses what contradicts itself.
func checkBatch(b *vault.Batch) error {
	if len(b.Rows) > maxRows {
		return errors.New("vault: prepare: not committed: too many rows in one batch")
	}
	events := make(map[domain.ID]bool, len(b.Rows))
	for i := range b.Rows {
		r := &b.Rows[i]
		if events[r.Event] {
			return refused(vault.ErrExists)
		}
		events[r.Event] = true
		for j := range r.Parts {
			for k := range j {
				if r.Parts[k].Key.Class == r.Parts[j].Key.Class {
					return refused(vault.ErrExists)
				}
			}
		}
	}
	tokens := make(map[token.Token]bool, len(b.Links)+len(b.Moves))
	for i := range b.Links {
		if tokens[b.Links[i].Token] {
			return refused(vault.ErrStale)
		}
		tokens[b.Links[i].Token] = true
	}
	for i := range b.Moves {
		if tokens[b.Moves[i].Token] {
			return refused(vault.ErrStale)
		}
		tokens[b.Moves[i].Token] = true
	}
	return nil
}

func refused(err error) error {
	return errors.Join(errors.New("vault: prepare: not committed"), err)
}

// queue writes the statements of a batch. The number is drawn when the key rows are
// locked: of two batches about one person, the one that commits first has the lower
// number, and a fact is never appended behind an order to erase that did not know it.
func (s *Store) queue(out *pgx.Batch, b *vault.Batch, number *int64) {
	out.Queue(checkState, b.Generation)
	if b.Lease != nil {
		out.Queue(checkLease, b.Lease.Role, b.Lease.Term, make([]byte, 16))
	}
	queueSettled(out, b.Done)
	s.queueKeys(out, b.Keys, b.Touch)
	out.Queue(putBatch, int64(b.Base), len(b.Rows)).QueryRow(func(row pgx.Row) error { return row.Scan(number) })
	spread := map[int]*cells{}
	if len(b.Rows) > 0 {
		s.queueRows(out, b.Rows, spread)
	}
	queueLinks(out, b.Links, b.Moves)
	if len(b.Lifts) > 0 {
		out.Queue(dropHolds, sortedTokens(b.Lifts))
	}
	queueHolds(out, b.Holds)
	for _, k := range slices.Sorted(maps.Keys(spread)) {
		c := spread[k]
		out.Queue(s.buckets[k].putCells, c.index, c.ord, c.owner, c.class, c.epoch, c.data, c.tokens)
	}
}

func queueSettled(out *pgx.Batch, settled []vault.Settled) {
	if len(settled) == 0 {
		return
	}
	all := slices.Clone(settled)
	slices.SortStableFunc(all, func(a, b vault.Settled) int { return cmp.Compare(a.Number, b.Number) })
	all = slices.CompactFunc(all, func(a, b vault.Settled) bool { return a.Number == b.Number })
	numbers, bases := make([]int64, len(all)), make([]int64, len(all))
	for i := range all {
		numbers[i], bases[i] = all[i].Number, int64(all[i].Base)
	}
	out.Queue(settle, numbers, bases)
}

func (s *Store) queueRows(out *pgx.Batch, rows []vault.Row, spread map[int]*cells) {
	places := make([][]byte, len(rows))
	order := make([]int32, len(rows))
	size := 0
	for i := range rows {
		places[i], order[i] = s.pack(spread, i, &rows[i]), int32(i)
		size += 4 + len(rows[i].Fact)
	}
	facts := make([]byte, 0, size)
	for i := range rows {
		facts = binary.BigEndian.AppendUint32(facts, uint32(len(rows[i].Fact)))
		facts = append(facts, rows[i].Fact...)
	}
	slices.SortFunc(order, func(a, b int32) int { return bytes.Compare(rows[a].Event[:], rows[b].Event[:]) })
	events, owners, where, macs := make([][]byte, len(rows)), make([][]byte, len(rows)), make([][]byte, len(rows)), make([][]byte, len(rows))
	for at, i := range order {
		events[at], owners[at], where[at], macs[at] = rows[i].Event[:], ownerKey(rows[i].Owner), append([]byte{}, places[i]...), someMAC(&rows[i].MAC)
	}
	out.Queue(putIntake, events, order, owners, where, macs)
	out.Queue(putFacts, facts)
}

// pair is a token and an id to send, with their MAC.
type pair struct{ token, id, mac []byte }

// someMAC is nil for none.
func someMAC(m *vault.MAC) []byte {
	if *m == (vault.MAC{}) {
		return nil
	}
	return m[:]
}

// columns sorts pairs by token, so that two batches wait for each other in one order.
func columns(pairs []pair) (tokens, ids, macs [][]byte) {
	slices.SortFunc(pairs, func(a, b pair) int { return bytes.Compare(a.token, b.token) })
	for _, p := range pairs {
		tokens, ids, macs = append(tokens, p.token), append(ids, p.id), append(macs, p.mac)
	}
	return tokens, ids, macs
}

// queueLinks makes, looks at, changes and removes links. Who is to find no link makes
// one, so that another's waits, and takes it away again.
func queueLinks(out *pgx.Batch, links []vault.Link, moves []vault.Move) {
	var fresh, present, moved []pair
	var gone [][]byte
	for i := range links {
		fresh = append(fresh, pair{links[i].Token[:], links[i].ID[:], someMAC(&links[i].MAC)})
	}
	for i := range moves {
		m := &moves[i]
		switch {
		case m.From.IsZero():
			fresh = append(fresh, pair{m.Token[:], m.To[:], someMAC(&m.MAC)})
		default:
			present = append(present, pair{m.Token[:], m.From[:], nil})
			if !m.To.IsZero() && m.To != m.From {
				moved = append(moved, pair{m.Token[:], m.To[:], someMAC(&m.MAC)})
			}
		}
		if m.To.IsZero() {
			gone = append(gone, m.Token[:])
		}
	}
	for _, q := range []struct {
		sql   string
		pairs []pair
	}{{putLinks, fresh}, {lockLinks, present}, {moveLinks, moved}} {
		if len(q.pairs) > 0 {
			tokens, ids, macs := columns(q.pairs)
			if q.sql == lockLinks {
				out.Queue(q.sql, tokens, ids)
				continue
			}
			out.Queue(q.sql, tokens, ids, macs)
		}
	}
	if len(gone) > 0 {
		out.Queue(dropLinks, gone)
	}
}

func sortedTokens(tokens []token.Token) [][]byte {
	out := make([][]byte, len(tokens))
	for i := range tokens {
		out[i] = tokens[i][:]
	}
	slices.SortFunc(out, bytes.Compare)
	return out
}

// queueHolds puts the last marker of each token.
func queueHolds(out *pgx.Batch, holds []vault.Hold) {
	if len(holds) == 0 {
		return
	}
	last := make(map[token.Token]int, len(holds))
	for i := range holds {
		last[holds[i].Token] = i
	}
	pairs := make([]pair, 0, len(last))
	for _, i := range last {
		pairs = append(pairs, pair{holds[i].Token[:], holds[i].ID[:], someMAC(&holds[i].MAC)})
	}
	tokens, ids, macs := columns(pairs)
	out.Queue(putHolds, tokens, ids, macs)
}

// Done implements vault.Store.
func (s *Store) Done(ctx context.Context, settled []vault.Settled) error {
	return s.read(ctx, "done", func(ctx context.Context, conn *pgx.Conn) error {
		out := &pgx.Batch{}
		queueSettled(out, settled)
		return together(ctx, conn, out)
	})
}

// End implements vault.Store.
func (s *Store) End(ctx context.Context) (end domain.Position, err error) {
	err = s.read(ctx, "end", func(ctx context.Context, conn *pgx.Conn) error {
		var n int64
		err := conn.QueryRow(ctx, "SELECT coalesce(max(base + rows), 0) FROM batch WHERE NOT pending AND rows > 0").Scan(&n)
		end = domain.Position(n)
		return err
	})
	return end, err
}

// Pending implements vault.Store. It holds nothing while fn runs.
func (s *Store) Pending(ctx context.Context, fn func(vault.Pending) error) error {
	var p vault.Pending
	for {
		found := false
		err := s.read(ctx, "pending", func(ctx context.Context, conn *pgx.Conn) error {
			var data []byte
			var base int64
			err := conn.QueryRow(ctx, "SELECT number, base, data FROM fact JOIN batch USING (number) WHERE number > $1 ORDER BY number LIMIT 1", p.Number).
				Scan(&p.Number, &base, &data)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			found, p.Base = true, domain.Position(base)
			p.Facts, err = splitFacts(data)
			return err
		})
		if err != nil || !found {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
	}
}

func splitFacts(data []byte) (facts [][]byte, err error) {
	for len(data) > 0 {
		if len(data) < 4 {
			return nil, errDamaged
		}
		n := int(binary.BigEndian.Uint32(data))
		if data = data[4:]; n > len(data) {
			return nil, errDamaged
		}
		facts, data = append(facts, data[:n:n]), data[n:]
	}
	return facts, nil
}
