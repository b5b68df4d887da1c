package contactability_test

import (
	"testing"

	. "greffe/domain/contactability"
)

// typical is a customer of some years.
func typical(channel string, mods ...mod) *world {
	w := ask(channel, noon, granted("2026-01-01", Email, SMS), withdrew("2026-03-01", SMS), agreed, bought("2025-12-01"), collected("2025-11-01"),
		contract("2026-01-01", "", "energy"), calls("2026-08-01", "2026-09-07", "2026-09-08"), objected("2025-01-01", scope("", Postal)),
		lives("Europe/Paris", "FR", "69003"), born(1988, 4, 12), sector("energy"), offer("similar"))
	for _, m := range mods {
		m(w)
	}
	return w
}

func BenchmarkDecide(b *testing.B) {
	for name, w := range map[string]*world{
		"phone": typical(Phone), "email": typical(Email), "postal": typical(Postal), "opposed": typical(Phone, objected("2026-09-02")),
		"overseas": typical(Phone, lives("Indian/Reunion", "FR", "97400")), "evening": typical(Phone, q(func(q *Query) { q.At = instant("2026-09-18 20:30") })),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Decide(w.q, &w.s, &w.r)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}

// TestADecisionIsLight keeps two million decisions in flat memory.
func TestADecisionIsLight(t *testing.T) {
	for _, ch := range []string{Phone, Email, Postal} {
		w := typical(ch)
		if n := testing.AllocsPerRun(100, func() { Decide(w.q, &w.s, &w.r) }); n > 4 {
			t.Errorf("%s: %v allocations a decision", ch, n)
		}
	}
}
