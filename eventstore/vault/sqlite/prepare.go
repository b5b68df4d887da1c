package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// Prepare implements vault.Store.
func (s *Store) Prepare(ctx context.Context, b *vault.Batch) (int64, error) {
	if len(b.Rows) > maxRows {
		return 0, errors.New("vault: prepare: not committed: too many rows in one batch")
	}
	chunks, facts, err := pack(b.Rows)
	if err != nil {
		return 0, err
	}
	return s.write(ctx, "prepare", len(b.Rows), func(t *txn) error {
		if t.under.Load() {
			return vault.ErrRetoken
		}
		if err := errors.Join(t.checkLease(b.Lease), t.checkGeneration(b.Generation)); err != nil {
			return err
		}
		if err := t.checkEvents(b.Rows); err != nil {
			return err
		}
		if err := t.checkLinks(b.Links, b.Moves); err != nil {
			return err
		}
		states, err := t.checkKeys(b.Keys, b.Touch)
		if err != nil {
			return err
		}
		// Facts go before others come, so that these take their pages.
		if err := t.settle(b.Done); err != nil {
			return err
		}
		if err := t.putRows(b, chunks, facts); err != nil {
			return err
		}
		if err := t.putKeys(b.Keys, states); err != nil {
			return err
		}
		return t.putHolds(b.Holds, b.Lifts)
	})
}

// chunk is encoded rows and the index of the first.
type chunk struct {
	first int
	data  []byte
}

// pack encodes rows into chunks and their facts into one length-prefixed blob.
func pack(rows []vault.Row) ([]chunk, []byte, error) {
	var chunks []chunk
	size := 0
	for i := range rows {
		if err := checkRow(&rows[i]); err != nil {
			return nil, nil, errors.Join(errors.New("vault: prepare: not committed"), err)
		}
		size += 4 + len(rows[i].Fact)
	}
	facts := make([]byte, 0, size)
	for i := range rows {
		facts = appendLong(facts, rows[i].Fact)
		if n := len(chunks); n == 0 || len(chunks[n-1].data) >= chunkTarget {
			chunks = append(chunks, chunk{first: i, data: make([]byte, 0, chunkTarget+chunkTarget/4)})
		}
		c := &chunks[len(chunks)-1]
		c.data = appendRow(c.data, &rows[i])
	}
	return chunks, facts, nil
}

func (t *txn) checkEvents(rows []vault.Row) error {
	ids := make([]domain.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Event
		t.delta.events[ids[i]] = seqOf(t.number, i)
	}
	if len(t.delta.events) != len(rows) {
		return vault.ErrExists
	}
	found, err := t.events(t.c, ids)
	if err == nil && len(found) > 0 {
		err = vault.ErrExists
	}
	return err
}

func (t *txn) checkLinks(links []vault.Link, moves []vault.Move) error {
	tokens := make([]token.Token, 0, len(links)+len(moves))
	for _, l := range links {
		tokens = append(tokens, l.Token)
		t.delta.links[l.Token] = linked{l.ID, l.MAC}
	}
	for _, m := range moves {
		tokens = append(tokens, m.Token)
		t.delta.links[m.Token] = linked{m.To, m.MAC}
	}
	if len(t.delta.links) != len(tokens) {
		return vault.ErrStale
	}
	found, err := t.links(t.c, tokens)
	if err != nil {
		return err
	}
	for _, l := range links {
		if !found[l.Token].id.IsZero() {
			return vault.ErrStale
		}
	}
	for _, m := range moves {
		if found[m.Token].id != m.From {
			return vault.ErrStale
		}
	}
	return nil
}

func (t *txn) putRows(b *vault.Batch, chunks []chunk, facts []byte) error {
	_, err := t.c.exec("INSERT INTO batch VALUES (?,?,?)", t.number, int64(b.Base), int64(len(b.Rows)))
	if err != nil || len(b.Rows) == 0 {
		return err
	}
	if _, err := t.c.exec("INSERT INTO fact VALUES (?,?)", t.number, facts); err != nil {
		return err
	}
	for _, c := range chunks {
		if _, err := t.c.exec("INSERT INTO chunk VALUES (?,?)", seqOf(t.number, c.first), c.data); err != nil {
			return err
		}
	}
	if err := t.putMACs(t.number, macsOf(b.Rows)); err != nil {
		return err
	}
	var owners []part.Owner
	for i := range b.Rows {
		owners = ownersOf(&b.Rows[i], owners[:0])
		for _, o := range owners {
			t.delta.postings = append(t.delta.postings, posting{hashOwner(o), seqOf(t.number, i)})
		}
	}
	return nil
}

// ownersOf appends whom something of the row belongs to, each once.
func ownersOf(r *vault.Row, owners []part.Owner) []part.Owner {
	if len(r.BodyMAC)+len(r.Tokens) > 0 && r.Owner.Kind != 0 {
		owners = append(owners, r.Owner)
	}
next:
	for i := range r.Parts {
		o := r.Parts[i].Key.Owner
		for _, have := range owners {
			if have == o {
				continue next
			}
		}
		owners = append(owners, o)
	}
	return owners
}

// putHolds lifts before it holds, so that one batch can replace a marker.
func (t *txn) putHolds(holds []vault.Hold, lifts []token.Token) error {
	for i := range lifts {
		if _, err := t.c.exec("DELETE FROM hold WHERE token=?", lifts[i][:]); err != nil {
			return err
		}
	}
	for i := range holds {
		if _, err := t.c.exec("INSERT OR REPLACE INTO hold VALUES (?,?,?)", holds[i].Token[:], holds[i].ID[:], someMAC(holds[i].MAC)); err != nil {
			return err
		}
	}
	return nil
}

// Pending implements vault.Store. It holds nothing while fn runs.
func (s *Store) Pending(ctx context.Context, fn func(vault.Pending) error) error {
	var p vault.Pending
	for {
		found := false
		err := s.read(ctx, "pending", func(c *conn) error {
			return c.query("SELECT number, base, data FROM fact JOIN batch USING (number) WHERE number>? ORDER BY number LIMIT 1",
				func(row []driver.Value) (err error) {
					found = true
					p.Number, p.Base = integer(row[0]), domain.Position(integer(row[1]))
					p.Facts, err = splitFacts(blob(row[2]))
					return err
				}, p.Number)
		})
		if err != nil || !found {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
	}
}

func splitFacts(data []byte) ([][]byte, error) {
	var facts [][]byte
	r := reader{b: data}
	for len(r.b) >= 4 {
		n := int(binary.BigEndian.Uint32(r.take(4)))
		facts = append(facts, r.take(n))
	}
	if r.bad || len(r.b) > 0 {
		return nil, errDamaged
	}
	return facts, nil
}
