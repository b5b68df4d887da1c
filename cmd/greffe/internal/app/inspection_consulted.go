package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/inspection"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/audit"
)

// reasonInspection is the policy's code under which people read for an inspection;
// its ticket is the inspection's id.
const reasonInspection = "inspection"

// The kinds of what is handed out, and the sealed inventory of a bundle.
const (
	kindBundle     = "bundle"
	kindKey        = "opposition_key"
	kindSearch     = "search"
	fieldInventory = "export.files"
)

// Consulted implements httpapi.Inspections.
func (d inspectionDesk) Consulted(ctx context.Context, r access.Receipt, id domain.ID, page httpapi.Page) (*httpapi.Consulted, error) {
	if r.Event().IsZero() {
		return nil, access.ErrNotCovered
	}
	opened, fact, err := d.fact(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := d.a.upToDate(ctx, d.a.Audit.Name()); err != nil {
		return nil, err
	}
	pages := d.a.pages("inspections/consulted", id)
	from, err := pages.from(page.Cursor)
	if err != nil {
		return nil, err
	}
	span := audit.Span{From: fact.Recorded.Time}
	out := &httpapi.Consulted{}
	if from == 0 {
		if out.Documents, err = d.documents(ctx, id, opened, span); err != nil {
			return nil, err
		}
	}
	q := audit.AccessFilter{Reason: reasonInspection, Recorded: span, Cursor: max(opened, domain.Position(from))}
	for x, err := range d.a.Audit.Accesses(ctx, q) {
		if err != nil {
			return nil, err
		}
		if x.Position >= r.Position() { // this reading itself, and what came after
			break
		}
		if len(out.Items) == page.Limit {
			out.Next = pages.at(uint64(x.Position))
			break
		}
		item, of, err := d.access(ctx, &x)
		if err != nil {
			return nil, err
		}
		if of == id.String() {
			out.Items = append(out.Items, item)
		}
	}
	return out, nil
}

// access opens who stood behind an access, and its ticket.
func (d inspectionDesk) access(ctx context.Context, x *audit.Access) (item httpapi.ConsultedItem, ticket string, err error) {
	f, err := d.a.Dossier.At(ctx, x.Position)
	if err != nil {
		return item, "", err
	}
	opened, err := d.a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return item, "", fmt.Errorf("access at position %d: %w", x.Position, err)
	}
	item = httpapi.ConsultedItem{EventID: x.ID, Position: x.Position, Time: x.Time.Time, Account: present(x.Account), Action: x.Action,
		Categories: x.Categories, Count: x.Count}
	into := map[string]*string{"access.human": &item.Human, "access.ticket": &ticket}
	for _, field := range opened[0].Fields {
		if s := into[field.Path]; s != nil && json.Unmarshal(field.Value, s) != nil {
			return item, "", fmt.Errorf("access at position %d: a sealed field is no text", x.Position)
		}
	}
	return item, ticket, nil
}

// documents are what was handed out under an inspection, with the inventory of each
// bundle.
func (d inspectionDesk) documents(ctx context.Context, id domain.ID, from domain.Position, span audit.Span) (out []httpapi.CopiedDocument, err error) {
	for e, err := range d.a.Audit.Events(ctx, audit.Filter{Type: event.ExportProduced, Recorded: span, Cursor: from}) {
		if err != nil {
			return nil, err
		}
		f, err := d.a.Dossier.At(ctx, e.Position)
		if err != nil {
			return nil, err
		}
		if f.Codes.ID("inspection") != id {
			continue
		}
		doc := httpapi.CopiedDocument{EventID: f.ID, Position: e.Position, Time: f.Recorded.Time, Kind: f.Codes.String("kind"),
			SHA256: f.Codes.String("sha256"), Rows: f.Codes.Int("rows"), Count: f.Codes.Int("files")}
		opened, err := d.a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, nil)
		if err != nil {
			return nil, fmt.Errorf("export at position %d: %w", e.Position, err)
		}
		for _, field := range opened[0].Fields {
			if field.Path == fieldInventory && json.Unmarshal(field.Value, &doc.Files) != nil {
				return nil, fmt.Errorf("export at position %d: its inventory is none", e.Position)
			}
		}
		out = append(out, doc)
	}
	return out, nil
}

