package review_test

import (
	"errors"
	"slices"
	"testing"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/habilitation"
	"greffe/domain/review"
)

var boss, clerk, gone = domain.ID{1, 1, 6: 0x40, 8: 0x80}, domain.ID{1, 2, 6: 0x40, 8: 0x80}, domain.ID{1, 3, 6: 0x40, 8: 0x80}

func rights() *habilitation.Rights {
	return &habilitation.Rights{Policy: 4, Roles: []habilitation.Role{{Code: "agent"}, {Code: "dpo"}}, Accounts: []habilitation.Account{
		{ID: boss, State: habilitation.Active}, {ID: clerk, State: habilitation.Active}, {ID: gone, State: habilitation.Disabled}}}
}

func kept(what string, accounts []domain.ID, roles ...string) (out []review.Decision) {
	for _, r := range roles {
		out = append(out, review.Decision{Role: r, What: what})
	}
	for _, a := range accounts {
		out = append(out, review.Decision{Account: a, What: what})
	}
	return out
}

// TestRightsAreDecidedOn: each role and each account that may act, in the matrix as it
// is, and the own account by somebody else; before that the review is not closed.
func TestRightsAreDecidedOn(t *testing.T) {
	t.Parallel()
	m := rights()
	sum, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	d := planned(t, review.AccessRights, 12)
	by := func(who domain.ID, of ...[]review.Decision) (casefile.Draft, error) {
		return (&review.Rights{SHA256: sum, Decisions: slices.Concat(of...), Text: "Zkqx", By: who}).Draft(d.sum, m, now)
	}
	d.take((&review.Session{Held: now}).Draft(d.sum, now))
	if _, _, err := review.Close(d.sum, "conform", "x", now); !wrong(err, "rights") {
		t.Errorf("closed without decisions: %v", err)
	}
	d = planned(t, review.AccessRights, 12)
	roles := kept(review.Kept, nil, "agent", "dpo")
	for what, x := range map[string]struct {
		of    []review.Decision
		field string
	}{
		"a role less":             {slices.Concat(roles[:1], kept(review.Kept, []domain.ID{clerk})), "decisions"},
		"an account less":         {roles, "decisions"},
		"the own account":         {slices.Concat(roles, kept(review.Kept, []domain.ID{clerk, boss})), "decisions"},
		"an account twice":        {slices.Concat(roles, kept(review.Kept, []domain.ID{clerk, clerk})), "decisions"},
		"a disabled account":      {slices.Concat(roles, kept(review.Kept, []domain.ID{clerk, gone})), "decisions"},
		"no decision":             {slices.Concat(roles, kept("", []domain.ID{clerk})), "decisions"},
		"a role and an account":   {slices.Concat(roles, []review.Decision{{Role: "agent", Account: clerk, What: review.Kept}}), "decisions"},
		"a role that there isn't": {slices.Concat(roles, kept(review.Kept, []domain.ID{clerk}, "emperor")), "decisions"},
	} {
		if _, err := by(boss, x.of); !wrong(err, x.field) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := (&review.Rights{SHA256: "00", By: boss}).Draft(d.sum, m, now); !wrong(err, "current_matrix") {
		t.Errorf("another matrix: %v", err)
	}
	d.take(by(boss, roles, kept(review.Withdrawn, []domain.ID{clerk})))
	if left := review.Left(d.sum); !slices.Equal(left, []string{boss.String()}) || d.sum.Has(review.MarkHeld) || d.sum.Due.IsZero() {
		t.Errorf("left %v, held %t, due %s", left, d.sum.Has(review.MarkHeld), d.sum.Due)
	}
	if _, err := by(boss); !wrong(err, "other_reviewer") {
		t.Errorf("the only reviewer of the own rights: %v", err)
	}
	if _, _, err := review.Close(d.sum, "conform", "x", now); !wrong(err, "held") {
		t.Errorf("closed with an account left: %v", err)
	}
	if _, err := by(clerk, roles, kept(review.Kept, []domain.ID{boss})); !wrong(err, "decisions") {
		t.Errorf("more than what was left: %v", err)
	}
	d.take(by(clerk, kept(review.Changed, []domain.ID{boss})))
	if !d.sum.Has(review.MarkHeld) || !d.sum.Due.IsZero() || len(review.Left(d.sum)) != 0 {
		t.Errorf("done: %+v", d.sum)
	}
	if _, err := by(clerk); !wrong(err, "not_held") {
		t.Errorf("decided again: %v", err)
	}
	draft, next, err := review.Close(d.sum, "partly", "fin", now)
	if d.take(draft, err); next == nil || next.Kind != review.AccessRights {
		t.Errorf("the next is %+v", next)
	}
	f, err := review.Read(d.sum, d.steps)
	if err != nil || len(f.Rights) != 2 || len(f.Actions) != 0 || len(f.Sessions) != 0 {
		t.Fatalf("%+v %v", f, err)
	}
	first, second := f.Rights[0], f.Rights[1]
	if first.SHA256 != sum || first.Policy != 4 || !slices.Equal(first.Kept, []string{"agent", "dpo"}) || !slices.Equal(first.Withdrawn, []string{clerk.String()}) ||
		!slices.Equal(first.Left, []string{boss.String()}) || first.Text != "Zkqx" || !slices.Equal(second.Changed, []string{boss.String()}) {
		t.Errorf("%+v", f.Rights)
	}
	var state *casefile.StateError
	if _, err := (&review.Rights{SHA256: sum}).Draft(planned(t, "file_review", 0).sum, m, now); !errors.As(err, &state) {
		t.Errorf("decided on rights in another review: %v", err)
	}
}
