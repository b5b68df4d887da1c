package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"

	"greffe/domain/event"
)

// Reasons for which a record is set aside, besides those that a mapping states.
const (
	Unreadable = "record_unreadable" // damaged, or not of the mapping's input
	Failed     = "mapping_failed"    // jq ended with an error
	Slow       = "mapping_timeout"   // it took longer than it may
	Empty      = "mapping_empty"     // it gave nothing, and did not say that this is meant
	NoEvent    = "mapping_no_event"  // it gave something that is no event
	TooMuch    = "mapping_too_much"  // more events, or larger ones, than one record may give
)

// Event is one CloudEvent of a record.
type Event struct {
	ID, Source string
	Type       event.Type
	Protective bool
	Raw        []byte
	fields     map[string]any
}

// Mapped is what became of one record.
type Mapped struct {
	ID, Source, Subject string // of the record; Subject may be ""
	Events              []Event
	Ignored             string // why the mapping leaves the record out, "" if it does not
	Aside               string // why the record is set aside, "" if it is not
	Raw                 []byte
	why                 error
}

// Explain says in words why the record is set aside, with jq's own message. It
// may quote the record: show it to the mapping's author only, never log it.
func (r *Mapped) Explain() string {
	if r.why == nil {
		return ""
	}
	return r.why.Error()
}

// patience is how much longer a record may take that was too slow: a machine
// under load must not send an objection to quarantine.
const patience = 10

// Map makes events of one record; source is what SourceFor allowed. It never
// panics. When ctx ends first the outcome is void.
func (m *Mapping) Map(ctx context.Context, rec Record, source string) Mapped {
	out := m.within(ctx, m.limit, rec, source)
	if out.Aside == Slow && ctx.Err() == nil {
		out = m.within(ctx, patience*m.limit, rec, source)
	}
	return out
}

func (m *Mapping) within(ctx context.Context, limit time.Duration, rec Record, source string) (out Mapped) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out = Mapped{Source: source, Raw: rec.Raw}
	defer func() {
		if v := recover(); v != nil { // a fault of jq's is a record that cannot be read
			out.fail(Failed, fmt.Errorf("jq panicked: %v", v))
			out.keepProtective()
		}
	}()
	out.ID = "sha256:" + stringOf(digest(string(utf8Text(rec.Raw))))
	out.ID = m.reference(ctx, rec, out.ID, source)
	if s := m.one(ctx, m.subject, rec.value, "", source, ""); len(s) <= maxReference {
		out.Subject = s
	}
	var subject any
	if out.Subject != "" {
		subject = out.Subject
	}
	m.run(ctx, &out, m.events.RunWithContext(ctx, rec.value, out.ID, source, subject))
	if !rec.whole {
		out.fail(Unreadable, errors.New("the record is damaged, or not of this mapping's form"))
	}
	if out.Aside == "" && out.Ignored == "" && len(out.Events) == 0 {
		out.fail(Empty, errors.New("the mapping gave nothing; to leave a record out, give {\"ignore\": \"reason_code\"}"))
	}
	if out.Aside != "" {
		out.keepProtective()
	}
	return out
}

// reference is the record's id: what the mapping's rule gives, else a digest of
// the record, which for a damaged one is that of its bytes.
func (m *Mapping) reference(ctx context.Context, rec Record, bytes, source string) string {
	if s := m.one(ctx, m.id, rec.value, "", source, ""); s != "" && len(s) <= maxReference {
		return s
	}
	if !rec.whole {
		return bytes
	}
	return "sha256:" + stringOf(digest(rec.value))
}

// one evaluates an expression of the head; "" if it gives no text.
func (m *Mapping) one(ctx context.Context, code *gojq.Code, v any, id, source, subject string) string {
	if code == nil {
		return ""
	}
	got, ok := code.RunWithContext(ctx, v, id, source, subject).Next()
	if !ok {
		return ""
	}
	return stringOf(got)
}

