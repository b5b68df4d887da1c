package contact

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// contracts folds the contracts, one per reference; known is sorted by stamp. A
// contract whose reference was destroyed or not opened stands alone.
func contracts(known []Recorded, asOf time.Time) []Contract {
	all := map[string]*Contract{}
	for i := range known {
		r := &known[i]
		switch r.Fact.Type {
		case event.ContractStarted, event.ContractChanged, event.ContractEnded:
		default:
			continue
		}
		key := r.contractKey()
		if all[key] == nil {
			all[key] = &Contract{State: "open"}
		}
		all[key].add(r)
	}
	l := []Contract{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		c := all[key]
		if c.State == "open" && !c.EndsAt.IsZero() && !c.EndsAt.After(asOf) {
			c.State, c.EndedAt = "ended", c.EndsAt
		}
		l = append(l, *c)
	}
	slices.SortStableFunc(l, func(a, b Contract) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt.Time), a.EndedAt.Compare(b.EndedAt.Time))
	})
	return l
}

// maskedContracts says which fields of contracts are masks.
func (v *View) maskedContracts(recs []Recorded) {
	for i := range recs {
		for path := range recs[i].Masked {
			if strings.HasPrefix(path, "contract.") && !slices.Contains(v.Masked, path) {
				v.Masked = append(v.Masked, path)
			}
		}
	}
	slices.Sort(v.Masked)
}

func (r *Recorded) contractKey() string {
	if tells, masked := r.Masked["contract.reference"]; masked {
		return r.Fact.Source.String() + tells
	}
	for _, f := range r.Fields {
		if f.Path == "contract.reference" {
			return r.Fact.Source.String() + string(f.Value)
		}
	}
	if slices.Contains(r.Fact.Fields, "contract.reference") {
		return r.Fact.ID.String()
	}
	return r.Fact.Source.String()
}

func (c *Contract) add(r *Recorded) {
	f := r.Fact
	c.Event = f.ID
	if v := r.value("contract.reference"); v != nil {
		c.Reference = v
	}
	if v := r.value("contract.object"); v != nil {
		c.Object = v
	}
	if v := r.value("contract.amount_cents"); v != nil {
		c.AmountCents = v
	}
	c.Sector = cmp.Or(f.Codes.String("sector"), c.Sector)
	if t := f.Codes.Time("ends_at"); !t.IsZero() {
		c.EndsAt = domain.NewTime(t)
	}
	switch f.Type {
	case event.ContractStarted:
		c.State, c.StartedAt, c.EndedAt = "open", f.Time, domain.Time{}
	case event.ContractEnded:
		c.State, c.EndedAt = "ended", f.Time
		if t := f.Codes.Time("ended_at"); !t.IsZero() {
			c.EndedAt = domain.NewTime(t)
		}
	}
}
