package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/cursor"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/projections/audit"
)

// Deeds implements httpapi.Audit.
func (d auditDesk) Deeds(ctx context.Context, account domain.ID, f httpapi.Filter, page httpapi.Page) (out httpapi.Found[httpapi.AuditDeed], err error) {
	pages := d.a.pages("audit/accounts", account, f)
	from, until, err := d.a.span(ctx, pages, page.Cursor)
	if err != nil {
		return out, err
	}
	q := audit.DeedFilter{Account: account, Type: event.Type(f.Type), Time: audit.Span{From: f.From, To: f.To}, Cursor: from, Before: until, Newest: f.Newest, Limit: page.Limit}
	for x, err := range audit.Deeds(ctx, d.a.Audit, q) {
		if err != nil {
			return out, err
		}
		if x.Access != nil && len(out.Subjects)+len(x.Access.Subjects) >= access.MaxSubjects && len(out.Items) > 0 {
			out.Next = pages.again(x.Position, until, f.Newest)
			return out, nil
		}
		deed := httpapi.AuditDeed{Position: x.Position}
		if x.Event != nil {
			deed.Event = shownEvent(x.Event)
			about(&out.Subjects, x.Event.Subject)
		}
		if x.Access != nil {
			if deed.Access, err = d.access(ctx, x.Access); err != nil {
				return out, err
			}
			for _, s := range x.Access.Subjects {
				about(&out.Subjects, s)
			}
		}
		if out.Items = append(out.Items, deed); len(out.Items) == page.Limit {
			out.Next = pages.after(x.Position, until, f.Newest)
		}
	}
	return out, nil
}

func shownEvent(e *audit.Event) *httpapi.AuditEvent {
	return &httpapi.AuditEvent{
		Position: e.Position, EventID: e.ID, Type: string(e.Type), SubjectID: present(e.Subject), Source: present(e.Source),
		Account: present(e.Actor), Controller: e.Controller, Purposes: e.Purposes, Time: e.Time.Time, Recorded: e.Recorded.Time,
		Policy: e.Policy, Warnings: e.Warnings, Unproven: e.Unproven,
	}
}

// access is a row as the API gives it. Which field groups were shown clear on request
// stands in the fact alone, as few accesses have any.
func (d auditDesk) access(ctx context.Context, x *audit.Access) (*httpapi.AuditAccess, error) {
	out := &httpapi.AuditAccess{
		Position: x.Position, EventID: x.ID, Source: present(x.Source), Account: present(x.Account), Subjects: x.Subjects,
		Count: x.Count, Action: x.Action, Reason: x.Reason, Ticketed: x.Ticketed, Categories: x.Categories, Time: x.Time.Time, Recorded: x.Recorded.Time,
	}
	if x.Action != event.Reveals {
		return out, nil
	}
	f, err := d.a.Dossier.At(ctx, x.Position)
	if err != nil {
		return nil, fmt.Errorf("access at position %d: %w", x.Position, err)
	}
	out.Revealed = f.Codes.Strings(event.Revealed)
	return out, nil
}

// Difference implements httpapi.Audit. What is asked for is projected when it is read;
// later pages end where the first one did.
func (d auditDesk) Difference(ctx context.Context, f httpapi.DifferenceFilter, page httpapi.Page) (out httpapi.Found[httpapi.AuditDifference], err error) {
	pages := d.a.pages("audit/difference", f.From, f.Types)
	from := f.From
	if page.Cursor != "" {
		at, err := pages.key.Open(pages.query, page.Cursor)
		if err != nil {
			return out, errors.Join(httpapi.ErrCursor, err)
		}
		from, f.To = domain.Position(at.Offset), at.Position
	}
	if err := d.seen(ctx, f.To); err != nil {
		return out, err
	}
	q := audit.ChangedFilter{From: f.From, To: f.To, Cursor: from, Limit: page.Limit}
	for _, t := range f.Types {
		q.Types = append(q.Types, event.Type(t))
	}
	for x, err := range d.a.Audit.Changed(ctx, q) {
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, httpapi.AuditDifference{SubjectID: x.Subject, At: x.At, First: x.First, Last: x.Last, ByType: byName(x.Types)})
		out.Subjects = append(out.Subjects, x.Subject)
		if len(out.Items) == page.Limit {
			out.Next = pages.key.Seal(pages.query, cursor.At{Offset: uint64(x.At) + 1, Position: f.To})
		}
	}
	return out, nil
}

func byName(types map[event.Type]int64) map[string]int64 {
	out := make(map[string]int64, len(types))
	for t, n := range types {
		out[string(t)] = n
	}
	return out
}

// seen waits until the audit dataset has applied everything below a position.
func (d auditDesk) seen(ctx context.Context, below domain.Position) error {
	if below == 0 {
		return nil
	}
	if d.a.auditApart() {
		return d.a.auditSeen(ctx, below-1)
	}
	return halted(d.a.runner.WaitFor(ctx, below-1, d.a.Audit.Name()))
}

// DifferenceCounts implements httpapi.Audit.
func (d auditDesk) DifferenceCounts(ctx context.Context, f httpapi.DifferenceFilter) (map[string]int64, error) {
	if err := d.seen(ctx, f.To); err != nil {
		return nil, err
	}
	n, err := d.a.Audit.Counts(ctx, f.From, f.To)
	return byName(n), err
}

// Bursts implements httpapi.Audit.
func (d auditDesk) Bursts(ctx context.Context, f httpapi.BurstFilter, page httpapi.Page) (out httpapi.Found[httpapi.AuditBurst], err error) {
	pages := d.a.pages("audit/bulk", f)
	q := audit.FlowFilter{Account: f.Account, Reason: f.Reason, Time: audit.Span{From: f.From, To: f.To}, Over: f.Over, Window: f.Window}
	if q.After, err = pages.flow(page.Cursor); err != nil {
		return out, err
	}
	for b, err := range audit.Bursts(ctx, d.a.Audit, q, page.Limit) {
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, httpapi.AuditBurst{Account: b.Account, From: b.From.Time, To: b.To.Time, First: b.First, Last: b.Last, Accesses: b.Accesses, Most: b.Most})
		if len(out.Items) == page.Limit {
			out.Next = pages.flowAt(b.After())
		}
	}
	return out, nil
}

// flow is where a page of bursts begins.
func (p pages) flow(text string) (audit.FlowCursor, error) {
	if text == "" {
		return audit.FlowCursor{}, nil
	}
	at, err := p.key.Open(p.query, text)
	if err != nil {
		return audit.FlowCursor{}, errors.Join(httpapi.ErrCursor, err)
	}
	return audit.FlowCursor{Account: at.ID, Time: domain.NewTime(time.UnixMicro(int64(at.Offset))), Position: at.Position}, nil
}

func (p pages) flowAt(at audit.FlowCursor) string {
	return p.key.Seal(p.query, cursor.At{ID: at.Account, Offset: uint64(at.Time.UnixMicro()), Position: at.Position})
}
