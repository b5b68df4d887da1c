package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// tokened is a vault of many tokens, each of them known.
type tokened struct {
	*testing.T
	path   string
	s      *Store
	links  []vault.Link
	holds  []vault.Hold
	events []domain.ID
	rows   [][]byte
}

func idOf(kind string, i int) domain.ID {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, i))
	return domain.DeriveID(h[:])
}

func tokenOf(kind string, i int) token.Token {
	return sha256.Sum256(fmt.Appendf(nil, "token of %s %d", kind, i))
}

// tokenVault records batches of rows with a link and tokens each, and holds of which some
// are lifted; other batches come and go between.
func tokenVault(t *testing.T, path string, batches, rows, frozenAt int) *tokened {
	t.Helper()
	w := &tokened{T: t, path: path, s: openAt(t, path)}
	w.s.frozenAt = frozenAt
	n := 0
	for i := range batches {
		b := &vault.Batch{Done: []vault.Settled{{Number: int64(i)}}}
		for range rows {
			packed := bytes.Clone(slices.Concat(tokenBytes("row", n), tokenBytes("row'", n)))
			b.Rows = append(b.Rows, vault.Row{Event: idOf("event", n), Fact: []byte("fact"), Owner: part.SubjectOwner(idOf("owner", n)), Tokens: packed,
				BodyMAC: []byte("0123456789abcdef"), Parts: []vault.Part{{Key: part.KeyID{Owner: part.SubjectOwner(idOf("owner", n)), Class: "notes", Epoch: "whole"},
					Bytes: bytes.Repeat([]byte{byte(n)}, 300)}}})
			b.Links = append(b.Links, vault.Link{Token: tokenOf("link", n), ID: idOf("subject", n)})
			w.events, w.rows = append(w.events, idOf("event", n)), append(w.rows, packed)
			n++
		}
		b.Holds = []vault.Hold{{Token: tokenOf("hold", i), ID: idOf("item", i)}}
		if i%3 == 2 {
			b.Lifts = []token.Token{tokenOf("hold", i-1)}
		}
		if _, err := w.s.Prepare(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		w.links, w.holds = append(w.links, b.Links...), append(w.holds, b.Holds...)
	}
	return w
}

func tokenBytes(kind string, i int) []byte {
	t := tokenOf(kind, i)
	return t[:]
}

func next(kind string, t token.Token) token.Token {
	return sha256.Sum256(append([]byte(kind), t[:]...))
}

func change(generation int, row *vault.KeyWrite) vault.Retoken {
	return vault.Retoken{Generation: generation, Row: row,
		Link: func(t token.Token) token.Token { return next("link", t) },
		Hold: func(t token.Token) token.Token { return next("hold", t) },
		Packed: func(b []byte) error {
			for i := 0; i < len(b); i += 32 {
				t := next("row", token.Token(b[i:]))
				copy(b[i:], t[:])
			}
			return nil
		}}
}

func pepperRow(rev int64) *vault.KeyWrite {
	return &vault.KeyWrite{Owner: part.LedgerOwner(), Rev: rev, Wrapped: []byte("peppers")}
}

// changed demands that the vault shows the tokens of after one change, or before.
func (w *tokened) changed(yes bool) {
	w.Helper()
	tokens := make([]token.Token, len(w.links))
	for i, l := range w.links {
		if tokens[i] = l.Token; yes {
			tokens[i] = next("link", l.Token)
		}
	}
	ids, err := w.s.Links(w.Context(), tokens)
	if err != nil {
		w.Fatal(err)
	}
	for i, l := range w.links {
		if ids[i] != l.ID {
			w.Fatalf("link %d of %d is lost", i, len(w.links))
		}
	}
	rows, err := w.s.Tokens(w.Context(), w.events)
	if err != nil {
		w.Fatal(err)
	}
	for i := range rows {
		want := bytes.Clone(w.rows[i])
		if yes {
			_ = change(2, nil).Packed(want) // never fails
		}
		if !bytes.Equal(rows[i], want) {
			w.Fatalf("tokens of row %d of %d are wrong", i, len(rows))
		}
	}
}

// TestRetokenLeavesNoByte: with links in trees, in journals, swept before, moved and
// lifted, no eight bytes of any old token are in any file; all new ones are.
func TestRetokenLeavesNoByte(t *testing.T) {
	t.Parallel()
	for _, frozenAt := range []int{1, 7, 300, 1 << 18} {
		dir := t.TempDir()
		w := tokenVault(t, filepath.Join(dir, "vault.db"), 60, 20, frozenAt)
		c := &crowd{t: t, dir: dir, s: w.s}
		old, young := w.secrets(false), w.secrets(true)
		if c.tracesOf(old) == 0 {
			t.Fatal("the search finds no token")
		}
		if err := w.s.Retoken(t.Context(), change(2, pepperRow(0))); err != nil {
			t.Fatal(err)
		}
		if n := c.tracesOf(old); n != 0 {
			t.Errorf("sweeping at %d: %d traces of old tokens", frozenAt, n)
		}
		if c.tracesOf(young) == 0 {
			t.Error("no new token is in the files")
		}
		w.changed(true)
		if info, err := os.Stat(w.path + "-wal"); err != nil || info.Size() > 1<<20 {
			t.Errorf("the write-ahead log: %v", err)
		}
	}
}

func (w *tokened) secrets(changed bool) (all [][]byte) {
	step := change(2, nil)
	for _, l := range w.links {
		if changed {
			l.Token = step.Link(l.Token)
		}
		all = append(all, l.Token[:])
	}
	for _, h := range w.holds {
		if changed {
			h.Token = step.Hold(h.Token)
		}
		all = append(all, h.Token[:])
	}
	for _, b := range w.rows {
		if b = bytes.Clone(b); changed {
			_ = step.Packed(b) // never fails
		}
		all = append(all, b)
	}
	return all
}

// TestRetokenStops makes every statement of a change fail in turn, as an error of
// the file that stops the store, and reopens: the tokens are of before, or they are
// hidden and the same call without its row finishes, and leaves no byte.
func TestRetokenStops(t *testing.T) {
	t.Parallel()
	const step = 7 // statements: a full round would take minutes
	starts := step
	if testing.Short() { // each seventh statement, as under the race detector
		starts = 1
	}
	var wg sync.WaitGroup
	for from := range starts {
		wg.Go(func() {
			for k := from; ; k += step {
				if !stopsAt(t, k) {
					if k < 60 {
						t.Errorf("only %d statements struck", k)
					}
					return
				}
			}
		})
	}
	wg.Wait()
}

func stopsAt(t *testing.T, k int) (struck bool) {
	dir := t.TempDir()
	w := tokenVault(t, filepath.Join(dir, "vault.db"), 5, 3, 6)
	if err := w.s.Close(); err != nil {
		t.Error(err)
	}
	p := &plan{}
	s := openFaulty(t, w.path, p)
	s.limits = retokenLimits{sort: 6, some: 3, chunks: 1, sweep: 4}
	*p = plan{skip: k, err: coded(sqlite3.SQLITE_IOERR_WRITE), kept: k%2 == 0}
	err := s.Retoken(t.Context(), change(2, pepperRow(0)))
	*p = plan{}
	if err == nil {
		return false
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	w.s = openAt(t, w.path)
	g, err := w.s.Generation(t.Context())
	keys, err2 := w.s.Keys(t.Context(), []part.Owner{part.LedgerOwner()})
	if err := errors.Join(err, err2); err != nil {
		t.Error(err)
		return true
	}
	began := g.Under || g.Tokens == 2
	if keys[0].Rev == 1 != began {
		t.Errorf("statement %d: %+v, the key row has revision %d", k, g, keys[0].Rev)
	}
	if _, err := w.s.Tokens(t.Context(), w.events); errors.Is(err, vault.ErrRetoken) != g.Under {
		t.Errorf("statement %d: %+v, tokens: %v", k, g, err)
	}
	switch {
	case g.Under:
		err = w.s.Retoken(t.Context(), change(2, nil))
	case g.Tokens == 1:
		w.changed(false)
		err = w.s.Retoken(t.Context(), change(2, pepperRow(0)))
	}
	if err != nil {
		t.Errorf("statement %d: finishing: %v", k, err)
		return true
	}
	w.changed(true)
	c := &crowd{t: t, dir: dir, s: w.s}
	if n := c.tracesOf(w.secrets(false)); n != 0 {
		t.Errorf("statement %d: %d traces of old tokens", k, n)
	}
	return true
}

// TestRetokenKilled copies the files at every report, as a kill would leave them,
// and finishes each copy.
func TestRetokenKilled(t *testing.T) {
	t.Parallel()
	w := tokenVault(t, filepath.Join(t.TempDir(), "vault.db"), 8, 5, 20)
	w.s.limits = retokenLimits{sort: 15, some: 10, chunks: 1, sweep: 40}
	r := change(2, pepperRow(0))
	var copies []string
	r.Progress = func(int64, int64) {
		dir := t.TempDir()
		for _, name := range []string{"vault.db", "vault.db-wal"} {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(w.path), name))
			if err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Error(err)
			}
		}
		copies = append(copies, dir)
	}
	if err := w.s.Retoken(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if len(copies) < 15 {
		t.Fatalf("only %d reports", len(copies))
	}
	for i, dir := range copies {
		x := *w
		x.s = openAt(t, filepath.Join(dir, "vault.db"))
		if g, err := x.s.Generation(t.Context()); err != nil || g != (vault.Generation{Tokens: 1, Under: true}) {
			t.Errorf("copy %d: %+v %v", i, g, err)
		}
		if err := x.s.Retoken(t.Context(), change(2, nil)); err != nil {
			t.Errorf("copy %d: %v", i, err)
			continue
		}
		x.changed(true)
		if n := (&crowd{t: t, dir: dir, s: x.s}).tracesOf(x.secrets(false)); n != 0 {
			t.Errorf("copy %d: %d traces of old tokens", i, n)
		}
	}
}

