package intake

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The Kafka binding of CloudEvents 1.0.2: in structured mode the value is the
// event, in binary mode the attributes are headers "ce_…" and the value is the
// data.
const (
	attributePrefix = "ce_"
	contentHeader   = "content-type"
	structured      = "application/cloudevents+json"
	batched         = "application/cloudevents-batch+json"
)

// contentType is the media type, lower case and without parameters.
func (m *message) contentType() string {
	kind, _, _ := strings.Cut(string(m.header(contentHeader)), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// header is the last header of a name, as Kafka's own clients read them.
func (m *message) header(name string) []byte {
	for i := len(m.headers) - 1; i >= 0; i-- {
		if strings.EqualFold(m.headers[i].Key, name) {
			return m.headers[i].Value
		}
	}
	return nil
}

// binary reports whether the attributes are headers.
func (m *message) binary() bool {
	return slices.ContainsFunc(m.headers, func(h header) bool { return strings.HasPrefix(h.Key, attributePrefix) })
}

// assemble makes the event of a message in binary mode, as its producer would
// have sent it in structured mode. Data that is no JSON becomes a string, or
// data_base64, for the ledger to judge by the content type.
func (m *message) assemble() []byte {
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out, jsontext.AllowInvalidUTF8(true))
	_ = enc.WriteToken(jsontext.BeginObject) // writing to memory does not fail
	for i, h := range m.headers {
		name, ok := strings.CutPrefix(h.Key, attributePrefix)
		if !ok || name == "" || name == "data" || name == "data_base64" || name == "datacontenttype" || m.later(i) {
			continue
		}
		_ = enc.WriteToken(jsontext.String(name))
		_ = enc.WriteToken(jsontext.String(string(h.Value)))
	}
	if kind := m.header(contentHeader); kind != nil {
		_ = enc.WriteToken(jsontext.String("datacontenttype"))
		_ = enc.WriteToken(jsontext.String(string(kind)))
	}
	m.data(enc)
	_ = enc.WriteToken(jsontext.EndObject)
	return bytes.TrimSpace(out.Bytes())
}

// later reports whether the i-th header is given again.
func (m *message) later(i int) bool {
	return slices.ContainsFunc(m.headers[i+1:], func(h header) bool { return h.Key == m.headers[i].Key })
}

func (m *message) data(enc *jsontext.Encoder) {
	value := jsontext.Value(bytes.TrimSpace(m.value))
	switch {
	case len(value) == 0:
	case value.IsValid():
		_ = enc.WriteToken(jsontext.String("data"))
		_ = enc.WriteValue(value)
	case utf8.Valid(m.value):
		_ = enc.WriteToken(jsontext.String("data"))
		_ = enc.WriteToken(jsontext.String(string(m.value)))
	default:
		_ = enc.WriteToken(jsontext.String("data_base64"))
		_ = enc.WriteToken(jsontext.String(base64.StdEncoding.EncodeToString(m.value)))
	}
}

// wrapped is what is sealed of a message that is set aside.
type wrapped struct {
	Topic     string        `json:"topic"`
	Partition int           `json:"partition"`
	Offset    int64         `json:"offset"`
	Time      time.Time     `json:"time,omitzero"`
	Key       *content      `json:"key,omitempty"`
	Headers   []wrappedHead `json:"headers,omitempty"`
	Value     *content      `json:"value,omitempty"`
	Left      int           `json:"bytes_left_out,omitempty"` // of the value's end
}

type wrappedHead struct {
	Name  string   `json:"name"`
	Value *content `json:"value"`
}

// content is bytes, as text where they are.
type content struct {
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
}

func contentOf(b []byte) *content {
	switch {
	case b == nil:
		return nil
	case utf8.Valid(b):
		return &content{Text: string(b)}
	}
	return &content{Base64: b}
}

// wrap is a message with its place, the same bytes each time it is read.
func (p place) wrap(m *message) []byte {
	w := wrapped{Topic: p.topic, Partition: p.partition, Offset: m.offset, Time: m.time.UTC(), Key: contentOf(m.key)}
	for _, h := range m.headers {
		w.Headers = append(w.Headers, wrappedHead{string(bytes.ToValidUTF8([]byte(h.Key), []byte("\uFFFD"))), contentOf(h.Value)})
	}
	value := m.value
	if m.size() > maxMessage {
		value = value[:min(len(value), maxKept)]
		w.Left = len(m.value) - len(value)
		w.Key, w.Headers = nil, nil
	}
	w.Value = contentOf(value)
	b, err := json.Marshal(&w)
	if err != nil { // a text that is no UTF-8, which is none by then
		return m.value
	}
	return b
}

// maxKept is what is kept of the value of a message that is too large.
const maxKept = 64 << 10
