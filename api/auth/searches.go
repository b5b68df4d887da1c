package auth

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// maxSearchName bounds a name, in bytes.
const maxSearchName = 100

// Search is a question that an account keeps under a name. All of it is sealed: whom or
// what somebody looks for tells of them, and of whom they look for.
type Search struct {
	ID    domain.ID
	Saved time.Time
	Name  string
	Asks  jsontext.Value // the question, as the caller wrote it
}

const (
	pathSearchAsks = "account.search_asks"
	pathSearchName = "account.search_name"
)

// Searches are those of an account, in the order in which they were saved. What cannot
// be opened any more, as its key was destroyed, is left out.
func (p *People) Searches(ctx context.Context, of domain.ID) (out []Search, err error) {
	a, _ := p.Staff.Find(of)
	for _, x := range a.Searches {
		s, err := p.search(ctx, x)
		if err != nil {
			return nil, err
		}
		if s.Name != "" {
			out = append(out, s)
		}
	}
	return out, nil
}

func (p *People) search(ctx context.Context, x account.Search) (Search, error) {
	fields, err := p.Open(ctx, x.Event)
	if err != nil {
		return Search{}, fmt.Errorf("open a saved search: %w", err)
	}
	s := Search{ID: x.ID, Saved: x.Saved}
	for _, f := range fields {
		switch f.Path {
		case pathSearchAsks:
			s.Asks = jsontext.Value(f.Value)
		case pathSearchName:
			if s.Name, err = text(f.Value); err != nil {
				return Search{}, err
			}
		}
	}
	return s, nil
}

// SaveSearch keeps a question under a name, at most account.MaxSearches an account. Two
// may have one name. Errors of the request are *problem.Error.
func (p *People) SaveSearch(ctx context.Context, of domain.ID, name string, asks jsontext.Value) (domain.ID, error) {
	name, err := searchName(name)
	if err != nil {
		return domain.ID{}, err
	}
	id, err := domain.RandomID(p.Rand)
	if err != nil {
		return domain.ID{}, fmt.Errorf("save a search: %w", err)
	}
	err = p.Alone(ctx, func(to Facts) error {
		a, ok := p.Staff.Find(of)
		switch {
		case !ok:
			return problem.New(problem.NotFound)
		case len(a.Searches) >= account.MaxSearches:
			return problem.New(problem.SearchesFull)
		}
		_, err := p.write(ctx, to, saved(of, id, name, asks))
		return err
	})
	return id, err
}

// RenameSearch gives one of an account's searches another name.
func (p *People) RenameSearch(ctx context.Context, of, id domain.ID, name string) error {
	name, err := searchName(name)
	if err != nil {
		return err
	}
	return p.Alone(ctx, func(to Facts) error {
		a, _ := p.Staff.Find(of)
		x, ok := a.Search(id)
		if !ok {
			return problem.New(problem.NotFound)
		}
		s, err := p.search(ctx, x)
		if err != nil || s.Name == name {
			return err
		}
		_, err = p.write(ctx, to, saved(of, id, name, s.Asks))
		return err
	})
}

// RemoveSearch forgets one of an account's searches.
func (p *People) RemoveSearch(ctx context.Context, of, id domain.ID) error {
	a, _ := p.Staff.Find(of)
	if _, ok := a.Search(id); !ok {
		return problem.New(problem.NotFound)
	}
	_, err := p.write(ctx, p.Facts, ledger.Own{Type: event.AccountSearchRemoved, Actor: of,
		Codes: event.Codes{}.With("account", of.String()).With("search", id.String())})
	return err
}

func saved(of, id domain.ID, name string, asks jsontext.Value) ledger.Own {
	return ledger.Own{Type: event.AccountSearchSaved, Actor: of, Codes: event.Codes{}.With("account", of.String()).With("search", id.String()),
		Parts: sealed(of, event.Field{Path: pathSearchAsks, Value: asks}, event.Field{Path: pathSearchName, Value: quoted(name)})}
}

// searchName is a name of one line, without blanks around it.
func searchName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", problem.At(problem.FieldRequired, "name")
	case len(name) > maxSearchName, !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return "", problem.At(problem.FieldInvalid, "name")
	}
	return name, nil
}
