//go:build real

package postgres

import (
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// TestDropsInPages: of many owners in one call, those with more events than one
// transaction takes lose what is doomed of all of them, whole or one class, and keep
// the rest; in few transactions.
func TestDropsInPages(t *testing.T) {
	t.Parallel()
	s := openAt(t, Config{URL: cluster.URL(t), Buckets: 64})
	l := newLoad()
	const owners, many = dropKeepers, 400 // more than an owner's or a bucket's share of dropEvents
	if many <= dropEvents/owners || many <= dropEvents/55 {
		t.Fatal("one transaction takes all events of an owner")
	}
	all := make([]part.Owner, owners)
	b := &vault.Batch{}
	for i := range all {
		all[i] = part.SubjectOwner(domain.ID(l.bytes(16)))
		b.Keys = append(b.Keys, vault.KeyWrite{Owner: all[i], Wrapped: l.bytes(40)})
		b.Rows = append(b.Rows, l.row(all[i]))
	}
	for i := range 2 * many {
		b.Rows = append(b.Rows, l.row(all[i%2]))
	}
	if _, err := s.Prepare(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	left := func() map[string]int {
		n := map[string]int{}
		if err := s.Walk(t.Context(), func(_ domain.ID, p vault.Part) error { n[p.Key.Class]++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	dooms := make([]vault.Doom, owners)
	for i, o := range all {
		dooms[i] = vault.Doom{Owner: o, Keys: []vault.ClassEpoch{{Class: "identity", Epoch: "whole"}}}
	}
	before := s.pool.Stat().AcquireCount()
	if err := s.Destroy(t.Context(), dooms); err != nil {
		t.Fatal(err)
	}
	if n := left(); n["identity"] != 0 || n["contact_details"] != owners+2*many {
		t.Errorf("parts left: %v", n)
	}
	if n := s.pool.Stat().AcquireCount() - before; n > 30 {
		t.Errorf("%d steps for %d owners", n, owners)
	}
	if err := s.Destroy(t.Context(), vault.Whole(all...)); err != nil {
		t.Fatal(err)
	}
	if n := left(); len(n) != 0 {
		t.Errorf("parts left of owners who are destroyed: %v", n)
	}
}
