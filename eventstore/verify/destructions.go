package verify

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore"
)

// destructions are what the log says was destroyed. A person who was erased takes
// about 100 bytes, a part or a quarantined input that was destroyed about 50, an
// erasure under way 150; nobody else takes any.
type destructions struct {
	names    map[string]uint16      // of classes, and of lists of classes that were kept
	kept     [][]string             // by number
	narrow   [][]erasure.ClassEpoch // by number: of classes of which some keys went
	narrowed map[string]uint32
	of       map[domain.ID][]mark
	parts    map[partName]state
	released map[domain.ID]struct{}            // quarantined inputs
	open     map[domain.ID]order               // erasures that nothing says to be done
	restored domain.Position                   // of the last restore that replayed its fence
	restores []restore                         // all of them
	fresh    domain.Position                   // of the last one whose fence was lost: a new one began
	orders   map[domain.ID]ordered             // of erasures, also of those that a restore lost
	policies []domain.Position                 // of policy.published
	held     map[domain.ID]aside               // quarantined inputs that no fact released
	notes    map[noted]domain.ID               // the last that was noted of an erasure and a source
	terms    map[domain.ID]erasure.Destruction // what terms take that is no person's, by order
	journal  map[erasure.ClassEpoch]state      // of these, the ledger's own keys
	files    map[domain.ID]state               // and the desks' files
	archived *archives
}

// ordered is whose erasure an order is of, when it was given, and whether it is
// certified to be done.
type ordered struct {
	subject domain.ID
	at      domain.Position
	time    domain.Time
	done    bool
	lost    bool       // only a restore's fact tells of it
	owner   part.Owner // of what a term takes that is no person's; zero: the subject
}

// aside is a quarantined input.
type aside struct {
	at      domain.Position
	subject domain.ID
}

// noted names what is noted: that a source still sends somebody erased, or does not.
type noted struct{ subject, source domain.ID }

// restore is where one was recorded, and of which lineage the heads are from then on;
// 0 for one of before there were heads.
type restore struct {
	at       domain.Position
	lineage  int64
	lostSize int64  // of the head that it found signed and did not keep; 0 for none
	lostRoot string // its root
}

// mark is what was destroyed of a person: a class, or (0) all but some that were
// kept.
type mark struct {
	class, kept   uint16
	narrow        uint32          // which keys of the class; 0: all
	times         uint32          // certificates
	ordered, done domain.Position // what stands below was to go, and is certified to be gone
}

type partName struct {
	event domain.ID
	class uint16
}

type order struct {
	subject domain.ID
	at      domain.Position
	whole   bool
	kept    uint16
	classes []string
	epochs  []erasure.ClassEpoch
	event   domain.ID // of the one part
}

// state is what the log says of a part.
type state byte

const (
	stays state = iota // nothing destroys it
	goes               // something does, and it may be under way
	gone               // and is certified to be done
)

// verdict is what the log says of a part, and of the key that seals it.
type verdict struct{ part, key state }

func newDestructions() *destructions {
	return &destructions{names: map[string]uint16{}, kept: [][]string{nil}, narrow: [][]erasure.ClassEpoch{nil}, narrowed: map[string]uint32{}, of: map[domain.ID][]mark{}, parts: map[partName]state{},
		released: map[domain.ID]struct{}{}, open: map[domain.ID]order{}, orders: map[domain.ID]ordered{},
		held: map[domain.ID]aside{}, notes: map[noted]domain.ID{}, terms: map[domain.ID]erasure.Destruction{}, journal: map[erasure.ClassEpoch]state{}, files: map[domain.ID]state{}, archived: newArchives()}
}

// read collects them from the log, of [from, head), and tells whether there were any.
// What is no fact is passed over.
func (d *destructions) read(ctx context.Context, log eventstore.Log, from, head domain.Position) (some bool, err error) {
	err = log.Read(ctx, from, head, func(p domain.Position, b []byte) error {
		switch typeOf(b) {
		case event.ErasureOrdered, event.SubjectErased, event.PartRedacted, event.IngestReleased, event.RestorePerformed,
			event.IngestQuarantined, event.ErasureContested, event.NotificationTaken, event.PolicyPublished, event.RetentionDestroyed, event.RetentionArchived:
			if f, err := event.DecodeFact(b); err == nil {
				d.take(p, f)
				some = true
			}
		}
		return nil
	})
	return some, err
}

