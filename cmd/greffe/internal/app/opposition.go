package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/minimise"
	"greffe/domain/opposition"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
	"greffe/projections"
	"greffe/projections/dossier"
	list "greffe/projections/opposition"
)

const (
	classOpposition = "opposition"
	classRequests   = "requests"
	// freshFor bounds how long a use of the list waits for it.
	freshFor = 3 * time.Second
	// fieldWords is the policy's path by which words about a request are judged.
	fieldWords = "request.message"
)

// Opposition implements opposition.Opener: the list's own parts, which hold
// tokens or an address alone, are opened to be projected and shown to nobody.
func (o opener) Opposition(ctx context.Context, facts []*event.Fact) ([]list.Opened, error) {
	opened, err := o.a.Ledger.Keyring().Open(ctx, facts, ofLedgersList)
	if err != nil {
		return nil, err
	}
	out := make([]list.Opened, len(opened))
	for i := range opened {
		out[i] = list.Opened{Fields: opened[i].Fields, Gone: len(opened[i].Gone) > 0}
	}
	return out, nil
}

func ofLedgersList(ref *event.PartRef) bool {
	return ref.Class == classOpposition && ref.Owner.Kind == part.Ledger
}

// oppositionDesk is the opposition list behind the API.
type oppositionDesk struct{ a *App }

// Current implements httpapi.Opposition.
func (d oppositionDesk) Current(ctx context.Context) error {
	head, err := d.a.Ledger.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	err = d.a.runner.WaitFor(ctx, head-1, d.a.Opposition.Name())
	var halted *projections.HaltError
	switch {
	case errors.As(err, &halted):
		return errors.Join(httpapi.ErrHalted, err)
	case errors.Is(err, context.DeadlineExceeded):
		return errors.Join(httpapi.ErrStale, err)
	}
	return err
}

func (d oppositionDesk) Page(ctx context.Context, f list.Filter, page httpapi.Page) (out httpapi.Found[httpapi.OppositionEntry], err error) {
	pages := d.a.pages("opposition", f)
	from, err := pages.from(page.Cursor)
	if err != nil {
		return out, err
	}
	f.Since = max(f.Since, domain.Position(from))
	items, next, err := d.a.Opposition.Page(ctx, f, page.Limit)
	if err != nil {
		return out, err
	}
	for i := range items {
		out.Items = append(out.Items, httpapi.OppositionEntryOf(&items[i]))
		about(&out.Subjects, items[i].Subject)
	}
	out.Next = pages.at(uint64(next))
	return out, nil
}

func (d oppositionDesk) ByAddress(ctx context.Context, addresses [][]token.Token) ([]list.Standing, error) {
	out, err := d.a.Opposition.ByAddress(ctx, addresses)
	if errors.Is(err, list.ErrLarge) {
		err = errors.Join(dossier.ErrLarge, err)
	}
	return out, err
}

func (d oppositionDesk) key(now time.Time) part.KeyID {
	p, _ := d.a.Ledger.Policy()
	return part.KeyID{Owner: part.LedgerOwner(), Class: classOpposition, Epoch: p.Epoch(classOpposition, now)}
}

// Object records an objection of a person, or of an address. Somebody of whom
// only an upstream's id is given, and whom nobody knows yet, becomes known by it.
func (d oppositionDesk) Object(ctx context.Context, actor domain.ID, o httpapi.Objection) (out httpapi.Objected, err error) {
	if o.External != nil {
		if o.Subject, err = d.a.External(ctx, d.a.Ledger.Peppers().External(o.External.Source, o.External.Subject)); err != nil {
			return out, err
		}
		if o.Subject.IsZero() {
			return d.unknown(ctx, o)
		}
	}
	now := d.a.cfg.Now()
	own := ledger.Own{Type: event.OppositionRegistered, Actor: actor, Subject: o.Subject, Time: now, Codes: scopeCodes(o.Purpose, o.Channels)}
	if o.Subject.IsZero() {
		path := opposition.FieldEmail
		if o.Kind == token.KindPhone {
			path = opposition.FieldPhone
		}
		own.Parts = []ledger.PlainPart{{Key: d.key(now), Fields: []event.Field{text(path, o.Address)}}}
	} else if gone, err := d.gone(ctx, o); err != nil || gone {
		return httpapi.Objected{Subject: o.Subject, Erased: gone}, err
	}
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{own})
	if errors.Is(err, ledger.ErrErased) {
		return httpapi.Objected{Subject: o.Subject, Erased: true}, nil
	}
	if err != nil {
		return out, err
	}
	return httpapi.Objected{Event: w[0].Event, Subject: o.Subject, Position: w[0].Position}, nil
}

