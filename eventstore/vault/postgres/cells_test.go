package postgres

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func idOf(i int) domain.ID {
	h := sha256.Sum256(fmt.Appendf(nil, "id %d", i))
	return domain.DeriveID(h[:])
}

// TestSpread: an owner's bucket is for ever the same, for its rows are there, and owners
// are spread evenly.
func TestSpread(t *testing.T) {
	t.Parallel()
	s := &Store{buckets: bucketsOf(64)}
	golden := []int{s.bucketOf(part.LedgerOwner()), s.bucketOf(part.SubjectOwner(idOf(1))), s.bucketOf(part.AccountOwner(idOf(1))), s.bucketOf(part.SubjectOwner(idOf(2)))}
	if want := []int{19, 56, 49, 11}; !slices.Equal(golden, want) {
		t.Errorf("buckets are %v, want %v", golden, want)
	}
	var count [64]int
	const owners = 64_000
	for i := range owners {
		count[s.bucketOf(part.SubjectOwner(idOf(i)))]++
		if k := s.keyBucketOf(part.SubjectOwner(idOf(i))); k >= keyBuckets(64) {
			t.Fatalf("key bucket %d", k)
		}
	}
	if lo, hi := slices.Min(count[:]), slices.Max(count[:]); lo < 850 || hi > 1150 {
		t.Errorf("from %d to %d of %d owners in a bucket", lo, hi, owners)
	}
	if keyBuckets(1) != 1 || keyBuckets(3) != 1 || keyBuckets(256) != 64 {
		t.Error("the number of key buckets changed: vaults that exist have another")
	}
}

func drawRow(t *rapid.T) vault.Row {
	owner := rapid.Custom(func(t *rapid.T) part.Owner {
		return part.Owner{Kind: part.OwnerKind(rapid.IntRange(1, 2).Draw(t, "kind")), ID: idOf(rapid.IntRange(0, 3).Draw(t, "owner"))}
	})
	r := vault.Row{Event: idOf(rapid.IntRange(10, 99).Draw(t, "event"))}
	if rapid.Bool().Draw(t, "owned") {
		r.Owner = owner.Draw(t, "row's owner")
	}
	r.BodyMAC = rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "mac")
	r.Tokens = rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "tokens")
	for i := range rapid.IntRange(0, 4).Draw(t, "parts") {
		r.Parts = append(r.Parts, vault.Part{Key: part.KeyID{Owner: owner.Draw(t, "part's owner"), Class: fmt.Sprint("class", i), Epoch: "whole"}, Bytes: []byte{byte(i)}})
	}
	return r
}

// TestPack: everything of a row is in the bucket of whom it belongs to, the row's places
// name just these buckets, and each (bucket, owner) has one anchor.
func TestPack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &Store{buckets: bucketsOf(rapid.IntRange(1, 9).Draw(t, "buckets"))}
		r, into := drawRow(t), map[int]*cells{}
		places := s.pack(into, 7, &r)
		if len(places) != len(into) {
			t.Fatalf("places %v of %d buckets", places, len(into))
		}
		parts, bodies := 0, 0
		for k, c := range into {
			if !bytes.Contains(places, []byte{byte(k)}) {
				t.Fatalf("bucket %d is not among places %v", k, places)
			}
			anchors := map[string]int{}
			for i := range c.index {
				o, err := ownerOf(c.owner[i])
				if err != nil || c.index[i] != 7 || o.Kind != 0 && s.bucketOf(o) != k {
					t.Fatal("a cell is in another owner's bucket")
				}
				if c.class[i] == nil {
					anchors[string(c.owner[i])]++
					if c.data[i] != nil || c.tokens[i] != nil {
						bodies++
						if o != r.Owner || !bytes.Equal(c.data[i], r.BodyMAC) || !bytes.Equal(c.tokens[i], r.Tokens) || c.ord[i] != anchorOrd {
							t.Fatal("an anchor holds another's body MAC or tokens")
						}
					}
					continue
				}
				parts++
				if p := r.Parts[c.ord[i]]; p.Key.Owner != o || p.Key.Class != string(c.class[i]) || !bytes.Equal(p.Bytes, c.data[i]) {
					t.Fatal("a part is another's")
				}
			}
			for i := range c.index {
				if anchors[string(c.owner[i])] != 1 {
					t.Fatalf("%d anchors", anchors[string(c.owner[i])])
				}
			}
		}
		if want := len(r.BodyMAC)+len(r.Tokens) > 0; parts != len(r.Parts) || bodies > 1 || (bodies == 1) != want {
			t.Fatalf("%d parts of %d, %d bodies", parts, len(r.Parts), bodies)
		}
	})
}

