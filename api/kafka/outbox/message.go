package outbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/projections/changes"
)

// ContentType is of a message's value.
const ContentType = "application/cloudevents+json; charset=UTF-8"

// How a message says whom it is about.
const (
	ByHMAC = "hmac" // hex HMAC-SHA256 of the recipient's own id under the key shared with it
	ByOwn  = "own"  // the recipient's own id
	ByRef  = "ref"  // hex HMAC-SHA256 of the ledger's subject id, for a recipient without ids of its own
	ByNone = "none" // nobody known, or somebody erased so long ago that no id is left
)

// ErrType: a change is of a type that no topic is for. Nothing is published past it.
var ErrType = errors.New("no topic is for changes of this type")

// Message is what is published: a CloudEvent in structured JSON mode.
type Message struct {
	SpecVersion     string          `json:"specversion" enum:"1.0"`
	ID              string          `json:"id" doc:"The same for every repetition; give it back as the id of an acknowledgement."`
	Source          string          `json:"source" doc:"greffe/ and the ledger's id."`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty" doc:"Whom it is about, see data.identified; also the record's key."`
	Time            time.Time       `json:"time" doc:"When it happened."`
	DataContentType string          `json:"datacontenttype" enum:"application/json"`
	Recipient       string          `json:"recipient" doc:"Code of the policy. Leave out messages for others."`
	Position        domain.Position `json:"position" doc:"Position in the ledger, a decimal number: of two messages about one id the greater is the later."`
	Recorded        time.Time       `json:"recorded"`
	Controller      string          `json:"controller,omitempty"`
	Data            Data            `json:"data"`
}

// Data is the change. It holds codes, field paths and our own uuids.
type Data struct {
	Identified string     `json:"identified" enum:"hmac,own,ref,none" doc:"hmac: subject is the hex HMAC-SHA256 of your own id under the shared key. own: your own id. ref: the HMAC of the ledger's subject id. none: nobody known."`
	Purpose    string     `json:"purpose,omitempty" doc:"Absent means every purpose."`
	Channels   []string   `json:"channels,omitempty" doc:"Absent means every channel."`
	Scope      string     `json:"scope,omitempty" doc:"all: the objection is to everything."`
	Unproven   bool       `json:"unproven,omitzero" doc:"A grant whose proof lacks something; it allows nothing."`
	Right      string     `json:"right,omitempty" doc:"Of a request: which right."`
	Ground     string     `json:"ground,omitempty" doc:"Of an erasure or restriction: its article."`
	Fields     []string   `json:"fields,omitempty" doc:"Of a rectification: which fields were set or unset; never their values."`
	Order      *domain.ID `json:"order,omitempty" doc:"Of an erasure: its order."`
	Whole      *bool      `json:"whole,omitempty" doc:"Of an erasure: everything about the person goes."`
	Classes    []string   `json:"classes,omitempty" doc:"Of an erasure: retention classes destroyed."`
}

// identity says whom a message is about.
type identity struct{ subject, by, who string }

// whom are the people of a change, once for each id; one of nobody if there is
// none. key is shared with the recipient.
func whom(c *changes.Change, key []byte, own bool) []identity {
	if c.Ref != "" {
		return []identity{{c.Ref, ByRef, c.Ref[:whoLen]}}
	}
	if len(c.IDs) == 0 {
		return []identity{{by: ByNone, who: "-"}}
	}
	out := make([]identity, len(c.IDs))
	for i, id := range c.IDs {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(id.Subject))
		sum := hex.EncodeToString(m.Sum(nil))
		out[i] = identity{sum, ByHMAC, sum[:whoLen]}
		if own && !telling(id.Subject) {
			out[i].subject, out[i].by = id.Subject, ByOwn
		}
	}
	return out
}

// telling reports an id that is an address or a telephone number, which no topic
// may show.
func telling(id string) bool {
	if strings.Contains(id, "@") {
		return true
	}
	_, valid := token.Phone(id, "FR")
	return valid && !strings.ContainsFunc(id, unicode.IsLetter)
}

const (
	whoLen = 16      // of an HMAC in a message's id, in hex: 64 bits
	maxOf  = 100_000 // messages of one change that an acknowledgement may speak of
)

// messageID names a message: the change's event and position, its recipient, whom
// it is about, and how many messages the change is to that recipient.
type messageID struct {
	event     domain.ID
	position  domain.Position
	recipient string
	who       string
	of        int
}

func (m messageID) String() string {
	return m.event.String() + ":" + m.position.String() + ":" + m.recipient + ":" + m.who + ":" + strconv.Itoa(m.of)
}

var errMessageID = errors.New("not the id of a message")

func parseMessageID(s string) (m messageID, err error) {
	f := strings.Split(s, ":")
	if len(f) != 5 || len(f[3]) > whoLen || f[3] == "" {
		return m, errMessageID
	}
	m.recipient, m.who = f[2], f[3]
	if m.event, err = domain.ParseID(f[0]); err == nil {
		m.position, err = domain.ParsePosition(f[1])
	}
	if err == nil {
		m.of, err = strconv.Atoi(f[4])
	}
	if err != nil || m.of < 1 || m.of > maxOf || m.String() != s {
		return messageID{}, errMessageID
	}
	return m, nil
}

// record is a message on its way.
type record struct {
	topic string // whole
	key   []byte
	value []byte
}

// encode makes a change's messages for a recipient, in the order of its ids.
func (p *publisher) encode(c *Change) ([]record, error) {
	topic, ok := topicOf(c.Type)
	if !ok {
		return nil, fmt.Errorf("position %s: %w", c.ID, ErrType)
	}
	people := whom(&c.Change, p.key, p.own)
	out := make([]record, len(people))
	for i, w := range people {
		id := messageID{c.Event, c.ID, p.code, w.who, len(people)}
		b, err := json.Marshal(Message{
			SpecVersion: "1.0", ID: id.String(), Source: p.source, Type: c.Type, Subject: w.subject, Time: c.Time.UTC(), DataContentType: "application/json",
			Recipient: p.code, Position: c.ID, Recorded: c.Recorded.UTC(), Controller: c.Controller,
			Data: Data{Identified: w.by, Purpose: c.Purpose, Channels: c.Channels, Scope: c.Scope, Unproven: c.Unproven, Right: c.Right,
				Ground: c.Ground, Fields: c.Fields, Order: c.Order, Whole: c.Whole, Classes: c.Classes},
		})
		if err != nil {
			return nil, fmt.Errorf("encode a change: %w", err)
		}
		key := w.subject
		if key == "" {
			key = p.code
		}
		out[i] = record{p.prefix + topic, []byte(key), b}
	}
	return out, nil
}
