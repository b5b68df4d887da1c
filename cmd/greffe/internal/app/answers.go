package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	forms "greffe/api/answer"
	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/casefile"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/register"
	"greffe/domain/rights"
	"greffe/eventstore/access"
)

// answerDesk writes what persons are given, behind the API.
type answerDesk struct{ a *App }

// Concerns implements httpapi.Answers.
func (d answerDesk) Concerns(ctx context.Context, request domain.ID) (domain.ID, error) {
	s, err := (caseFiles(d)).Summary(ctx, casefile.Request, request)
	if err != nil {
		return domain.ID{}, err
	}
	return s.Subject, d.a.upToDate(ctx, d.a.Index.Name(), d.a.CRM.Name(), d.a.Notices.Name()) // who was merged just now is in the answer
}

// glossary is what documents are written with; days are those of Paris.
func (d answerDesk) glossary() answer.Glossary {
	p, _ := d.a.Ledger.Policy()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil { // a machine without the zones
		zone = time.UTC
	}
	return answer.Glossary{Rules: p, Zone: zone}
}

// request opens a request's file.
func (d answerDesk) request(ctx context.Context, r access.Receipt, id domain.ID) (*rights.Request, *answer.Request, error) {
	s, steps, err := (caseFiles(d)).Open(ctx, r, casefile.Request, id)
	if err != nil {
		return nil, nil, err
	}
	q, err := rights.Read(s, steps)
	if err != nil {
		return nil, nil, err
	}
	rules, _ := d.a.Ledger.Policy()
	return q, answer.Of(q, func(code string) string {
		if x, ok := rules.Recipient(code); ok {
			return x.FR
		}
		return code
	}), nil
}

// Write implements httpapi.Answers.
func (d answerDesk) Write(ctx context.Context, r access.Receipt, q httpapi.AnswerRequest) ([]byte, error) {
	req, told, err := d.request(ctx, r, q.Request)
	if err != nil {
		return nil, err
	}
	words := d.glossary()
	if q.Letter == answer.NothingHeld {
		if err := d.mayDeny(ctx, q.Request); err != nil {
			return nil, err
		}
	}
	if q.Letter != "" {
		doc, err := d.letter(ctx, r, req, told, q, words)
		if err != nil {
			return nil, err
		}
		return forms.Document(doc, q.Format)
	}
	in, err := d.inputs(ctx, r, req, told, q.Language)
	if err != nil {
		return nil, err
	}
	switch {
	case q.Portable && q.Format == forms.CSV:
		return answer.NewPortable(in, words.Rules).CSV()
	case q.Portable:
		return forms.Machine(answer.NewPortable(in, words.Rules))
	}
	a := answer.NewAccess(in, words.Rules)
	if a.Outcome == answer.Nothing {
		if err := d.mayDeny(ctx, q.Request); err != nil {
			return nil, err
		}
	}
	if q.Format == forms.JSON {
		return forms.Machine(a)
	}
	return forms.Document(a.Document(words), q.Format)
}

// mayDeny is nil if a document may state that nothing is held; else a MissingError.
func (d answerDesk) mayDeny(ctx context.Context, request domain.ID) error {
	s, err := requestDesk(d).Summary(ctx, request)
	if err == nil {
		err = requestDesk(d).nothingHeld(ctx, s)
	}
	var lacks *rights.StateError
	if errors.As(err, &lacks) {
		err = &answer.MissingError{What: lacks.Lacks}
	}
	return err
}

// inputs opens everything that is held of whom a request is about. Of somebody who was
// erased that is the certificates.
func (d answerDesk) inputs(ctx context.Context, r access.Receipt, req *rights.Request, told *answer.Request, lang answer.Lang) (in answer.Inputs, err error) {
	in = answer.Inputs{MadeAt: domain.NewTime(d.a.cfg.Now()), Language: lang, Request: told, Guardian: req.Requester == rights.Guardian}
	if req.Subject.IsZero() {
		return in, nil
	}
	if err := d.a.indexed(ctx); err != nil {
		return in, err
	}
	if in.Erasures, err = d.certificates(ctx, req.Subject, lang); err != nil {
		return in, err
	}
	in.View, in.Items, err = d.a.Dossier.All(ctx, r, req.Subject, in.MadeAt)
	if errors.Is(err, contact.ErrErased) {
		return in, nil
	}
	if err != nil {
		return in, known(err)
	}
	if in.Accesses, err = d.a.accessesTo(ctx, req.Subject); err != nil {
		return in, err
	}
	if in.Names, err = d.a.sourceNames(ctx); err != nil {
		return in, err
	}
	if in.Notices, err = d.notices(ctx, in.Items); err != nil {
		return in, err
	}
	in.Processing, err = d.processing(ctx, r)
	return in, err
}

// notices are the published texts that items name.
func (d answerDesk) notices(ctx context.Context, items []contact.Item) (map[domain.ID]answer.Notice, error) {
	out := map[domain.ID]answer.Notice{}
	for _, it := range items {
		id, err := domain.ParseID(textOf(it.Codes["notice"]))
		if _, seen := out[id]; err != nil || seen {
			continue
		}
		n, err := (noticeDesk(d)).get(ctx, id)
		if errors.Is(err, httpapi.ErrNotFound) { // named, never published
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("notices: %w", err)
		}
		out[id] = answer.Notice{ID: n.ID, Version: n.Version, Language: n.Language, Text: n.Text}
	}
	return out, nil
}

// textOf is a JSON text without escapes, as codes are.
func textOf(v []byte) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	return string(v[1 : len(v)-1])
}

// processing is what the register of controllers says, as far as art. 15 asks for it.
func (d answerDesk) processing(ctx context.Context, r access.Receipt) (out []answer.Processing, err error) {
	err = newRegisterDesk(d.a).each(ctx, r, "", func(x *httpapi.ActivityItem, _ []httpapi.ActivityState) error {
		e := x.Entry
		if e == nil || e.Role != register.Controller || x.State != "open" {
			return nil
		}
		p := answer.Processing{Name: e.Name, Codes: e.Purposes, Purposes: e.SubPurposes}
		if e.Purpose != "" {
			p.Purposes = slices.Insert(slices.Clone(p.Purposes), 0, e.Purpose)
		}
		for _, y := range e.Recipients {
			p.Recipients = append(p.Recipients, y.Name)
		}
		for _, y := range e.Transfers {
			p.Transfers = append(p.Transfers, answer.Transfer{Recipient: y.Recipient, Country: y.Country, Guarantee: y.Guarantee, Link: y.Link})
		}
		out = append(out, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	return out, nil
}

// inputsOf reads the facts about a person and those merged with it; it opens nothing.
func (d answerDesk) inputsOf(ctx context.Context, r access.Receipt, subject domain.ID) ([]contact.Recorded, error) {
	head, err := d.a.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	recs, err := d.a.Dossier.Inputs(ctx, r, subject, d.a.cfg.Now(), head)
	return recs, known(err)
}

// isErasure tells the facts that an erasure is certified by.
func isErasure(t event.Type) bool { return t == event.SubjectErased || t == event.PartRedacted }
