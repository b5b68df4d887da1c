package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// crowd is owners whose every personal byte string is remembered.
type crowd struct {
	t       *testing.T
	dir     string
	s       *Store
	random  *rand.ChaCha8
	pick    *rand.Rand
	revs    map[part.Owner]int64
	secrets map[part.Owner][][]byte
	owners  []part.Owner
}

func newCrowd(t *testing.T, frozenAt int) *crowd {
	c := &crowd{
		t: t, dir: t.TempDir(), random: rand.NewChaCha8([32]byte{7}), pick: rand.New(rand.NewPCG(3, 4)),
		revs: map[part.Owner]int64{}, secrets: map[part.Owner][][]byte{},
	}
	c.s = openAt(t, filepath.Join(c.dir, "vault.db"))
	c.s.frozenAt = frozenAt
	return c
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // tests that close look at the error
	return s
}

// secret is n random bytes of an owner.
func (c *crowd) secret(o part.Owner, n int) []byte {
	b := make([]byte, n)
	_, _ = c.random.Read(b) // never fails
	c.secrets[o] = append(c.secrets[o], b)
	return b
}

func (c *crowd) id() domain.ID {
	var id domain.ID
	_, _ = c.random.Read(id[:]) // never fails
	return id
}

// size is mostly small, sometimes more than a page.
func (c *crowd) size() int {
	if c.pick.IntN(40) == 0 {
		return 3000 + c.pick.IntN(9000)
	}
	return 16 + c.pick.IntN(500)
}

// record prepares a batch of rows for owners drawn from among; new owners get
// keys, old ones theirs rewritten now and then.
func (c *crowd) record(rows int, among []part.Owner) {
	c.t.Helper()
	b := &vault.Batch{}
	written := map[part.Owner]bool{}
	for range rows {
		o, other := among[c.pick.IntN(len(among))], among[c.pick.IntN(len(among))]
		for _, o := range []part.Owner{o, other} {
			if !written[o] && (c.revs[o] == 0 || c.pick.IntN(4) == 0) {
				b.Keys = append(b.Keys, vault.KeyWrite{Owner: o, Rev: c.revs[o], Wrapped: c.secret(o, c.size())})
				c.revs[o]++
				written[o] = true
			}
		}
		b.Rows = append(b.Rows, vault.Row{
			Event: c.id(), Fact: []byte("fact"), Owner: o, BodyMAC: c.secret(o, 16), Tokens: c.secret(o, c.size()),
			Parts: []vault.Part{
				{Key: part.KeyID{Owner: o, Class: "identity", Epoch: "whole"}, Bytes: c.secret(o, c.size())},
				{Key: part.KeyID{Owner: other, Class: "notes", Epoch: "whole"}, Bytes: c.secret(other, c.size())},
			},
		})
	}
	if _, err := c.s.Prepare(c.t.Context(), b); err != nil {
		c.t.Fatal(err)
	}
}

// window is how many bytes in a row count as a trace.
const window = 8

// traces counts the windows of the owners' secrets that are in any file.
func (c *crowd) traces(owners []part.Owner) (n int) {
	c.t.Helper()
	var secrets [][]byte
	for _, o := range owners {
		secrets = append(secrets, c.secrets[o]...)
	}
	return c.tracesOf(secrets)
}

func (c *crowd) tracesOf(secrets [][]byte) (n int) {
	c.t.Helper()
	seek := map[uint64]bool{}
	for _, s := range secrets {
		for i := 0; i+window <= len(s); i += window {
			seek[binary.BigEndian.Uint64(s[i:])] = true
		}
	}
	files, err := os.ReadDir(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(c.dir, f.Name()))
		if err != nil {
			c.t.Fatal(err)
		}
		var at uint64
		for _, x := range b {
			if at = at<<8 | uint64(x); seek[at] {
				n++
			}
		}
	}
	return n
}

// TestDestroyLeavesNoByte searches every file of the vault for eight bytes in a
// row of anything destroyed, wrapped keys of earlier revisions included, with
// rows recorded before, between and after.
func TestDestroyLeavesNoByte(t *testing.T) {
	t.Parallel()
	for _, frozenAt := range []int{40, frozenAt} {
		c := newCrowd(t, frozenAt)
		for range 60 {
			c.owners = append(c.owners, part.SubjectOwner(c.id()))
		}
		live := slices.Clone(c.owners)
		var dead []part.Owner
		for round := range 4 {
			for range 12 {
				c.record(1+c.pick.IntN(30), live)
			}
			if c.traces(live) == 0 {
				t.Fatal("the search finds nothing of those who are there")
			}
			from := (round * 7) % (len(live) - 10)
			kill := slices.Clone(live[from : from+10])
			if err := c.s.Destroy(t.Context(), vault.Whole(kill...)); err != nil {
				t.Fatal(err)
			}
			live = slices.Delete(live, from, from+10)
			dead = append(dead, kill...)
			if n := c.traces(dead); n != 0 {
				t.Errorf("round %d: %d traces of destroyed owners", round, n)
			}
		}
		c.intact(live)
		if err := c.s.Close(); err != nil {
			t.Fatal(err)
		}
		if n := c.traces(dead); n != 0 {
			t.Errorf("%d traces of destroyed owners after Close", n)
		}
		c.s = openAt(t, filepath.Join(c.dir, "vault.db"))
		c.intact(live)
	}
}

// intact demands that every secret of the living but old wrapped keys can be
// read.
func (c *crowd) intact(live []part.Owner) {
	c.t.Helper()
	have := map[string]bool{}
	err := c.s.Walk(c.t.Context(), func(_ domain.ID, p vault.Part) error {
		have[string(p.Bytes)] = true
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	parts := 0
	for _, o := range live {
		for _, s := range c.secrets[o] {
			if have[string(s)] {
				parts++
			}
		}
	}
	keys, err := c.s.Keys(c.t.Context(), live)
	if err != nil || parts != len(have) || parts == 0 {
		c.t.Fatalf("%d parts walked, %d of them of the living: %v", len(have), parts, err)
	}
	for i, o := range live {
		if keys[i].Rev != c.revs[o] || !slices.ContainsFunc(c.secrets[o], func(s []byte) bool { return slices.Equal(s, keys[i].Wrapped) }) {
			c.t.Fatal("a living owner's key row is not as it was written")
		}
	}
}

// TestDestroyWaitsForForeignReader shows that a reader of another connection
// that pins the write-ahead log turns into an error, and that the same call
// finishes when it is gone.
func TestDestroyWaitsForForeignReader(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, frozenAt)
	o := part.SubjectOwner(c.id())
	c.record(20, []part.Owner{o})
	foreign, err := newConn(openDriver, "file:"+c.s.path, []string{"busy_timeout=0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.s.w.exec("PRAGMA busy_timeout=1"); err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.exec("BEGIN"); err != nil {
		t.Fatal(err)
	}
	if n, err := foreign.one("SELECT count(*) FROM chunk"); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if err := c.s.Destroy(t.Context(), vault.Whole(o)); err == nil || c.traces([]part.Owner{o}) == 0 {
		t.Errorf("destroyed under a reader that pins the log: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.s.empty(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("emptying does not heed its context: %v", err)
	}
	if err := foreign.close(); err != nil {
		t.Fatal(err)
	}
	if err := c.s.Destroy(t.Context(), vault.Whole(o)); err != nil {
		t.Error(err)
	}
	if n := c.traces([]part.Owner{o}); n != 0 {
		t.Errorf("%d traces", n)
	}
}
