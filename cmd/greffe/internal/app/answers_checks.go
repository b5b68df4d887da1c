package app

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/contact"
	"greffe/domain/rights"
	"greffe/domain/token"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
)

// maxAlike bounds whom one address may lead to.
const maxAlike = 200

// Checks implements httpapi.Answers.
func (d answerDesk) Checks(ctx context.Context, r access.Receipt, request domain.ID) (*httpapi.AnswerChecks, error) {
	req, told, err := d.request(ctx, r, request)
	if err != nil {
		return nil, err
	}
	in, err := d.inputs(ctx, r, req, told, answer.FR)
	if err != nil {
		return nil, err
	}
	words := d.glossary()
	a := answer.NewAccess(in, words.Rules)
	out := &httpapi.AnswerChecks{Outcome: a.Outcome, Included: []domain.ID{}, Candidates: []httpapi.AnswerCandidate{}, Masked: a.Protected,
		Words: answer.ToRead(in.Items, words.Rules), Open: []string{}}
	for name, is := range map[string]bool{"identity_not_verified": req.Identity == nil, "searches_open": len(rights.OpenTasks(&req.Summary)) > 0,
		"register_empty": in.View != nil && len(a.Processing) == 0, "automated_unstated": len(a.Evaluations) > 0} {
		if is {
			out.Open = append(out.Open, name)
		}
	}
	slices.Sort(out.Open)
	if in.View == nil {
		return out, nil
	}
	out.Included = r.Subjects()
	out.Candidates, err = d.alike(ctx, in.View, out.Included)
	return out, err
}

// alike proposes contacts that may be the same person, by what the CRM view finds
// under the person's addresses and name. A name alone proposes nobody.
func (d answerDesk) alike(ctx context.Context, v *contact.View, known []domain.ID) ([]httpapi.AnswerCandidate, error) {
	if err := d.a.upToDate(ctx, d.a.CRM.Name()); err != nil {
		return nil, err
	}
	by := map[domain.ID][]string{}
	var order []domain.ID
	look := func(kind token.Kind, normal string, ok bool, add bool) error {
		if !ok || normal == "" {
			return nil
		}
		ids, _, err := d.a.CRM.Find(ctx, kind, d.a.Ledger.Peppers().Search(kind, normal), 0, maxAlike)
		for _, id := range ids {
			_, there := by[id]
			if slices.Contains(known, id) || !there && !add || slices.Contains(by[id], string(kind)) {
				continue
			}
			if !there {
				order = append(order, id)
			}
			by[id] = append(by[id], string(kind))
		}
		return err
	}
	for _, x := range []struct {
		kind token.Kind
		name string
	}{{token.KindEmail, "emails"}, {token.KindPhone, "phones"}} {
		var values []string
		_ = json.Unmarshal(v.Person[x.name], &values) // absent or erased: none
		for _, s := range values {
			normal, ok := ledger.Normal(x.kind, s)
			if err := look(x.kind, normal, ok, true); err != nil {
				return nil, err
			}
		}
	}
	name := token.Name(givenText(v, "given_name"), givenText(v, "family_name"))
	if err := look(token.KindName, name, name != "", false); err != nil {
		return nil, err
	}
	out := []httpapi.AnswerCandidate{}
	for _, id := range order {
		c := httpapi.AnswerCandidate{SubjectID: id, Likeness: "shared", By: by[id]}
		if slices.Contains(by[id], string(token.KindName)) {
			c.Likeness = "probable"
		}
		out = append(out, c)
	}
	return out, nil
}

func givenText(v *contact.View, name string) string {
	var s string
	_ = json.Unmarshal(v.Person[name], &s) // absent or erased: none
	return s
}
