package retention_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/retention"
)

// TestJoin: who is one person has one term: the last act of either, the longest rule of
// both kinds, the holds of all.
func TestJoin(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	one := clocks("2020-03-02 contact.created kind=prospect /identity/billing@2020", silent)
	for name, c := range map[string]struct {
		other []string
		now   string
		want  string
	}{
		"somebody silent":    {[]string{"2019-01-01 contact.created kind=prospect /identity/notes@2019"}, "2023-03-02", "archive billing 2021-01-01"},
		"longer silent":      {[]string{"2019-01-01 contact.created kind=prospect /identity"}, "2022-01-01", "archive billing 2021-01-01; destroy identity 2022-01-01"},
		"somebody who acted": {[]string{"2019-01-01 contact.created kind=prospect /identity", "2022-06-01 interaction.recorded kind=click"}, "2025-05-31", "archive billing 2021-01-01"},
		"a client":           {[]string{"2019-01-01 contact.created kind=client /identity", "2019-01-01 contract.started /contract@2019"}, "2030-06-01", "archive billing 2021-01-01"},
		"somebody held":      {[]string{"2019-01-01 contact.created /identity", "2019-01-01 hold.placed"}, "2022-01-01", "archive billing 2021-01-01; destroy identity blocked by 1 2022-01-01"},
		"archived for one":   {[]string{"2019-01-01 contact.created /billing@2020", "2021-06-01 retention.archived classes=billing"}, "2021-07-01", "archive billing 2021-01-01"},
	} {
		both := *one
		both.Join(clocks(c.other...))
		got := told(rules.Due(&both, day(c.now)))
		if name == "somebody silent" {
			got = told(slices.DeleteFunc(rules.Due(&both, day(c.now)), func(e retention.Exit) bool { return e.Action == retention.Destroy }))
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestJoinProperties: it does not matter who is joined to whom, and nobody is changed.
func TestJoinProperties(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	opts := cmp.Options{cmp.AllowUnexported(retention.Clocks{}), cmpopts.IgnoreFields(retention.Clocks{}, "Subject", "Requests", "Holds", "Restrictions"), cmpopts.EquateEmpty(),
		cmpopts.IgnoreTypes(contact.Stamp{})}
	rapid.Check(t, func(t *rapid.T) {
		a, b := anybody(t, "a"), anybody(t, "b")
		before := [][]byte{a.AppendBinary(nil), b.AppendBinary(nil)}
		ab, ba := *a, *b
		ab.Join(b)
		ba.Join(a)
		if d := cmp.Diff(&ab, &ba, opts); d != "" {
			t.Fatalf("joined the other way round: %s", d)
		}
		if string(before[0]) != string(a.AppendBinary(nil)) || string(before[1]) != string(b.AppendBinary(nil)) {
			t.Fatal("who was joined is changed")
		}
		ba.Subject = ab.Subject
		now := anyDay(t, "now")
		if d := cmp.Diff(told(rules.Due(&ab, now)), told(rules.Due(&ba, now))); d != "" {
			t.Fatal(d)
		}
		for _, id := range slices.Concat(a.Holds, b.Holds) {
			if !slices.Contains(ab.Holds, domain.ID(id)) {
				t.Fatal("a hold was lost")
			}
		}
	})
}
