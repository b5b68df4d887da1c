package bundle_test

import (
	"io"
	"runtime"
	"testing"

	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
	"greffe/domain/part"
)

// nowhere is a Sink that keeps nothing.
type nowhere struct{ n int64 }

type nowhereFile struct{ s *nowhere }

func (f nowhereFile) Write(b []byte) (int, error) { f.s.n += int64(len(b)); return len(b), nil }
func (nowhereFile) Close() error                  { return nil }

func (s *nowhere) Create(string) (io.WriteCloser, error) { return nowhereFile{s}, nil }
func (*nowhere) Commit() error                           { return nil }
func (*nowhere) Discard() error                          { return nil }

// fact is as large as a usual one: two parts, a few fields.
func fact(t testing.TB, i int) (*event.Fact, []byte) {
	t.Helper()
	id := domain.ID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16), 3: byte(i * 7), 5: byte(i * 31), 9: 1}
	f := &event.Fact{ID: id, Type: "contact.created", Subject: domain.ID{0: byte(i * 3), 1: byte(i >> 7), 15: 2}, Source: domain.ID{1}, Controller: "acme",
		Time: when(i), Recorded: when(i + 1), Policy: 1, Fields: []string{"person.emails", "person.given_name"},
		Parts: []event.PartRef{
			{Owner: part.SubjectOwner(domain.ID{0: byte(i * 3), 1: byte(i >> 7), 15: 2}), Class: "identity", Epoch: "whole", Commitment: part.Commit(id[:])},
			{Owner: part.SubjectOwner(domain.ID{0: byte(i * 3), 1: byte(i >> 7), 15: 2}), Class: "contact_details", Epoch: "whole", Commitment: part.Commit(id[1:])}}}
	b, err := event.AppendFact(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	return f, b
}

// BenchmarkTable is one row of events into NDJSON, Parquet and CSV, hashed.
func BenchmarkTable(b *testing.B) {
	l := newLedger(b, 1)
	for name, people := range map[string]bool{"ndjson+parquet": false, "ndjson+parquet+csv": true} {
		b.Run(name, func(b *testing.B) {
			facts := make([]*event.Fact, 4096)
			texts := make([]string, len(facts))
			for i := range facts {
				f, t := fact(b, i)
				facts[i], texts[i] = f, string(t)
			}
			sink := &nowhere{}
			w, err := bundle.NewWriter(sink, l.header(b, 0, 1))
			if err != nil {
				b.Fatal(err)
			}
			tab, err := w.Table("events", bundle.Schema{Columns: eventColumns, People: people})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f := facts[i%len(facts)]
				if err := tab.Append([]bundle.Value{bundle.IntOf(int64(i)), bundle.IDOf(f.ID), bundle.TextOf(string(f.Type)),
					bundle.IDOf(f.Subject), bundle.TimeOf(when(i)), bundle.TextOf(texts[i%len(facts)])}); err != nil {
					b.Fatal(err)
				}
				i++
			}
			if err := tab.Close(); err != nil {
				b.Fatal(err)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(sink.n)/float64(i), "bytes/row")
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-sys")
			b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkVerify is one fact of a bundle: each form, the tree, every hash.
func BenchmarkVerify(b *testing.B) {
	const n = 20_000
	l := newLedger(b, 0)
	for i := range n {
		_, f := fact(b, i)
		l.facts = append(l.facts, f)
	}
	m := newMemory()
	w, err := bundle.NewWriter(m, l.header(b, 0, n))
	if err != nil {
		b.Fatal(err)
	}
	l.events(b, w, 0, n)
	l.tiles(b, w)
	if err := w.Close(l.sign); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := verify(b, l, m); r.Verdict != bundle.Intact {
			b.Fatal(r.Findings)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "facts/s")
}
