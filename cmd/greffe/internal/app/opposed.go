package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/token"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	list "greffe/projections/opposition"
)

// exportPage is how many entries or persons an export opens at a time, each page
// under an access of its own.
const exportPage = 500

// OppositionExport says what of the opposition list to write.
type OppositionExport struct {
	Since   domain.Position // entries, and new addresses of who objected, from there on
	Kinds   []token.Kind    // of addresses
	Use     opposition.Question
	Reading access.Reading // who reads, and why
	// Row takes one address, normalised, with the entry that binds it.
	Row      func(kind token.Kind, address string, e *opposition.Entry) error
	Progress func(done, total int64)
}

// Exported says what was written.
type Exported struct {
	Rows    int64           `json:"rows"`
	Hashed  int64           `json:"without_clear_form"` // addresses of lists, and entries carried over an erasure
	Next    domain.Position `json:"next"`               // to give as since next time
	Entries int64           `json:"entries"`
}

// ExportOpposition writes the addresses that are bound now for a use, of those
// whose objections or addresses came at or after a position. It opens each page
// after the access to it is durable. Addresses that the ledger knows as keyed
// tokens only have no clear form and are counted.
func (a *App) ExportOpposition(ctx context.Context, x OppositionExport) (out Exported, err error) {
	if err := errors.Join(a.Readable(), (oppositionDesk{a}).Current(ctx)); err != nil {
		return out, err
	}
	if out.Next, err = a.Ledger.Head(ctx); err != nil {
		return out, err
	}
	e := exporter{app: a, x: x, out: &out}
	if out.Entries, _, err = a.Opposition.Count(ctx, list.Filter{Since: x.Since}); err != nil {
		return out, err
	}
	if err := e.entries(ctx); err != nil {
		return out, err
	}
	return out, e.persons(ctx)
}

type exporter struct {
	app  *App
	x    OppositionExport
	out  *Exported
	done int64
}

// entries writes those of addresses alone, and counts those without clear form.
func (e *exporter) entries(ctx context.Context) error {
	for from := e.x.Since; ; {
		page, next, err := e.app.Opposition.Page(ctx, list.Filter{Since: from}, exportPage)
		if err != nil {
			return err
		}
		var alone []list.Lifted
		for _, p := range page {
			if binds, _ := opposition.Binding([]opposition.Entry{p.Entry.Entry}, p.Lifts, nil, e.x.Use); binds == nil {
				continue
			}
			switch {
			case p.Origin == list.Listed:
				e.out.Hashed += max(0, p.Count-p.Single)
			case p.Origin == list.Carried:
				e.out.Hashed++
			case p.Origin == list.Address:
				alone = append(alone, p)
			}
		}
		if err := e.alone(ctx, alone); err != nil {
			return err
		}
		if e.done += int64(len(page)); e.x.Progress != nil {
			e.x.Progress(e.done, e.out.Entries)
		}
		if next == 0 {
			return nil
		}
		from = next
	}
}

func (e *exporter) alone(ctx context.Context, page []list.Lifted) error {
	if len(page) == 0 {
		return nil
	}
	r := e.x.Reading
	r.Categories, r.Count = []string{classOpposition}, int64(len(page))
	if _, err := e.app.Journal.Record(ctx, r); err != nil {
		return err
	}
	at := make([]domain.Position, len(page))
	for i := range page {
		at[i] = page[i].Position
	}
	facts, err := e.facts(ctx, at)
	if err != nil {
		return err
	}
	opened, err := e.app.Ledger.Keyring().Open(ctx, facts, ofLedgersList)
	if err != nil {
		return err
	}
	for i := range page {
		entry := page[i].Entry.Entry
		for _, f := range opened[i].Fields {
			kind := map[string]token.Kind{opposition.FieldEmail: token.KindEmail, opposition.FieldPhone: token.KindPhone}[f.Path]
			if err := e.rows(kind, f.Value, &entry, map[string]bool{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// persons writes every address that a person who objected ever had.
func (e *exporter) persons(ctx context.Context) error {
	var last domain.ID
	for since := e.x.Since; ; {
		page, err := e.app.Opposition.Objectors(ctx, since, last, exportPage)
		if err != nil || len(page) == 0 {
			return err
		}
		var open []list.Objector
		var entries []*opposition.Entry
		r := e.x.Reading
		r.Categories, r.Subjects = []string{"contact_details"}, nil
		for _, o := range page {
			s, err := e.app.Opposition.BySubject(ctx, o.Subject)
			if err != nil {
				return err
			}
			if binds, _ := s.Binding(e.x.Use); binds != nil && s.Erased == nil && len(o.Sources) > 0 {
				open, entries = append(open, o), append(entries, binds)
				r.Subjects = append(r.Subjects, o.Subject)
			}
			since, last = o.Changed, o.Subject
		}
		if len(open) == 0 {
			continue
		}
		r.Archived = true // an objection binds by every address, wherever it is kept
		receipt, err := e.app.Journal.Record(ctx, r)
		if err != nil {
			return err
		}
		for i, o := range open {
			if err := e.person(ctx, receipt, o, entries[i]); err != nil {
				return err
			}
		}
	}
}

func (e *exporter) person(ctx context.Context, receipt access.Receipt, o list.Objector, entry *opposition.Entry) error {
	facts, err := e.facts(ctx, o.Sources)
	if err != nil {
		return err
	}
	opened, err := access.NewReader(e.app.Ledger).Open(ctx, receipt, facts, func(ref *event.PartRef) bool { return ref.Class == "contact_details" })
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range opened {
		for _, f := range opened[i].Fields {
			kind := map[string]token.Kind{"person.emails": token.KindEmail, "person.phones": token.KindPhone}[f.Path]
			if err := e.rows(kind, f.Value, entry, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *exporter) facts(ctx context.Context, at []domain.Position) ([]*event.Fact, error) {
	out := make([]*event.Fact, 0, len(at))
	for _, p := range at {
		err := e.app.log.Read(ctx, p, p+1, func(p domain.Position, b []byte) error {
			f, err := event.DecodeFact(b)
			if err != nil {
				return fmt.Errorf("fact at position %d: %w", p, err)
			}
			out = append(out, f)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(out) != len(at) {
		return nil, errors.New("the log does not hold a fact of the opposition list")
	}
	return out, nil
}

// rows writes the addresses of a field, each once. What is no valid address has
// no form that another tool could import; it stays bound here.
func (e *exporter) rows(kind token.Kind, value []byte, entry *opposition.Entry, seen map[string]bool) error {
	if !slices.Contains(e.x.Kinds, kind) {
		return nil
	}
	var all []string
	if len(value) > 0 && value[0] == '"' {
		all = make([]string, 1)
		if err := json.Unmarshal(value, &all[0]); err != nil {
			return errors.New("a sealed address is not a text")
		}
	} else if err := json.Unmarshal(value, &all); err != nil {
		return errors.New("sealed addresses are not a list")
	}
	for _, s := range all {
		normal, _ := ledger.Normal(kind, s)
		if normal == "" || strings.HasPrefix(normal, token.Marker) || seen[normal] {
			continue
		}
		seen[normal] = true
		if err := e.x.Row(kind, normal, entry); err != nil {
			return err
		}
		e.out.Rows++
	}
	return nil
}
