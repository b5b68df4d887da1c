package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/inspection"
	"greffe/domain/minimise"
	"greffe/domain/part"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/audit"
	"greffe/projections/dossier"
)

// inspectionDesk is what an authority's inspection needs, behind the API. There is no
// read model of its own: an inspection is the fact that opened it, and what is said
// once of it stands under an id derived from its own.
type inspectionDesk struct{ a *App }

// What is said once of an inspection.
const (
	useInspectionClosed = "inspection/closed"
	useInspectionKey    = "inspection/opposition-key"
)

// OpenInspection opens an inspection for the command line.
func (a *App) OpenInspection(ctx context.Context, o inspection.Opening) (*httpapi.OpenedInspection, error) {
	if err := o.Check(a.cfg.Now()); err != nil {
		return nil, err
	}
	return inspectionDesk{a}.Open(ctx, domain.ID{}, o)
}

// Open implements httpapi.Inspections.
func (d inspectionDesk) Open(ctx context.Context, actor domain.ID, o inspection.Opening) (*httpapi.OpenedInspection, error) {
	o.Object = d.guarded(o.Object)
	now := d.a.cfg.Now()
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{{Type: event.InspectionOpened, Actor: actor, Time: now, Codes: o.Codes(), Parts: d.sealed(now, o.Fields())}})
	if err != nil {
		return nil, fmt.Errorf("open inspection: %w", err)
	}
	return &httpapi.OpenedInspection{ID: w[0].Event, Position: w[0].Position, Due: o.Due}, nil
}

// sealed is the part of fields about an inspection.
func (d inspectionDesk) sealed(now time.Time, fields []event.Field) []ledger.PlainPart {
	if len(fields) == 0 {
		return nil
	}
	p, _ := d.a.Ledger.Policy()
	return []ledger.PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: classRequests, Epoch: p.Epoch(classRequests, now)}, Fields: fields}}
}

// guarded is what the policy's guard leaves of words; nothing of what it would set
// aside.
func (d inspectionDesk) guarded(words string) string {
	if words == "" {
		return ""
	}
	p, _ := d.a.Ledger.Policy()
	kept, _, held := minimise.New(p).Apply([]event.Field{text(fieldWords, words)})
	if len(held) > 0 || len(kept) == 0 || json.Unmarshal(kept[0].Value, &words) != nil {
		return ""
	}
	return words
}

// List implements httpapi.Inspections.
func (d inspectionDesk) List(ctx context.Context, r access.Receipt, page httpapi.Page) (items []inspection.Inspection, next string, err error) {
	pages := d.a.pages("inspections")
	from, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	if err := d.a.upToDate(ctx, d.a.Audit.Name(), d.a.Index.Name()); err != nil {
		return nil, "", err
	}
	q := audit.Filter{Type: event.InspectionOpened, Cursor: domain.Position(from), Limit: page.Limit}
	for e, err := range d.a.Audit.Events(ctx, q) {
		if err != nil {
			return nil, "", err
		}
		i, err := d.at(ctx, r, e.Position)
		if err != nil {
			return nil, "", err
		}
		if items = append(items, *i); len(items) == page.Limit {
			next = pages.at(uint64(e.Position) + 1)
		}
	}
	return items, next, nil
}

// Get implements httpapi.Inspections.
func (d inspectionDesk) Get(ctx context.Context, r access.Receipt, id domain.ID) (*inspection.Inspection, error) {
	at, _, err := d.fact(ctx, id)
	if err != nil {
		return nil, err
	}
	return d.at(ctx, r, at)
}

// fact finds the one that opened an inspection.
func (d inspectionDesk) fact(ctx context.Context, id domain.ID) (domain.Position, *event.Fact, error) {
	if err := d.a.upToDate(ctx, d.a.Index.Name()); err != nil {
		return 0, nil, err
	}
	at, f, err := d.a.Dossier.Fact(ctx, id)
	if err == nil && f.Type != event.InspectionOpened {
		err = httpapi.ErrNotFound
	}
	return at, f, known(err)
}

