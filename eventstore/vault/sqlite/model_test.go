package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/memory"
)

// few draws from so small a set that things meet.
func few(t *rapid.T, name string) byte { return rapid.ByteRange(1, 9).Draw(t, name) }

func owner(t *rapid.T) part.Owner {
	return part.Owner{Kind: part.OwnerKind(rapid.ByteRange(1, 2).Draw(t, "kind")), ID: domain.ID{few(t, "owner")}}
}

func drawBytes(t *rapid.T, name string) []byte {
	return bytes.Repeat([]byte{rapid.Byte().Draw(t, name)}, rapid.SampledFrom([]int{1, 17, 200, 5000}).Draw(t, "length"))
}

func drawBatch(t *rapid.T) *vault.Batch {
	b := &vault.Batch{Base: domain.Position(few(t, "base")), Done: []vault.Settled{{Number: int64(few(t, "done")) - 1, Base: domain.Position(few(t, "settled"))}}}
	for range rapid.IntRange(0, 4).Draw(t, "rows") {
		r := vault.Row{
			Event: domain.ID{few(t, "event"), rapid.ByteRange(0, 5).Draw(t, "event")}, Fact: drawBytes(t, "fact"),
			Owner: owner(t), BodyMAC: drawBytes(t, "mac")[:1], Tokens: drawBytes(t, "tokens"),
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "parts") {
			key := part.KeyID{Owner: owner(t), Class: fmt.Sprint("class", i), Epoch: "2026"}
			r.Parts = append(r.Parts, vault.Part{Key: key, Bytes: drawBytes(t, "part")})
		}
		b.Rows = append(b.Rows, r)
	}
	for range rapid.IntRange(0, 1).Draw(t, "links") {
		b.Links = append(b.Links, vault.Link{Token: token.Token{few(t, "token"), rapid.ByteRange(0, 1).Draw(t, "token")}, ID: domain.ID{rapid.ByteRange(1, 3).Draw(t, "id")}})
	}
	for range rapid.IntRange(0, 1).Draw(t, "moves") {
		id := func(name string) domain.ID { return domain.ID{rapid.ByteRange(0, 3).Draw(t, name)} }
		b.Moves = append(b.Moves, vault.Move{
			Token: token.Token{few(t, "token"), rapid.ByteRange(0, 1).Draw(t, "token")}, From: id("from"), To: id("to"),
		})
	}
	b.Keys = drawKeys(t)
	for range rapid.IntRange(0, 1).Draw(t, "checks") {
		b.Touch = append(b.Touch, vault.KeyCheck{Owner: owner(t), Rev: int64(rapid.IntRange(0, 2).Draw(t, "rev"))})
	}
	for range rapid.IntRange(0, 2).Draw(t, "holds") {
		b.Holds = append(b.Holds, vault.Hold{Token: token.Token{few(t, "hold")}, ID: domain.ID{few(t, "id")}})
		b.Lifts = append(b.Lifts, token.Token{few(t, "lift")})
	}
	return b
}

func drawKeys(t *rapid.T) (w []vault.KeyWrite) {
	for range rapid.IntRange(0, 2).Draw(t, "keys") {
		w = append(w, vault.KeyWrite{Owner: owner(t), Rev: int64(rapid.IntRange(0, 2).Draw(t, "rev")), Wrapped: drawBytes(t, "wrapped")})
	}
	return w
}

// drawDoom draws whole owners and classes, right and stale and contradicting.
func drawDoom(t *rapid.T) vault.Doom {
	d := vault.Doom{Owner: owner(t), By: domain.ID{few(t, "by")}, At: int64(few(t, "at"))}
	for i := range rapid.IntRange(0, 2).Draw(t, "keys") {
		d.Keys = append(d.Keys, vault.ClassEpoch{Class: fmt.Sprint("class", i), Epoch: "2026"})
	}
	if len(d.Keys) > 0 || few(t, "wrong") == 1 {
		d.Tokens = rapid.Bool().Draw(t, "tokens")
		if rapid.Bool().Draw(t, "row") {
			d.Row = &vault.KeyWrite{Owner: d.Owner, Rev: int64(rapid.IntRange(0, 3).Draw(t, "rev")), Wrapped: drawBytes(t, "wrapped")}
		}
	}
	return d
}

// everything is what a store shows.
type everything struct {
	Intake  []vault.Intake
	Links   []domain.ID
	Holds   []domain.ID
	Keys    []vault.KeyRow
	Tokens  [][]byte
	Parts   [][]byte
	Walk    []string
	Pending []string
}