// gone reports a person who was erased; one whom nobody knows is ErrNotFound.
func (d oppositionDesk) gone(ctx context.Context, o httpapi.Objection) (bool, error) {
	s, err := d.a.Opposition.BySubject(ctx, o.Subject)
	if err != nil || s.Erased != nil {
		return s.Erased != nil, err
	}
	if o.External != nil {
		return false, nil
	}
	known, err := d.a.Index.Has(ctx, o.Subject)
	if err == nil && !known {
		err = httpapi.ErrNotFound
	}
	return false, err
}

func (d oppositionDesk) unknown(ctx context.Context, o httpapi.Objection) (out httpapi.Objected, err error) {
	id, err := domain.RandomID(d.a.cfg.Rand)
	if err != nil {
		return out, err
	}
	data := map[string]any{"scope": "all"}
	if o.Purpose != "" || len(o.Channels) > 0 {
		data = map[string]any{}
	}
	if o.Purpose != "" {
		data["purpose"] = o.Purpose
	}
	if len(o.Channels) > 0 {
		data["channels"] = o.Channels
	}
	raw, err := json.Marshal(map[string]any{"specversion": "1.0", "id": id.String(), "source": o.External.Source, "subject": o.External.Subject,
		"type": string(event.OppositionRegistered), "time": d.a.cfg.Now().UTC().Format(time.RFC3339Nano), "data": data})
	if err != nil {
		return out, fmt.Errorf("objection: %w", err)
	}
	res, err := d.a.Ledger.Record(ctx, [][]byte{raw})
	if err != nil {
		return out, err
	}
	r := res[0]
	if r.Status != ledger.Recorded && r.Status != ledger.Erased {
		return out, fmt.Errorf("objection: %w", httpapi.ErrConflict)
	}
	return httpapi.Objected{Event: r.Event, Subject: r.Subject, Position: r.Position, Erased: r.Status == ledger.Erased}, nil
}

func scopeCodes(purpose string, channels []string) event.Codes {
	var c event.Codes
	if purpose == "" && len(channels) == 0 {
		return c.With("scope", "all")
	}
	if purpose != "" {
		c = c.With("purpose", purpose)
	}
	if len(channels) > 0 {
		c = c.With("channels", channels)
	}
	return c
}

// Import implements httpapi.Opposition. A chunk's event id is made of the list
// and of what the chunk holds, so that it is recorded once.
func (d oppositionDesk) Import(ctx context.Context, actor domain.ID, l httpapi.OppositionList, chunk httpapi.ListChunk) (out httpapi.ImportedChunk, err error) {
	secret, err := d.a.Ledger.Secret("opposition")
	if err != nil {
		return out, err
	}
	out.List = derive(secret, append([]string{"list", l.Name, domain.FormatTime(l.Date), l.Purpose, l.Form}, l.Channels...)...)
	out.Event = derive(secret, "chunk", out.List.String(), string(chunk.Digest[:]))
	if out.Position, out.Known, err = d.recorded(ctx, out.Event); err != nil || out.Known {
		return out, err
	}
	now := d.a.cfg.Now()
	at := now
	if !l.Date.IsZero() && l.Date.Before(now) {
		at = l.Date
	}
	codes := scopeCodes(l.Purpose, l.Channels).With("list", out.List.String()).With("form", l.Form).
		With("count", int64(chunk.Count)).With("listed_at", domain.FormatTime(at))
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{{Type: event.OppositionListed, ID: out.Event, Actor: actor, Time: at, Codes: codes,
		Parts: []ledger.PlainPart{{Key: d.key(now), Fields: append(d.sealed(chunk.Tokens), text(opposition.FieldList, l.Name))}}}})
	if errors.Is(err, ledger.ErrInvalid) { // somebody else may have sent the same just now
		if p, known, again := d.recorded(ctx, out.Event); again == nil && known {
			out.Position, out.Known = p, true
			return out, nil
		}
	}
	if err != nil {
		return out, err
	}
	out.Position = w[0].Position
	return out, nil
}

func (d oppositionDesk) recorded(ctx context.Context, id domain.ID) (domain.Position, bool, error) {
	in, err := d.a.vault.Intake(ctx, []domain.ID{id})
	if err != nil {
		return 0, false, err
	}
	return in[0].Position, in[0].Found, nil
}

