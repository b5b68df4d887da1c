package auth

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/habilitation"
	"greffe/domain/policy"
)

// TestHabilitationsAreWhatIsAllowed: each token, let in by its text, may do what the
// matrix says and nothing else; so may people and guests.
func TestHabilitationsAreWhatIsAllowed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	rules, texts := rules(t), map[domain.ID]string{}
	desk := &Desk{Directory: o.store, Facts: o, WaitFor: o.People.WaitFor, Now: o.People.Now, Rand: o.People.Rand, SourceID: func(string) domain.ID { return domain.ID{5} }}
	first, err := desk.Bootstrap(t.Context(), "")
	must(t, err)
	auth := New(Config{Directory: o.store, Current: func(context.Context) error { return nil }, Now: o.People.Now, People: o.People})
	matrix := func() []habilitation.Account {
		return Habilitations(rules, o.store.Accounts(), o.store.List(), o.now)
	}
	check := func(text string, says []string) {
		t.Helper()
		p, err := auth.Identify(t.Context(), "Bearer "+text, Peer{Addr: netip.MustParseAddr("192.0.2.1")})
		must(t, err)
		for _, permission := range policy.Permissions() {
			if slices.Contains(says, permission) != (p.May(rules, permission) == nil) {
				t.Errorf("%s: the matrix says %v", permission, says)
			}
		}
	}
	alone := matrix()
	if len(alone) != 1 || !alone[0].Bootstrap || !slices.Equal(alone[0].Roles, policy.RoleCodes()) {
		t.Fatalf("the first administrator alone: %+v", alone)
	}
	check(first, alone[0].Tokens[0].Permissions)
	for _, r := range []Request{{Label: "a", Roles: []string{"admin"}}, {Label: "b", Roles: []string{"dpo", "agent"}},
		{Label: "c", Roles: []string{"dpo"}, Permissions: []string{"subjects.read", "opposition.read"}}, {Label: "d", Roles: []string{"service"}, Expires: o.now.Add(time.Hour)}} {
		made, err := desk.Make(t.Context(), rules, domain.ID{1}, r)
		must(t, err)
		texts[made.Token] = made.Text
	}
	looked := 0
	for _, a := range matrix() {
		if a.Bootstrap {
			check(first, a.Tokens[0].Permissions)
			if !slices.Equal(a.Roles, []string{"admin"}) {
				t.Errorf("the first administrator beside another: %v", a.Roles)
			}
			continue
		}
		for _, x := range a.Tokens {
			check(texts[x.ID], x.Permissions)
			looked++
		}
	}
	if looked != 4 {
		t.Errorf("%d tokens", looked)
	}
	of := func(id domain.ID) habilitation.Account {
		t.Helper()
		all := matrix()
		i := slices.IndexFunc(all, func(a habilitation.Account) bool { return a.ID == id })
		if i < 0 {
			t.Fatalf("the matrix lacks account %s", id)
		}
		return all[i]
	}
	guest, err := o.People.Create(t.Context(), domain.ID{1}, NewAccount{Kind: account.Guest, Label: "x", Roles: []string{"dpo"}, Inspection: domain.ID{3}, Until: o.now.Add(time.Hour)})
	must(t, err)
	if a := of(guest.Account); slices.Contains(a.Permissions, "subjects.erase") || !slices.Contains(a.Permissions, "audit.read") || a.Inspection != (domain.ID{3}) {
		t.Errorf("a guest with a wide role: %+v", a)
	}
	o.now = o.now.Add(2 * time.Hour)
	if a := of(guest.Account); a.State != habilitation.Ended || len(a.Permissions) != 0 {
		t.Errorf("a guest whose time is over: %+v", a)
	}
	if n := len(slices.DeleteFunc(matrix(), func(a habilitation.Account) bool { return len(a.Tokens) == 0 })); n != 4 {
		t.Errorf("%d accounts have a token that holds, want 4: one has ended", n)
	}
	off := true
	var dpo domain.ID
	for _, g := range o.store.List() {
		if slices.Equal(g.Account.Roles, []string{"agent", "dpo"}) {
			dpo = g.Account.ID
		}
	}
	_, err = o.People.Change(t.Context(), domain.ID{1}, dpo, Change{Disabled: &off})
	must(t, err)
	if a := of(dpo); a.State != habilitation.Disabled || len(a.Permissions) != 0 || len(a.Tokens) != 0 {
		t.Errorf("a disabled account: %+v", a)
	}
}
