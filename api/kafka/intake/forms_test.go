package intake_test

import (
	"fmt"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/kafka"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

func headers(pairs ...string) (out []kafkago.Header) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, kafkago.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return out
}

// binary is created() in binary mode.
func binary(id, subject string, more ...string) kafkago.Message {
	return kafkago.Message{
		Headers: headers(append([]string{"ce_specversion", "1.0", "ce_id", id, "ce_source", "crm/eu", "ce_type", "contact.created", "ce_subject", subject,
			"ce_time", "2026-03-02T09:14:07Z", "ce_actor", "user:jdupont", "ce_sequence", "42", "ce_partitionkey", subject,
			"content-type", "application/json; charset=utf-8"}, more...)...),
		Value: fmt.Appendf(nil, ` {"person": {"emails": ["%s@example.org"], "given_name": "Anne"}, "kind": "prospect"} `, subject),
	}
}

// post records as POST /v1/events and greffe import do.
func (w *world) post(raws ...string) []ledger.Status {
	w.t.Helper()
	in := make([][]byte, len(raws))
	for i := range raws {
		in[i] = []byte(raws[i])
	}
	results, err := w.Record(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []ledger.Status
	for i := range results {
		out = append(out, results[i].Status)
	}
	return out
}

// The same event by HTTP and by Kafka, in any of its forms, is one event.
func TestOneEventByEveryWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	w.post(created("h1", "C-1"), created("h2", "C-2"), created("h3", "C-3"), created("h4", "C-4"))
	structured := kafkago.Message{Value: []byte("\n" + created("h2", "C-2") + " "), Headers: headers("Content-Type", "application/cloudevents+json; charset=utf-8")}
	batch := kafkago.Message{Value: []byte("[" + created("h3", "C-3") + ",\n" + created("k3", "C-3") + "]"), Headers: headers("content-type", "application/cloudevents-batch+json")}
	w.send("crm", value(created("h1", "C-1")), structured, batch, binary("h4", "C-4"),
		value(created("k1", "C-1")), value("["+created("k2", "C-2")+"]"), binary("k4", "C-4"), binary("k5", "C-5", "ce_subject", "C-5"))
	m := w.start(crm())
	w.waitCommitted("crm", 0, 8)
	p := m.State().Partitions[0]
	if p.Results["duplicate"] != 4 || p.Results["recorded"] != 5 || p.Results["conflict"] != 0 || p.Quarantined() != 0 {
		t.Fatalf("%+v, held %v", p, w.held())
	}
	for i, s := range w.post(created("k1", "C-1"), created("k2", "C-2"), created("k3", "C-3"), created("k4", "C-4"), created("k5", "C-5")) {
		if s != ledger.Duplicate {
			t.Errorf("event k%d by Kafka, then by HTTP: %s", i+1, s)
		}
	}
	for _, f := range w.facts() {
		if f.Type == event.ContactCreated && (f.Sequence == nil || *f.Sequence != 42) {
			t.Error("the sequence is lost")
		}
	}
}

func TestBinaryModeThatIsNoEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	text := binary("b1", "C-1")
	text.Value, text.Headers = []byte("hello"), append(text.Headers, headers("content-type", "text/plain")...)
	bytes := binary("b2", "C-2")
	bytes.Value = []byte{0xff, 0xfe}
	noID := kafkago.Message{Value: []byte("{}"), Headers: headers("ce_specversion", "1.0", "ce_type", "contact.created", "ce_source", "crm/eu")}
	notUTF8 := kafkago.Message{Value: []byte("{}"), Headers: headers("ce_specversion", "1.0", "ce_type", "\xff", "ce_source", "crm/eu", "ce_id", "b4")}
	foreign := binary("b5", "C-5", "ce_source", "crm/us")
	nulls := binary("b6", "C-6")
	nulls.Headers = append(nulls.Headers, kafkago.Header{Key: "trace", Value: nil}, kafkago.Header{Key: "empty", Value: []byte{}})
	objection := kafkago.Message{Value: []byte("no json"), Headers: headers("ce_specversion", "1.0", "ce_type", "opposition.registered",
		"ce_source", "crm/eu", "ce_subject", "C-7", "ce_time", "2026-03-02T09:14:07Z", "ce_id", "b7")}
	w.send("crm", text, bytes, noID, notUTF8, foreign, nulls, objection, value(created("e", "C-8")))
	w.start(crm())
	w.waitCommitted("crm", 0, 8)
	if got := reasons(w.held()); got != "datacontenttype_unsupported 2, id_missing 1, source_not_allowed 1, type_unknown 1" {
		t.Error(got)
	}
	if w.count(event.ContactCreated) != 2 || w.count(event.OppositionRegistered) != 1 {
		t.Errorf("%d contacts, %d objections", w.count(event.ContactCreated), w.count(event.OppositionRegistered))
	}
}

