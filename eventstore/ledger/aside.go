package ledger

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// producer is the id of the event's source; a new one is registered by a fact
// of its own, its name sealed.
func (g *group) producer(ctx context.Context, it *item) (domain.ID, error) {
	if id, ok := g.known(it.source); ok {
		return id, nil
	}
	id := g.c.l.peppers.SourceID(it.in.Source)
	g.link(it.source, id)
	return id, g.aside(ctx, it, row{
		fact:  event.Fact{Type: event.ProducerRegistered, Source: id},
		parts: []plainPart{{class: classAccounts, epoch: part.EpochWhole, shared: true, fields: []event.Field{quoted("source.name", it.in.Source)}}},
	})
}

// account is the random id of whoever acted in the upstream; a new one is
// recorded by a fact of its own, the upstream's name sealed under its own key.
func (g *group) account(ctx context.Context, it *item, source domain.ID) (domain.ID, error) {
	if it.in.Actor == "" {
		return domain.ID{}, nil
	}
	if id, ok := g.known(it.actor); ok {
		return id, nil
	}
	id, err := domain.RandomID(g.c.l.cfg.Rand)
	if err != nil {
		return domain.ID{}, err
	}
	g.link(it.actor, id)
	return id, g.aside(ctx, it, row{
		fact:    event.Fact{Type: event.AccountCreated, Source: source, Actor: id, Codes: event.Codes{{Name: "kind", Value: "upstream"}}},
		account: id,
		parts:   []plainPart{{class: classAccounts, epoch: part.EpochWhole, fields: []event.Field{quoted("account.name", it.in.Actor)}}},
	})
}

// aside adds a fact of the ledger's own that an item brings along.
func (g *group) aside(ctx context.Context, it *item, r row) error {
	if r.fact.ID.IsZero() {
		id, err := domain.RandomID(g.c.l.cfg.Rand)
		if err != nil {
			return err
		}
		r.fact.ID = id
	}
	r.fact.Time, r.fact.Recorded, r.fact.Policy = g.now, g.now, it.rules.version
	return g.add(ctx, r)
}

// quarantine sets an input aside, sealed under a key of its own. The same input
// again is answered with the same item; another input of the same id replaces it.
func (g *group) quarantine(ctx context.Context, i int, it *item) error {
	held, already := g.holds[it.hold]
	item, err := g.quarantineID(ctx, it, held)
	if err != nil {
		return err
	}
	*it.result = Result{ID: it.in.ID, Status: Quarantined, Refusal: it.refuse, Quarantine: item}
	if already && held == item {
		g.relies(it, held)
		return nil
	}
	if err := g.claim(ctx, it, item); err != nil {
		return err
	}
	if already {
		if err := g.release(ctx, it, held, "replaced"); err != nil {
			return err
		}
	}
	codes := event.Codes{}.With("reason", it.refuse.Code).
		With("until", domain.FormatTime(g.now.Add(it.rules.policy.Bounds().Quarantine)))
	if event.IsCode(it.refuse.Field) {
		codes = codes.With("field", it.refuse.Field)
	}
	if it.in.Type.Known() {
		codes = codes.With("type", string(it.in.Type))
	}
	r := row{fact: event.Fact{ID: item, Type: event.IngestQuarantined, Recorded: g.now, Time: g.now,
		Policy: it.rules.version, Codes: codes}, quarantine: item}
	if it.in.Source != "" {
		if r.fact.Source, err = g.producer(ctx, it); err != nil {
			return err
		}
	}
	// Also of somebody nobody told of yet: an erasure finds what is about a person
	// by the subject.
	if r.fact.Subject, err = g.subject(it.subject); err != nil {
		return err
	}
	r.parts = []plainPart{{class: classQuarantine, epoch: part.EpochWhole, fields: []event.Field{
		{Path: pathGeneration, Value: strconv.AppendInt(nil, int64(g.c.l.peppers.Generation()), 10)},
		quoted(pathHold, hex.EncodeToString(it.hold[:])), {Path: pathRaw, Value: rawValue(it.raw)}}}}
	r.hold = it.hold
	g.holds[it.hold], g.marks[it.hold], g.taken[item] = item, len(g.rows), true
	g.at[i] = len(g.rows)
	return g.add(ctx, r)
}

