package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// A change of all tokens goes through phases, each in short transactions with a
// cursor in the transaction of what it moved:
//
//	links  new links are written beside the old ones, in the table link_next
//	holds  the same of quarantine markers
//	rows   the tokens of rows are overwritten where they lie, chunk by chunk
//	(one transaction: link becomes link_old, link_next becomes link, and so the holds)
//	scrub  the old tables are emptied and dropped; so is the journal, whose
//	       entries were links as well; the write-ahead log is emptied
//
// Pages that are freed are zeroed (secure_delete), and every page of a table that
// is dropped is, so nothing of a token is left between the cells of one. Only the
// last transaction says that the next generation is reached; until then nobody is
// shown a token, since those of rows may be of either.
const retokenSchema = `
CREATE TABLE retoken (one INTEGER PRIMARY KEY, past INTEGER, phase INTEGER, token BLOB, seq INTEGER, done INTEGER);
INSERT INTO retoken VALUES (1,0,0,x'',-1,0);
`

const (
	phaseNone = iota
	phaseLinks
	phaseHolds
	phaseRows
	phaseScrub
)

// retokenLimits bound memory and transactions.
type retokenLimits struct {
	sort   int // links that are sorted at once, 64 bytes each, so that neighbours share pages
	some   int // links read in one query, and written or removed in one transaction
	chunks int // chunks rewritten in one transaction
	sweep  int // index entries moved in one transaction
}

func wideRetoken() retokenLimits {
	return retokenLimits{sort: 1 << 20, some: 10_000, chunks: 64, sweep: 20_000}
}

// retoken is how far a change of all tokens is.
type retoken struct {
	past  int64 // changes that ended
	phase int64
	token []byte // of the last link or hold that was moved
	seq   int64  // of the last chunk that was rewritten
	done  int64  // links, holds and rows
}

func readRetoken(c *conn) (at retoken, err error) {
	err = c.query("SELECT past, phase, token, seq, done FROM retoken", func(row []driver.Value) error {
		at = retoken{past: integer(row[0]), phase: integer(row[1]), token: blob(row[2]), seq: integer(row[3]), done: integer(row[4])}
		return nil
	})
	return at, err
}

func (t *txn) keepRetoken(at retoken) error {
	_, err := t.c.exec("UPDATE retoken SET past=?, phase=?, token=?, seq=?, done=?", at.past, at.phase, append([]byte{}, at.token...), at.seq, at.done)
	return err
}

// whole refuses what goes by tokens while they are of two generations.
func (s *Store) whole() error {
	if s.under.Load() {
		return vault.ErrRetoken
	}
	return nil
}

// Generation implements vault.Store.
func (s *Store) Generation(ctx context.Context) (g vault.Generation, err error) {
	err = s.read(ctx, "generation", func(c *conn) error {
		at, err := readRetoken(c)
		g = vault.Generation{Tokens: int(at.past) + 1, Under: at.phase != phaseNone}
		return err
	})
	return g, err
}

// retokening is one call of Retoken.
type retokening struct {
	*Store
	r     vault.Retoken
	at    retoken // what is durable
	total int64
}

// Retoken implements vault.Store.
func (s *Store) Retoken(ctx context.Context, r vault.Retoken) error {
	s.rotating.Lock()
	defer s.rotating.Unlock()
	w := &retokening{Store: s, r: r}
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	if err := w.count(ctx); err != nil {
		return err
	}
	for _, phase := range []struct {
		n   int64
		run func(context.Context) error
	}{
		{phaseLinks, func(ctx context.Context) error { return w.copy(ctx, "link", r.Link, r.LinkMAC) }},
		{phaseHolds, func(ctx context.Context) error { return w.copy(ctx, "hold", r.Hold, r.HoldMAC) }},
		{phaseRows, w.rows},
		{phaseScrub, w.scrub},
	} {
		if w.at.phase != phase.n {
			continue
		}
		if err := phase.run(ctx); err != nil {
			return err
		}
	}
	if err := s.empty(ctx); err != nil {
		return fmt.Errorf("vault: retoken: %w", err)
	}
	return w.write(ctx, func(*txn) (retoken, error) { return retoken{past: w.at.past + 1, seq: -1}, nil })
}

// write runs fn in a transaction that also keeps how far the change is then.
func (w *retokening) write(ctx context.Context, fn func(t *txn) (retoken, error)) error {
	at := w.at
	_, err := w.Store.write(ctx, "retoken", 0, func(t *txn) (err error) {
		if at, err = fn(t); err != nil {
			return err
		}
		return t.keepRetoken(at)
	})
	if err != nil {
		return err
	}
	w.at = at
	w.under.Store(at.phase != phaseNone)
	if w.r.Progress != nil && w.total > 0 && at.phase != phaseNone {
		w.r.Progress(at.done, w.total)
	}
	return nil
}

