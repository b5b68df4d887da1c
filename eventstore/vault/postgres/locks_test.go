//go:build real

package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// outsider is a connection that is no node's.
func outsider(t *testing.T, url string) *pgx.Conn {
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // it changed nothing that is looked at
	return conn
}

// waiting waits until n of a database's connections wait for a lock, or done is closed.
func waiting(t *testing.T, conn *pgx.Conn, n int, done <-chan struct{}) {
	t.Helper()
	end := time.Now().Add(healed)
	for {
		have := 0
		err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&have)
		if err != nil || time.Now().After(end) {
			t.Fatalf("%d connections wait for a lock: %v", have, err)
		}
		select {
		case <-done:
			return
		default:
		}
		if have >= n {
			return
		}
	}
}

// TestCheckHoldsUntilCommit stops a batch after it has checked its owner and before it
// stores the owner's parts: whoever destroys the owner meanwhile waits for it.
func TestCheckHoldsUntilCommit(t *testing.T) {
	t.Parallel()
	for name, rev := range map[string]int64{"an owner with keys": 1, "one without": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := cluster.URL(t)
			s := openAt(t, Config{URL: u, Buckets: 1})
			l := newLoad()
			o, tok := part.SubjectOwner(domain.ID(l.bytes(16))), token.Token(l.bytes(32))
			if rev == 1 {
				if err := s.RewriteKeys(t.Context(), []vault.KeyWrite{{Owner: o, Wrapped: l.bytes(30)}}); err != nil {
					t.Fatal(err)
				}
			}
			blocker, eye := outsider(t, u), outsider(t, u)
			tx, err := blocker.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "INSERT INTO greffe.hold VALUES ($1, $1)", tok[:]); err != nil {
				t.Fatal(err)
			}
			r := l.row(o)
			prepared, destroyed, over := make(chan error, 1), make(chan error, 1), make(chan struct{})
			go func() {
				_, err := s.Prepare(t.Context(), &vault.Batch{Rows: []vault.Row{r}, Touch: []vault.KeyCheck{{Owner: o, Rev: rev}}, Holds: []vault.Hold{{Token: tok, ID: o.ID}}})
				prepared <- err
			}()
			waiting(t, eye, 1, nil)
			go func() {
				defer close(over)
				destroyed <- s.Destroy(t.Context(), vault.Whole(o))
			}()
			waiting(t, eye, 2, over)
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-prepared; err != nil {
				t.Errorf("prepare: %v", err)
			}
			if err := <-destroyed; err != nil {
				t.Errorf("destroy: %v", err)
			}
			parts, err := s.Parts(t.Context(), []vault.PartID{{Event: r.Event, Class: "identity"}})
			if err != nil || parts[0] != nil {
				t.Errorf("a part outlives its owner (%v)", err)
			}
		})
	}
}

// TestSnapshotHoldsBuckets stops a snapshot between the look that fixes its instant and
// the copy of the buckets: none is rewritten meanwhile, which would empty it.
func TestSnapshotHoldsBuckets(t *testing.T) {
	t.Parallel()
	u := cluster.URL(t)
	s, hasty := openAt(t, Config{URL: u, Buckets: 1}), openAt(t, Config{URL: u, Limit: 300 * time.Millisecond})
	l := newLoad()
	b := l.fresh(6)
	if _, err := s.Prepare(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	blocker, eye := outsider(t, u), outsider(t, u)
	tx, err := blocker.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE greffe.fence IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	type result struct {
		r   transfer.Reader
		err error
	}
	made := make(chan result, 1)
	go func() {
		r, err := s.Snapshot(t.Context())
		made <- result{r, err}
	}()
	waiting(t, eye, 1, nil)
	dead := b.Rows[0].Owner
	if err := hasty.Destroy(t.Context(), vault.Whole(dead)); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("destroyed under a snapshot in the making: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := <-made
	if got.err != nil {
		t.Fatal(got.err)
	}
	parts := 0
	err = got.r.Each(t.Context(), func(r transfer.Record) error {
		if row, ok := r.(transfer.Row); ok {
			parts += len(row.Parts)
		}
		return nil
	})
	if err := errors.Join(err, got.r.Close()); err != nil || parts != 12 {
		t.Errorf("%d of 12 parts in the snapshot (%v)", parts, err)
	}
	if err := s.Destroy(t.Context(), vault.Whole(dead)); err != nil {
		t.Error(err)
	}
}
