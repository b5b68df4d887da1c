package postgres

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// A change of all tokens goes through phases, each in short transactions that carry how
// far it is:
//
//	links  new links are written beside the old ones, in the table link_next
//	holds  the same of quarantine markers
//	rows   the tokens of rows are changed, bucket by bucket, and each bucket's file is rewritten
//	(one transaction: link goes with its files, link_next takes its name, and so the markers)
//	log    the write-ahead log is emptied
const (
	phaseNone = iota
	phaseLinks
	phaseHolds
	phaseRows
	phaseLog
)

// retokenLot is how many tokens are changed in one transaction.
const retokenLot = 10_000

// retoken is how far a change is.
type retoken struct {
	past, phase int
	token       []byte // of the last link or hold that was moved
	bucket      int    // whose rows are changed
	seq         int64  // of the last row in it that was
	done, total int64
}

const (
	readRetoken = "SELECT past, phase, token, bucket, seq, done, total FROM retoken"
	// Only who still finds what was read goes on: two nodes may call at once.
	keepRetoken = `WITH u AS (UPDATE retoken SET past = $1, phase = $2, token = $3, bucket = $4, seq = $5, done = $6, total = $7
		WHERE past = $8 AND phase = $9 AND token = $10 AND bucket = $11 AND seq = $12 RETURNING 1)
		SELECT refuse('` + codeTokens + `') WHERE NOT EXISTS (SELECT FROM u)`
)

func (s *Store) retokenState(ctx context.Context) (at retoken, err error) {
	err = s.read(ctx, "retoken", func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, readRetoken).Scan(&at.past, &at.phase, &at.token, &at.bucket, &at.seq, &at.done, &at.total)
	})
	return at, err
}

// Generation implements vault.Store.
func (s *Store) Generation(ctx context.Context) (vault.Generation, error) {
	at, err := s.retokenState(ctx)
	if err != nil {
		return vault.Generation{}, err
	}
	return vault.Generation{Tokens: at.past + 1, Under: at.phase != phaseNone}, nil
}

// retokening is one call of Retoken.
type retokening struct {
	*Store
	r  vault.Retoken
	at retoken // what is durable
}