// begin writes the key row and that the change is under way, or goes on with one.
// From before its commit, nobody else reads or writes tokens.
func (w *retokening) begin(ctx context.Context) error {
	err := w.Store.read(ctx, "retoken", func(c *conn) (err error) {
		w.at, err = readRetoken(c)
		return err
	})
	if err != nil {
		return err
	}
	if under := w.at.phase != phaseNone; int64(w.r.Generation) != w.at.past+2 || (w.r.Row == nil) != under {
		return fmt.Errorf("vault: retoken: %w", vault.ErrTokens)
	} else if under {
		return nil
	}
	err = w.write(ctx, func(t *txn) (retoken, error) {
		row := []vault.KeyWrite{*w.r.Row}
		states, err := t.checkKeys(row, nil)
		if err != nil {
			return w.at, err
		}
		if err := t.putKeys(row, states); err != nil {
			return w.at, err
		}
		for _, table := range []string{"link", "hold"} {
			if err := t.c.script("CREATE TABLE " + table + "_next (token BLOB PRIMARY KEY, id BLOB, mac BLOB) WITHOUT ROWID"); err != nil {
				return w.at, err
			}
		}
		w.under.Store(true)
		return retoken{past: w.at.past, phase: phaseLinks, seq: -1}, nil
	})
	if err != nil && w.at.phase == phaseNone {
		w.under.Store(false)
	}
	return err
}

// settle moves what the index has in memory into the trees.
func (w *retokening) settle(ctx context.Context) error {
	for more := true; more; {
		_, err := w.Store.write(ctx, "retoken", 0, func(t *txn) error {
			more, t.sweep = t.freeze(), t.limits.sweep
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// freeze has everything in memory swept, and reports whether that is anything.
func (s *Store) freeze() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen == nil && s.active.size > 0 {
		s.frozen = newSweep(s.active)
		s.active = newGeneration()
		s.freezes++
	}
	return s.frozen != nil
}

func (w *retokening) count(ctx context.Context) error {
	return w.Store.read(ctx, "retoken", func(c *conn) (err error) {
		w.total, err = c.one("SELECT (SELECT count(*) FROM link)+(SELECT count(*) FROM hold)+(SELECT coalesce(sum(rows),0) FROM batch)")
		return err
	})
}

// entry is a link or a hold.
type entry struct {
	token token.Token
	id    domain.ID
	mac   vault.MAC
}

// copy writes a table's successor, a sorted lot after the other. A lot counts as
// moved with its last transaction; what of it was written before is written again.
func (w *retokening) copy(ctx context.Context, table string, step func(token.Token) token.Token, mac func(token.Token, domain.ID) vault.MAC) error {
	insert := "INSERT OR REPLACE INTO " + table + "_next VALUES (?,?,?)"
	for {
		lot, err := w.lot(ctx, table)
		if err != nil {
			return err
		}
		if len(lot) == 0 {
			return w.write(ctx, func(*txn) (retoken, error) {
				at := w.at
				at.phase, at.token = at.phase+1, nil
				return at, nil
			})
		}
		last, moved := bytes.Clone(lot[len(lot)-1].token[:]), int64(len(lot))
		for i := range lot {
			if lot[i].token = step(lot[i].token); mac != nil {
				lot[i].mac = mac(lot[i].token, lot[i].id)
			}
		}
		slices.SortFunc(lot, func(a, b entry) int { return bytes.Compare(a.token[:], b.token[:]) })
		for len(lot) > 0 {
			some := lot[:min(w.limits.some, len(lot))]
			lot = lot[len(some):]
			err := w.write(ctx, func(t *txn) (retoken, error) {
				for i := range some {
					if _, err := t.c.exec(insert, some[i].token[:], some[i].id[:], someMAC(some[i].mac)); err != nil {
						return w.at, err
					}
				}
				at := w.at
				if len(lot) == 0 {
					at.token, at.done = last, at.done+moved
				}
				return at, nil
			})
			if err != nil {
				return err
			}
		}
	}
}

// lot reads the entries behind the cursor, in order.
func (w *retokening) lot(ctx context.Context, table string) (lot []entry, err error) {
	after := w.at.token
	for more := true; more && len(lot) < w.limits.sort; {
		n := len(lot)
		err := w.Store.read(ctx, "retoken", func(c *conn) error {
			return c.query("SELECT token, id, mac FROM "+table+" WHERE token>? ORDER BY token LIMIT ?", func(row []driver.Value) error {
				t, err := tokenIn(blob(row[0]))
				if err != nil {
					return err
				}
				l, err := linkedIn(row)
				lot = append(lot, entry{t, l.id, l.mac})
				return err
			}, append([]byte{}, after...), int64(w.limits.some))
		})
		if err != nil {
			return nil, err
		}
		if more = len(lot) == n+w.limits.some; len(lot) > 0 {
			after = lot[len(lot)-1].token[:]
		}
	}
	return lot, nil
}