// claim makes an item the only one of its input: another node that sets another item
// aside for it meanwhile meets a link that moved, and replaces this one.
func (g *group) claim(ctx context.Context, it *item, id domain.ID) error {
	source, name := it.heldAs()
	t := g.c.l.peppers.External("", strconv.Itoa(len(source))+source+name) // no source has an empty name
	for i := range g.batch.Moves {
		if g.batch.Moves[i].Token == t {
			g.batch.Moves[i].To = id
			return nil
		}
	}
	was, err := g.c.l.cfg.Vault.Links(ctx, []token.Token{t})
	if err != nil {
		return fmt.Errorf("look up quarantine: %w", err)
	}
	g.batch.Moves = append(g.batch.Moves, vault.Move{Token: t, From: was[0], To: id})
	return nil
}

// quarantineID derives an item's id from the input, so that the same input is
// recognised as the item that is held. The id of a closed item is an event of the
// log and never used again; an input that was set aside over and over gets a
// random one.
func (g *group) quarantineID(ctx context.Context, it *item, held domain.ID) (domain.ID, error) {
	const most, step = 64, 4
	ids := make([]domain.ID, 0, most)
	source, id := it.heldAs()
	for n := range byte(most) {
		ids = append(ids, g.c.l.peppers.ItemID(source, id, it.digest, n))
	}
	if slices.Contains(ids, held) {
		return held, nil
	}
	for some := range slices.Chunk(ids, step) {
		known, err := g.c.l.cfg.Vault.Intake(ctx, some)
		if err != nil {
			return domain.ID{}, fmt.Errorf("look up quarantine items: %w", err)
		}
		for i, id := range some {
			if !known[i].Found && !g.taken[id] {
				return id, nil
			}
		}
	}
	return domain.RandomID(g.c.l.cfg.Rand)
}

// release closes a quarantine item: a fact says so, its marker goes in the same
// transaction, its key and bytes once the fact is in the log.
func (g *group) release(ctx context.Context, it *item, held domain.ID, outcome string) error {
	g.lift(it.hold)
	g.relies(nil, held)
	id, err := g.c.l.Derived(useReleased, held[:])
	if err != nil {
		return err
	}
	return g.aside(ctx, it, row{
		fact: event.Fact{ID: id, Type: event.IngestReleased,
			Codes: event.Codes{}.With("item", held.String()).With("outcome", outcome)},
		destroy: []part.Owner{part.QuarantineOwner(held)},
	})
}

// lift takes a quarantine marker away, also one that this group was to set.
func (g *group) lift(hold token.Token) {
	if n, ok := g.marks[hold]; ok {
		g.rows[n].hold = token.Token{}
		delete(g.marks, hold)
	}
	g.batch.Lifts = append(g.batch.Lifts, hold)
	delete(g.holds, hold)
}

// writeOwn makes the fact of a command of the ledger itself.
func (g *group) writeOwn(ctx context.Context, i int, it *item) error {
	o := it.own
	if known, ok := g.intake[o.ID]; ok || g.taken[o.ID] {
		it.err = ErrTaken
		g.relyOnRow(it, o.ID, known)
		return nil
	}
	if !o.closes.IsZero() && g.holds[o.hold] != o.closes {
		it.err = ErrNotHeld
		return nil
	}
	if o.erase != nil {
		return g.order(ctx, i, it)
	}
	decide := g.stands
	switch {
	case o.expire != nil:
		decide = g.expire
	case o.archive != nil:
		decide = g.archive
	}
	refused, err := decide(ctx, it)
	if err != nil || refused != nil {
		it.err = refused
		return err
	}
	r := g.ownRow(it)
	if !o.closes.IsZero() {
		g.lift(o.hold)
		r.destroy = []part.Owner{part.QuarantineOwner(o.closes)}
	}
	g.taken[o.ID] = true
	it.result.Status, it.result.Event, it.result.Subject = Recorded, o.ID, o.Subject
	g.at[i] = len(g.rows)
	return g.add(ctx, r)
}

// relyOnRow lets an answer wait for an event that the vault knows.
func (g *group) relyOnRow(it *item, id domain.ID, known vault.Intake) {
	if known.Pending {
		it.awaits = id
	}
}

func (g *group) ownRow(it *item) row {
	o, t := it.own, it.own.Time
	if t.IsZero() {
		t = it.now
	}
	return row{fact: event.Fact{ID: o.ID, Type: o.Type, Subject: o.Subject, Actor: o.Actor, Controller: o.Controller, Codes: o.Codes,
		Time: domain.NewTime(t), Recorded: g.now, Policy: it.policyVersion()}, own: o.Parts}
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
