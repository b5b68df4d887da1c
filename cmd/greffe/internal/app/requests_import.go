package app

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"slices"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/rights"
	"greffe/eventstore/retention"
)

const useRequestLine = "request/line"

// Import implements httpapi.Requests. A file's id follows from what the line says, so
// that a line that is sent again opens nothing. One request at a time: a month's post,
// not a database.
func (d requestDesk) Import(ctx context.Context, actor domain.ID, r io.Reader) iter.Seq2[httpapi.ImportedRequest, error] {
	return func(yield func(httpapi.ImportedRequest, error) bool) {
		for l, err := range rights.ReadCSV(r) {
			if err != nil {
				yield(httpapi.ImportedRequest{Line: l.Number}, err)
				return
			}
			out, err := d.line(ctx, actor, &l)
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// ImportRequests is Import for the command line.
func (a *App) ImportRequests(ctx context.Context, r io.Reader) iter.Seq2[httpapi.ImportedRequest, error] {
	return requestDesk{a}.Import(ctx, domain.ID{}, r)
}

// RequestsDesk is the desk for the command line.
func (a *App) RequestsDesk() httpapi.Requests { return requestDesk{a} }

func (d requestDesk) line(ctx context.Context, actor domain.ID, l *rights.Line) (httpapi.ImportedRequest, error) {
	out := httpapi.ImportedRequest{Line: l.Number, Status: "invalid"}
	err := l.Err
	if err == nil {
		l.Intake.Actor = actor
		err = d.checked(l)
	}
	var field *rights.FieldError
	if errors.As(err, &field) {
		out.Field = field.Field
		return out, nil
	}
	if err != nil {
		return out, err
	}
	id, known, err := d.known(ctx, l.Cells)
	if err != nil {
		return out, err
	}
	if out.ID = &id; known {
		out.Status = "duplicate"
		return out, nil
	}
	var ext *httpapi.ExternalID
	if l.Source != "" {
		ext = &httpapi.ExternalID{Source: l.Source, Subject: l.Subject}
	}
	opened, err := d.open(ctx, l.Intake, ext, id)
	switch {
	case errors.Is(err, httpapi.ErrConflict): // the same line came by another way just now
		out.Status = "duplicate"
		return out, nil
	case err != nil:
		return out, err
	}
	out.Status, out.Position, out.Due = "recorded", opened.Position, &opened.Due
	return out, nil
}

// checked completes and checks a line's request; somebody named by an upstream's id
// alone is named.
func (d requestDesk) checked(l *rights.Line) error {
	rules, _ := d.a.Ledger.Policy()
	if c := l.Intake.Controller; c != "" && !rules.Controller(c) {
		return &rights.FieldError{Field: "controller"}
	}
	probe := l.Intake
	if l.Source != "" {
		probe.Subject = domain.ID{1}
	}
	if err := probe.Check(d.a.cfg.Now()); err != nil {
		return err
	}
	probe.Subject = domain.ID{}
	l.Intake = probe
	return nil
}

// known is the id of a line's file, and whether it is recorded.
func (d requestDesk) known(ctx context.Context, cells []string) (domain.ID, bool, error) {
	var b []byte
	if !slices.Contains(cells, "received_at") { // cells: names and values by turns
		cells = append(slices.Clone(cells), "received_on", string(retention.DayOf(d.a.cfg.Now())))
	}
	for _, c := range cells {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(c))), c...)
	}
	id, err := d.a.Ledger.Derived(useRequestLine, b)
	if err != nil {
		return id, false, err
	}
	in, err := d.a.vault.Intake(ctx, []domain.ID{id})
	if err != nil {
		return id, false, err
	}
	return id, in[0].Found, nil
}

const useRequestForm = "request/form"

// Form implements httpapi.Requests. A page that is filled in anew and sent again is
// another request: an objection is not taken for the request that it follows.
func (d requestDesk) Form(ctx context.Context, in rights.Intake, once domain.ID) (out httpapi.OpenedRequest, err error) {
	p := &in.Person
	page := once[:]
	for _, said := range []string{string(in.Right), string(in.Requester), p.Name, p.Email, p.Phone, p.Address, p.CustomerNumber, p.Agent, in.Message} {
		page = append(binary.BigEndian.AppendUint32(page, uint32(len(said))), said...)
	}
	id, err := d.a.Ledger.Derived(useRequestForm, page)
	if err != nil {
		return out, err
	}
	sent, err := d.a.vault.Intake(ctx, []domain.ID{id})
	if err == nil && !sent[0].Found {
		out, err = d.open(ctx, in, nil, id)
	}
	if err == nil && sent[0].Found || errors.Is(err, httpapi.ErrConflict) { // the same page, sent again
		out, err = httpapi.OpenedRequest{ID: id, Due: rights.Deadline(in.Received)}, nil
		if s, err := d.Summary(ctx, id); err == nil && !s.Due.IsZero() {
			out.Due = s.Due
		}
		if in.Right == rights.Objection { // of an address at least, or it would not have been opened
			out.Objections = []domain.ID{id}
		}
	}
	return out, err
}
