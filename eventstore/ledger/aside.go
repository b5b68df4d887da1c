package ledger

import (
	"context"
	"encoding/hex"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
)

// producer is the id of the event's source; a new one is registered by a fact
// of its own, its name sealed.
func (g *group) producer(it *item) (domain.ID, error) {
	if id, ok := g.c.links.get(it.source); ok {
		return id, nil
	}
	id := domain.DeriveID(it.source[:])
	g.link(it.source, id)
	return id, g.aside(it, row{
		fact:  event.Fact{Type: event.ProducerRegistered, Source: id},
		parts: []plainPart{{class: classAccounts, epoch: part.EpochWhole, shared: true, fields: []event.Field{quoted("source.name", it.in.Source)}}},
	})
}

// account is the random id of whoever acted in the upstream; a new one is
// recorded by a fact of its own, the upstream's name sealed under its own key.
func (g *group) account(it *item, source domain.ID) (domain.ID, error) {
	if it.in.Actor == "" {
		return domain.ID{}, nil
	}
	if id, ok := g.c.links.get(it.actor); ok {
		return id, nil
	}
	id, err := domain.RandomID(g.c.l.cfg.Rand)
	if err != nil {
		return domain.ID{}, err
	}
	g.link(it.actor, id)
	return id, g.aside(it, row{
		fact:    event.Fact{Type: event.AccountCreated, Source: source, Actor: id, Codes: event.Codes{{Name: "kind", Value: "upstream"}}},
		account: id,
		parts:   []plainPart{{class: classAccounts, epoch: part.EpochWhole, fields: []event.Field{quoted("account.name", it.in.Actor)}}},
	})
}

// aside adds a fact of the ledger's own that an item brings along.
func (g *group) aside(it *item, r row) error {
	id, err := domain.RandomID(g.c.l.cfg.Rand)
	if err != nil {
		return err
	}
	now := domain.NewTime(it.now)
	r.fact.ID, r.fact.Time, r.fact.Recorded, r.fact.Policy = id, now, now, it.rules.version
	g.rows = append(g.rows, r)
	return nil
}

// quarantine sets an input aside, sealed under a key of its own. The same input
// again is answered with the same item; another input of the same id replaces it.
func (g *group) quarantine(ctx context.Context, i int, it *item) error {
	item, err := g.quarantineID(ctx, it)
	if err != nil {
		return err
	}
	*it.result = Result{ID: it.in.ID, Status: Quarantined, Refusal: it.refuse, Quarantine: item}
	held, already := g.holds[it.hold]
	if already && held == item {
		return nil
	}
	if already {
		if err := g.release(it, held, "replaced"); err != nil {
			return err
		}
	}
	codes := event.Codes{}.With("reason", it.refuse.Code).
		With("until", domain.FormatTime(it.now.Add(it.rules.policy.Bounds().Quarantine)))
	if event.IsCode(it.refuse.Field) {
		codes = codes.With("field", it.refuse.Field)
	}
	if it.in.Type.Known() {
		codes = codes.With("type", string(it.in.Type))
	}
	r := row{fact: event.Fact{ID: item, Type: event.IngestQuarantined, Recorded: domain.NewTime(it.now), Time: domain.NewTime(it.now),
		Policy: it.rules.version, Codes: codes}, quarantine: item}
	if it.in.Source != "" {
		if r.fact.Source, err = g.producer(it); err != nil {
			return err
		}
	}
	if id, ok := g.c.links.get(it.subject); ok && it.in.Subject != "" {
		r.fact.Subject = id
	}
	r.parts = []plainPart{{class: classQuarantine, epoch: part.EpochWhole, fields: []event.Field{
		quoted(pathHold, hex.EncodeToString(it.hold[:])), {Path: pathRaw, Value: rawValue(it.raw)}}}}
	r.hold = it.hold
	g.holds[it.hold] = item
	g.at[i] = len(g.rows)
	g.rows = append(g.rows, r)
	return nil
}

// quarantineID derives an item's id from the input, so that the same input is
// recognised. An id whose item was closed is never used again.
func (g *group) quarantineID(ctx context.Context, it *item) (domain.ID, error) {
	for n := byte(0); ; n++ {
		mac := g.c.l.peppers.Quarantine(string(it.hold[:]), string(append(it.digest[:], n)))
		id := domain.DeriveID(mac[:])
		set, err := g.set(ctx, part.QuarantineOwner(id))
		if err != nil {
			return domain.ID{}, err
		}
		if !set.Destroyed || n == 255 {
			return id, nil
		}
	}
}

// release closes a quarantine item: a fact says so, its marker goes in the same
// transaction, its key and bytes once the fact is in the log.
func (g *group) release(it *item, held domain.ID, outcome string) error {
	g.batch.Lifts = append(g.batch.Lifts, it.hold)
	delete(g.holds, it.hold)
	return g.aside(it, row{
		fact: event.Fact{Type: event.IngestReleased,
			Codes: event.Codes{}.With("item", held.String()).With("outcome", outcome)},
		destroy: []part.Owner{part.QuarantineOwner(held)},
	})
}

// writeOwn makes the fact of a command of the ledger itself.
func (g *group) writeOwn(_ context.Context, i int, it *item) error {
	o := it.own
	t := o.Time
	if t.IsZero() {
		t = it.now
	}
	r := row{fact: event.Fact{ID: o.ID, Type: o.Type, Subject: o.Subject, Actor: o.Actor, Codes: o.Codes,
		Time: domain.NewTime(t), Recorded: domain.NewTime(it.now), Policy: it.policyVersion()}, own: o.Parts, destroy: o.destroy}
	g.batch.Lifts = append(g.batch.Lifts, o.lifts...)
	it.result.Status, it.result.Event, it.result.Subject = Recorded, o.ID, o.Subject
	g.at[i] = len(g.rows)
	g.rows = append(g.rows, r)
	return nil
}

func (it *item) policyVersion() int64 {
	if it.rules == nil { // the first policy has none before it
		return 0
	}
	return it.rules.version
}

func quoted(path, s string) event.Field {
	q, err := jsontext.AppendQuote(nil, s)
	if err != nil { // invalid UTF-8, which Decode refuses
		q = []byte(`""`)
	}
	return event.Field{Path: path, Value: q}
}

// rawValue keeps any bytes as a JSON string: as they are if they are UTF-8,
// else byte by byte as Latin-1, which loses nothing that a person can repair.
func rawValue(raw []byte) []byte {
	if q, err := jsontext.AppendQuote(nil, raw); err == nil {
		return q
	}
	latin := make([]rune, len(raw))
	for i, b := range raw {
		latin[i] = rune(b)
	}
	return quoted("", string(latin)).Value
}