// Commented implements httpapi.InspectionSearch: everybody may have free text.
func (d inspectionDesk) Commented(ctx context.Context, after int64, limit int) ([]domain.ID, int64, error) {
	if after == 0 {
		if err := d.a.upToDate(ctx, d.a.Index.Name()); err != nil {
			return nil, 0, err
		}
	}
	return d.a.Index.Subjects(ctx, after, limit)
}

// searchAtOnce is how many facts a search opens together.
const searchAtOnce = 500

// Search implements httpapi.InspectionSearch. It reads every comment that was ever
// recorded and is not destroyed, the present one among them.
func (d inspectionDesk) Search(ctx context.Context, r access.Receipt, words *inspection.Terms) (hits []httpapi.CommentHit, err error) {
	rules, _ := d.a.Ledger.Policy()
	free := func(path string) bool {
		f, ok := rules.Field(path)
		return ok && f.FreeText
	}
	var classes []string
	for _, f := range rules.Fields() {
		if f.FreeText {
			classes = append(classes, f.Class)
		}
	}
	wanted := func(ref *event.PartRef) bool { return slices.Contains(classes, ref.Class) }
	var facts []*event.Fact
	look := func() error {
		opened, err := access.NewReader(d.a.Ledger).Open(ctx, r, facts, wanted)
		if err != nil {
			return err
		}
		for i, f := range facts {
			hits = append(hits, found(f, opened[i].Fields, free, words)...)
		}
		facts = facts[:0]
		return nil
	}
	for _, subject := range r.Subjects() {
		err := factsOf(d).Of(ctx, subject, func(_ domain.Position, f *event.Fact) error {
			if f.Subject != subject || !slices.ContainsFunc(f.Parts, func(p event.PartRef) bool { return wanted(&p) }) {
				return nil
			}
			if facts = append(facts, f); len(facts) < searchAtOnce {
				return nil
			}
			return look()
		})
		if err != nil {
			return nil, err
		}
	}
	return hits, look()
}

// found looks for words in the free fields of one event.
func found(f *event.Fact, fields []event.Field, free func(string) bool, words *inspection.Terms) (out []httpapi.CommentHit) {
	for _, x := range fields {
		if !free(x.Path) {
			continue
		}
		var s string
		if json.Unmarshal(x.Value, &s) != nil {
			s = string(x.Value)
		}
		if n, excerpt := words.Find(s); n > 0 {
			out = append(out, httpapi.CommentHit{SubjectID: f.Subject, EventID: f.ID, Field: x.Path, Hits: n, Excerpt: excerpt})
		}
	}
	return out
}

// Searched implements httpapi.InspectionSearch.
func (d inspectionDesk) Searched(ctx context.Context, actor, id domain.ID, done httpapi.SearchDone) error {
	return d.handedOut(ctx, handOut{Inspection: id, Actor: actor, Kind: kindSearch, Rows: int64(done.Hits), Persons: int64(done.Persons)})
}

// handOut is something that left under an inspection.
type handOut struct {
	Inspection, Actor domain.ID
	Kind              string
	SHA256            string // hexadecimal
	Rows, Files       int64
	Persons           int64
	Inventory         []httpapi.CopiedFile
}

// handedOut records it: export.produced. The first key of an inspection stands under
// an id of its own, by which its closing knows that it was given.
func (d inspectionDesk) handedOut(ctx context.Context, h handOut) error {
	codes := event.Codes{}.With("inspection", h.Inspection.String()).With("kind", h.Kind).With("rows", h.Rows).With("files", h.Files).With("count", h.Persons)
	if h.SHA256 != "" {
		codes = codes.With("sha256", h.SHA256)
	}
	own := ledger.Own{Type: event.ExportProduced, Actor: h.Actor, Time: d.a.cfg.Now(), Codes: codes}
	if len(h.Inventory) > 0 {
		b, err := json.Marshal(h.Inventory)
		if err != nil {
			return fmt.Errorf("inventory: %w", err)
		}
		own.Parts = d.sealed(d.a.cfg.Now(), []event.Field{{Path: fieldInventory, Value: b}})
	}
	var err error
	if h.Kind == kindKey {
		if own.ID, err = d.a.Ledger.Derived(useInspectionKey, h.Inspection[:]); err != nil {
			return err
		}
	}
	if _, err = d.a.Ledger.Write(ctx, []ledger.Own{own}); errors.Is(err, ledger.ErrTaken) {
		own.ID = domain.ID{}
		_, err = d.a.Ledger.Write(ctx, []ledger.Own{own})
	}
	if err != nil {
		return fmt.Errorf("record what is handed out: %w", err)
	}
	return nil
}
