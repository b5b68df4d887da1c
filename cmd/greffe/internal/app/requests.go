package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/domain/rights"
	"greffe/domain/token"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/cases"
)

// requestDesk is the desk of rights requests, behind the API.
type requestDesk struct{ a *App }

// Open implements httpapi.Requests. What protects a person takes effect before the
// file is opened: if that fails, the objection stands.
func (d requestDesk) Open(ctx context.Context, in rights.Intake, ext *httpapi.ExternalID) (out httpapi.OpenedRequest, err error) {
	return d.open(ctx, in, ext, domain.ID{})
}

// open is Open under an id that the file is to have, if that is given.
func (d requestDesk) open(ctx context.Context, in rights.Intake, ext *httpapi.ExternalID, id domain.ID) (out httpapi.OpenedRequest, err error) {
	if err := d.subject(ctx, &in, ext); err != nil {
		return out, err
	}
	known := !in.Subject.IsZero()
	if out.Objections, err = d.atOnce(ctx, &in); err != nil {
		return out, err
	}
	in.Message, out.Left = d.guarded(in.Message)
	draft := in.Draft()
	draft.ID = id
	w, err := (caseFiles(d)).Write(ctx, draft)
	if errors.Is(err, ledger.ErrErased) { // just now: the file is about nobody, and an objection holds for the addresses
		known, in.Subject = false, domain.ID{}
		if out.Objections, err = d.atOnce(ctx, &in); err != nil {
			return out, err
		}
		draft = in.Draft()
		draft.ID = id
		w, err = (caseFiles(d)).Write(ctx, draft)
	}
	if err != nil {
		return out, err
	}
	out.ID, out.Position, out.Due, out.Known = w.Event, w.Position, rights.Deadline(in.Received), known
	if known && in.Right == rights.Objection {
		out.Objections = append(out.Objections, w.Event)
	}
	return out, nil
}

// subject finds whom a request is about. Who was erased, or was never known, stays
// unknown: a request makes nobody known.
func (d requestDesk) subject(ctx context.Context, in *rights.Intake, ext *httpapi.ExternalID) (err error) {
	if ext != nil {
		if in.Subject, err = d.a.External(ctx, d.a.Ledger.Peppers().External(ext.Source, ext.Subject)); err != nil {
			return err
		}
	}
	if in.Subject.IsZero() {
		return nil
	}
	err = (erasures(d)).there(ctx, in.Subject)
	if errors.Is(err, ledger.ErrErased) || errors.Is(err, httpapi.ErrNotFound) && ext != nil {
		in.Subject, err = domain.ID{}, nil
	}
	return err
}

// atOnce registers what needs no decision: an objection to prospecting for each address
// that is given, whether or not it is one that is held (art. 21(3)), the withdrawal of
// somebody who is known (art. 7(3)). The objection of somebody known is the request
// itself besides.
func (d requestDesk) atOnce(ctx context.Context, in *rights.Intake) (events []domain.ID, err error) {
	switch {
	case in.Right == rights.ConsentWithdrawal && !in.Subject.IsZero():
		return d.withdrawn(ctx, in.Actor, in.Subject, in.Controller, in.Received)
	case in.Right != rights.Objection:
		return nil, nil
	}
	for _, x := range []struct {
		kind    token.Kind
		address string
	}{{token.KindEmail, in.Person.Email}, {token.KindPhone, in.Person.Phone}} {
		if x.address == "" {
			continue
		}
		o, err := (oppositionDesk(d)).Object(ctx, in.Actor, httpapi.Objection{Kind: x.kind, Address: x.address, Purpose: in.Against.Purpose, Channels: in.Against.Channels})
		if err != nil {
			return nil, fmt.Errorf("register the objection: %w", err)
		}
		events, in.Effective = append(events, o.Event), true
	}
	return events, nil
}

func (d requestDesk) withdrawn(ctx context.Context, actor, subject domain.ID, controller string, at time.Time) ([]domain.ID, error) {
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{{Type: event.ConsentWithdrawn, Actor: actor, Subject: subject, Controller: controller, Time: at,
		Codes: event.Codes{}.With("method", "other")}})
	if errors.Is(err, ledger.ErrErased) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record the withdrawal: %w", err)
	}
	return []domain.ID{w[0].Event}, nil
}

// guarded is what the policy's guard leaves of words, and whether it left something
// out.
func (d requestDesk) guarded(words string) (kept string, left bool) {
	kept = inspectionDesk(d).guarded(words)
	return kept, kept != words
}

// Summary implements httpapi.Requests.
func (d requestDesk) Summary(ctx context.Context, id domain.ID) (*casefile.Summary, error) {
	return (caseFiles(d)).Summary(ctx, casefile.Request, id)
}

// Read implements httpapi.Requests.
func (d requestDesk) Read(ctx context.Context, r access.Receipt, id domain.ID) (*rights.Request, error) {
	s, steps, err := (caseFiles(d)).Open(ctx, r, casefile.Request, id)
	if err != nil {
		return nil, err
	}
	return rights.Read(s, steps)
}

// File implements httpapi.Requests.
func (d requestDesk) File(ctx context.Context, r access.Receipt, id, step domain.ID) (*rights.File, error) {
	_, at, err := caseFiles(d).covered(ctx, r, casefile.Request, id)
	if err != nil {
		return nil, err
	}
	for _, p := range at {
		f, err := d.a.Dossier.At(ctx, p)
		if err != nil {
			return nil, err
		}
		if f.ID == step {
			return d.content(ctx, r, p)
		}
	}
	return nil, httpapi.ErrNotFound
}

// content is the file that the step at a position keeps.
func (d requestDesk) content(ctx context.Context, r access.Receipt, p domain.Position) (out *rights.File, err error) {
	err = caseFiles(d).open(ctx, asShown(r, access.NewReader(d.a.Ledger)), []domain.Position{p}, func(step casefile.Step) (err error) {
		if out, err = rights.Content(&step); err == nil && out == nil {
			if err = httpapi.ErrNotFound; step.Gone {
				err = access.ErrGone
			}
		}
		return err
	})
	return out, err
}

// List implements httpapi.Requests.
func (d requestDesk) List(ctx context.Context, f httpapi.RequestFilter, page httpapi.Page) (out httpapi.Found[casefile.Summary], err error) {
	q := cases.Filter{Desk: casefile.Request, Kind: f.Right, Status: f.Status, Standing: f.Standing, Mark: f.Mark, Subject: f.Subject,
		Assignee: f.Assignee, DueBy: f.DueBy, From: f.From, To: f.To, ByDue: f.ByDue}
	if out.Items, out.Next, err = (caseFiles(d)).List(ctx, q, f.Overdue, page); err != nil {
		return out, err
	}
	for i := range out.Items {
		about(&out.Subjects, out.Items[i].Subject)
	}
	return out, nil
}

// statisticsPage is how many files are counted at once.
const statisticsPage = 1000

// Statistics implements httpapi.Requests.
func (d requestDesk) Statistics(ctx context.Context, from, to time.Time) (*rights.Statistics, error) {
	files := caseFiles(d)
	if err := files.current(ctx); err != nil {
		return nil, err
	}
	out, now := &rights.Statistics{ByRight: map[string]*rights.Count{}}, d.a.cfg.Now()
	q := cases.Filter{Desk: casefile.Request, From: from, To: to, Limit: statisticsPage}
	for {
		page, err := d.a.Cases.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page {
			out.Add(&page[i], now)
		}
		if len(page) < statisticsPage {
			return out, nil
		}
		q.Cursor = page[len(page)-1].Position + 1
	}
}