// at opens the inspection that the fact at a position opened.
func (d inspectionDesk) at(ctx context.Context, r access.Receipt, p domain.Position) (*inspection.Inspection, error) {
	if r.Event().IsZero() {
		return nil, access.ErrNotCovered
	}
	f, err := d.a.Dossier.At(ctx, p)
	if err != nil {
		return nil, err
	}
	opened, err := d.a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return nil, fmt.Errorf("inspection at position %d: %w", p, err)
	}
	i, err := inspection.Read(f, opened[0].Fields)
	if err != nil {
		return nil, fmt.Errorf("inspection at position %d: %w", p, err)
	}
	i.Closed, err = d.closed(ctx, i.ID)
	return i, err
}

// closed is when an inspection was closed, zero if it is open.
func (d inspectionDesk) closed(ctx context.Context, id domain.ID) (time.Time, error) {
	f, err := d.once(ctx, useInspectionClosed, id)
	if err != nil || f == nil {
		return time.Time{}, err
	}
	return f.Recorded.Time, nil
}

// once is the fact of what is said once of an inspection, nil if it was not said.
func (d inspectionDesk) once(ctx context.Context, use string, id domain.ID) (*event.Fact, error) {
	derived, err := d.a.Ledger.Derived(use, id[:])
	if err != nil {
		return nil, err
	}
	_, f, err := d.a.Dossier.Fact(ctx, derived)
	if errors.Is(err, dossier.ErrUnknown) || errors.Is(known(err), httpapi.ErrNotFound) {
		return nil, nil
	}
	return f, err
}

// Standing implements httpapi.Inspections.
func (d inspectionDesk) Standing(ctx context.Context, id domain.ID) error {
	if _, _, err := d.fact(ctx, id); err != nil {
		return err
	}
	closed, err := d.closed(ctx, id)
	if err == nil && !closed.IsZero() {
		err = fmt.Errorf("the inspection is closed: %w", httpapi.ErrConflict)
	}
	return err
}

// CloseInspection closes an inspection for the command line.
func (a *App) CloseInspection(ctx context.Context, id domain.ID, remark string) (*httpapi.ClosedInspection, error) {
	return inspectionDesk{a}.Close(ctx, domain.ID{}, id, remark)
}

// Close implements httpapi.Inspections. Whoever closes it a second time meets
// ErrConflict.
func (d inspectionDesk) Close(ctx context.Context, actor, id domain.ID, remark string) (*httpapi.ClosedInspection, error) {
	if err := d.Standing(ctx, id); err != nil {
		return nil, err
	}
	derived, err := d.a.Ledger.Derived(useInspectionClosed, id[:])
	if err != nil {
		return nil, err
	}
	given, err := d.once(ctx, useInspectionKey, id)
	if err != nil {
		return nil, err
	}
	var fields []event.Field
	if remark = d.guarded(remark); remark != "" {
		fields = append(fields, inspection.Text(inspection.FieldRemark, remark))
	}
	now := d.a.cfg.Now()
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{{Type: event.InspectionClosed, ID: derived, Actor: actor, Time: now,
		Codes: event.Codes{}.With("inspection", id.String()).With("key_given", given != nil), Parts: d.sealed(now, fields)}})
	if errors.Is(err, ledger.ErrTaken) {
		err = fmt.Errorf("the inspection is closed: %w", httpapi.ErrConflict)
	}
	if err != nil {
		return nil, fmt.Errorf("close inspection: %w", err)
	}
	return &httpapi.ClosedInspection{ID: id, EventID: w[0].Event, Position: w[0].Position, KeyGiven: given != nil}, nil
}

// People implements httpapi.Inspections.
func (d inspectionDesk) People(ctx context.Context) (int64, error) {
	t, err := d.a.Index.Totals(ctx)
	return t.Subjects, err
}

// InspectionList lists all inspections for the command line.
func (a *App) InspectionList(ctx context.Context, r access.Receipt) (out []inspection.Inspection, err error) {
	const some = 100
	for cursor := ""; ; {
		items, next, err := inspectionDesk{a}.List(ctx, r, httpapi.Page{Cursor: cursor, Limit: some})
		if err != nil {
			return nil, err
		}
		if out = append(out, items...); next == "" {
			return out, nil
		}
		cursor = next
	}
}

// InspectionOpen is nil while an inspection is open.
func (a *App) InspectionOpen(ctx context.Context, id domain.ID) error {
	return inspectionDesk{a}.Standing(ctx, id)
}
