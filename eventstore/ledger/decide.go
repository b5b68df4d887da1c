package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// decide settles one item: what it becomes and which facts that takes.
func (g *group) decide(ctx context.Context, i int, it *item) error {
	*it.result, it.err, it.awaits, it.repeats = Result{ID: it.result.ID}, nil, domain.ID{}, false
	if it.own != nil {
		return g.writeOwn(ctx, i, it)
	}
	if !it.id.IsZero() {
		if first := g.first[it.id]; first != nil {
			g.repeat(i, it, first)
			return nil
		}
		if known, ok := g.intake[it.id]; ok {
			return g.again(ctx, it, known)
		}
	}
	if over, err := g.erased(ctx, it); err != nil || over {
		return err
	}
	if it.refuse != nil {
		return g.quarantine(ctx, i, it)
	}
	return g.record(ctx, i, it)
}

// repeat answers an event whose id came earlier in the same group.
func (g *group) repeat(i int, it, first *item) {
	if it.digest != first.digest {
		*it.result = Result{ID: it.in.ID, Status: Conflict, Event: it.id, Subject: first.result.Subject, Refusal: conflict()}
	} else {
		*it.result = *first.result
		if it.result.Status == Recorded {
			it.result.Status = Duplicate
		}
	}
	for j := range i { // the first one's fact is in this group
		if g.items[j] == first {
			g.at[i] = g.at[j]
		}
	}
}

// again answers an event whose id was recorded before.
func (g *group) again(ctx context.Context, it *item, known vault.Intake) error {
	res := it.result
	*res = Result{ID: it.in.ID, Event: it.id, Position: known.Position}
	if known.Pending {
		it.awaits, it.repeats = it.id, true
	}
	if known.Owner.Kind == part.Subject {
		res.Subject = known.Owner.ID
	}
	if known.BodyMAC == nil {
		res.Status = Erased
		return nil
	}
	set, err := g.set(ctx, known.Owner)
	if err != nil {
		return err
	}
	key, ok := set.Key(classIntake, part.EpochWhole)
	if !ok && !set.Erased() { // another node made it since
		now, err := g.c.l.keys.Load(ctx, []part.Owner{known.Owner})
		if err != nil {
			return err
		}
		key, ok = now[0].Key(classIntake, part.EpochWhole)
	}
	switch {
	case set.Erased():
		res.Status = Erased
		g.reliesOnClosing(it, set)
	case !ok:
		return fmt.Errorf("the key of body MACs of %s is missing without a destruction", known.Owner)
	case hmac.Equal(bodyMAC(key, it.digest), known.BodyMAC):
		res.Status = Duplicate
	default:
		res.Status, res.Refusal = Conflict, conflict()
	}
	return nil
}

func conflict() *event.Refusal { return &event.Refusal{Code: "id_conflict", Field: "id"} }

func bodyMAC(k part.Key, digest [32]byte) []byte {
	m := hmac.New(sha256.New, k[:])
	m.Write([]byte("greffe/body/1"))
	m.Write(digest[:])
	return m.Sum(nil)[:16]
}

// record makes the facts of an event that is understood and new.
func (g *group) record(ctx context.Context, i int, it *item) error {
	in, d := it.in, it.draft
	subject, err := g.subject(it.about)
	if err != nil {
		return err
	}
	owner := part.LedgerOwner()
	if !subject.IsZero() {
		owner = part.SubjectOwner(subject)
	}
	if in.Type == event.RestrictionPlaced {
		if err := g.restrict(ctx, owner, it.id); err != nil {
			return err
		}
	}
	r := row{fact: event.Fact{
		ID: it.id, Type: in.Type, Subject: subject, Controller: d.Controller,
		Time: d.Time, Recorded: g.now, Policy: it.rules.version, Sequence: in.Sequence,
		Codes: slices.Clone(d.Codes), Unset: d.Unset, Lacks: d.Lacks, Warnings: d.Warnings,
	}, mac: it.digest, macOwner: owner, tokens: it.tokens, parts: slices.Clone(it.parts)}
	r.fact.Fields = it.paths
	if err := g.names(ctx, it, &r); err != nil {
		return err
	}
	if held, ok := g.holds[it.hold]; ok {
		if err := g.release(ctx, it, held, "recorded"); err != nil {
			return err
		}
	}
	it.result.Status, it.result.Event, it.result.Subject, it.result.Warnings = Recorded, it.id, subject, r.fact.Warnings
	g.first[it.id] = it
	g.at[i] = len(g.rows)
	return g.add(ctx, r)
}

