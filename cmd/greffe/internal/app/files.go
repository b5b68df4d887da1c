package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/copy"
	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
	"greffe/projections/audit"
	"greffe/projections/dossier"
)

// files are the dossiers with the API's errors, and the copies made of them.
type files struct {
	*dossier.Dossiers
	a *App
}

// Persons implements httpapi.Dossier.
func (f *files) Persons(ctx context.Context, subject domain.ID, below domain.Position) ([]domain.ID, error) {
	ids, err := f.Dossiers.Persons(ctx, subject, below)
	return ids, known(err)
}

// Everybody implements httpapi.Dossier.
func (f *files) Everybody(ctx context.Context, subject domain.ID, below domain.Position) ([]domain.ID, error) {
	ids, err := f.Dossiers.Everybody(ctx, subject, below)
	return ids, known(err)
}

// SubjectOf implements httpapi.Dossier.
func (f *files) SubjectOf(ctx context.Context, id domain.ID) (domain.ID, error) {
	s, err := f.Dossiers.SubjectOf(ctx, id)
	return s, known(err)
}

// Copy implements httpapi.Dossier.
func (f *files) Copy(ctx context.Context, r access.Receipt, q httpapi.CopyRequest, w io.Writer) error {
	return f.a.Copy(ctx, r, q, w)
}