// typeOf is the type of a fact. The name stands at the end, behind the codes, and
// no text of a fact holds a quotation mark.
func typeOf(b []byte) event.Type {
	const name = `"type":"`
	at := bytes.LastIndex(b, []byte(name))
	if at < 0 {
		return ""
	}
	b = b[at+len(name):]
	return event.Type(b[:max(0, bytes.IndexByte(b, '"'))])
}

func (d *destructions) take(p domain.Position, f *event.Fact) {
	switch f.Type {
	case event.IngestReleased:
		d.released[f.Codes.ID("item")] = struct{}{}
		delete(d.held, f.Codes.ID("item"))
		return
	case event.IngestQuarantined:
		d.held[f.ID] = aside{p, f.Subject}
		return
	case event.ErasureContested, event.NotificationTaken:
		if f.Type == event.ErasureContested || f.Codes.String("recipient") == "source" && !f.Source.IsZero() {
			d.notes[noted{f.Subject, f.Source}] = f.ID
		}
		return
	case event.PolicyPublished:
		d.policies = append(d.policies, p)
		return
	case event.RetentionDestroyed:
		d.expired(p, f)
		return
	case event.RetentionArchived:
		d.archived.take(p, f)
		return
	case event.RestorePerformed:
		d.restores = append(d.restores, restore{p, f.Codes.Int("lineage"), f.Codes.Int("lost_size"), f.Codes.String("lost_root")})
		if f.Codes.Bool("lost") {
			d.fresh = p
		} else {
			d.restored = p
		}
		return
	}
	x, _ := contact.DestructionOf(p, f)
	d.order(p, f, &x)
	switch {
	case f.Type == event.PartRedacted:
		delete(d.open, x.By)
		d.parts[d.name(x.Event, x.Classes)] = gone
	case f.Type == event.ErasureOrdered:
		o := order{subject: f.Subject, at: p, whole: x.Whole, kept: d.keeps(x.Kept), classes: x.Classes, epochs: x.Epochs, event: x.Event}
		d.open[f.ID] = o
		d.erase(&o, goes)
	case !x.Done: // of a restore, whose log lacks the order
		d.erase(&order{subject: f.Subject, at: p, whole: x.Whole, kept: d.keeps(x.Kept), classes: x.Classes, epochs: x.Epochs}, gone)
	default:
		if o, ok := d.open[x.By]; ok {
			delete(d.open, x.By)
			d.erase(&o, gone)
		}
	}
}

// order keeps what is compared with the fence and with the vault's marks.
func (d *destructions) order(p domain.Position, f *event.Fact, x *contact.Destruction) {
	by := x.By
	if id := f.Codes.ID("order"); !id.IsZero() {
		by = id
	}
	o, there := d.orders[by]
	switch {
	case f.Type == event.ErasureOrdered:
		o = ordered{subject: f.Subject, at: p, time: f.Recorded}
	case f.Type == event.PartRedacted && !there:
		return // of a delivery, or of a restore
	case !there:
		o = ordered{subject: f.Subject, at: p, time: domain.NewTime(f.Codes.Time("ordered_at")), done: true, lost: true}
	default:
		o.done = true
	}
	d.orders[by] = o
}

func (d *destructions) name(id domain.ID, classes []string) partName {
	if len(classes) == 0 {
		return partName{event: id}
	}
	return partName{id, d.number(classes[0])}
}

// number is that of a name, from 1 on.
func (d *destructions) number(name string) uint16 {
	n, ok := d.names[name]
	if !ok {
		n = uint16(len(d.names) + 1)
		d.names[name] = n
	}
	return n
}

// keeps is the number of a list of classes, 0 for none.
func (d *destructions) keeps(classes []string) uint16 {
	if len(classes) == 0 {
		return 0
	}
	text := strings.Join(classes, " ")
	for n, l := range d.kept {
		if n > 0 && strings.Join(l, " ") == text {
			return uint16(n)
		}
	}
	d.kept = append(d.kept, classes)
	return uint16(len(d.kept) - 1)
}