// names resolves whom the event names besides its subject: producer, actor,
// linked contacts, subjects of an access.
func (g *group) names(ctx context.Context, it *item, r *row) error {
	in, d := it.in, it.draft
	source, err := g.producer(ctx, it)
	if err != nil {
		return err
	}
	r.fact.Source = source
	actor, err := g.account(ctx, it, source)
	if err != nil {
		return err
	}
	if d.Link != nil {
		if err := g.linked(it, r); err != nil {
			return err
		}
	}
	upstream := []event.Field{quoted("upstream.id", in.ID)}
	switch {
	case in.Type == event.ContactRekeyed && d.Link.Source == in.Source:
		upstream = append(upstream, quoted("upstream.subject", d.Link.Subject))
	case g.fresh[it.about], in.Type == event.ContactCreated: // an access or a merge may have named it before
		upstream = append(upstream, quoted("upstream.subject", in.Subject))
	}
	if in.Type == event.AccessRecorded {
		return g.accessed(it, r, actor, upstream)
	}
	r.fact.Actor = actor
	r.named(upstream, it.rules.policy.Epoch(classIdentity, d.Time.Time))
	return nil
}

// named seals what the upstream calls the event and the person with the person's
// identity, or, of nobody known, with what else is sealed.
func (r *row) named(upstream []event.Field, epoch string) {
	shared := r.fact.Subject.IsZero()
	at := slices.IndexFunc(r.parts, func(p plainPart) bool { return p.class == classIdentity || shared })
	if at < 0 {
		at = len(r.parts)
		r.parts = append(r.parts, plainPart{class: classIdentity, epoch: epoch, shared: shared})
	}
	r.parts[at].fields = append(slices.Clip(r.parts[at].fields), upstream...)
}

// accessed seals who read whom: a fact of access names neither (délib. CNIL
// 2021-122: the journal has its own, shorter life).
func (g *group) accessed(it *item, r *row, actor domain.ID, fields []event.Field) error {
	subjects := make([]domain.ID, 0, len(it.others)+1)
	if !r.fact.Subject.IsZero() {
		subjects = append(subjects, r.fact.Subject)
		r.fact.Subject, r.macOwner = domain.ID{}, part.LedgerOwner()
	}
	for _, t := range it.others {
		id, err := g.subject(t)
		if err != nil {
			return err
		}
		subjects = append(subjects, id)
	}
	fields = append(fields, AccessFields(actor, subjects)...)
	for _, p := range r.parts {
		fields = append(fields, p.fields...)
	}
	r.parts = []plainPart{{class: classAccess, epoch: it.rules.policy.Epoch(classAccess, it.draft.Time.Time), shared: true, fields: fields}}
	return nil
}

// linked puts the other contact of a merge, or the new external id of a rekey.
func (g *group) linked(it *item, r *row) error {
	if it.in.Type != event.ContactRekeyed {
		into, err := g.subject(it.link)
		if err != nil {
			return err
		}
		r.fact.Codes = r.fact.Codes.With("into", into.String())
		return nil
	}
	if other, ok := g.known(it.link); ok {
		r.fact.Codes = r.fact.Codes.With("to", other.String())
		if other != r.fact.Subject {
			r.fact.Warnings = append(r.fact.Warnings, event.Warning{Field: "to", Rule: "known_as_another_contact"})
		}
		return nil
	}
	g.link(it.link, r.fact.Subject)
	r.fact.Codes = r.fact.Codes.With("to", r.fact.Subject.String())
	return nil
}

// subject is the id of an external id, made now if it is new.
func (g *group) subject(t token.Token) (domain.ID, error) {
	if t == (token.Token{}) {
		return domain.ID{}, nil
	}
	if id, ok := g.known(t); ok {
		return id, nil
	}
	id, err := domain.RandomID(g.c.l.cfg.Rand)
	if err != nil {
		return domain.ID{}, err
	}
	g.owned[id] = true
	g.link(t, id)
	return id, nil
}

// link is visible to the rest of the group at once, and to later ones when the
// transaction is durable.
func (g *group) link(t token.Token, id domain.ID) {
	g.batch.Links = append(g.batch.Links, vault.Link{Token: t, ID: id})
	g.links[t] = id
	g.fresh[t] = true
}

// known is the id of a token, if it has one. All that the group may ask for was
// looked up, and stays whatever the cache drops meanwhile.
func (g *group) known(t token.Token) (domain.ID, bool) {
	id, ok := g.links[t]
	return id, ok
}

// AccessFields are the sealed fields of an access: by whom, to whom.
func AccessFields(account domain.ID, subjects []domain.ID) []event.Field {
	var out []event.Field
	if !account.IsZero() {
		out = append(out, quoted("access.account", account.String()))
	}
	list := make([]byte, 0, 40*len(subjects)+2)
	list = append(list, '[')
	for i, s := range subjects {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, '"')
		list = append(list, s.String()...)
		list = append(list, '"')
	}
	return append(out, event.Field{Path: "access.subjects", Value: append(list, ']')})
}
