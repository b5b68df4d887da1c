package app

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
)

// An objection outlives the erasure of who objected, since erasure.staged carries
// the tokens of the person's addresses over. A copy from before an erasure has no
// such fact, and replaying the fence destroys the tokens: so what the fact would
// have carried is carried first. A key goes only after that fact is durable, in an
// erasure as in a restore, so who has lost its keys already needs nothing.

// loss is a destruction of the fence that takes a person's addresses, and that
// this copy has not carried out.
type loss struct {
	by, id, subject domain.ID // order, erasure.staged to be, whose
	whole           bool
	classes         []string
	below           domain.Position // of the order, if the log has it: what comes later is not lost
	done            bool            // erasure.staged is in the log
}

// said is one fact of a person, by where it stands.
type said struct {
	at domain.Position
	id domain.ID
}

// losses are those of one restore. What is held of the log is bounded by the
// people who are erased, those merged with them, and the merges.
type losses struct {
	all        []loss
	by         map[domain.ID]int32 // order → of all
	merges     map[[2]domain.ID]merge
	person     map[domain.ID]int32 // subject → one person, for everybody merged with a loss's
	addresses  map[domain.ID][]said
	objections map[int32][]said // by person
	classes    map[string][]string
}

type merge struct {
	time   int64 // µs
	at     domain.Position
	merged bool
}

// carry writes erasure.staged for everybody whose addresses are about to go and
// who had objected, itself or as one it is merged with.
func (r *restoring) carry(ctx context.Context) error {
	l := &losses{by: map[domain.ID]int32{}, merges: map[[2]domain.ID]merge{}, person: map[domain.ID]int32{},
		addresses: map[domain.ID][]said{}, objections: map[int32][]said{}, classes: map[string][]string{}}
	if err := r.batches(ctx, "compare", func(some []erasure.Destruction) error { return r.lost(ctx, l, some) }); err != nil {
		return err
	}
	if len(l.all) == 0 {
		return nil
	}
	for _, look := range []func(domain.Position, *event.Fact){l.order, l.say} {
		if err := r.scan(ctx, look); err != nil {
			return fmt.Errorf("restore: look for objections: %w", err)
		}
		l.connect()
	}
	return r.stage(ctx, l)
}

// lost adds which of some destructions take addresses that are there still.
func (r *restoring) lost(ctx context.Context, l *losses, some []erasure.Destruction) error {
	owners := make([]part.Owner, len(some))
	for i := range some {
		owners[i] = some[i].Owner
	}
	sets, err := r.keys.ring.Load(ctx, owners)
	if err != nil {
		return err
	}
	for i := range some {
		d := &some[i]
		if _, twice := l.by[d.By]; twice || !takesAddresses(d) || !alive(sets[i], d) {
			continue
		}
		x := loss{by: d.By, id: r.derived(d, "staged"), subject: d.Owner.ID, whole: isWhole(d), below: math.MaxUint64}
		if !x.whole {
			x.classes = l.intern(classes(d.Keys))
		}
		l.by[d.By] = int32(len(l.all))
		l.all = append(l.all, x)
	}
	return nil
}

// takesAddresses reports a destruction with which a person's tokens go.
func takesAddresses(d *erasure.Destruction) bool {
	return d.Owner.Kind == part.Subject && len(d.Redacted) == 0 && (isWhole(d) || slices.ContainsFunc(d.Keys, func(k erasure.ClassEpoch) bool {
		return k.Class == contact.ClassIdentity || k.Class == contact.ClassContactDetails
	}))
}

// alive reports that a destruction has something to destroy.
func alive(set *seal.KeySet, d *erasure.Destruction) bool {
	if set.Rev == 0 || set.Destroyed {
		return false
	}
	return len(d.Keys) == 0 || slices.ContainsFunc(d.Keys, func(k erasure.ClassEpoch) bool {
		_, ok := set.Key(k.Class, k.Epoch)
		return ok
	})
}

func (l *losses) intern(list []string) []string {
	name := strings.Join(list, " ")
	if l.classes[name] == nil {
		l.classes[name] = list
	}
	return l.classes[name]
}

