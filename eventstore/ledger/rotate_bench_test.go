package ledger_test

import (
	"bytes"
	"crypto/rand"
	"path/filepath"
	"runtime"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
)

// BenchmarkRotatePeppers rotates a vault of 200,000 contacts, each with a link, seven
// tokens and a part of 600 bytes: 1.6 million tokens. Tokens are random: a rotation
// looks at none.
func BenchmarkRotatePeppers(b *testing.B) {
	const contacts, size = 200_000, 1000
	v, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "vault.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	w := openMemory(b, memory.New(), v)
	_ = w.Ledger.Close()
	var done []vault.Settled
	for n := 0; n < contacts; n += size {
		batch := &vault.Batch{Done: done}
		for range size {
			id := domain.ID(random(16))
			entries := make([]token.Entry, 7)
			for i := range entries {
				entries[i] = token.Entry{Kind: token.KindEmail, Field: token.FieldEmails, Form: token.Form(i % 3), Token: token.Token(random(32))}
			}
			packed, err := token.Pack(entries)
			if err != nil {
				b.Fatal(err)
			}
			batch.Links = append(batch.Links, vault.Link{Token: token.Token(random(32)), ID: id})
			batch.Rows = append(batch.Rows, vault.Row{Event: domain.ID(random(16)), Owner: part.SubjectOwner(id), Tokens: packed, BodyMAC: random(16),
				Parts: []vault.Part{{Key: part.KeyID{Owner: part.SubjectOwner(id), Class: "identity", Epoch: "whole"}, Bytes: bytes.Repeat([]byte{1}, 600)}}})
		}
		number, err := v.Prepare(b.Context(), batch)
		if err != nil {
			b.Fatal(err)
		}
		done = []vault.Settled{{Number: number}}
	}
	var peak uint64
	for b.Loop() {
		_, err := ledger.RotatePeppers(b.Context(), config(w.log, v), func(int64, int64) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(8*contacts*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
	b.ReportMetric(float64(peak)/(1<<20), "MiB")
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
