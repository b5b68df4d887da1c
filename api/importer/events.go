package importer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain/event"
)

// outgoing is one CloudEvent on its way.
type outgoing struct {
	doc  []byte
	typ  event.Type
	path string // of the choice it stands for; empty for the contact itself
	id   PathID // of path, in a snapshot
}

// envelope is what all events of an import share.
type envelope struct {
	source, controller, actor string
}

// make writes a CloudEvent. salt tells apart events of the same data about the
// same contact, such as a change made, taken back and made again.
func (e *envelope) make(t event.Type, subject string, at time.Time, data, salt []byte) []byte {
	doc := make([]byte, 0, 256+len(data)+len(subject))
	doc = append(doc, `{"specversion":"1.0","id":"`...)
	doc = append(doc, e.id(t, subject, data, salt)...)
	doc = append(doc, `","source":`...)
	doc = appendString(doc, e.source)
	doc = append(doc, `,"type":`...)
	doc = appendString(doc, string(t))
	doc = append(doc, `,"subject":`...)
	doc = appendString(doc, subject)
	if !at.IsZero() {
		doc = append(doc, `,"time":"`...)
		doc = at.UTC().AppendFormat(doc, time.RFC3339Nano)
		doc = append(doc, '"')
	}
	if e.actor != "" {
		doc = append(doc, `,"actor":`...)
		doc = appendString(doc, e.actor)
	}
	if e.controller != "" {
		doc = append(doc, `,"controller":`...)
		doc = appendString(doc, e.controller)
	}
	doc = append(doc, `,"datacontenttype":"application/json","data":`...)
	doc = append(doc, data...)
	return append(doc, '}')
}

func (e *envelope) id(t event.Type, subject string, data, salt []byte) string {
	h := sha256.New()
	h.Write([]byte("greffe/import/1"))
	for _, part := range [][]byte{[]byte(e.source), []byte(e.controller), []byte(t), []byte(subject), data, salt} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return "import:" + hex.EncodeToString(h.Sum(nil))
}

func appendString(b []byte, s string) []byte {
	b, err := jsontext.AppendQuote(b, s)
	if err != nil { // only for what is not UTF-8, which decoding made impossible
		panic("importer: a text is not UTF-8")
	}
	return b
}

// tree writes sorted paths as nested objects: "a.b" becomes {"a":{"b":…}}.
func tree(values []value) []byte {
	out := []byte{'{'}
	var open []string
	first := true
	for _, v := range values {
		parts := strings.Split(v.path, ".")
		dirs, name := parts[:len(parts)-1], parts[len(parts)-1]
		same := 0
		for same < len(open) && same < len(dirs) && open[same] == dirs[same] {
			same++
		}
		for range open[same:] {
			out = append(out, '}')
			first = false
		}
		for _, d := range dirs[same:] {
			out = appendName(out, d, first)
			out = append(out, '{')
			first = true
		}
		open = dirs
		out = appendName(out, name, first)
		out = append(out, v.json...)
		first = false
	}
	for range open {
		out = append(out, '}')
	}
	return append(out, '}')
}

func appendName(out []byte, name string, first bool) []byte {
	if !first {
		out = append(out, ',')
	}
	return append(appendString(out, name), ':')
}

// created makes the events of a contact that the ledger does not know yet.
func (e *envelope) created(c *contact, at, fallback time.Time, salt []byte) []outgoing {
	out := []outgoing{{doc: e.make(event.ContactCreated, c.subject, at, tree(c.values), salt), typ: event.ContactCreated}}
	for i := range c.choices {
		out = append(out, e.choice(c, &c.choices[i], fallback, salt, false))
	}
	return out
}

// choice makes the event of an opt-in or opt-out. A grant of no known date is as
// old as the contact, a refusal as young as anything known of it, so that the
// refusal wins where order is not known; in a file of no known date it stands for
// the day it is recorded.
func (e *envelope) choice(c *contact, ch *choice, at time.Time, salt []byte, withdrawn bool) outgoing {
	t, when := event.ConsentGranted, ch.at.Time
	switch {
	case ch.opposed:
		t = event.OppositionRegistered
	case withdrawn:
		t = event.ConsentWithdrawn
	case ch.refused:
		t = event.ConsentRefused
	}
	if when.IsZero() && t == event.ConsentGranted {
		when, _ = c.when(at)
	}
	if when.IsZero() && !at.IsZero() {
		when = at
		for _, d := range []date{c.collected, c.activity} {
			if d.After(when) {
				when = d.Time
			}
		}
	}
	return outgoing{doc: e.make(t, c.subject, when, ch.data(t), salt), typ: t, path: ch.key()}
}

func (ch *choice) data(t event.Type) []byte {
	out := []byte{'{'}
	if len(ch.channels) > 0 {
		out = append(out, `"channels":[`...)
		for i, c := range ch.channels {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendString(out, c)
		}
		out = append(out, `],`...)
	}
	if t != event.OppositionRegistered {
		out = append(out, `"method":"import",`...)
	}
	if ch.scope == "all" {
		return append(out, `"scope":"all"}`...)
	}
	out = append(out, `"purpose":`...)
	return append(appendString(out, ch.purpose), '}')
}

// key names the choice among a contact's fields in a snapshot's state.
func (ch *choice) key() string {
	return "choice/" + ch.path + "/" + ch.purpose + "/" + ch.scope + "/" + strings.Join(ch.channels, ",")
}
