package httpapi

import (
	"context"
	"slices"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
)

// maxIdentifier bounds an identifier that is searched, in bytes.
const maxIdentifier = 512

// SearchInput asks for people by exactly one identifier. Nothing of it is kept:
// the search goes by token, and the access event names who was found.
type SearchInput struct {
	Body struct {
		Email      string      `json:"email,omitempty" doc:"E-mail address, in any case."`
		Phone      string      `json:"phone,omitempty" doc:"Phone number, international or French national."`
		Name       string      `json:"name,omitempty" doc:"Given and family name, in any order and with any accents."`
		ExternalID *ExternalID `json:"external_id,omitempty" doc:"The person in an upstream's own terms."`
		Limit      int         `json:"limit,omitempty" doc:"1 to 1,000; 100 if absent."`
		Cursor     string      `json:"cursor,omitempty" doc:"next of the page before."`
	}
}

// ExternalID names a person as an upstream does.
type ExternalID struct {
	Source  string `json:"source"`
	Subject string `json:"subject"`
}

// Hit is a person that was found.
type Hit struct {
	SubjectID domain.ID `json:"subject_id"`
}

func (in SearchInput) page(lines bool) (Page, error) {
	return Paging{Limit: in.Body.Limit, Cursor: in.Body.Cursor}.page(lines)
}

func postSearch() endpoint {
	return finding(access.Reading{Action: "search", Categories: []string{"identity", "contact_details"}}, search)
}

// search finds contacts that the caller's roles are for, so a page may hold fewer than
// its limit and yet not be the last.
func search(ctx context.Context, a *API, c *Call, in *SearchInput, page Page) (Found[Hit], error) {
	kind, t, err := searchToken(a.services.Ledger.Peppers(), in)
	if err != nil {
		return Found[Hit]{}, err
	}
	if l := c.lens(); slices.ContainsFunc(kind.paths(), func(path string) bool { return l.Bars("subjects.search", path) }) {
		return Found[Hit]{}, problem.New(problem.SearchForbidden)
	}
	found, err := a.services.Search.Find(ctx, t, kind, page)
	if err != nil {
		return Found[Hit]{}, err
	}
	found.Subjects, err = a.admitted(ctx, c, found.Subjects)
	found.Items = slices.DeleteFunc(found.Items, func(h Hit) bool { return !slices.Contains(found.Subjects, h.SubjectID) })
	return found, err
}

// paths are the fields that a search of this kind tells something of.
func (k SearchKind) paths() []string {
	switch k {
	case ByEmail:
		return []string{"person.emails"}
	case ByPhone:
		return []string{"person.phones"}
	case ByName:
		return []string{"person.given_name", "person.family_name"}
	}
	return []string{"upstream.subject"}
}

func searchToken(p *token.Peppers, in *SearchInput) (SearchKind, token.Token, error) {
	b, given := &in.Body, 0
	for _, s := range []string{b.Email, b.Phone, b.Name} {
		if len(s) > maxIdentifier {
			return "", token.Token{}, problem.New(problem.FieldInvalid)
		}
		if s != "" {
			given++
		}
	}
	if b.ExternalID != nil {
		given++
	}
	if given != 1 {
		return "", token.Token{}, problem.At(problem.FieldRequired, "email|phone|name|external_id")
	}
	for _, k := range []struct {
		by    SearchKind
		kind  token.Kind
		value string
	}{{ByEmail, token.KindEmail, b.Email}, {ByPhone, token.KindPhone, b.Phone}, {ByName, token.KindName, b.Name}} {
		if k.value != "" {
			normal, _ := ledger.Normal(k.kind, k.value) // what is not valid is nobody's
			return k.by, p.Search(k.kind, normal), nil
		}
	}
	x := b.ExternalID
	if x.Source == "" || x.Subject == "" || len(x.Source) > maxIdentifier || len(x.Subject) > maxIdentifier {
		return "", token.Token{}, problem.At(problem.FieldInvalid, "external_id")
	}
	return ByExternalID, p.External(x.Source, x.Subject), nil
}
