package ledger

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// row is one fact in the making.
type row struct {
	fact     event.Fact
	mac      [32]byte // digest of the body
	macOwner part.Owner
	tokens   []byte
	parts    []plainPart // of the subject, or shared
	own      []PlainPart // of a command
	hold     token.Token

	account    domain.ID // owner of parts, when set
	quarantine domain.ID // owner of parts, when set
	destroy    []part.Owner

	keyed  []keyedPart // set by add, as is macKey
	macKey part.Key
}

// keyedPart is a part with the key that seals it.
type keyedPart struct {
	PlainPart
	key part.Key
}

// sealing is one part to be made: all that needs the random source and the key
// sets is done beforehand, so that sealing runs on every core.
type sealing struct {
	key    part.Key
	id     part.KeyID
	event  part.Event
	random part.Random
	fields []event.Field
	part   *vault.Part
	ref    *event.PartRef
	err    error
}

// build seals the parts and encodes the facts of the group.
func (g *group) build() error {
	g.batch.Rows = make([]vault.Row, len(g.rows))
	var jobs []*sealing
	for i := range g.rows {
		jobs = g.plan(i, jobs)
	}
	if err := g.randomise(jobs); err != nil {
		return err
	}
	if err := sealAll(jobs); err != nil {
		return err
	}
	for i := range g.rows {
		r := &g.rows[i]
		fact, err := event.AppendFact(nil, &r.fact)
		if err != nil {
			return err
		}
		g.batch.Rows[i].Fact = fact
	}
	return g.wrap()
}

// add takes a row into the group, under the keys that its owners have at this
// point of it: an erasure that comes later in the group closes them, or retires
// their classes, for what follows only.
func (g *group) add(ctx context.Context, r row) error {
	rand := g.c.l.cfg.Rand
	if r.macOwner.Kind != 0 {
		set, err := g.set(ctx, r.macOwner)
		if err != nil {
			return err
		}
		if r.macKey, err = set.Ensure(classIntake, part.EpochWhole, rand); err != nil {
			return err
		}
	}
	plain := slices.Clone(r.own)
	for _, p := range r.parts {
		plain = append(plain, PlainPart{Key: part.KeyID{Owner: r.owner(&p), Class: p.class, Epoch: p.epoch}, Fields: p.fields})
	}
	slices.SortFunc(plain, func(a, b PlainPart) int { return strings.Compare(a.Key.Class, b.Key.Class) })
	r.keyed = make([]keyedPart, len(plain))
	for i, p := range plain {
		set, err := g.set(ctx, p.Key.Owner)
		if err != nil {
			return err
		}
		p.Key.Epoch = set.Epoch(p.Key.Class, p.Key.Epoch)
		key, err := set.Ensure(p.Key.Class, p.Key.Epoch, rand)
		if err != nil {
			return err
		}
		r.keyed[i] = keyedPart{p, key}
	}
	g.rows = append(g.rows, r)
	return nil
}

// plan lays out a row for the vault, and its parts for sealing.
func (g *group) plan(i int, jobs []*sealing) []*sealing {
	r, out := &g.rows[i], &g.batch.Rows[i]
	out.Event, out.Tokens = r.fact.ID, r.tokens
	if r.macOwner.Kind != 0 {
		out.Owner, out.BodyMAC = r.macOwner, bodyMAC(r.macKey, r.mac)
	}
	if r.hold != (token.Token{}) {
		g.batch.Holds = append(g.batch.Holds, vault.Hold{Token: r.hold, ID: r.quarantine})
	}
	out.Parts = make([]vault.Part, len(r.keyed))
	r.fact.Parts = make([]event.PartRef, len(r.keyed))
	for j, p := range r.keyed {
		out.Parts[j].Key = p.Key
		r.fact.Parts[j] = event.PartRef{Owner: p.Key.Owner, Class: p.Key.Class, Epoch: p.Key.Epoch}
		jobs = append(jobs, &sealing{key: p.key, id: p.Key, event: part.Event{ID: r.fact.ID, Type: string(r.fact.Type)},
			fields: p.Fields, part: &out.Parts[j], ref: &r.fact.Parts[j]})
	}
	return jobs
}

func (r *row) owner(p *plainPart) part.Owner {
	switch {
	case p.shared:
		return part.LedgerOwner()
	case !r.account.IsZero():
		return part.AccountOwner(r.account)
	case !r.quarantine.IsZero():
		return part.QuarantineOwner(r.quarantine)
	}
	return part.SubjectOwner(r.fact.Subject)
}

// randomise draws all salts and nonces in one read.
func (g *group) randomise(jobs []*sealing) error {
	const each = len(part.Random{}.Salt) + len(part.Random{}.Nonce)
	buf := make([]byte, each*len(jobs))
	if _, err := io.ReadFull(g.c.l.cfg.Rand, buf); err != nil {
		return fmt.Errorf("random bytes: %w", err)
	}
	for i := range jobs {
		b := buf[i*each:]
		n := copy(jobs[i].random.Salt[:], b)
		copy(jobs[i].random.Nonce[:], b[n:each])
	}
	return nil
}

// sealAll seals in parallel where it is worth it.
func sealAll(jobs []*sealing) error {
	inParallel(jobs, func(s *sealing) { s.err = s.seal() })
	for _, s := range jobs {
		if s.err != nil {
			return s.err
		}
	}
	return nil
}

func (s *sealing) seal() error {
	plain := event.Plaintext(s.fields)
	b, err := part.Seal(s.key, s.id, s.event, &s.random, plain)
	clear(plain)
	if err != nil {
		return err
	}
	s.part.Bytes = b
	s.ref.Commitment = part.Commit(b)
	return nil
}

// wrap writes the key sets that changed and demands that the others did not.
func (g *group) wrap() error {
	for _, s := range g.sets {
		if s == nil || s.Destroyed {
			continue
		}
		if !s.Dirty() {
			g.batch.Touch = append(g.batch.Touch, vault.KeyCheck{Owner: s.Owner, Rev: s.Rev})
			continue
		}
		w, err := g.c.l.keys.Wrap(s)
		if err != nil {
			return err
		}
		g.batch.Keys = append(g.batch.Keys, w)
	}
	return nil
}