func TestSplitFacts(t *testing.T) {
	t.Parallel()
	facts, err := splitFacts([]byte{0, 0, 0, 0, 0, 0, 0, 2, 7, 8})
	if err != nil || len(facts) != 2 || len(facts[0]) != 0 || !bytes.Equal(facts[1], []byte{7, 8}) {
		t.Error(facts, err)
	}
	for _, bad := range [][]byte{{0}, {0, 0, 0, 1}, {0, 0, 0, 1, 7, 7}, {255, 255, 255, 255, 1}} {
		if _, err := splitFacts(bad); !errors.Is(err, errDamaged) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func FuzzSplitFacts(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 7, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		facts, err := splitFacts(b)
		n := 0
		for _, f := range facts {
			n += 4 + len(f)
		}
		if err == nil && n != len(b) {
			t.Errorf("%d bytes of %d", n, len(b))
		}
	})
}

// TestQueueKeys: whoever contradicts itself about a key row is refused, whatever the
// server holds.
func TestQueueKeys(t *testing.T) {
	t.Parallel()
	s := &Store{buckets: bucketsOf(4)}
	o := part.SubjectOwner(idOf(1))
	write := func(rev int64) vault.KeyWrite { return vault.KeyWrite{Owner: o, Rev: rev} }
	check := func(rev int64) vault.KeyCheck { return vault.KeyCheck{Owner: o, Rev: rev} }
	for name, c := range map[string]struct {
		writes []vault.KeyWrite
		checks []vault.KeyCheck
		queued int // statements; 0: refused
	}{
		"made":                    {[]vault.KeyWrite{write(0)}, nil, 2},
		"rewritten":               {[]vault.KeyWrite{write(3)}, nil, 3},
		"made and checked":        {[]vault.KeyWrite{write(0)}, []vault.KeyCheck{check(0), check(0)}, 2},
		"checked":                 {nil, []vault.KeyCheck{check(3), check(3)}, 1},
		"checked to be absent":    {nil, []vault.KeyCheck{check(0)}, 2},
		"written twice":           {[]vault.KeyWrite{write(3), write(3)}, nil, 0},
		"made and rewritten":      {[]vault.KeyWrite{write(0), write(1)}, nil, 0},
		"checked for another":     {[]vault.KeyWrite{write(3)}, []vault.KeyCheck{check(4)}, 0},
		"checked for two":         {nil, []vault.KeyCheck{check(3), check(4)}, 0},
		"checked for none and 1":  {nil, []vault.KeyCheck{check(0), check(1)}, 0},
		"checked for 1 and none ": {nil, []vault.KeyCheck{check(1), check(0)}, 0},
	} {
		out := &pgx.Batch{}
		s.queueKeys(out, c.writes, c.checks)
		refused := len(out.QueuedQueries) == 1 && strings.HasPrefix(out.QueuedQueries[0].SQL, "SELECT refuse")
		if refused != (c.queued == 0) || !refused && len(out.QueuedQueries) != c.queued {
			t.Errorf("%s: %d statements, refused is %v", name, len(out.QueuedQueries), refused)
		}
	}
}

// TestOneStatementForMany: the number of statements does not grow with the rows.
func TestOneStatementForMany(t *testing.T) {
	t.Parallel()
	s := &Store{buckets: bucketsOf(4)}
	count := func(n int) int {
		b := &vault.Batch{Lease: &vault.LeaseCheck{}, Done: []vault.Settled{{Number: 1}, {Number: 2}}}
		for i := range n {
			o := part.SubjectOwner(idOf(i))
			b.Keys = append(b.Keys, vault.KeyWrite{Owner: o, Rev: int64(i % 2)})
			b.Touch = append(b.Touch, vault.KeyCheck{Owner: part.AccountOwner(idOf(i)), Rev: int64(i % 2)})
			b.Links = append(b.Links, vault.Link{Token: token.Token{byte(i), byte(i >> 8)}, ID: idOf(i)})
			b.Holds = append(b.Holds, vault.Hold{Token: token.Token{byte(i), byte(i >> 8)}, ID: idOf(i)})
			b.Rows = append(b.Rows, vault.Row{Event: idOf(i), Owner: o, BodyMAC: []byte{1}})
		}
		out, number := &pgx.Batch{}, int64(0)
		s.queue(out, b, &number)
		return out.Len()
	}
	if few, many := count(100), count(2000); few != many || many > 25 {
		t.Errorf("%d statements for 100 rows, %d for 2,000", few, many)
	}
}
