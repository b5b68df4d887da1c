package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// load makes batches as the ledger does: each row a fact of 400 bytes, two
// parts of 350, tokens of 100, a body MAC and a link; three rows in ten bring a
// new owner with 400 bytes of wrapped keys, the others belong to an old one,
// whose key row is checked.
type load struct {
	random *rand.ChaCha8
	pick   *rand.Rand
	owners []part.Owner
}

func newLoad() *load {
	return &load{random: rand.NewChaCha8([32]byte{1}), pick: rand.New(rand.NewPCG(1, 2))}
}

func (l *load) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = l.random.Read(b) // never fails
	return b
}

func (l *load) batch(n int, done int64) *vault.Batch {
	b := &vault.Batch{Done: []vault.Settled{{Number: done}}}
	known := len(l.owners)
	for i := range n {
		if i%10 < 3 || known == 0 {
			l.owners = append(l.owners, part.SubjectOwner(domain.ID(l.bytes(16))))
			b.Keys = append(b.Keys, vault.KeyWrite{Owner: l.owners[len(l.owners)-1], Wrapped: l.bytes(400)})
		} else {
			b.Touch = append(b.Touch, vault.KeyCheck{Owner: l.owners[l.pick.IntN(known)], Rev: 1})
		}
		o := l.owners[len(l.owners)-1]
		if len(b.Touch) > 0 && i%10 >= 3 {
			o = b.Touch[len(b.Touch)-1].Owner
		}
		b.Links = append(b.Links, vault.Link{Token: token.Token(l.bytes(32)), ID: o.ID})
		b.Rows = append(b.Rows, l.row(o))
	}
	return b
}

func (l *load) row(o part.Owner) vault.Row {
	return vault.Row{
		Event: domain.ID(l.bytes(16)), Fact: l.bytes(400), Owner: o, BodyMAC: l.bytes(16), Tokens: l.bytes(100),
		Parts: []vault.Part{
			{Key: part.KeyID{Owner: o, Class: "identity", Epoch: "whole"}, Bytes: l.bytes(350)},
			{Key: part.KeyID{Owner: o, Class: "contact_details", Epoch: "2026"}, Bytes: l.bytes(350)},
		},
	}
}

// BenchmarkPrepare reports rows/s into a vault that holds 200,000 rows already.
func BenchmarkPrepare(b *testing.B) {
	s, err := Open(context.Background(), filepath.Join(b.TempDir(), "vault.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	l := newLoad()
	var last int64
	prepare := func(b *testing.B, batch *vault.Batch) {
		if last, err = s.Prepare(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	for range 200 {
		prepare(b, l.batch(1000, last))
	}
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			rows := 0
			for b.Loop() {
				b.StopTimer()
				batch := l.batch(n, last)
				b.StartTimer()
				prepare(b, batch)
				rows += n
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
