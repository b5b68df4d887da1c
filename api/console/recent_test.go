package console

import (
	"testing"
	"time"
)

// TestRecent: the oldest give way to number, weight and time; what gave way is not weighed.
func TestRecent(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	r := newRecent[string](func() time.Time { return now }, bounds[string]{lasts: time.Minute, most: 3, weigh: func(s string) int { return len(s) }, heaviest: 10})
	holds := func(want ...string) {
		t.Helper()
		if len(r.of) != len(want) || r.order.Len() != len(want) {
			t.Errorf("%d are remembered, %d in order, not %d", len(r.of), r.order.Len(), len(want))
		}
		weight := 0
		for _, k := range want {
			v, ok := r.find(k)
			if !ok {
				t.Errorf("%s is forgotten", k)
			}
			weight += len(v)
		}
		if r.weight != weight {
			t.Errorf("the weight is %d, not %d", r.weight, weight)
		}
	}
	for _, k := range []string{"a", "b", "c"} {
		r.put(k, "xx")
	}
	r.put("a", "xxx")
	holds("b", "c", "a")
	r.put("d", "x")
	holds("c", "a", "d")
	r.put("e", "xxxxxx")
	holds("a", "d", "e")
	r.put("f", "xxxx")
	holds("e", "f")
	if had, taken := r.claim("f", "other"); !taken || had != "xxxx" {
		t.Errorf("a value was claimed that is there: %q %v", had, taken)
	}
	r.drop("f")
	r.drop("f")
	if _, taken := r.claim("f", "new"); taken {
		t.Error("what was dropped is taken")
	}
	now = now.Add(30 * time.Second)
	r.put("e", "yyyy")
	now = now.Add(30 * time.Second)
	if _, ok := r.find("f"); ok {
		t.Error("what is old is remembered")
	}
	holds("e")
	r.put("g", "heavier than all")
	holds()
}
