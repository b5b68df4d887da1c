//go:build real

package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/postgres/pgtest"
)

// crowd is owners in a cluster of their own whose every personal byte string is
// remembered.
type crowd struct {
	t       *testing.T
	cluster *pgtest.Cluster
	url     string
	s       *Store
	random  *rand.ChaCha8
	pick    *rand.Rand
	revs    map[part.Owner]int64
	secrets map[part.Owner][][]byte
	rows    []vault.Row
}

func newCrowd(t *testing.T, buckets int) *crowd {
	c := &crowd{
		t: t, cluster: pgtest.Start(t), random: rand.NewChaCha8([32]byte{7}), pick: rand.New(rand.NewPCG(3, 4)),
		revs: map[part.Owner]int64{}, secrets: map[part.Owner][][]byte{},
	}
	c.url = c.cluster.URL(t)
	c.s = openAt(t, Config{URL: c.url, Buckets: buckets})
	return c
}

// secret is n random bytes of an owner.
func (c *crowd) secret(o part.Owner, n int) []byte {
	b := c.bytes(n)
	c.secrets[o] = append(c.secrets[o], b)
	return b
}

func (c *crowd) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = c.random.Read(b) // never fails
	return b
}

func (c *crowd) id() domain.ID { return domain.ID(c.bytes(16)) }

// size is mostly small, sometimes more than a page.
func (c *crowd) size() int {
	if c.pick.IntN(40) == 0 {
		return 3000 + c.pick.IntN(9000)
	}
	return 16 + c.pick.IntN(500)
}

// record prepares a batch of rows for owners drawn from among; new owners get keys,
// old ones theirs rewritten now and then.
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
			Event: c.id(), Fact: []byte("fact"), Owner: o, BodyMAC: c.secret(o, 16), Tokens: c.secret(o, 32),
			Parts: []vault.Part{
				{Key: part.KeyID{Owner: o, Class: "identity", Epoch: "whole"}, Bytes: c.secret(o, c.size())},
				{Key: part.KeyID{Owner: other, Class: "notes", Epoch: "whole"}, Bytes: c.secret(other, c.size())},
			},
		})
	}
	if _, err := c.s.Prepare(c.t.Context(), b); err != nil {
		c.t.Fatal(err)
	}
	c.rows = append(c.rows, b.Rows...)
}

func (c *crowd) owners(n int) (all []part.Owner) {
	for range n {
		all = append(all, part.SubjectOwner(c.id()))
	}
	return all
}

// window is how many bytes in a row count as a trace.
const window = 8

func (c *crowd) traces(owners []part.Owner) map[string]int {
	c.t.Helper()
	var secrets [][]byte
	for _, o := range owners {
		secrets = append(secrets, c.secrets[o]...)
	}
	return c.tracesOf(secrets)
}

// tracesOf counts the windows of secrets in every file of the server, by directory.
func (c *crowd) tracesOf(secrets [][]byte) map[string]int {
	c.t.Helper()
	seek := newWindows(secrets)
	found := map[string]int{}
	err := filepath.WalkDir(c.cluster.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return gone(err)
		}
		n, err := seek.search(path)
		if n > 0 {
			name, _ := filepath.Rel(c.cluster.Dir(), filepath.Dir(path)) // both are absolute
			found[name] += n
		}
		return gone(err)
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

// gone lets a file go that the server removed meanwhile.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// windows are byte strings to look for, with a filter before them.
type windows struct {
	all  map[uint64]bool
	some []uint64
}

const filterBits = 22

func newWindows(secrets [][]byte) *windows {
	w := &windows{all: map[uint64]bool{}, some: make([]uint64, 1<<filterBits/64)}
	for _, s := range secrets {
		for i := 0; i+window <= len(s); i += window {
			x := binary.BigEndian.Uint64(s[i:])
			w.all[x] = true
			w.some[x>>(70-filterBits)] |= 1 << (x >> (64 - filterBits) & 63)
		}
	}
	return w
}

func (w *windows) count(b []byte) (n int) {
	var at uint64
	for _, x := range b {
		at = at<<8 | uint64(x)
		if w.some[at>>(70-filterBits)]&(1<<(at>>(64-filterBits)&63)) != 0 && w.all[at] {
			n++
		}
	}
	return n
}

func (w *windows) search(path string) (int, error) {
	b, err := os.ReadFile(path)
	return w.count(b), err
}

func (c *crowd) none(what string, found map[string]int) {
	c.t.Helper()
	if len(found) > 0 {
		c.t.Errorf("%s: traces of what was destroyed, by directory: %v", what, found)
	}
}

// settle has the server do what it does by itself sooner or later, so that a copy
// that it makes on the way is found.
func (c *crowd) settle(sql string) {
	c.t.Helper()
	if err := c.cluster.Exec(c.t.Context(), "vault1", sql); err != nil {
		c.t.Fatal(err)
	}
}

// TestDestroyLeavesNoByte searches every file of the server, its log files and its log
// among them, for eight bytes in a row of anything destroyed, wrapped keys of earlier
// revisions included, with rows recorded before, between and after, over a kill and a
// stop of the server.
func TestDestroyLeavesNoByte(t *testing.T) {
	t.Parallel()
	for _, buckets := range []int{1, 8} {
		t.Run(fmt.Sprintf("%d buckets", buckets), func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, buckets)
			live := c.owners(60)
			var dead []part.Owner
			for round := range 4 {
				for range 12 {
					c.record(1+c.pick.IntN(30), live)
				}
				c.settle("ANALYZE")
				if len(c.traces(live)) == 0 {
					t.Fatal("the search finds nothing of those who are there")
				}
				from := (round * 7) % (len(live) - 10)
				kill := slices.Clone(live[from : from+10])
				if err := c.s.Destroy(t.Context(), vault.Whole(kill...)); err != nil {
					t.Fatal(err)
				}
				live = slices.Delete(live, from, from+10)
				dead = append(dead, kill...)
				c.none(fmt.Sprintf("round %d", round), c.traces(dead))
			}
			c.settle("VACUUM ANALYZE")
			c.settle("CHECKPOINT")
			c.none("after the server's own work", c.traces(dead))
			c.intact(live)
			for _, end := range []func(testing.TB){c.cluster.Kill, c.cluster.Stop} {
				end(t)
				c.none("of a server that ended", c.traces(dead))
				c.cluster.StartAgain(t)
				c.none("after a restart", c.traces(dead))
				c.intact(live)
			}
		})
	}
}

