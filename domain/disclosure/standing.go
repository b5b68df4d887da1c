package disclosure

import (
	"slices"
	"time"

	"greffe/domain/consent"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// Of folds what the facts about one contact say of why it is held and by whom it is
// looked after, as of an instant, in any order. The purposes are those stated at
// collection and those that the person consented to; of a contact of which none is
// stated, those for which the policy keeps its kind. Until the instant until, which is
// later, the same facts say the same; zero is for ever.
func Of(rules *policy.Policy, recs []contact.Recorded, asOf time.Time) (purposes []string, portfolio string, until time.Time) {
	last := map[string]contact.Stamp{}
	var stated []string
	var kind string
	var acts []consent.Act
	newest := func(r *contact.Recorded, path string) bool {
		at := contact.Stamp{Time: r.Fact.Time.Time, Position: r.Position}
		if was, ok := last[path]; ok && !contact.Wins(at, was) {
			return false
		}
		last[path] = at
		return true
	}
	changes := func(at time.Time) {
		if at.After(asOf) && (until.IsZero() || at.Before(until)) {
			until = at
		}
	}
	for i := range recs {
		r := &recs[i]
		f := r.Fact
		if changes(f.Time.Time); f.Time.After(asOf) {
			continue
		}
		if a, ok := consent.ActOf(r.Position, f); ok {
			acts = append(acts, a)
			changes(a.ExpiresAt)
		}
		if f.Type != event.ContactCreated && f.Type != event.ContactChanged {
			continue
		}
		said := func(path string) bool {
			there := f.Codes.String(path) != "" || f.Codes.Strings(path) != nil || slices.Contains(f.Unset, path)
			return there && newest(r, path)
		}
		if said("collection.purposes") {
			stated = f.Codes.Strings("collection.purposes")
		}
		if said("kind") {
			kind = f.Codes.String("kind")
		}
		if said("portfolio") {
			portfolio = f.Codes.String("portfolio")
		}
	}
	purposes = slices.Clone(stated)
	for _, c := range consent.All(acts, asOf) {
		if c.State == consent.Granted && !slices.Contains(purposes, c.Purpose) {
			purposes = append(purposes, c.Purpose)
		}
	}
	if len(stated) == 0 {
		for _, p := range rules.KeptFor(kind) {
			if !slices.Contains(purposes, p) {
				purposes = append(purposes, p)
			}
		}
	}
	slices.Sort(purposes)
	return purposes, portfolio, until
}