// Copy writes the copy of a person's data under article 15 or 20.
func (a *App) Copy(ctx context.Context, r access.Receipt, q httpapi.CopyRequest, w io.Writer) error {
	now := domain.NewTime(a.cfg.Now())
	view, items, err := a.Dossier.All(ctx, r, q.Subject, now)
	if err != nil {
		return known(err)
	}
	if q.Article == 20 {
		c := contact.NewCopy20(now, view, items)
		if q.Format != "csv" {
			return writeJSON(w, c)
		}
		b, err := c.CSV()
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
	names, err := a.sourceNames(ctx)
	if err != nil {
		return err
	}
	in := contact.Inputs15{MadeAt: now, View: view, Items: items}
	if in.Accesses, err = a.accessesTo(ctx, q.Subject); err != nil {
		return err
	}
	rules, _ := a.Ledger.Policy()
	c := contact.NewCopy15(in, rules, names)
	if q.Format == "html" {
		return copy.HTML(w, c)
	}
	return writeJSON(w, c)
}

// accessesTo are the accesses to a person, under all contacts that the person has
// (art. 15(1)(c)); one access to several of them counts once.
func (a *App) accessesTo(ctx context.Context, subject domain.ID) (out []contact.Access, err error) {
	if err := a.upToDate(ctx, a.Audit.Name()); err != nil {
		return nil, err
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	persons, err := a.Dossier.Persons(ctx, subject, head)
	if err != nil {
		return nil, known(err)
	}
	seen := map[domain.Position]bool{}
	for _, p := range persons {
		for x, err := range a.Audit.Accesses(ctx, audit.AccessFilter{Subject: p}) {
			if err != nil {
				return nil, fmt.Errorf("accesses: %w", err)
			}
			if !seen[x.Position] {
				seen[x.Position] = true
				out = append(out, contact.Access{At: x.Time, Reason: x.Reason, Categories: x.Categories})
			}
		}
	}
	slices.SortStableFunc(out, func(x, y contact.Access) int { return x.At.Compare(y.At.Time) })
	return out, nil
}

func writeJSON(w io.Writer, v any) error {
	return json.MarshalWrite(w, v, jsontext.WithIndent("  "), json.Deterministic(true))
}

// names are the producers' names, by id: names of systems, not of persons.
type names map[domain.ID]string

// Source implements contact.Names.
func (n names) Source(id domain.ID) string { return n[id] }

// sourceNames opens the names under which producers registered.
func (a *App) sourceNames(ctx context.Context) (names, error) {
	at, err := a.Index.Registered(ctx)
	if err != nil {
		return nil, err
	}
	out := names{}
	for _, p := range at {
		f, err := a.Dossier.At(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("producers: %w", err)
		}
		if out[f.Source], err = a.opened(ctx, f, "source.name"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// opened is one sealed text of a fact that is about no person's data.
func (a *App) opened(ctx context.Context, f *event.Fact, path string) (string, error) {
	opened, err := a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return "", err
	}
	for _, x := range opened[0].Fields {
		if x.Path == path {
			var s string
			return s, json.Unmarshal(x.Value, &s)
		}
	}
	return "", nil
}

type labels struct{ a *App }

// Labels implements httpapi.Labels.
func (l labels) Labels(ctx context.Context, _ access.Receipt, of []accounts.Account) ([]string, error) {
	out := make([]string, len(of))
	for i, acc := range of {
		if acc.Label.IsZero() {
			continue
		}
		_, f, err := l.a.Dossier.Fact(ctx, acc.Label)
		if err != nil {
			return nil, err
		}
		if out[i], err = l.a.opened(ctx, f, "account.label"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type quarantineDesk struct{ a *App }

// List implements httpapi.Quarantine: what is held now.
func (q quarantineDesk) List(ctx context.Context, page httpapi.Page) (items []httpapi.QuarantineItem, next string, err error) {
	pages := q.a.pages("quarantine")
	from, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	held, err := q.held(ctx, domain.Position(from), page.Limit+1)
	if err != nil {
		return nil, "", err
	}
	for i, p := range held {
		if i == page.Limit {
			return items, pages.at(uint64(p)), nil
		}
		f, err := q.a.Dossier.At(ctx, p)
		if err != nil {
			return nil, "", err
		}
		items = append(items, *setAside(p, f))
	}
	return items, "", nil
}

// held are the places of the inputs with which nothing was done yet.
func (q quarantineDesk) held(ctx context.Context, from domain.Position, most int) ([]domain.Position, error) {
	if err := q.a.upToDate(ctx, q.a.Index.Name()); err != nil {
		return nil, err
	}
	return q.a.Index.Held(ctx, from, most)
}

// Waiting implements httpapi.Quarantine. Nothing is opened to count.
func (q quarantineDesk) Waiting(ctx context.Context, most int) (int, error) {
	held, err := q.held(ctx, 0, most)
	return len(held), err
}

// Item implements httpapi.Quarantine.
func (q quarantineDesk) Item(ctx context.Context, item domain.ID) (*httpapi.QuarantineItem, error) {
	p, f, err := q.fact(ctx, item)
	if err != nil {
		return nil, err
	}
	return q.shown(ctx, p, f)
}

// shown is what was set aside by the fact at p, and how that ended.
func (q quarantineDesk) shown(ctx context.Context, p domain.Position, f *event.Fact) (*httpapi.QuarantineItem, error) {
	out := setAside(p, f)
	all, err := q.a.Index.Quarantined(ctx, f.ID)
	if err != nil || len(all) < 2 {
		return out, err
	}
	end, err := q.a.Dossier.At(ctx, all[len(all)-1])
	if err != nil {
		return nil, err
	}
	out.Outcome, out.Why = end.Codes.String("outcome"), end.Codes.String("reason")
	return out, nil
}

// setAside is what the fact at p says of an input.
func setAside(p domain.Position, f *event.Fact) *httpapi.QuarantineItem {
	return &httpapi.QuarantineItem{
		ID: f.ID, Position: p, Recorded: f.Recorded.Time, Until: f.Codes.Time("until"), Reason: f.Codes.String("reason"),
		Field: f.Codes.String("field"), Type: f.Codes.String("type"), Source: present(f.Source), SubjectID: present(f.Subject),
	}
}

func (q quarantineDesk) fact(ctx context.Context, item domain.ID) (domain.Position, *event.Fact, error) {
	p, f, err := q.a.Dossier.Fact(ctx, item)
	if err == nil && f.Type != event.IngestQuarantined {
		err = ledger.ErrNotHeld
	}
	return p, f, known(err)
}

// Raw implements httpapi.Quarantine.
func (q quarantineDesk) Raw(ctx context.Context, r access.Receipt, item domain.ID) ([]byte, error) {
	if r.Event().IsZero() {
		return nil, access.ErrNotCovered
	}
	_, f, err := q.fact(ctx, item)
	if err != nil {
		return nil, err
	}
	raw, err := q.a.Ledger.Held(ctx, f)
	return raw, known(err)
}

// Repair implements httpapi.Quarantine.
func (q quarantineDesk) Repair(ctx context.Context, actor, item domain.ID, raw []byte) (ledger.Result, error) {
	_, f, err := q.fact(ctx, item)
	if err != nil {
		return ledger.Result{}, err
	}
	res, err := q.a.Ledger.Repair(ctx, actor, f, raw)
	return res, known(err)
}

// Discard implements httpapi.Quarantine.
func (q quarantineDesk) Discard(ctx context.Context, actor, item domain.ID, reason string) (domain.Position, error) {
	_, f, err := q.fact(ctx, item)
	if err != nil {
		return 0, err
	}
	p, err := q.a.Ledger.DiscardHeld(ctx, actor, f, reason)
	return p, known(err)
}

// expire closes an item whose time is over.
func (q quarantineDesk) expire(ctx context.Context, item domain.ID) error {
	_, f, err := q.fact(ctx, item)
	if err == nil {
		_, err = q.a.Ledger.CloseHeld(ctx, domain.ID{}, f, ledger.OutcomeExpired)
	}
	return known(err)
}

// ExpireHeld closes the items whose time is over, and destroys what a crash left
// of closed ones. It returns how many expired.
func (a *App) ExpireHeld(ctx context.Context, now time.Time) (expired int, err error) {
	q := quarantineDesk{a}
	var swept []domain.ID
	var failed error
	for e, err := range a.Audit.Events(ctx, audit.Filter{Type: event.IngestQuarantined}) {
		if err != nil {
			return expired, err
		}
		it, err := q.Item(ctx, e.ID)
		if err != nil {
			return expired, err
		}
		switch {
		case it.Outcome != "":
			swept = append(swept, e.ID)
		case now.After(it.Until):
			err := q.expire(ctx, e.ID)
			switch {
			case err == nil:
				expired++
			case errors.Is(err, ledger.ErrNotHeld): // closed meanwhile
			case failed == nil: // one that cannot be closed does not keep the others
				failed = fmt.Errorf("expire quarantine item %s: %w", e.ID, err)
			}
		}
	}
	return expired, errors.Join(failed, a.Ledger.Sweep(ctx, swept))
}
