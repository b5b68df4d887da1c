package outbox

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
)

// Ack is an acknowledgement: the value of a message as it is, or the data of a
// CloudEvent in JSON. It says exactly one of id, change and up_to.
type Ack struct {
	Recipient string           `json:"recipient,omitempty" doc:"Code of the policy; may be left out on a topic of one recipient."`
	ID        string           `json:"id,omitempty" doc:"Of a message that was carried out."`
	Change    *domain.Position `json:"change,omitempty" doc:"Position of a change all messages of which were carried out."`
	UpTo      *domain.Position `json:"up_to,omitempty" doc:"Position up to which all changes were carried out, on all topics and partitions."`
	At        *time.Time       `json:"at,omitempty" doc:"When; not recorded."`
}

// Why an acknowledgement is set aside.
const (
	AsideMalformed = "malformed" // not JSON, or not of the form
	AsideRecipient = "recipient" // of nobody who is published to, or of another than the topic's
	AsideUnknown   = "unknown"   // of no change that was published to the recipient
	AsideTooFar    = "too_far"   // too many wait for changes before them
)

var reasons = []string{AsideMalformed, AsideRecipient, AsideUnknown, AsideTooFar}

// maxAck bounds an acknowledgement, in bytes.
const maxAck = 16 << 10

var errAck = errors.New("not an acknowledgement")

// decodeAck reads a message's value. Members that it does not know are left out.
func decodeAck(b []byte) (a Ack, err error) {
	if len(b) > maxAck {
		return a, errAck
	}
	var envelope struct {
		SpecVersion string         `json:"specversion"`
		Data        jsontext.Value `json:"data"`
	}
	if err := json.Unmarshal(b, &envelope); err == nil && envelope.SpecVersion != "" {
		b = envelope.Data
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return Ack{}, errAck
	}
	said := 0
	for _, given := range []bool{a.ID != "", a.Change != nil, a.UpTo != nil} {
		if given {
			said++
		}
	}
	if said != 1 {
		return Ack{}, errAck
	}
	return a, nil
}
