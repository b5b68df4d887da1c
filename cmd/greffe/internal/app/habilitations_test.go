package app

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/habilitation"
)

// TestHabilitationsAsOf: the matrix of a former date has the digest that it had then,
// whatever was given, taken and published since; what differs is said right by right.
func TestHabilitationsAsOf(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), start
	a, err := Open(t.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	ctx, desk := t.Context(), habilitations{a}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	digest := func(h *httpapi.RightsHeld, err error) string {
		t.Helper()
		must(err)
		d, err := h.Document(now)
		must(err)
		return d.SHA256
	}
	present := func() string { t.Helper(); return digest(a.Habilitations(ctx, time.Time{})) }
	type moment struct {
		at     time.Time
		digest string
	}
	var past []moment
	look := func() {
		t.Helper()
		now = now.Add(time.Hour)
		past = append(past, moment{now, present()})
		now = now.Add(time.Hour)
	}
	rules, _ := a.Ledger.Policy()
	_, err = a.Tokens.Bootstrap(ctx, "0123456789abcdef")
	must(err)
	look()
	made, err := a.Tokens.Make(ctx, rules, domain.ID{1}, auth.Request{Label: "Zkqx", Roles: []string{"service", "agent"}, Permissions: []string{"subjects.read"}})
	must(err)
	guest, err := a.People.Create(ctx, domain.ID{1}, auth.NewAccount{Kind: account.Guest, Label: "Zkqx", Roles: []string{"inspector"}, Inspection: domain.ID{3}, Until: now.AddDate(0, 0, 10)})
	must(err)
	look()
	roles := []string{"auditor"}
	_, err = a.People.Change(ctx, domain.ID{1}, guest.Account, auth.Change{Roles: &roles})
	must(err)
	look()
	must(a.Tokens.Revoke(ctx, domain.ID{1}, made.Token))
	_, _, err = a.Ledger.PublishPolicy(ctx, domain.ID{1}, bytes.Replace(deploy.Policy(), []byte("fields: {hidden: [birth]}"), []byte("fields: {masked: [birth]}"), 1))
	must(err)
	look()
	now = now.AddDate(0, 0, 20) // the guest's time is over
	look()
	seen := map[string]bool{}
	for i, m := range past {
		if got := digest(desk.AsOf(ctx, m.at)); got != m.digest || seen[got] {
			t.Errorf("moment %d: %s, was %s, seen before %t", i, got, m.digest, seen[got])
		}
		seen[m.digest] = true
	}
	if _, err := desk.AsOf(ctx, start.AddDate(-1, 0, 0)); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("before the first policy: %v", err)
	}
	if _, err := desk.Since(ctx, 3); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("a version that is not: %v", err)
	}
	from, err := desk.AsOf(ctx, past[1].at)
	must(err)
	to, err := a.Habilitations(ctx, time.Time{})
	must(err)
	diff, err := httpapi.Compare(from, to)
	must(err)
	for _, want := range []habilitation.RightChange{
		{What: "removed", Account: made.Account, Token: made.Token, Right: "permission", Value: "subjects.read"},
		{What: "added", Role: "sales", Right: "data", Value: "identity/birth masked"},
		{What: "removed", Account: guest.Account, Right: "role", Value: "inspector"},
		{What: "added", Account: guest.Account, Right: "state", Value: "ended"},
	} {
		if !slices.Contains(diff.Changes, want) {
			t.Errorf("the difference lacks %+v", want)
		}
	}
	if _, err := a.Habilitations(ctx, now.Add(time.Second)); err == nil {
		t.Error("what will hold is told")
	}
}