// TestRetokenBeside: readers, destructions and writers of keys go on beside; what
// goes by tokens answers of before, of after, or that it cannot.
func TestRetokenBeside(t *testing.T) {
	t.Parallel()
	w := tokenVault(t, filepath.Join(t.TempDir(), "vault.db"), 30, 20, 200)
	w.s.limits = retokenLimits{sort: 100, some: 20, chunks: 2, sweep: 100}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	const destroyed = 40
	wg.Go(func() {
		for i := range destroyed {
			if err := w.s.Destroy(t.Context(), vault.Whole(part.SubjectOwner(idOf("owner", 15*i)))); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i = (i + 1) % len(w.links) {
			l := w.links[i]
			ids, err := w.s.Links(t.Context(), []token.Token{l.Token, next("link", l.Token)})
			if errors.Is(err, vault.ErrRetoken) {
				continue
			}
			if err != nil || ids[0] == ids[1] {
				t.Errorf("link %d: %v %v", i, ids, err)
			}
		}
	})
	if err := w.s.Retoken(t.Context(), change(2, pepperRow(0))); err != nil {
		t.Error(err)
	}
	stop()
	wg.Wait()
	for i := range destroyed {
		w.rows[15*i] = nil
	}
	w.changed(true)
}

// TestRetokenMigrates: a file of before there were generations is of the first.
func TestRetokenMigrates(t *testing.T) {
	t.Parallel()
	w := tokenVault(t, filepath.Join(t.TempDir(), "vault.db"), 2, 3, 6)
	if err := w.s.w.script("DROP TABLE retoken; DROP TABLE lease; DROP TABLE fence; DELETE FROM state WHERE name='end'"); err != nil {
		t.Fatal(err)
	}
	withoutMACs(t, w.s, 2)
	w.s = openAt(t, w.path)
	if g, err := w.s.Generation(t.Context()); err != nil || g != (vault.Generation{Tokens: 1}) {
		t.Errorf("%+v %v", g, err)
	}
	w.changed(false)
	if err := w.s.Retoken(t.Context(), change(2, pepperRow(0))); err != nil {
		t.Fatal(err)
	}
	w.changed(true)
}

// TestRetokenLostWrite: entries that got lost without an error end the change before
// the old ones go.
func TestRetokenLostWrite(t *testing.T) {
	t.Parallel()
	w := tokenVault(t, filepath.Join(t.TempDir(), "vault.db"), 3, 3, 6)
	if err := w.s.Close(); err != nil {
		t.Fatal(err)
	}
	p := &plan{}
	s := openFaulty(t, w.path, p)
	*p = plan{sql: "INSERT OR REPLACE INTO link_next", skip: 2, lost: true}
	if err := s.Retoken(t.Context(), change(2, pepperRow(0))); !errors.Is(err, errDamaged) {
		t.Errorf("a lost entry: %v", err)
	}
	*p = plan{}
	if n, err := s.w.one("SELECT count(*) FROM link"); err != nil || n != int64(len(w.links)) {
		t.Errorf("%d links are left: %v", n, err)
	}
}
