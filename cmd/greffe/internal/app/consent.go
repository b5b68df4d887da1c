package app

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections"
	"greffe/projections/notices"
)

// upToDateWait bounds how long an answer about consent waits for its read models.
const upToDateWait = 5 * time.Second

// upToDate waits until the named read models have applied everything that is in
// the log now: consent is never told from less.
func (a *App) upToDate(ctx context.Context, names ...string) error {
	head, err := a.Ledger.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, upToDateWait)
	defer cancel()
	err = a.runner.WaitFor(wait, head-1, names...)
	var halted *projections.HaltError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &halted), errors.Is(err, projections.ErrStopped):
		return errors.Join(httpapi.ErrHalted, err)
	case wait.Err() != nil && ctx.Err() == nil:
		return errors.Join(httpapi.ErrStale, err)
	}
	return err
}

type consentDesk struct{ a *App }

// State implements httpapi.Consents.
func (d consentDesk) State(ctx context.Context, r access.Receipt, subject domain.ID, asOf time.Time, below domain.Position) ([]httpapi.ConsentState, error) {
	if !r.Covers(subject) {
		return nil, access.ErrNotCovered
	}
	if err := d.a.upToDate(ctx, d.a.Index.Name(), d.a.Notices.Name()); err != nil {
		return nil, err
	}
	published, err := d.a.Notices.Published(ctx)
	if err != nil {
		return nil, err
	}
	known := func(notice domain.ID) bool {
		at, ok := published[notice]
		return ok && at < below
	}
	var out []httpapi.ConsentState
	for _, person := range r.Subjects() {
		acts, err := d.acts(ctx, person, below)
		if err != nil {
			return nil, err
		}
		out = append(out, states(person, acts, known, asOf)...)
	}
	return out, nil
}

// acts are what one contact said about consent, by what was known below a
// position.
func (d consentDesk) acts(ctx context.Context, subject domain.ID, below domain.Position) ([]consent.Act, error) {
	const page = 1000
	var acts []consent.Act
	for from := domain.Position(0); ; {
		places, err := d.a.Index.Positions(ctx, subject, from, below, page)
		if err != nil {
			return nil, err
		}
		for _, p := range places {
			f, err := d.a.Dossier.At(ctx, p)
			if err != nil {
				return nil, err
			}
			if x, ok := consent.ActOf(p, f); ok {
				acts = append(acts, x)
			}
			from = p + 1
		}
		if len(places) < page {
			return acts, nil
		}
	}
}

// states is the matrix of one contact; the notice that completes a proof is an
// evidence of its own.
func states(subject domain.ID, acts []consent.Act, published func(domain.ID) bool, asOf time.Time) []httpapi.ConsentState {
	unpublished := func(domain.ID) bool { return false }
	notice := map[domain.ID]domain.ID{}
	for i := range acts {
		if x := &acts[i]; consent.Proven(x, published) && !consent.Proven(x, unpublished) {
			notice[x.Event] = x.Notice
		}
	}
	var out []httpapi.ConsentState
	for _, e := range consent.Current().All(consent.Complete(acts, published), asOf) {
		s := httpapi.ConsentState{SubjectID: subject, Controller: e.Controller, Purpose: e.Purpose, Channel: e.Channel,
			State: string(e.State), Since: e.Since, Evidence: []domain.ID{e.Event}, Position: e.Position, Lacks: e.Lacks}
		if by, ok := notice[e.Event]; ok {
			s.Evidence = append(s.Evidence, by)
		}
		if (e.State == consent.Granted || e.State == consent.Expired) && !e.Until.IsZero() {
			s.ExpiresAt = &e.Until
		}
		out = append(out, s)
	}
	return out
}

// Unproven implements httpapi.Consents.
func (d consentDesk) Unproven(ctx context.Context) ([]httpapi.UnprovenCount, error) {
	if err := d.a.upToDate(ctx, d.a.Notices.Name(), d.a.Audit.Name()); err != nil {
		return nil, err
	}
	counts, err := d.a.Notices.Unproven(ctx)
	if err != nil {
		return nil, err
	}
	sources, err := d.a.sourceNames(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]httpapi.UnprovenCount, len(counts))
	for i, c := range counts {
		out[i] = httpapi.UnprovenCount{Source: present(c.Source), Name: sources[c.Source], Lacks: c.Lacks, Grants: c.Grants}
	}
	return out, nil
}

