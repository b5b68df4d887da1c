package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/domain/rights"
	"greffe/eventstore/access"
)

// letter writes one letter from what the ledger knows.
func (d answerDesk) letter(ctx context.Context, r access.Receipt, req *rights.Request, told *answer.Request, q httpapi.AnswerRequest, words answer.Glossary) (*answer.Document, error) {
	f := answer.Facts{Now: d.a.cfg.Now(), Controller: d.controller(req.Controller), LiftOn: q.LiftOn}
	for i := range req.Notes {
		if n := &req.Notes[i]; n.Kind == rights.NoteCompleted {
			f.Statement = n.Words
		}
	}
	news := map[answer.Model]string{answer.Rectified: policy.NewsRectification, answer.Erased: policy.NewsErasure, answer.Restricted: policy.NewsRestriction,
		answer.Objected: policy.NewsOpposition, answer.Withdrawn: policy.NewsConsent}[q.Letter]
	rules, _ := d.a.Ledger.Policy()
	for _, x := range rules.Recipients() {
		if news != "" && x.Gets(news) {
			label := x.FR
			if q.Language == answer.EN {
				label = x.EN
			}
			f.Recipients = append(f.Recipients, label)
		}
	}
	if err := d.happened(ctx, r, req, told, &f, q); err != nil {
		return nil, err
	}
	return answer.Letter(q.Letter, q.Language, told, f, words)
}

// controller is who writes.
func (d answerDesk) controller(code string) contact.ControllerLine {
	rules, _ := d.a.Ledger.Policy()
	all := rules.Controllers()
	at := max(0, slices.IndexFunc(all, func(c policy.Controller) bool { return c.Code == code }))
	c := all[at]
	return contact.ControllerLine{Code: c.Code, Name: c.Name, Address: c.Address, Email: c.Email, Phone: c.Phone, DPO: c.DPO}
}

// happened finds in the facts about the person what a letter may state.
func (d answerDesk) happened(ctx context.Context, r access.Receipt, req *rights.Request, told *answer.Request, f *answer.Facts, q httpapi.AnswerRequest) error {
	if req.Subject.IsZero() {
		if req.Has(rights.MarkEarly) && req.Right == rights.Objection { // by an address alone
			f.Opposed = req.Received
		}
		return nil
	}
	if err := d.a.indexed(ctx); err != nil {
		return err
	}
	certificates, err := d.certificates(ctx, req.Subject, q.Language)
	if err != nil {
		return err
	}
	for i := range certificates {
		if c := &certificates[i]; !c.ErasedAt.Before(req.Received) || slices.Contains(answered(req), c.Number) {
			f.Certificate = c
		}
	}
	recs, err := d.inputsOf(ctx, r, req.Subject)
	if errors.Is(err, contact.ErrErased) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range recs {
		d.taken(recs[i].Fact, req, f)
	}
	for _, x := range contact.Fold(req.Subject, recs, f.Now).Restrictions {
		if f.Restricted.IsZero() || x.Since.Before(f.Restricted) {
			f.Restricted = x.Since.Time
		}
	}
	slices.Sort(f.Changed)
	f.Changed = slices.Compact(f.Changed)
	return d.named(ctx, r, req, told)
}

func answered(req *rights.Request) []domain.ID {
	if req.Answer == nil {
		return nil
	}
	return req.Answer.Certificates
}

// taken notes what one fact did.
func (d answerDesk) taken(x *event.Fact, req *rights.Request, f *answer.Facts) {
	since := !x.Time.Before(req.Received)
	switch x.Type {
	case event.ContactChanged:
		if since && x.Codes.String("reason") == "rectification" {
			for _, path := range slices.Concat(x.Fields, x.Unset) {
				if !strings.HasPrefix(path, "upstream.") {
					f.Changed = append(f.Changed, path)
				}
			}
		}
	case event.OppositionRegistered:
		if req.Right != rights.ConsentWithdrawal && since {
			f.Opposed, f.Channels = x.Time.Time, x.Codes.Strings("channels")
		}
	case event.ConsentWithdrawn:
		if req.Right == rights.ConsentWithdrawal && since {
			f.Opposed, f.Channels = x.Time.Time, x.Codes.Strings("channels")
		}
	case event.RequestReceived:
		if x.ID == req.Case && req.Right == rights.Objection { // it is the objection itself
			f.Opposed = req.Received
		}
	}
}

// named completes to whom a letter goes by what is held, if the request said no name.
func (d answerDesk) named(ctx context.Context, r access.Receipt, req *rights.Request, told *answer.Request) error {
	if told.Name != "" && len(told.Address) > 0 {
		return nil
	}
	head, err := d.a.Ledger.Head(ctx)
	if err != nil {
		return err
	}
	v, err := d.a.Dossier.View(ctx, r.Within(contact.ClassIdentity, contact.ClassContactDetails), req.Subject, d.a.cfg.Now(), head)
	if err != nil {
		return known(err)
	}
	told.Complete(v)
	return nil
}