// intact demands that every secret of the living but old wrapped keys can be read.
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

// TestClassAndPartLeaveNoByte is the same of one class of each owner, with their body
// MACs, tokens and earlier key rows, and of single parts.
func TestClassAndPartLeaveNoByte(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4)
	live := c.owners(12)
	for range 10 {
		c.record(20, live)
	}
	var secrets [][]byte
	var dooms []vault.Doom
	for i, o := range live[:4] {
		for _, r := range c.rows {
			if r.Owner == o {
				secrets = append(secrets, r.BodyMAC, r.Tokens, r.Parts[0].Bytes)
			}
		}
		keys, err := c.s.Keys(t.Context(), []part.Owner{o})
		if err != nil {
			t.Fatal(err)
		}
		d := vault.Doom{Owner: o, Keys: []vault.ClassEpoch{{Class: "identity", Epoch: "whole"}}, Tokens: i%2 == 0, Indexed: i%2 == 1}
		d.Row = &vault.KeyWrite{Owner: o, Rev: keys[0].Rev, Wrapped: c.bytes(80)}
		secrets, dooms = append(secrets, keys[0].Wrapped), append(dooms, d)
	}
	if err := c.s.Destroy(t.Context(), dooms); err != nil {
		t.Fatal(err)
	}
	c.none("classes", c.tracesOf(secrets))
	var parts []vault.PartID
	for _, r := range c.rows[:40] {
		parts = append(parts, vault.PartID{Event: r.Event, Class: "notes"})
		secrets = append(secrets, r.Parts[1].Bytes)
	}
	if len(c.tracesOf(secrets)) == 0 {
		t.Fatal("the search finds nothing of the parts that are there")
	}
	if err := c.s.Redact(t.Context(), parts); err != nil {
		t.Fatal(err)
	}
	c.none("parts", c.tracesOf(secrets))
}

// TestRetokenLeavesNoToken is the same of every old token, of links that went too.
func TestRetokenLeavesNoToken(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4)
	live := c.owners(20)
	var secrets [][]byte
	for range 8 {
		c.record(20, live)
		b := &vault.Batch{}
		for range 50 {
			l, h := token.Token(c.bytes(32)), token.Token(c.bytes(32))
			b.Links, b.Holds = append(b.Links, vault.Link{Token: l, ID: c.id()}), append(b.Holds, vault.Hold{Token: h, ID: c.id()})
			secrets = append(secrets, l[:], h[:])
		}
		if _, err := c.s.Prepare(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		gone := &vault.Batch{Lifts: []token.Token{b.Holds[0].Token}, Moves: []vault.Move{{Token: b.Links[0].Token, From: b.Links[0].ID}}}
		if _, err := c.s.Prepare(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range c.rows {
		secrets = append(secrets, r.Tokens)
	}
	c.settle("ANALYZE")
	flip := func(b []byte) error {
		for i := range b {
			b[i] ^= 0x5a
		}
		return nil
	}
	step := func(t token.Token) token.Token { _ = flip(t[:]); return t } // never fails
	ctx, cancel := context.WithCancel(t.Context())
	r := vault.Retoken{
		Generation: 2, Row: &vault.KeyWrite{Owner: part.LedgerOwner(), Wrapped: c.bytes(80)}, Link: step, Hold: step, Packed: flip,
		Progress: func(int64, int64) { cancel() },
	}
	if err := c.s.Retoken(ctx, r); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(c.tracesOf(secrets)) == 0 {
		t.Fatal("the search finds nothing of tokens that are there")
	}
	r.Row, r.Progress = nil, nil
	if err := c.s.Retoken(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	c.none("tokens", c.tracesOf(secrets))
	c.settle("VACUUM ANALYZE")
	c.none("tokens, later", c.tracesOf(secrets))
}
