package app

import (
	"context"
	"errors"
	"fmt"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/domain/rights"
	"greffe/eventstore/ledger"
)

// errRevision: somebody decided on a state of the file that is no more.
var errRevision = errors.New("the request was changed meanwhile; read it again")

// Take implements httpapi.Requests.
func (d requestDesk) Take(ctx context.Context, actor, id domain.ID, revision *int64, c rights.Command) (out httpapi.TakenStep, err error) {
	s, err := d.Summary(ctx, id)
	if err != nil {
		return out, err
	}
	if revision != nil && *revision != s.Revision {
		return out, errors.Join(httpapi.ErrConflict, errRevision)
	}
	if err := d.fits(ctx, s, &c); err != nil {
		return out, err
	}
	draft, err := c.Decide(s, d.a.cfg.Now())
	if err != nil {
		return out, err
	}
	if v, ok := c.(rights.Verify); ok {
		if out.Objections, err = d.identified(ctx, actor, s, v); err != nil {
			return out, err
		}
	}
	draft.Actor = actor
	w, err := (caseFiles(d)).Write(ctx, draft)
	if err != nil {
		return out, err
	}
	return d.taken(out, s, draft, w), nil
}

// taken says how the file stands after a step, without waiting for the read model.
func (d requestDesk) taken(out httpapi.TakenStep, s *casefile.Summary, draft casefile.Draft, w ledger.Written) httpapi.TakenStep {
	next := *s
	next.Marks = append([]string(nil), s.Marks...)
	rights.Fold(&next, &event.Fact{ID: w.Event, Type: draft.Type, Subject: draft.Subject, Codes: draft.Codes, Time: domain.NewTime(d.a.cfg.Now())})
	out.EventID, out.Position, out.Revision, out.Status = w.Event, w.Position, s.Revision+1, next.Status
	if !next.Due.IsZero() {
		out.Due = &next.Due
	}
	return out
}

// fits checks what a step names against the ledger: the person, the system; and lets
// the policy's guard see its words.
func (d requestDesk) fits(ctx context.Context, s *casefile.Summary, c *rights.Command) error {
	switch x := (*c).(type) {
	case rights.Verify:
		if x.Subject.IsZero() || x.Subject == s.Subject {
			return nil
		}
		err := (erasures(d)).there(ctx, x.Subject)
		if errors.Is(err, httpapi.ErrNotFound) || errors.Is(err, ledger.ErrErased) {
			return errors.Join(&rights.FieldError{Field: "subject_id"}, err)
		}
		return err
	case rights.Search:
		p, _ := d.a.Ledger.Policy()
		if _, ok := p.Recipient(x.System); !ok && x.System != rights.SystemOther && x.System != "" {
			return &rights.FieldError{Field: "system"}
		}
	case rights.Conclude:
		if x.Outcome == rights.NothingHeld {
			return d.nothingHeld(ctx, s)
		}
	case rights.Remark:
		if kept, left := d.guarded(x.Words); left {
			if kept == "" && x.File == nil {
				return &rights.FieldError{Field: "words"}
			}
			x.Words = kept
			*c = x
		}
	}
	return nil
}

// identified makes effective what waited for whom it is about.
func (d requestDesk) identified(ctx context.Context, actor domain.ID, s *casefile.Summary, v rights.Verify) ([]domain.ID, error) {
	right := rights.Right(s.Kind)
	if v.Right != "" {
		right = v.Right
	}
	subject := v.Subject
	if subject.IsZero() {
		subject = s.Subject
	}
	switch {
	case subject.IsZero():
		return nil, nil
	case right == rights.ConsentWithdrawal: // of the time of the request: saying it again changes nothing
		return d.withdrawn(ctx, actor, subject, s.Controller, s.Opened)
	case right == rights.Objection && (subject != s.Subject || v.Right != ""):
		against := rights.AgainstOf(s)
		o, err := (oppositionDesk(d)).Object(ctx, actor, httpapi.Objection{Subject: subject, Purpose: against.Purpose, Channels: against.Channels})
		if err != nil || o.Erased {
			return nil, err
		}
		return []domain.ID{o.Event}, nil
	}
	return nil, nil
}

// Search implements httpapi.Requests: without a system, one task for each recipient
// and source of the policy that has none yet.
func (d requestDesk) Search(ctx context.Context, actor, id domain.ID, revision *int64, task rights.Search) (out []httpapi.TakenStep, err error) {
	if task.System != "" {
		one, err := d.Take(ctx, actor, id, revision, task)
		return []httpapi.TakenStep{one}, err
	}
	has, err := d.tasked(ctx, id)
	if err != nil {
		return nil, err
	}
	p, _ := d.a.Ledger.Policy()
	for _, r := range p.Recipients() {
		if has[r.Code] {
			continue
		}
		task.System = r.Code
		one, err := d.Take(ctx, actor, id, revision, task)
		if err != nil {
			return out, fmt.Errorf("task %d: %w", len(out)+1, err)
		}
		out = append(out, one)
		revision = &one.Revision
	}
	return out, nil
}

// tasked are the systems that a request has a task for.
func (d requestDesk) tasked(ctx context.Context, id domain.ID) (map[string]bool, error) {
	_, at, err := (caseFiles(d)).steps(ctx, casefile.Request, id)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, p := range at {
		f, err := d.a.Dossier.At(ctx, p)
		if err != nil {
			return nil, err
		}
		if f.Type == event.RequestTasked {
			out[f.Codes.String("system")] = true
		}
	}
	return out, nil
}