// derive makes an id of parts, each with its length before it.
func derive(secret []byte, parts ...string) domain.ID {
	h := hmac.New(sha256.New, secret)
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		h.Write([]byte(p))
	}
	return domain.DeriveID(h.Sum(nil))
}

// sealed are the fields that hold tokens, made with the peppers of today.
func (d oppositionDesk) sealed(tokens []opposition.Keyed) []event.Field {
	return []event.Field{
		{Path: opposition.FieldGeneration, Value: fmt.Append(nil, d.a.Ledger.Peppers().Generation())},
		{Path: opposition.FieldTokens, Value: opposition.AppendKeyed(nil, tokens)},
	}
}

func text(path, s string) event.Field {
	q, err := jsontext.AppendQuote(nil, s)
	if err != nil { // invalid UTF-8, which decoding refuses
		q = []byte(`""`)
	}
	return event.Field{Path: path, Value: q}
}

// Lift implements httpapi.Opposition. The words of who lifts a person's own
// entry are sealed for that person, and else for the list.
func (d oppositionDesk) Lift(ctx context.Context, actor domain.ID, l httpapi.Lift) (out httpapi.Lifted, err error) {
	e, ok, err := d.a.Opposition.Entry(ctx, l.Entry)
	if err == nil && !ok {
		err = httpapi.ErrNotFound
	}
	if err != nil {
		return out, err
	}
	own := ledger.Own{Type: event.OppositionLifted, Actor: actor, Subject: e.Subject, Time: d.a.cfg.Now(),
		Codes: event.Codes{}.With("entry", l.Entry.String()).With("reason", l.Reason)}
	var fields []event.Field
	switch {
	case e.Origin == list.Listed && len(l.Tokens) == 0:
		return out, fmt.Errorf("an imported entry is lifted address by address: %w", httpapi.ErrConflict)
	case e.Origin == list.Listed:
		if held, err := d.a.Opposition.Holds(ctx, e.Position, l.Tokens); err != nil || !held {
			return out, errors.Join(err, httpapi.ErrNotFound)
		}
		own.Codes = own.Codes.With("of", "address")
		fields = d.sealed(l.Tokens)
	case len(l.Tokens) > 0:
		return out, fmt.Errorf("only an imported entry is lifted for one address: %w", httpapi.ErrConflict)
	}
	if own.Parts, out.Warnings, err = d.liftParts(ctx, &own, l.Detail, fields); err != nil {
		return out, err
	}
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{own})
	if err != nil {
		return out, err
	}
	out.Event, out.Position = w[0].Event, w[0].Position
	return out, nil
}

// liftParts seals words and fields of a lift. Of somebody who is being erased it
// is no longer a fact about the person.
func (d oppositionDesk) liftParts(ctx context.Context, own *ledger.Own, detail string, fields []event.Field) (parts []ledger.PlainPart, warnings []event.Warning, err error) {
	words, warnings := d.words(detail)
	if !own.Subject.IsZero() {
		s, err := d.a.Opposition.BySubject(ctx, own.Subject)
		if err != nil {
			return nil, nil, err
		}
		if s.Erased != nil {
			own.Subject = domain.ID{}
		}
	}
	p, _ := d.a.Ledger.Policy()
	switch {
	case len(words) > 0 && !own.Subject.IsZero():
		parts = append(parts, ledger.PlainPart{Fields: words,
			Key: part.KeyID{Owner: part.SubjectOwner(own.Subject), Class: classRequests, Epoch: p.Epoch(classRequests, own.Time)}})
	case len(words) > 0:
		fields = append(words, fields...)
	}
	if len(fields) > 0 {
		parts = append(parts, ledger.PlainPart{Key: d.key(own.Time), Fields: fields})
	}
	return parts, warnings, nil
}

// words lets the policy's guard see free words before they are stored.
func (d oppositionDesk) words(s string) ([]event.Field, []event.Warning) {
	if s == "" {
		return nil, nil
	}
	p, _ := d.a.Ledger.Policy()
	kept, warnings, held := minimise.New(p).Apply([]event.Field{text(fieldWords, s)})
	warnings = slices.Concat(warnings, held)
	for i := range warnings {
		warnings[i].Field = "detail"
	}
	if len(held) > 0 || len(kept) == 0 {
		return nil, warnings
	}
	kept[0].Path = opposition.FieldDetail
	return kept[:1], warnings
}
