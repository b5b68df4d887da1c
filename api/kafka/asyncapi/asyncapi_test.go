package asyncapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/api/kafka"
	"greffe/api/kafka/asyncapi"
	"greffe/api/kafka/asyncapi/asyncapitest"
	"greffe/api/kafka/outbox"
	"greffe/deploy"
	"greffe/domain/event"
	"greffe/domain/policy"
)

const settings = `
brokers: [kafka-1.internal:9092]
sasl: {mechanism: scram-sha-512, user: greffe, password_file: /run/secrets/kafka}
tls: {ca: ca.pem}
intake:
  topics:
    - {topic: crm.contacts, sources: [crm/eu, crm/fr]}
    - {topic: crm.narrow, sources: [crm/eu], types: [contact.created]}
    - {topic: dbz.public.contacts, mapping: debezium, sources: [crm/eu]}
publish:
  recipients: [mailing, {code: crm, identify: own, prefix: greffe.crm.}]
  acknowledgements: {topics: [{topic: greffe.acknowledgements}, {topic: greffe.crm.acks, recipient: crm}]}
`

func document(t *testing.T, text string) []byte {
	t.Helper()
	cfg, err := kafka.Parse([]byte(text), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Publish != nil {
		if err := cfg.Publish.Normalise(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := asyncapi.Document(cfg, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every topic of the configuration is there with what Greffe does to it, each
// type that may come in or go out, and nothing of how the brokers are reached.
func TestDocumentIsWhole(t *testing.T) {
	t.Parallel()
	b := document(t, settings)
	if !bytes.Equal(b, document(t, settings)) {
		t.Error("the same configuration gives other bytes")
	}
	for _, secret := range []string{"kafka-1", "scram", "run/secrets", "ca.pem", "key_file"} {
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("it says %s", secret)
		}
	}
	d := asyncapitest.Read(t, b)
	var ops []string
	for name, op := range d.Operations {
		ops = append(ops, name)
		topic := strings.TrimPrefix(op.Channel.Ref, "#/channels/")
		if name != op.Action+"."+topic || d.Channels[topic].Address != topic || len(op.Messages) != len(d.Channels[topic].Messages) || len(op.Messages) == 0 {
			t.Errorf("%s: %+v", name, op)
		}
		for _, r := range op.Messages {
			if d.Message(t, r).Payload == nil {
				t.Errorf("%s has no payload", r.Ref)
			}
		}
	}
	slices.Sort(ops)
	want := []string{"receive.crm.contacts", "receive.crm.narrow", "receive.dbz.public.contacts", "receive.greffe.acknowledgements", "receive.greffe.crm.acks",
		"send.greffe.consent", "send.greffe.crm.consent", "send.greffe.crm.erasure", "send.greffe.crm.opposition", "send.greffe.crm.requests",
		"send.greffe.erasure", "send.greffe.opposition", "send.greffe.requests"}
	if !slices.Equal(ops, want) || d.AsyncAPI != "3.0.0" {
		t.Errorf("%q", ops)
	}
	for _, x := range event.Describe() {
		if _, ok := d.Channels["crm.contacts"].Messages["event."+string(x.Type)]; !ok {
			t.Errorf("%s may come in and is not listed", x.Type)
		}
		if _, ok := d.Channels["crm.narrow"].Messages["event."+string(x.Type)]; ok != (x.Protective || x.Type == event.ContactCreated) {
			t.Errorf("%s by a topic that may send contact.created: listed %t", x.Type, ok)
		}
	}
	if n := len(d.Channels["crm.contacts"].Messages); n != len(event.Describe()) {
		t.Errorf("%d messages of %d types", n, len(event.Describe()))
	}
	for _, x := range outbox.Types() {
		if _, ok := d.Channels["greffe."+x.Topic].Messages["change."+string(x.Type)]; !ok {
			t.Errorf("%s goes out and is not listed", x.Type)
		}
	}
}

// The types that go out are all that recipients can be told of.
func TestTypesAreWhole(t *testing.T) {
	t.Parallel()
	listed := map[event.Type]bool{}
	for _, x := range outbox.Types() {
		if listed[x.Type] || !x.Type.Known() || !slices.Contains(kafka.PublishTopics(), x.Topic) || x.Summary == "" {
			t.Errorf("%+v", x)
		}
		listed[x.Type] = true
	}
	for _, must := range []event.Type{event.ConsentRequested, event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn, event.ConsentExpired,
		event.OppositionRegistered, event.OppositionLifted, event.OppositionListed, event.ErasureOrdered, event.RestrictionPlaced, event.RestrictionLifted,
		event.RequestReceived, event.ContactChanged} {
		if !listed[must] {
			t.Errorf("%s goes to no topic", must)
		}
	}
}

// Each example of the document is as its schema says; each that comes in is read
// and understood by the decoder of the intake under the shipped policy, without
// a warning.
func TestExamples(t *testing.T) {
	t.Parallel()
	rules, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	d := asyncapitest.Read(t, document(t, settings))
	seen := map[string]int{}
	for topic, c := range d.Channels {
		for _, r := range c.Messages {
			m := d.Message(t, r)
			for _, x := range m.Examples {
				raw, err := json.Marshal(x.Payload)
				if err != nil {
					t.Fatal(err)
				}
				if wrong := d.Violations(t, topic, raw); len(wrong) > 0 {
					t.Errorf("%s on %s: %q\n%s", m.Name, topic, wrong, raw)
				}
				seen[topic]++
				if topic != "crm.contacts" {
					continue
				}
				in, refusal := event.Decode(raw)
				if refusal != nil {
					t.Errorf("%s cannot be read: %s", m.Name, refusal.Code)
					continue
				}
				draft, refusal := event.Understand(in, rules, event.Clock{Now: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Skew: time.Minute})
				if refusal != nil || len(draft.Warnings)+len(draft.Lacks)+len(in.Flaws)+in.Extensions > 0 {
					t.Errorf("%s is not understood: %+v %+v %+v", m.Name, refusal, draft, in.Flaws)
				}
			}
		}
	}
	narrow := 1 // contact.created, and what protects people
	for _, x := range event.Describe() {
		if x.Protective {
			narrow++
		}
	}
	if want := map[string]int{"crm.contacts": len(event.Describe()), "crm.narrow": narrow, "greffe.acknowledgements": 3, "greffe.crm.acks": 3,
		"greffe.consent": 5, "greffe.opposition": 3, "greffe.erasure": 1, "greffe.requests": 4,
		"greffe.crm.consent": 5, "greffe.crm.opposition": 3, "greffe.crm.erasure": 1, "greffe.crm.requests": 4}; fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("%v", seen)
	}
}

// What is not as the code sends or takes it does not pass.
func TestSchemasRefuse(t *testing.T) {
	t.Parallel()
	d := asyncapitest.Read(t, document(t, settings))
	const out = `{"specversion":"1.0","id":"x","source":"greffe","type":"consent.withdrawn","time":"2026-03-02T09:14:07Z","datacontenttype":"application/json","recipient":"crm","position":"5","recorded":"2026-03-02T09:14:07Z","data":{"identified":"hmac"}}`
	if wrong := d.Violations(t, "greffe.consent", []byte(out)); len(wrong) > 0 {
		t.Fatalf("%q", wrong)
	}
	for name, c := range map[string]struct{ topic, value string }{
		"another topic's type": {"greffe.erasure", out},
		"no data":              {"greffe.consent", strings.Replace(out, `,"data":{"identified":"hmac"}`, "", 1)},
		"an address":           {"greffe.consent", strings.Replace(out, `{"identified"`, `{"email":"zq@example.org","identified"`, 1)},
		"another attribute":    {"greffe.consent", strings.Replace(out, `"recipient"`, `"phone":"1","recipient"`, 1)},
		"a number":             {"greffe.consent", strings.Replace(out, `"5"`, `5`, 1)},
		"another form":         {"greffe.consent", strings.Replace(out, `"hmac"`, `"email"`, 1)},
		"an acknowledgement":   {"greffe.acknowledgements", `{"recipient":"crm","up_to":5}`},
		"an unknown type":      {"crm.contacts", `{"specversion":"1.0","id":"1","source":"crm/eu","type":"contact.loved","subject":"C-1","data":{}}`},
		"no source":            {"crm.contacts", `{"specversion":"1.0","id":"1","type":"contact.created","subject":"C-1","data":{}}`},
		"no purpose":           {"crm.contacts", `{"specversion":"1.0","id":"1","source":"crm/eu","type":"consent.granted","subject":"C-1","data":{}}`},
	} {
		if wrong := d.Violations(t, c.topic, []byte(c.value)); len(wrong) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}

// Parts of the configuration that are absent are absent.
func TestPartsAreOptional(t *testing.T) {
	t.Parallel()
	d := asyncapitest.Read(t, document(t, "brokers: [a:1]\npublish: {recipients: [mailing]}"))
	if len(d.Channels) != 4 || len(d.Components.Messages) != len(outbox.Types()) {
		t.Errorf("%d topics", len(d.Channels))
	}
	d = asyncapitest.Read(t, document(t, "brokers: [a:1]\nintake: {topics: [{topic: crm, sources: [crm/eu]}]}"))
	if len(d.Channels) != 1 {
		t.Errorf("%d topics", len(d.Channels))
	}
}