// Nobody reads an answer: what is in conflict is kept, and what protects people
// holds.
func TestConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	w.post(created("e1", "C-1"), created("e2", "C-2"))
	w.send("crm", value(created("e1", "C-other")), value(opposed("e2", "C-2")), value(opposed("e2", "C-2")), value("x"),
		value(strings.Replace(created("e1", "C-1"), `"specversion":"1.0",`, "", 1)))
	m := w.start(crm())
	w.waitCommitted("crm", 0, 5)
	if got := reasons(w.held()); got != "id_conflict 1, json_invalid 1, specversion_unsupported 1" {
		t.Error(got)
	}
	if n := w.count(event.OppositionRegistered); n != 1 {
		t.Errorf("%d objections", n)
	}
	m.stop()
	before := len(w.facts())
	cfg := crm()
	cfg.Group = "again" // reads all from the beginning: nothing is new
	again := w.start(cfg)
	eventually(t, "all read again", func() bool {
		s := again.State()
		return len(s.Partitions) == 1 && s.Partitions[0].Position == 5
	})
	if n := len(w.facts()); n != before {
		t.Errorf("%d facts more", n-before)
	}
}

func TestMappedTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "cdc"))
	gap := `{"payload":{"ChangeEventHeader":{"entityName":"Contact","recordIds":["003A"],"changeType":"GAP_UPDATE","transactionKey":"t1","sequenceNumber":1,"commitTimestamp":1772442847000}}}`
	create := `{"payload":{"ChangeEventHeader":{"entityName":"Contact","recordIds":["003B"],"changeType":"CREATE","transactionKey":"t2","sequenceNumber":1,"commitTimestamp":1772442847000},"Email":"ines@example.org","HasOptedOutOfEmail":true}}`
	other := `{"payload":{"ChangeEventHeader":{"entityName":"Opportunity","recordIds":["006A"],"changeType":"CREATE"}}}`
	w.send("cdc", value(gap), value(create), value(other), value("{"), kafkago.Message{Key: []byte("k")}, value(strings.Repeat("z", 5<<20)), value(create))
	m := w.start(kafka.Intake{Group: "greffe", Topics: []kafka.Topic{{Topic: "cdc", Mapping: "salesforce", Sources: []string{"crm/sf"}}}})
	w.waitCommitted("cdc", 0, 7)
	held := w.held()
	if got := reasons(held); got != "gap_event 1, message_too_large 1, not_a_change_event 1" {
		t.Fatal(got)
	}
	if !strings.Contains(held["gap_event"][0], `"offset":0`) || !strings.Contains(held["gap_event"][0], "GAP_UPDATE") {
		t.Error(held["gap_event"][0])
	}
	p := m.State().Partitions[0]
	if w.count(event.ContactCreated) != 1 || w.count(event.OppositionRegistered) != 1 || p.Ignored["entity_not_followed"] != 1 || p.Ignored["tombstone"] != 1 || p.Results["duplicate"] != 3 {
		t.Errorf("%+v", p)
	}
}
