package audittest

import (
	"bytes"
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/projections/audit"
)

// hours are those of the model.
func (m *model) hours(f audit.HoursFilter) []audit.Hour {
	type key struct {
		account domain.ID
		start   time.Time
	}
	all := map[key]audit.Hour{}
	for _, x := range m.accesses(audit.AccessFilter{Account: f.Account, Reason: f.Reason, Time: f.Time}) {
		if x.Account.IsZero() {
			continue
		}
		k := key{x.Account, x.Time.UTC().Truncate(time.Hour)}
		h := all[k]
		h.Account, h.Start = k.account, k.start
		h.Accesses++
		h.Persons += x.Count
		all[k] = h
	}
	return slices.SortedFunc(maps.Values(all), func(a, b audit.Hour) int {
		return cmp.Or(bytes.Compare(a.Account[:], b.Account[:]), a.Start.Compare(b.Start))
	})
}

func checkHours(t *testing.T, d audit.Dataset, m *model) {
	r := dice{rand.New(rand.NewPCG(15, 16)), m}
	all := m.accesses(audit.AccessFilter{})
	found, several := 0, 0
	for i := range 40 {
		var f audit.HoursFilter
		if i > 0 && r.IntN(2) == 0 {
			f.Account = all[r.IntN(len(all))].Account
		}
		if i > 0 && r.IntN(3) == 0 {
			f.Reason = all[r.IntN(len(all))].Reason
		}
		if i > 0 && r.IntN(2) == 0 {
			f.Time = r.span(timeOf)
		}
		want := m.hours(f)
		same(t, "hours", gather(t, d.Hours(t.Context(), f)), want)
		for _, h := range want {
			if found++; h.Accesses > 1 {
				several++
			}
		}
	}
	if none := gather(t, d.Hours(t.Context(), audit.HoursFilter{Reason: "no such reason"})); len(none) > 0 {
		t.Errorf("a reason that nobody gave: %v", none)
	}
	if found < 500 || several == 0 {
		t.Fatalf("%d hours, %d of several accesses: the check says little", found, several)
	}
}