// Retoken implements vault.Store.
func (s *Store) Retoken(ctx context.Context, r vault.Retoken) error {
	at, err := s.retokenState(ctx)
	if err != nil {
		return err
	}
	w := &retokening{s, r, at}
	if r.Generation != at.past+2 || (r.Row == nil) != (at.phase != phaseNone) {
		return fmt.Errorf("vault: retoken: %w", vault.ErrTokens)
	}
	if r.Row != nil {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	for w.at.phase != phaseNone {
		switch w.at.phase {
		case phaseLinks:
			err = w.copy(ctx, "link", r.Link, r.LinkMAC)
		case phaseHolds:
			err = w.copy(ctx, "hold", r.Hold, r.HoldMAC)
		case phaseRows:
			err = w.rows(ctx)
		default:
			if err = s.scrub(ctx); err == nil {
				err = w.write(ctx, retoken{past: w.at.past + 1, seq: -1, token: []byte{}}, func(*pgx.Batch) {})
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write runs what fn queues in a transaction that also keeps how far the change is then.
func (w *retokening) write(ctx context.Context, next retoken, fn func(b *pgx.Batch)) error {
	err := w.Store.write(ctx, "retoken", func(ctx context.Context, conn *pgx.Conn) error {
		b := &pgx.Batch{}
		b.Queue(keepRetoken, next.past, next.phase, next.token, next.bucket, next.seq, next.done, next.total,
			w.at.past, w.at.phase, w.at.token, w.at.bucket, w.at.seq)
		fn(b)
		return together(ctx, conn, b)
	})
	if err != nil {
		return err
	}
	w.at = next
	if w.r.Progress != nil && next.total > 0 && next.phase != phaseNone {
		w.r.Progress(next.done, next.total)
	}
	return nil
}

// begin writes the key row and that the change is under way. It waits for those who
// read or write tokens, and they for it.
func (w *retokening) begin(ctx context.Context) error {
	next := retoken{past: w.at.past, phase: phaseLinks, token: []byte{}, seq: -1}
	return w.inTurn(ctx, false, func(ctx context.Context, conn *pgx.Conn) error {
		b := &pgx.Batch{}
		b.Queue("SELECT set_config('lock_timeout', $1, true)", lockWait)
		b.Queue("DO 'BEGIN LOCK TABLE retoken IN ACCESS EXCLUSIVE MODE; END'") // by itself LOCK wants a BEGIN
		b.Queue(keepRetoken, next.past, next.phase, next.token, next.bucket, next.seq, 0, 0, w.at.past, phaseNone, w.at.token, w.at.bucket, w.at.seq)
		w.queueKeys(b, []vault.KeyWrite{*w.r.Row}, nil)
		for _, table := range []string{"link_next", "hold_next"} {
			for _, sql := range tokenTable(table) {
				b.Queue(sql)
			}
		}
		b.Queue("UPDATE retoken SET total = (SELECT count(*) FROM link) + (SELECT count(*) FROM hold) + (SELECT coalesce(sum(rows), 0) FROM batch) RETURNING total").
			QueryRow(func(row pgx.Row) error { return row.Scan(&next.total) })
		if err := together(ctx, conn, b); err != nil {
			return err
		}
		w.at = next
		return nil
	})
}

// copy writes a table's successor, a lot after the other in the order of the old tokens.
func (w *retokening) copy(ctx context.Context, table string, step func(token.Token) token.Token, mac func(token.Token, domain.ID) vault.MAC) error {
	for {
		var pairs []pair
		err := w.read(ctx, "retoken", func(ctx context.Context, conn *pgx.Conn) error {
			rows, err := conn.Query(ctx, "SELECT token, id, mac FROM "+table+" WHERE token > $1 ORDER BY token LIMIT $2", w.at.token, retokenLot)
			if err != nil {
				return err
			}
			pairs, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p pair, err error) {
				if err = row.Scan(&p.token, &p.id, &p.mac); err == nil && (len(p.token) != len(token.Token{}) || len(p.id) != 16) {
					err = errDamaged
				}
				return p, err
			})
			return err
		})
		if err != nil {
			return err
		}
		next := w.at
		if len(pairs) == 0 {
			next.phase, next.token = next.phase+1, []byte{}
			return w.write(ctx, next, func(*pgx.Batch) {})
		}
		next.token, next.done = bytes.Clone(pairs[len(pairs)-1].token), next.done+int64(len(pairs))
		for i := range pairs {
			t := step(token.Token(pairs[i].token))
			if pairs[i].token = bytes.Clone(t[:]); mac != nil {
				m := mac(t, domain.ID(pairs[i].id))
				pairs[i].mac = m[:]
			}
		}
		tokens, ids, macs := columns(pairs)
		err = w.write(ctx, next, func(b *pgx.Batch) {
			b.Queue("INSERT INTO "+table+"_next (token, id, mac) SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[])", tokens, ids, macs)
		})
		if err != nil {
			return err
		}
	}
}

// rows changes the tokens of a bucket's rows, or after the last bucket puts the new
// tables in the place of the old ones.
func (w *retokening) rows(ctx context.Context) error {
	next := w.at
	if w.at.bucket == len(w.buckets) {
		next.phase, next.bucket, next.done = phaseLog, 0, next.total
		return w.write(ctx, next, queueSwitch)
	}
	in := &w.buckets[w.at.bucket]
	lot, err := w.lot(ctx, in)
	if err != nil {
		return err
	}
	if len(lot.seqs) == 0 {
		if err := w.rewrite(ctx, []string{in.cell}); err != nil {
			return err
		}
		next.bucket, next.seq = next.bucket+1, -1
		return w.write(ctx, next, func(*pgx.Batch) {})
	}
	tokens, macs := make([][]byte, len(lot.rows)), make([][]byte, 0, len(lot.rows))
	for i := range lot.rows {
		r := &lot.rows[i]
		if err := w.r.Packed(r.Tokens); err != nil {
			return fmt.Errorf("vault: retoken: tokens of a row: %w", err)
		}
		if tokens[i] = r.Tokens; w.r.RowMAC != nil {
			m := w.r.RowMAC(r)
			macs = append(macs, m[:])
		}
	}
	next.seq, next.done = lot.seqs[len(lot.seqs)-1], next.done+int64(len(lot.seqs))
	return w.write(ctx, next, func(b *pgx.Batch) {
		b.Queue(in.retoken, lot.seqs, lot.ords, tokens)
		if len(macs) > 0 {
			b.Queue("UPDATE intake SET mac = v.m FROM (SELECT unnest($1::bigint[]) AS s, unnest($2::bytea[]) AS m) v WHERE seq = v.s", lot.seqs, macs)
		}
	})
}

// rowLot is rows that have tokens.
type rowLot struct {
	seqs []int64
	ords []int32
	rows []vault.Row
}

// lot reads the tokens behind the cursor, all of a row or none.
func (w *retokening) lot(ctx context.Context, in *bucket) (lot rowLot, err error) {
	err = w.read(ctx, "retoken", func(ctx context.Context, conn *pgx.Conn) error {
		lot = rowLot{}
		rows, err := conn.Query(ctx, in.tokens, w.at.seq, retokenLot)
		if err != nil {
			return err
		}
		var seq int64
		var ord int32
		var tokens, mac, event, owner []byte
		_, err = pgx.ForEachRow(rows, []any{&seq, &ord, &tokens, &mac, &event, &owner}, func() error {
			o, err := ownerOf(owner)
			if err != nil || len(event) != 16 {
				return errDamaged
			}
			lot.seqs, lot.ords = append(lot.seqs, seq), append(lot.ords, ord)
			lot.rows = append(lot.rows, vault.Row{Event: domain.ID(event), Owner: o, BodyMAC: bytes.Clone(mac), Tokens: bytes.Clone(tokens)})
			return nil
		})
		return err
	})
	return lot, err
}

// queueSwitch demands that nothing was lost on the way.
func queueSwitch(b *pgx.Batch) {
	for _, table := range []string{"link", "hold"} {
		b.Queue("SELECT refuse('" + codeTokens + "') WHERE (SELECT count(*) FROM " + table + ") <> (SELECT count(*) FROM " + table + "_next)")
		b.Queue("DROP TABLE " + table)
		b.Queue("ALTER TABLE " + table + "_next RENAME TO " + table)
		b.Queue("ALTER TABLE " + table + " RENAME CONSTRAINT " + table + "_next_token TO " + table + "_token")
	}
	b.Queue("ALTER TABLE retoken ALTER COLUMN total TYPE bigint USING total + 0") // its file holds tokens that were cursors
	b.Queue(markDirty(dirtyLog, "true"))
}
