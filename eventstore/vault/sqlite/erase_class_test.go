package sqlite

import (
	"bytes"
	"path/filepath"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// classes is a crowd whose secrets are told apart by what takes them: a class, a
// doom's tokens, a rewrite of the key row, a redaction.
type classes struct {
	*crowd
	parts   map[vault.PartID]sealed
	tokens  map[part.Owner][][]byte
	wrapped map[part.Owner][][]byte
	dead    [][]byte
}

type sealed struct {
	key   part.KeyID
	bytes []byte
}

func newClasses(t *testing.T, frozenAt int) *classes {
	return &classes{
		crowd: newCrowd(t, frozenAt), parts: map[vault.PartID]sealed{},
		tokens: map[part.Owner][][]byte{}, wrapped: map[part.Owner][][]byte{},
	}
}

func (c *classes) bytesOf(n int) []byte {
	b := make([]byte, n)
	_, _ = c.random.Read(b) // never fails
	return b
}

// rewrite is a key write of random size that may fit its slot or not.
func (c *classes) rewrite(o part.Owner) vault.KeyWrite {
	w := vault.KeyWrite{Owner: o, Rev: c.revs[o], Wrapped: c.bytesOf(c.size())}
	c.revs[o]++
	c.wrapped[o] = append(c.wrapped[o], w.Wrapped)
	return w
}

func (c *classes) record(rows int) {
	c.t.Helper()
	b := &vault.Batch{}
	written := map[part.Owner]bool{}
	for range rows {
		o, other := c.owners[c.pick.IntN(len(c.owners))], c.owners[c.pick.IntN(len(c.owners))]
		if !written[o] && (c.revs[o] == 0 || c.pick.IntN(3) == 0) {
			b.Keys = append(b.Keys, c.rewrite(o))
			written[o] = true
		}
		r := vault.Row{Event: c.id(), Fact: []byte("fact"), Owner: o, BodyMAC: c.bytesOf(16), Tokens: c.bytesOf(c.size())}
		c.tokens[o] = append(c.tokens[o], r.BodyMAC, r.Tokens)
		for _, k := range []part.KeyID{
			{Owner: o, Class: "identity", Epoch: "whole"}, {Owner: o, Class: "notes", Epoch: "whole"}, {Owner: other, Class: "contract", Epoch: "2026"},
		} {
			p := vault.Part{Key: k, Bytes: c.bytesOf(c.size())}
			r.Parts = append(r.Parts, p)
			c.parts[vault.PartID{Event: r.Event, Class: k.Class}] = sealed{k, p.Bytes}
		}
		b.Rows = append(b.Rows, r)
	}
	if _, err := c.s.Prepare(c.t.Context(), b); err != nil {
		c.t.Fatal(err)
	}
}

// doom destroys a class of an owner and moves what goes with it to the dead.
func (c *classes) doom(o part.Owner, class string, tokens bool) vault.Doom {
	d := vault.Doom{Owner: o, Keys: []vault.ClassEpoch{{Class: class, Epoch: "whole"}, {Class: class, Epoch: "2026"}}, Tokens: tokens}
	c.dead = append(c.dead, c.wrapped[o]...)
	c.wrapped[o] = nil
	w := c.rewrite(o)
	d.Row = &w
	for id, p := range c.parts {
		if p.key.Owner == o && p.key.Class == class {
			c.dead = append(c.dead, p.bytes)
			delete(c.parts, id)
		}
	}
	if tokens {
		c.dead = append(c.dead, c.tokens[o]...)
		delete(c.tokens, o)
	}
	return d
}

// alive demands that every part that was not destroyed, and no other, is there.
func (c *classes) alive() {
	c.t.Helper()
	n := 0
	err := c.s.Walk(c.t.Context(), func(event domain.ID, p vault.Part) error {
		n++
		if want := c.parts[vault.PartID{Event: event, Class: p.Key.Class}]; want.key != p.Key || !bytes.Equal(want.bytes, p.Bytes) {
			c.t.Error("a part that was not destroyed is not as it was")
		}
		return nil
	})
	if err != nil || n != len(c.parts) || n == 0 {
		c.t.Fatalf("%d parts walked, want %d: %v", n, len(c.parts), err)
	}
	for o, rev := range c.revs {
		keys, err := c.s.Keys(c.t.Context(), []part.Owner{o})
		if err != nil || keys[0].Rev != rev || !bytes.Equal(keys[0].Wrapped, c.wrapped[o][len(c.wrapped[o])-1]) {
			c.t.Fatal("a key row is not as it was written last", err)
		}
	}
}

// TestClassesLeaveNoByte searches every file of the vault, as TestDestroyLeavesNoByte
// does, for parts of destroyed classes, key rows that held their keys, tokens and
// redacted parts.
func TestClassesLeaveNoByte(t *testing.T) {
	t.Parallel()
	for _, frozenAt := range []int{40, frozenAt} {
		c := newClasses(t, frozenAt)
		for range 30 {
			c.owners = append(c.owners, part.SubjectOwner(c.id()))
		}
		for round := range 4 {
			for range 10 {
				c.record(1 + c.pick.IntN(30))
			}
			var dooms []vault.Doom
			class := []string{"identity", "notes", "contract"}[round%3]
			for i := range 8 {
				dooms = append(dooms, c.doom(c.owners[(round*5+i)%len(c.owners)], class, i%2 == 0))
			}
			if c.tracesOf(c.dead[:8]) == 0 && round == 0 {
				t.Fatal("the search finds nothing of what is there")
			}
			if err := c.s.Destroy(t.Context(), dooms); err != nil {
				t.Fatal(err)
			}
			if n := c.tracesOf(c.dead); n != 0 {
				t.Errorf("round %d: %d traces of destroyed classes", round, n)
			}
			c.redactSome(15)
			if n := c.tracesOf(c.dead); n != 0 {
				t.Errorf("round %d: %d traces of redacted parts", round, n)
			}
			c.alive()
		}
		if err := c.s.Close(); err != nil {
			t.Fatal(err)
		}
		if n := c.tracesOf(c.dead); n != 0 {
			t.Errorf("%d traces after Close", n)
		}
		c.s = openAt(t, filepath.Join(c.dir, "vault.db"))
		c.alive()
	}
}

func (c *classes) redactSome(n int) {
	c.t.Helper()
	var ids []vault.PartID
	for id, p := range c.parts {
		if len(ids) == n {
			break
		}
		ids = append(ids, id)
		c.dead = append(c.dead, p.bytes)
		delete(c.parts, id)
	}
	if err := c.s.Redact(c.t.Context(), ids); err != nil {
		c.t.Fatal(err)
	}
}