func look(s vault.Store) (all everything, err error) {
	ctx := context.Background()
	var events []domain.ID
	var owners []part.Owner
	var links, holds []token.Token
	var parts []vault.PartID
	for i := range byte(10) {
		holds = append(holds, token.Token{i})
		owners = append(owners, part.SubjectOwner(domain.ID{i}), part.AccountOwner(domain.ID{i}))
		for j := range byte(6) {
			events = append(events, domain.ID{i, j})
			links = append(links, token.Token{i, j})
			parts = append(parts, vault.PartID{Event: domain.ID{i, j}, Class: "class0"}, vault.PartID{Event: domain.ID{i, j}, Class: "class2"})
		}
	}
	errs := make([]error, 8)
	all.Intake, errs[0] = s.Intake(ctx, events)
	all.Links, errs[1] = s.Links(ctx, links)
	all.Holds, errs[2] = s.Holds(ctx, holds)
	all.Keys, errs[3] = s.Keys(ctx, owners)
	all.Tokens, errs[4] = s.Tokens(ctx, events)
	all.Parts, errs[5] = s.Parts(ctx, parts)
	errs[6] = s.Walk(ctx, func(id domain.ID, p vault.Part) error {
		all.Walk = append(all.Walk, fmt.Sprintf("%v %v %x", id, p.Key, p.Bytes))
		return nil
	})
	errs[7] = s.Pending(ctx, func(p vault.Pending) error {
		all.Pending = append(all.Pending, fmt.Sprintf("%d %x", p.Base, p.Facts))
		return nil
	})
	return all, errors.Join(errs...)
}

// same compares two errors by what a caller can match.
func sameError(a, b error) bool {
	for _, target := range []error{vault.ErrExists, vault.ErrStale, vault.ErrDoom, vault.ErrFailed} {
		if errors.Is(a, target) != errors.Is(b, target) {
			return false
		}
	}
	return (a == nil) == (b == nil)
}

// pair is a store and the reference, with the numbers they gave to batches.
type pair struct {
	t       *rapid.T
	path    string
	s       *Store
	ref     *memory.Store
	numbers [][2]int64
}

func (p *pair) open() {
	var err error
	if p.s, err = Open(context.Background(), p.path); err != nil {
		p.t.Fatal(err)
	}
	p.s.frozenAt = 6
}

func (p *pair) both(op string, do func(s vault.Store, which int) error) {
	a, b := do(p.s, 0), do(p.ref, 1)
	if !sameError(a, b) {
		p.t.Fatalf("%s: %v, the reference: %v", op, a, b)
	}
}

// number draws a batch's number in both stores; none is 0.
func (p *pair) number() [2]int64 {
	if len(p.numbers) == 0 {
		return [2]int64{}
	}
	return rapid.SampledFrom(p.numbers).Draw(p.t, "number")
}

func (p *pair) actions() map[string]func(*rapid.T) {
	ctx := context.Background()
	return map[string]func(*rapid.T){
		"prepare": func(t *rapid.T) {
			b, done, n := drawBatch(t), p.number(), [2]int64{}
			p.both("prepare", func(s vault.Store, which int) (err error) {
				c := *b
				if c.Done[0].Number > 4 {
					c.Done = []vault.Settled{{Number: done[which], Base: c.Done[0].Base}}
				} else {
					c.Done = nil
				}
				n[which], err = s.Prepare(ctx, &c)
				return err
			})
			if n[0] > 0 {
				p.numbers = append(p.numbers, n)
			}
		},
		"rewrite": func(t *rapid.T) {
			w := drawKeys(t)
			p.both("rewrite", func(s vault.Store, _ int) error { return s.RewriteKeys(ctx, w) })
		},
		"done": func(t *rapid.T) {
			n, m, base := p.number(), p.number(), domain.Position(few(t, "settled"))
			p.both("done", func(s vault.Store, which int) error {
				return s.Done(ctx, []vault.Settled{{Number: n[which], Base: base}, {Number: m[which], Base: base + 20}})
			})
		},
		"destroy": func(t *rapid.T) {
			dooms := []vault.Doom{drawDoom(t), drawDoom(t)}
			p.both("destroy", func(s vault.Store, _ int) error { return s.Destroy(ctx, dooms) })
		},
		"redact": func(t *rapid.T) {
			ids := []vault.PartID{
				{Event: domain.ID{few(t, "event"), rapid.ByteRange(0, 5).Draw(t, "event")}, Class: "class0"},
				{Event: domain.ID{few(t, "event"), rapid.ByteRange(0, 5).Draw(t, "event")}, Class: "class1"},
			}
			p.both("redact", func(s vault.Store, _ int) error { return s.Redact(ctx, ids) })
		},
		"reopen": func(t *rapid.T) {
			if err := p.s.Close(); err != nil {
				t.Fatal(err)
			}
			p.open()
		},
		"": func(t *rapid.T) {
			got, err1 := look(p.s)
			want, err2 := look(p.ref)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatal(cmp.Diff(want, got, cmpopts.EquateEmpty()))
			}
		},
	}
}

// TestModel does the same to the store and to the reference and demands the same
// answers, with an index that is swept all the time.
func TestModel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	count := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		count++
		sub := filepath.Join(dir, fmt.Sprintf("%x", binary.BigEndian.AppendUint64(nil, count)))
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		p := &pair{t: t, path: filepath.Join(sub, "vault.db"), ref: (&memory.Disk{}).Open()}
		p.open()
		defer func() {
			if err := errors.Join(p.s.Close(), os.RemoveAll(sub)); err != nil {
				t.Error(err)
			}
		}()
		t.Repeat(p.actions())
	})
}