// scan calls look for each fact of the restored log that could matter to it.
func (r *restoring) scan(ctx context.Context, look func(domain.Position, *event.Fact)) error {
	head, err := r.log.Head(ctx)
	if err != nil {
		return err
	}
	return r.log.Read(ctx, 0, head, func(p domain.Position, b []byte) error {
		if p%4096 == 0 {
			r.o.Progress("objections", int64(p), int64(head))
		}
		if !bytes.Contains(b, []byte(`"subject":"`)) {
			return nil
		}
		f, err := event.DecodeFact(b)
		if err != nil {
			return fmt.Errorf("fact at position %s: %w", p, err)
		}
		look(p, f)
		return nil
	})
}

// order takes in which losses the log knows of, and who is merged with whom: of
// the merges and unmerges between two, in one direction, the later time holds,
// then the later position.
func (l *losses) order(p domain.Position, f *event.Fact) {
	switch f.Type {
	case event.ErasureOrdered:
		if i, ok := l.by[f.ID]; ok {
			l.all[i].below = p
		}
	case event.ErasureStaged:
		if i, ok := l.by[f.Codes.ID("order")]; ok {
			l.all[i].done = true
		}
	case event.ContactMerged, event.ContactUnmerged:
		edge, m := [2]domain.ID{f.Subject, f.Codes.ID("into")}, merge{f.Time.UnixMicro(), p, f.Type == event.ContactMerged}
		if was, ok := l.merges[edge]; !ok || m.time >= was.time {
			l.merges[edge] = m
		}
	}
}

// connect numbers the persons that losses are about.
func (l *losses) connect() {
	if l.merges == nil {
		return
	}
	next := map[domain.ID][]domain.ID{}
	for e, m := range l.merges {
		if m.merged {
			next[e[0]], next[e[1]] = append(next[e[0]], e[1]), append(next[e[1]], e[0])
		}
	}
	l.merges = nil
	for i := range l.all {
		if _, known := l.person[l.all[i].subject]; known || l.all[i].done {
			continue
		}
		for todo := []domain.ID{l.all[i].subject}; len(todo) > 0; todo = todo[1:] {
			if _, known := l.person[todo[0]]; !known {
				l.person[todo[0]] = int32(i)
				todo = append(todo, next[todo[0]]...)
			}
		}
	}
}

// say takes in objections and addresses.
func (l *losses) say(p domain.Position, f *event.Fact) {
	who, ok := l.person[f.Subject]
	if !ok {
		return
	}
	switch f.Type {
	case event.ContactCreated, event.ContactChanged:
		if slices.Contains(f.Fields, "person.emails") || slices.Contains(f.Fields, "person.phones") {
			l.addresses[f.Subject] = append(l.addresses[f.Subject], said{p, f.ID})
		}
	default:
		if _, objects := opposition.EntryOf(p, f); objects {
			l.objections[who] = append(l.objections[who], said{p, f.ID})
		}
	}
}

// before are the events of those that stand below a position.
func before(all []said, below domain.Position) (out []domain.ID) {
	for _, s := range all {
		if s.at < below {
			out = append(out, s.id)
		}
	}
	return out
}

// stage writes what is carried, some at a time.
func (r *restoring) stage(ctx context.Context, l *losses) error {
	var owns []ledger.Own
	for i := range l.all {
		x := &l.all[i]
		objections, addresses := before(l.objections[l.person[x.subject]], x.below), before(l.addresses[x.subject], x.below)
		if !x.done && len(objections) > 0 && len(addresses) > 0 {
			own := ledger.Own{Type: event.ErasureStaged, ID: x.id, Subject: x.subject,
				Codes: event.Codes{}.With("order", x.by.String()).With("restored", true).With("whole", x.whole)}
			if len(x.classes) > 0 {
				own.Codes = own.Codes.With("classes", x.classes)
			}
			if err := eraser.Carry(ctx, r.Ledger, r.vault, r.cfg.Now(), &own, objections, addresses); err != nil {
				return err
			}
			owns = append(owns, own)
		}
		if len(owns) == 100 || len(owns) > 0 && i == len(l.all)-1 {
			if _, err := r.Ledger.Write(ctx, owns); err != nil {
				return fmt.Errorf("restore: carry over objections: %w", err)
			}
			owns = owns[:0]
			r.o.Progress("carry", int64(i+1), int64(len(l.all)))
		}
	}
	return nil
}
