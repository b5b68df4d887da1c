package auth

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"greffe/api/problem"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/policy"
)

// TestPortfolioIsListed: nobody looks after a portfolio that the policy does not list,
// and who gives one is told which there are.
func TestPortfolioIsListed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	rules, err := policy.Parse(bytes.Replace(deploy.Policy(), []byte("\nroles:\n"),
		[]byte("\nportfolios:\n  - {code: north, label: {fr: Nord, en: North}}\n  - {code: south, label: {fr: Sud, en: South}}\nroles:\n"), 1))
	must(t, err)
	o.People.Rules = func() *policy.Policy { return rules }
	refused := func(err error) {
		t.Helper()
		var p *problem.Error
		if !errors.As(err, &p) || p.Code != problem.FieldInvalid || p.Field != "portfolio" || !slices.Equal(p.Known, []string{"north", "south"}) {
			t.Errorf("an unknown portfolio: %v", err)
		}
	}
	jeanne := NewAccount{Kind: account.Human, Label: "Jeanne Martin", Login: "jmartin", Roles: []string{"agent"}, Portfolio: "west"}
	_, err = o.People.Create(t.Context(), domain.ID{1}, jeanne)
	refused(err)
	jeanne.Portfolio = "north"
	made, err := o.People.Create(t.Context(), domain.ID{1}, jeanne)
	must(t, err)
	west, south, none := "west", "south", ""
	_, err = o.People.Change(t.Context(), domain.ID{1}, made.Account, Change{Portfolio: &west})
	refused(err)
	for _, code := range []*string{&south, &none} {
		_, err = o.People.Change(t.Context(), domain.ID{1}, made.Account, Change{Portfolio: code})
		must(t, err)
		if a, _ := o.store.Find(made.Account); a.Portfolio != *code {
			t.Errorf("looks after %q, want %q", a.Portfolio, *code)
		}
	}
}
