package eraser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// file is what is known of one order's subject: what goes, and how far it is.
type file struct {
	job   *job
	order order
	whole bool

	refs       []vault.PartID // of the person, of the classes that go, before the order
	keys       map[keyName]bool
	keeps      bool // something of another class stays
	addresses  []domain.ID
	named      []*event.Fact // that seal the person's id in an upstream
	objections []domain.ID
	held       []*event.Fact // quarantined inputs about the person

	ordered domain.Time
	staged  domain.Position
	isDone  bool
	err     error
}

type keyName struct{ class, epoch string }

// read gathers what the facts say about an order's subject. It is the same
// before and after the keys are gone.
func (e *Eraser) read(ctx context.Context, j *job, o order) (*file, error) {
	f := &file{job: j, order: o, whole: o.fact.Codes.Bool("whole"), keys: map[keyName]bool{}}
	goes, redact := o.fact.Codes.Strings("classes"), o.fact.Codes.ID("event")
	narrow := erasure.Named(o.fact.Codes.Strings("epochs"))
	err := e.cfg.Facts.Of(ctx, o.fact.Subject, func(at domain.Position, x *event.Fact) error {
		if at > o.at {
			f.after(at, x)
			return nil
		}
		if at == o.at {
			f.ordered = x.Recorded
			return nil
		}
		f.before(at, x)
		for _, p := range x.Parts {
			if !redact.IsZero() {
				if x.ID == redact && slices.Contains(goes, p.Class) && redactable(p.Owner, x.Subject) {
					f.refs = append(f.refs, vault.PartID{Event: x.ID, Class: p.Class})
				}
				continue
			}
			if p.Owner.ID != o.fact.Subject {
				continue
			}
			switch {
			case takes(o.fact, &p, f.whole, narrow):
				f.refs = append(f.refs, vault.PartID{Event: x.ID, Class: p.Class})
				f.keys[keyName{p.Class, p.Epoch}] = true
			default:
				f.keeps = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the facts of subject %s: %w", o.fact.Subject, err)
	}
	return f, nil
}

// before takes in a fact from before the order.
func (f *file) before(at domain.Position, x *event.Fact) {
	switch x.Type {
	case event.ContactCreated, event.ContactChanged:
		f.addresses = append(f.addresses, x.ID)
	case event.IngestQuarantined:
		if f.whole {
			f.held = append(f.held, x)
		}
	}
	if _, objects := opposition.EntryOf(at, x); objects {
		f.objections = append(f.objections, x.ID)
	}
	if !x.Source.IsZero() && slices.ContainsFunc(x.Parts, func(p event.PartRef) bool { return p.Class == "identity" }) {
		f.named = append(f.named, x)
	}
}

// after looks for what an earlier pass did.
func (f *file) after(at domain.Position, x *event.Fact) {
	if x.Codes.ID("order") != f.order.fact.ID {
		return
	}
	switch x.Type {
	case event.ErasureStaged:
		f.staged = at
	case event.SubjectErased, event.PartRedacted:
		f.isDone = true
	}
}

// stage carries over what outlives the person: the opposition tokens of all
// addresses if anybody who is this person had objected, and the ids under which
// the sources know the person.
func (e *Eraser) stage(ctx context.Context, files []*file) error {
	objections := map[domain.ID][]domain.ID{}
	for _, f := range files {
		objections[f.job.operation] = append(objections[f.job.operation], f.objections...)
	}
	var todo []*file
	var owns []ledger.Own
	for _, f := range files {
		if f.staged > 0 || !f.order.fact.Codes.ID("event").IsZero() || narrowed(f.order.fact) {
			continue
		}
		own, err := e.stagedFact(ctx, f, objections[f.job.operation])
		if err != nil {
			return err
		}
		todo, owns = append(todo, f), append(owns, own)
	}
	for chunk := range slices.Chunk(owns, 100) {
		w, err := e.cfg.Ledger.WriteUnder(ctx, e.cfg.Lease(), chunk)
		if err != nil {
			return fmt.Errorf("stage erasures: %w", err)
		}
		for i := range chunk {
			todo[i].staged = w[i].Position
		}
		todo = todo[len(chunk):]
	}
	return nil
}

func (e *Eraser) stagedFact(ctx context.Context, f *file, objections []domain.ID) (ledger.Own, error) {
	id, err := e.cfg.Ledger.Derived(string(event.ErasureStaged), f.order.fact.ID[:])
	if err != nil {
		return ledger.Own{}, err
	}
	own := ledger.Own{ID: id, Type: event.ErasureStaged, Subject: f.order.fact.Subject, Codes: event.Codes{}.With("order", f.order.fact.ID.String())}
	if told := f.job.told; len(told) > 0 {
		own.Codes = own.Codes.With("recipients", told)
	}
	if len(objections) > 0 {
		if err := Carry(ctx, e.cfg.Ledger, e.cfg.Vault, e.cfg.Now(), &own, objections, f.addresses); err != nil {
			return own, err
		}
	}
	external, err := e.externalIDs(ctx, f.named)
	if err != nil {
		return own, err
	}
	if len(external) > 0 {
		own.Parts = append(own.Parts, ledger.PlainPart{
			Key:    part.KeyID{Owner: part.DeliveryOwner(f.order.fact.ID), Class: "delivery", Epoch: part.EpochWhole},
			Fields: []event.Field{jsonField("delivery.external", external)}})
	}
	return own, nil
}

func jsonField(path string, v any) event.Field {
	b, err := json.Marshal(v)
	if err != nil {
		panic("eraser: a list of texts has no JSON form: " + err.Error())
	}
	return event.Field{Path: path, Value: b}
}

// Indexes are the blind indexes of events. vault.Store has them.
type Indexes interface {
	Tokens(ctx context.Context, events []domain.ID) ([][]byte, error)
}

// mostNamed is how many objections a fact names. Of more it names none, and binds
// by itself, in the widest sense.
const mostNamed = 1000

// Carry adds to an erasure.staged what outlives somebody who had objected: which
// objections, and the opposition tokens of all the addresses that the events gave,
// sealed for the ledger itself.
func Carry(ctx context.Context, l *ledger.Ledger, v Indexes, now time.Time, own *ledger.Own, objections, addresses []domain.ID) error {
	tokens, err := oppositionTokens(ctx, v, addresses)
	if err != nil {
		return err
	}
	if len(objections) <= mostNamed {
		ids := make([]string, len(objections))
		for i, id := range objections {
			ids[i] = id.String()
		}
		own.Codes = own.Codes.With("objections", ids)
	}
	rules, _ := l.Policy()
	own.Parts = append(own.Parts, ledger.PlainPart{
		Key:    part.KeyID{Owner: part.LedgerOwner(), Class: "opposition", Epoch: rules.Epoch("opposition", now)},
		Fields: []event.Field{jsonField(opposition.FieldGeneration, l.Peppers().Generation()), jsonField(opposition.FieldTokens, tokens)}})
	return nil
}

// oppositionTokens are those of every address that the events gave.
func oppositionTokens(ctx context.Context, v Indexes, events []domain.ID) ([]string, error) {
	out := []string{}
	for chunk := range slices.Chunk(events, 1000) {
		packed, err := v.Tokens(ctx, chunk)
		if err != nil {
			return nil, fmt.Errorf("tokens to carry over: %w", err)
		}
		for _, b := range packed {
			entries, err := token.Unpack(b)
			if err != nil {
				return nil, fmt.Errorf("tokens to carry over: %w", err)
			}
			for _, x := range entries {
				if x.Form != token.FormSearch {
					out = append(out, opposition.Keyed{Kind: x.Kind, Form: x.Form, Token: x.Token}.String())
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// external is what one source calls the person.
type external struct {
	Source  string `json:"source"`
	Subject string `json:"subject"`
}

// externalIDs opens the ids under which sources sent the person, to tell them
// (art. 19). Nobody is shown them here.
func (e *Eraser) externalIDs(ctx context.Context, facts []*event.Fact) ([]external, error) {
	var out []external
	for chunk := range slices.Chunk(facts, 1000) {
		opened, err := e.identities(ctx, chunk)
		if err != nil {
			return nil, fmt.Errorf("ids of recipients: %w", err)
		}
		for i, o := range opened {
			for _, x := range o.Fields {
				if x.Path != "upstream.subject" {
					continue
				}
				var id string
				if err := json.Unmarshal(x.Value, &id); err != nil {
					return nil, errors.New("ids of recipients: a sealed id is no text")
				}
				name, err := e.cfg.SourceName(ctx, chunk[i].Source)
				if err != nil {
					return nil, fmt.Errorf("ids of recipients: %w", err)
				}
				if x := (external{name, id}); !slices.Contains(out, x) {
					out = append(out, x)
				}
			}
		}
	}
	return out, nil
}

// identities opens identity parts. One that was altered tells nothing; it is to
// go all the same.
func (e *Eraser) identities(ctx context.Context, facts []*event.Fact) ([]seal.Opened, error) {
	only := func(p *event.PartRef) bool { return p.Class == "identity" }
	opened, err := e.cfg.Ledger.Keyring().OpenAll(ctx, facts, only)
	if !errors.Is(err, seal.ErrAltered) {
		return opened, err
	}
	opened = make([]seal.Opened, len(facts))
	for i := range facts {
		one, err := e.cfg.Ledger.Keyring().OpenAll(ctx, facts[i:i+1], only)
		switch {
		case errors.Is(err, seal.ErrAltered):
			e.cfg.Logger.Warn("what an erased person is called upstream cannot be read", "event", facts[i].ID)
		case err != nil:
			return nil, err
		default:
			opened[i] = one[0]
		}
	}
	return opened, nil
}
