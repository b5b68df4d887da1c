package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/link"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
	"greffe/projections/dossier"
)

type linkDesk struct {
	a   *App
	key *link.Key
}

func (a *App) links() (linkDesk, error) {
	secret, err := a.Ledger.Secret("link")
	if err != nil {
		return linkDesk{}, fmt.Errorf("key of links: %w", err)
	}
	key, err := link.NewKey(secret)
	return linkDesk{a, key}, err
}

// For how long links work, in days.
const (
	optOutDays  = 1825
	confirmDays = 14
	maxDays     = 3650
)

// Why there is no link; the codes of httpapi.LinkMade.
const (
	linkNotFound = "not_found"
	linkInvalid  = "field_invalid"
	linkRequired = "field_required"
)

func noLink(code, field string) httpapi.LinkMade { return httpapi.LinkMade{Error: code, Field: field} }

// Make implements httpapi.Links.
func (d linkDesk) Make(ctx context.Context, wanted []httpapi.LinkWanted) ([]httpapi.LinkMade, error) {
	if err := d.a.upToDate(ctx, d.a.Index.Name(), d.a.Notices.Name()); err != nil {
		return nil, err
	}
	subjects, err := d.subjects(ctx, wanted)
	if err != nil {
		return nil, err
	}
	rules, _ := d.a.Ledger.Policy()
	out := make([]httpapi.LinkMade, len(wanted))
	for i := range wanted {
		if out[i], err = d.one(ctx, rules, &wanted[i], subjects[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// subjects are the people that are named by an upstream's id or ours, zero where
// none is known, or was erased.
func (d linkDesk) subjects(ctx context.Context, wanted []httpapi.LinkWanted) ([]domain.ID, error) {
	out := make([]domain.ID, len(wanted))
	var tokens []token.Token
	var at []int
	for i, w := range wanted {
		if w.SubjectID != nil {
			out[i] = *w.SubjectID
		} else if x := w.ExternalID; x != nil {
			tokens, at = append(tokens, d.a.Ledger.Peppers().External(x.Source, x.Subject)), append(at, i)
		}
	}
	const chunk = 500
	for from := 0; from < len(tokens); from += chunk {
		to := min(from+chunk, len(tokens))
		ids, err := d.a.vault.Links(ctx, tokens[from:to])
		if err != nil {
			return nil, fmt.Errorf("look up external ids: %w", err)
		}
		for j, id := range ids {
			out[at[from+j]] = id
		}
	}
	for i, id := range out {
		if id.IsZero() {
			continue
		}
		known, err := d.a.Index.Has(ctx, id)
		if err != nil {
			return nil, err
		}
		_, _, erased, err := d.a.Notices.Erased(ctx, id)
		if err != nil {
			return nil, err
		}
		if !known || erased {
			out[i] = domain.ID{}
		}
	}
	return out, nil
}

func (d linkDesk) one(ctx context.Context, rules *policy.Policy, w *httpapi.LinkWanted, subject domain.ID) (httpapi.LinkMade, error) {
	named := w.SubjectID != nil || w.ExternalID != nil
	switch {
	case w.SubjectID != nil && w.ExternalID != nil:
		return noLink(linkInvalid, "external_id"), nil
	case named && subject.IsZero():
		return noLink(linkNotFound, "subject_id"), nil
	case w.Days < 0 || w.Days > maxDays:
		return noLink(linkInvalid, "days"), nil
	}
	var l link.Link
	var bad httpapi.LinkMade
	var err error
	switch w.Kind {
	case "", "optout":
		l, bad = optOutLink(rules, w, subject)
	case "confirm":
		l, bad, err = d.confirmLink(ctx, w, subject)
	default:
		bad = noLink(linkInvalid, "kind")
	}
	if err != nil || bad.Error != "" {
		return bad, err
	}
	days := w.Days
	if days == 0 {
		days = map[link.Kind]int{link.OptOut: optOutDays, link.Confirm: confirmDays}[l.Kind]
	}
	l.Expires = d.a.cfg.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, days+1) // a whole day: the same link all day long
	text, err := d.key.Seal(l)
	if err != nil {
		return httpapi.LinkMade{}, fmt.Errorf("make a link: %w", err)
	}
	return httpapi.LinkMade{URL: strings.TrimSuffix(d.a.cfg.PublicURL, "/") + "/u/" + text, Expires: &l.Expires}, nil
}

func optOutLink(rules *policy.Policy, w *httpapi.LinkWanted, subject domain.ID) (l link.Link, bad httpapi.LinkMade) {
	controller := w.Controller
	if controller == "" {
		controller = rules.DefaultController()
	}
	switch {
	case subject.IsZero():
		return l, noLink(linkRequired, "subject_id")
	case w.Request != nil:
		return l, noLink(linkInvalid, "request")
	case !rules.Controller(controller):
		return l, noLink(linkInvalid, "controller")
	case w.Purpose != "" && !rules.Purpose(w.Purpose):
		return l, noLink(linkInvalid, "purpose")
	case slices.ContainsFunc(w.Channels, func(c string) bool { return !rules.Channel(c) }):
		return l, noLink(linkInvalid, "channels")
	}
	return link.Link{Kind: link.OptOut, Subject: subject, Controller: controller, Purpose: w.Purpose, Channels: w.Channels}, bad
}

// confirmLink is for whom and for what the request says.
func (d linkDesk) confirmLink(ctx context.Context, w *httpapi.LinkWanted, subject domain.ID) (l link.Link, bad httpapi.LinkMade, err error) {
	switch {
	case w.Request == nil:
		return l, noLink(linkRequired, "request"), nil
	case w.Purpose != "" || len(w.Channels) > 0 || w.Controller != "":
		return l, noLink(linkInvalid, "purpose"), nil // the request says
	}
	var id domain.ID
	switch r := w.Request; {
	case r.EventID != nil && r.Source == "" && r.ID == "":
		id = *r.EventID
	case r.EventID == nil && r.Source != "" && r.ID != "":
		mac := d.a.Ledger.Peppers().Dedupe(r.Source, r.ID)
		id = domain.DeriveID(mac[:])
	default:
		return l, noLink(linkInvalid, "request"), nil
	}
	_, f, err := d.a.Dossier.Fact(ctx, id)
	switch {
	case errors.Is(err, dossier.ErrUnknown):
		return l, noLink(linkNotFound, "request"), nil
	case err != nil:
		return l, bad, err
	case f.Type != event.ConsentRequested, f.Subject.IsZero(), !subject.IsZero() && subject != f.Subject,
		f.Codes.String("purpose") == "", f.Controller == "", f.Controller == "*",
		len(f.Codes.Strings("channels")) == 0: // consent is given by channel
		return l, noLink(linkInvalid, "request"), nil
	}
	if _, _, erased, err := d.a.Notices.Erased(ctx, f.Subject); err != nil || erased {
		return l, noLink(linkNotFound, "request"), err
	}
	return link.Link{Kind: link.Confirm, Subject: f.Subject, Controller: f.Controller, Purpose: f.Codes.String("purpose"),
		Channels: f.Codes.Strings("channels"), Request: id, Notice: f.Codes.ID("notice"),
		TextHeld: slices.Contains(f.Fields, "consent.notice.text")}, bad, nil
}

// Open implements httpapi.Links.
func (d linkDesk) Open(text string) (link.Link, error) { return d.key.Open(text, d.a.cfg.Now()) }

// clickWait bounds the recording of what a link's holder asked for, who may be
// gone by then.
const clickWait = 10 * time.Second

// OptOut implements httpapi.Links. The ledger alone is needed for it.
func (d linkDesk) OptOut(ctx context.Context, l link.Link, scope httpapi.OptOut) (httpapi.Recorded, error) {
	method := "unsubscribe_link"
	if scope.Page {
		method = "preference_page"
	}
	codes := event.Codes{}.With("method", method)
	if l.Purpose != "" {
		codes = codes.With("purpose", l.Purpose)
	}
	if len(scope.Channels) > 0 {
		codes = codes.With("channels", scope.Channels)
	}
	objection := slices.Clone(codes)
	if l.Purpose == "" && len(scope.Channels) == 0 {
		objection = objection.With("scope", "all")
	}
	now := d.a.cfg.Now()
	return d.write(ctx, now, ledger.Own{Type: event.OppositionRegistered, Subject: l.Subject, Controller: l.Controller, Time: now, Codes: objection},
		ledger.Own{Type: event.ConsentWithdrawn, Subject: l.Subject, Controller: l.Controller, Time: now, Codes: codes})
}

// Confirm implements httpapi.Links. The fact's id follows from the request, so
// that it is confirmed once.
func (d linkDesk) Confirm(ctx context.Context, l link.Link) (httpapi.Recorded, error) {
	_, request, err := d.a.Dossier.Fact(ctx, l.Request)
	if err != nil { // the link was made of it: this node is behind, or being rebuilt
		return httpapi.Recorded{}, errors.Join(httpapi.ErrStale, err)
	}
	sum := sha256.Sum256(append([]byte("greffe/confirmed/1"), l.Request[:]...))
	now := d.a.cfg.Now()
	rules, _ := d.a.Ledger.Policy()
	own := ledger.Own{Type: event.ConsentGranted, ID: domain.DeriveID(sum[:]), Subject: l.Subject, Controller: l.Controller, Time: now,
		Codes: confirmation(&l, request), Parts: []ledger.PlainPart{{
			Key: part.KeyID{Owner: part.SubjectOwner(l.Subject), Class: classEvidence, Epoch: rules.Epoch(classEvidence, now)},
			Fields: []event.Field{{Path: "consent.act",
				Value: []byte(`"pressed the button of the confirmation page, whose link was sent to the address given with the request"`)}}}}}
	done, err := d.write(ctx, now, own)
	if errors.Is(err, ledger.ErrInvalid) {
		return done, errors.Join(httpapi.ErrConflict, err)
	}
	return done, err
}

// confirmation are the codes of a grant by double opt-in: what was requested, and
// whether the notice's text is held.
func confirmation(l *link.Link, request *event.Fact) event.Codes {
	codes := event.Codes{}.With("method", "double_opt_in").With("purpose", l.Purpose).
		With("request", l.Request.String()).With("evidence", "proven")
	if len(l.Channels) > 0 {
		codes = codes.With("channels", l.Channels)
	}
	if !l.Notice.IsZero() {
		codes = codes.With("notice", l.Notice.String())
	}
	if !l.TextHeld { // proven once the notice is published
		codes = codes.With("evidence", "unproven").With("lacks", []string{"notice"})
	}
	if t := request.Codes.String("expires_at"); t != "" {
		codes = codes.With("expires_at", t)
	}
	if s := request.Codes.Strings("slots"); len(s) > 0 {
		codes = codes.With("slots", s)
	}
	return codes
}

// write records what somebody asked for by a link, and tells the first of it.
func (d linkDesk) write(ctx context.Context, now time.Time, owns ...ledger.Own) (httpapi.Recorded, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clickWait)
	defer cancel()
	w, err := d.a.Ledger.Write(ctx, owns)
	if errors.Is(err, ledger.ErrErased) {
		return httpapi.Recorded{}, errors.Join(httpapi.ErrNotFound, err)
	}
	if err != nil {
		return httpapi.Recorded{}, fmt.Errorf("record what a link asked for: %w", err)
	}
	return httpapi.Recorded{Event: w[0].Event, At: domain.NewTime(now).Time}, nil
}