// run takes a mapping's outputs until it ends or fails.
func (m *Mapping) run(ctx context.Context, out *Mapped, outputs gojq.Iter) {
	bytes := 0
	for n := 1; ; n++ {
		v, ok := outputs.Next()
		if !ok {
			return
		}
		if err, failed := v.(error); failed {
			code := Failed
			if ctx.Err() != nil {
				code = Slow
			}
			out.fail(code, fmt.Errorf("output %d: %w", n, err))
			return
		}
		if n > maxOutputs {
			out.fail(TooMuch, fmt.Errorf("more than %d outputs", maxOutputs))
			return
		}
		out.take(n, v)
		if k := len(out.Events); k > 0 {
			if bytes += len(out.Events[k-1].Raw); bytes > maxOutBytes {
				out.fail(TooMuch, fmt.Errorf("more than %d bytes of events", maxOutBytes))
				return
			}
		}
	}
}

// take reads one output: {"ignore": code}, {"aside": code}, or an event.
func (r *Mapped) take(n int, v any) {
	o, ok := v.(map[string]any)
	if !ok {
		r.fail(NoEvent, fmt.Errorf("output %d is no object", n))
		return
	}
	for _, word := range []string{"ignore", "aside"} {
		if reason, given := o[word]; given {
			code, ok := reason.(string)
			switch {
			case !ok || !event.IsCode(code) || len(code) > 64 || len(o) != 1:
				r.fail(NoEvent, fmt.Errorf("output %d: %q takes a reason code alone", n, word))
			case word == "ignore":
				r.Ignored = code
			default:
				r.fail(code, errors.New("the mapping sets the record aside: "+code))
			}
			return
		}
	}
	e, err := r.event(o)
	if err != nil {
		r.fail(NoEvent, fmt.Errorf("output %d: %w", n, err))
		return
	}
	r.Events = append(r.Events, e)
}

// event completes an output with what all events of the record share. What is
// wrong in it beyond that is for the ledger to judge.
func (r *Mapped) event(o map[string]any) (Event, error) {
	fields := make(map[string]any, len(o)+3)
	for k, v := range o {
		if v != nil {
			fields[k] = v
		}
	}
	fields["specversion"] = "1.0"
	if _, given := fields["id"]; !given {
		fields["id"] = r.ID
	}
	if _, given := fields["source"]; !given {
		fields["source"] = r.Source
	}
	id, _ := fields["id"].(string)
	source, _ := fields["source"].(string)
	kind, _ := fields["type"].(string)
	e := Event{ID: id, Source: source, Type: event.Type(kind), Protective: event.Type(kind).Protective(), fields: fields}
	switch {
	case source != r.Source && !belowSource(source, r.Source):
		return e, errors.New("source must be $source, or begin with it and a slash")
	case id == "" || kind == "":
		return e, errors.New("id and type must be texts")
	case len(id) > 512:
		return e, errors.New("id is longer than 512 bytes")
	}
	for i := range r.Events {
		if r.Events[i].ID == id && r.Events[i].Source == source {
			return e, errors.New("two events of one record have the same id; use $id and a suffix")
		}
	}
	return e, e.encode()
}

func belowSource(s, source string) bool {
	return len(s) > len(source)+1 && s[:len(source)] == source && s[len(source)] == '/'
}

func (e *Event) encode() error {
	raw, err := gojq.Marshal(e.fields)
	e.Raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	return err
}

// renamed is the event under another id.
func (e *Event) renamed(id string) (Event, error) {
	out := Event{ID: id, Source: e.Source, Type: e.Type, Protective: e.Protective, fields: make(map[string]any, len(e.fields))}
	for k, v := range e.fields {
		out.fields[k] = v
	}
	out.fields["id"] = id
	return out, out.encode()
}

// fail sets the record aside; the first reason stands.
func (r *Mapped) fail(code string, why error) {
	if r.Aside == "" {
		r.Aside, r.why = code, why
	}
}

// keepProtective drops what may wait until the record is repaired, unless the
// mapping itself set the record aside: then it says what else holds.
func (r *Mapped) keepProtective() {
	r.Ignored = ""
	if !builtinReason(r.Aside) {
		return
	}
	kept := r.Events[:0]
	for _, e := range r.Events {
		if e.Protective {
			kept = append(kept, e)
		}
	}
	r.Events = kept
}

func builtinReason(code string) bool {
	switch code {
	case Unreadable, Failed, Slow, Empty, NoEvent, TooMuch:
		return true
	}
	return false
}