// UnprovenGrants implements httpapi.Consents.
func (d consentDesk) UnprovenGrants(ctx context.Context, page httpapi.Page) (out []httpapi.UnprovenGrant, next string, err error) {
	pages := d.a.pages("consents/unproven")
	from, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	if err := d.a.upToDate(ctx, d.a.Notices.Name()); err != nil {
		return nil, "", err
	}
	grants, err := d.a.Notices.UnprovenGrants(ctx, domain.Position(from), page.Limit)
	if err != nil {
		return nil, "", err
	}
	for _, g := range grants {
		out = append(out, httpapi.UnprovenGrant{EventID: g.Event, Position: g.Position, Source: present(g.Source),
			Purpose: g.Purpose, Channels: g.Channels, Time: g.Time, Lacks: g.Lacks})
	}
	if len(grants) == page.Limit {
		next = pages.at(uint64(grants[len(grants)-1].Position) + 1)
	}
	return out, next, nil
}

const (
	expiringPage = 500
	maxExpiring  = 50_000 // grants in one call
)

// ExpireConsents records consent.expired once for each grant, and each set of its
// channels, whose time is over by now: its own, or one year for calls (C. conso.
// R223-1). It records at most 50,000 and tells how many; what is left, also by a
// crash or an error, is for the next call. The state of a consent does not wait
// for it: domain/consent reads the grant's own end.
func (a *App) ExpireConsents(ctx context.Context, now time.Time) (expired int, err error) {
	if err := a.upToDate(ctx, a.Notices.Name()); err != nil {
		return 0, fmt.Errorf("expire consents: %w", err)
	}
	for after, more := (notices.After{}), true; more && expired < maxExpiring; {
		var page []notices.Grant
		if page, after, more, err = a.Notices.Ended(ctx, now, after, expiringPage); err != nil {
			return expired, fmt.Errorf("expire consents: %w", err)
		}
		n, err := a.writeExpired(ctx, page)
		expired += n
		if err != nil {
			return expired, fmt.Errorf("expire consents: %w", err)
		}
	}
	return expired, nil
}

// writeExpired records a page at once. If that fails, grant by grant: one whose
// person was erased meanwhile, or that another node recorded, keeps no other.
func (a *App) writeExpired(ctx context.Context, page []notices.Grant) (n int, err error) {
	if len(page) == 0 {
		return 0, nil
	}
	owns := make([]ledger.Own, len(page))
	for i := range page {
		owns[i] = expiredFact(&page[i])
	}
	if _, err = a.Ledger.WriteUnder(ctx, under(ctx), owns); err == nil {
		return len(owns), nil
	}
	if ctx.Err() != nil || a.Ledger.Cause() != nil {
		return 0, err
	}
	for i := range owns {
		switch _, err := a.Ledger.WriteUnder(ctx, under(ctx), owns[i:i+1]); {
		case err == nil, errors.Is(err, ledger.ErrInvalid): // its id is taken: it was recorded a moment ago
			n++
		case !errors.Is(err, ledger.ErrErased):
			return n, err
		}
	}
	return n, nil
}

// expiredFact is the fact of one end. Its id follows from what it says, so that it
// is recorded once whoever records it.
func expiredFact(g *notices.Grant) ledger.Own {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte("greffe/consent.expired/1"), g.Event[:]...), uint64(g.Due.UnixMicro())))
	codes := event.Codes{}.With("grant", g.Event.String()).With("purpose", g.Purpose).
		With("granted_at", domain.FormatTime(g.Time))
	if len(g.Channels) > 0 {
		codes = codes.With("channels", g.Channels)
	}
	return ledger.Own{Type: event.ConsentExpired, ID: domain.DeriveID(sum[:]), Subject: g.Subject, Controller: g.Controller, Time: g.Due, Codes: codes}
}