func (d *destructions) erase(o *order, is state) {
	switch {
	case !o.event.IsZero():
		d.parts[d.name(o.event, o.classes)] = is
	case o.whole:
		d.mark(o, 0, 0, is)
	default:
		for _, c := range o.classes {
			d.mark(o, d.number(c), d.narrows(c, o.epochs), is)
		}
	}
}

func (d *destructions) mark(o *order, class uint16, narrow uint32, is state) {
	l := d.of[o.subject]
	i := slices.IndexFunc(l, func(m mark) bool { return m.class == class && m.kept == o.kept && m.narrow == narrow })
	if i < 0 {
		i, l = len(l), append(slices.Clip(l), mark{class: class, kept: o.kept, narrow: narrow})
		d.of[o.subject] = l
	}
	l[i].ordered = max(l[i].ordered, o.at)
	if is == gone {
		l[i].done = max(l[i].done, o.at)
		l[i].times++
	}
}

// judge tells what the log says of a part of a fact at a position.
func (d *destructions) judge(p domain.Position, f *event.Fact, ref *event.PartRef) (v verdict) {
	class := d.names[ref.Class]
	if class > 0 {
		v.part = d.parts[partName{f.ID, class}]
	}
	switch ref.Owner.Kind {
	case part.Subject:
		for _, m := range d.of[ref.Owner.ID] {
			if !d.takes(&m, class, ref) {
				continue
			}
			s := m.state(p)
			v.part = max(v.part, s)
			if s == gone && (m.class == 0 || m.narrow > 0 || generation(ref.Epoch) < d.retired(ref.Owner.ID, &m)) {
				v.key = gone
			}
		}
	case part.Quarantine: // an erasure takes what was set aside about the person
		if _, ok := d.released[ref.Owner.ID]; ok {
			v.part = goes
		}
		for _, m := range d.of[f.Subject] {
			if m.class == 0 {
				v.part = max(v.part, m.state(p))
			}
		}
		v.key = v.part
	case part.Ledger: // no key's name comes twice
		v.part = max(v.part, d.journal[erasure.ClassEpoch{Class: ref.Class, Epoch: ref.Epoch}])
		v.key = d.journal[erasure.ClassEpoch{Class: ref.Class, Epoch: ref.Epoch}]
	case part.Case:
		v.part = max(v.part, d.files[ref.Owner.ID])
		v.key = d.files[ref.Owner.ID]
	case part.Delivery: // destroyed before its fact; or by a restore, without one
		if p < d.restored {
			v.part = max(v.part, goes)
		}
		v.key = v.part
	}
	return v
}

// body tells what the log says of the body MAC and the search tokens of a row whose
// owner is the fact's subject: they go with the person, and with its name or addresses.
func (d *destructions) body(p domain.Position, f *event.Fact) (is state) {
	for i := range d.of[f.Subject] {
		m := &d.of[f.Subject][i]
		if m.class == 0 {
			is = max(is, m.state(p))
		}
		for j := range f.Parts {
			ref := &f.Parts[j]
			if m.class != 0 && d.takes(m, d.names[ref.Class], ref) && (ref.Class == contact.ClassIdentity || ref.Class == contact.ClassContactDetails) {
				is = max(is, m.state(p))
			}
		}
	}
	return is
}

func (m *mark) state(p domain.Position) state {
	switch {
	case p < m.done:
		return gone
	case p < m.ordered:
		return goes
	}
	return stays
}

// generation is how often a class was destroyed before a key was made: "2026" is
// of generation 0, "2026.1" of 1.
func generation(epoch string) int {
	_, g, _ := strings.Cut(epoch, ".")
	n, _ := strconv.Atoi(g)
	return n
}

// erases is what the log says of a person as a whole, whatever was kept.
func (d *destructions) erases(id domain.ID) (is state) {
	for _, m := range d.of[id] {
		if m.class == 0 && m.done > 0 {
			return gone
		}
		if m.class == 0 {
			is = goes
		}
	}
	return is
}

// certified is where the last certified order stands about a person.
func (d *destructions) certified(id domain.ID) (at domain.Position) {
	for _, m := range d.of[id] {
		at = max(at, m.done)
	}
	return at
}

// took reports that an erasure may have taken what was set aside.
func (d *destructions) took(x aside) bool {
	for _, m := range d.of[x.subject] {
		if m.class == 0 && m.state(x.at) != stays {
			return true
		}
	}
	return false
}
