package intake

import (
	"bytes"
	"cmp"
	"context"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/ingest"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// Reasons for which a message is set aside, besides those of event.Refusal and
// of mappings.
const (
	SourceNotAllowed = "source_not_allowed" // the topic may not speak for it
	TypeNotAllowed   = "type_not_allowed"   // nor send this type of event
	TooLong          = "message_too_large"  // over maxMessage
	IDConflict       = "id_conflict"        // its id was recorded before with another content
)

// Tombstone is the reason for which a message without a value is left out: it
// says what a compacted topic may forget, nothing of a person.
const Tombstone = "tombstone"

// maxMessage bounds what is kept of one message, in bytes.
const maxMessage = ingest.MaxRecord

// entry is one event of a message.
type entry struct {
	raw             []byte
	source, subject string
	id              string
	of              *message
	protective      bool
	own             bool // its id is of its content
}

// understand makes of messages what is to be recorded. It gives nil when ctx
// ended in the middle.
func (in *Intake) understand(ctx context.Context, r *reader, all []message) *batch {
	b := newBatch(in.deps.Recorder, r)
	b.messages = len(all)
	if r.route.mapping != nil {
		b.mapped(ctx, all)
	} else {
		for i := range all {
			b.cloudEvents(&all[i])
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return b
}

// cloudEvents takes a message in any of the forms of CloudEvents' Kafka binding.
func (b *batch) cloudEvents(m *message) {
	if m.size() > maxMessage {
		b.aside(m, TooLong, "", "", "")
		return
	}
	kind := m.contentType()
	switch {
	case len(m.value) == 0 && !m.binary():
		b.ignore(Tombstone)
	case m.binary() && kind != structured && kind != batched:
		b.event(m, m.assemble())
	default:
		value := bytes.TrimSpace(m.value)
		if kind != batched && (kind == structured || len(value) == 0 || value[0] != '[') {
			b.event(m, value)
			return
		}
		events, ok := elements(value)
		if !ok {
			b.aside(m, "json_invalid", "", "", "")
			return
		}
		if len(events) == 0 {
			b.ignore("empty_batch")
		}
		for _, raw := range events {
			b.event(m, raw)
		}
	}
}

// event takes one event. What the ledger would set aside because it cannot be
// read is set aside here, where its place in the topic is known.
func (b *batch) event(m *message, raw []byte) {
	in, refusal := event.Decode(raw)
	switch {
	case in.Source != "" && !b.r.route.Speaks(in.Source):
		b.aside(m, SourceNotAllowed, in.Source, "", in.Subject)
	case refusal != nil:
		b.aside(m, refusal.Code, in.Source, in.ID, in.Subject)
	case !b.r.route.Sends(in.Type):
		b.aside(m, TypeNotAllowed, in.Source, in.ID, in.Subject)
	default:
		b.add(entry{raw: raw, source: in.Source, subject: in.Subject, id: in.ID, of: m, protective: in.Type.Protective()})
	}
}

func (b *batch) add(e entry) {
	if e.protective {
		b.protective = append(b.protective, e)
	} else {
		b.others = append(b.others, e)
	}
}

// elements are the elements of a JSON array, as they stand.
func elements(value []byte) (all [][]byte, ok bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if dec.PeekKind() != '[' {
		return nil, false
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, false
		}
		all = append(all, bytes.Clone(v))
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	return all, dec.PeekKind() == 0
}

// mapped takes messages of another system's shape.
func (b *batch) mapped(ctx context.Context, all []message) {
	var records []ingest.Record
	var of []*message
	for i := range all {
		m := &all[i]
		switch {
		case m.value == nil:
			b.ignore(Tombstone)
		case m.size() > maxMessage:
			b.aside(m, TooLong, "", "", "")
		default:
			records, of = append(records, ingest.RecordOf(m.value)), append(of, m)
		}
	}
	for i, mapped := range b.r.route.mapping.MapAll(ctx, records, b.r.route.Sources[0]) {
		b.outcome(of[i], &mapped)
	}
}

// outcome takes what a mapping made of one message.
func (b *batch) outcome(m *message, mapped *ingest.Mapped) {
	refused := ""
	for i := range mapped.Events {
		e := &mapped.Events[i]
		if !b.r.route.Speaks(e.Source) {
			refused = SourceNotAllowed
			continue
		}
		if !b.r.route.Sends(e.Type) {
			refused = cmp.Or(refused, TypeNotAllowed)
			continue
		}
		b.add(entry{raw: e.Raw, source: mapped.Source, subject: mapped.Subject, id: mapped.ID, of: m, protective: e.Protective})
	}
	switch {
	case mapped.Aside != "":
		b.aside(m, mapped.Aside, mapped.Source, mapped.ID, mapped.Subject)
	case refused != "":
		b.aside(m, refused, mapped.Source, mapped.ID, mapped.Subject)
	case mapped.Ignored != "":
		b.ignore(mapped.Ignored)
	}
}

// aside sets a message aside, with its place. Without an id it is known by its
// place.
func (b *batch) aside(m *message, code, source, id, subject string) {
	if source == "" {
		source = b.r.route.Sources[0]
	}
	if id == "" {
		id = b.r.at.of(m)
	}
	b.asides = append(b.asides, ledger.Aside{Source: source, ID: id, Subject: subject, Raw: b.r.at.wrap(m), Refusal: event.Refusal{Code: code}})
}

// of names a message by its place.
func (p place) of(m *message) string {
	return "kafka:" + p.topic + "/" + strconv.Itoa(p.partition) + "/" + strconv.FormatInt(m.offset, 10)
}
