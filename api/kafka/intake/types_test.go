package intake_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/kafka"
	"greffe/domain"
	"greffe/domain/event"
)

// onlyCreated is a topic that may send nothing but new contacts.
func onlyCreated() kafka.Intake {
	cfg := crm()
	cfg.Topics[0].Types = []event.Type{event.ContactCreated}
	return cfg
}

func typed(kind event.Type, id, data string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"crm/eu","type":"` + string(kind) + `","subject":"C-1","time":"2026-03-02T09:14:07Z","data":` + data + `}`
}

// What a topic may not send waits, sealed with its place; what protects people is
// taken from any topic, in each form of a message.
func TestTypesOfATopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	grant := typed(event.ConsentGranted, "g1", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box"}`)
	changed := binary("b1", "C-1", "ce_type", "contact.changed")
	sent := 3
	w.send("crm", value(created("e1", "C-1")), value(grant), changed)
	for _, d := range event.Describe() {
		if d.Protective {
			w.send("crm", value("["+typed(d.Type, "p-"+string(d.Type), `{}`)+"]"))
			sent++
		}
	}
	w.send("crm", value("["+created("e2", "C-2")+","+typed(event.ContactDeleted, "d1", `{}`)+"]"))
	m := w.start(onlyCreated())
	w.waitCommitted("crm", 0, int64(sent+1))
	held := w.held()
	if got := reasons(held); got != "type_not_allowed 3" {
		t.Fatal(got)
	}
	if raw := held["type_not_allowed"][0]; !strings.HasPrefix(raw, `{"topic":"crm","partition":0,"offset":1,`) || !strings.Contains(raw, "box") {
		t.Errorf("the item holds %s", raw)
	}
	for _, d := range event.Describe() {
		want := 0
		if d.Protective {
			want = 1
		} else if d.Type == event.ContactCreated {
			want = 2
		}
		if got := w.count(d.Type); got != want {
			t.Errorf("%d facts of %s, want %d", got, d.Type, want)
		}
	}
	if p := m.State().Partitions[0]; p.Reasons["type_not_allowed"] != 3 {
		t.Errorf("%+v", p)
	}
}

// Once the type is listed, the same messages are recorded and close their items;
// an item may be repaired as it stands, too.
func TestTypesAreReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	grant := typed(event.ConsentGranted, "g1", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box"}`)
	notice := typed(event.NoticeServed, "n1", `{"notice":{"id":"web-form","version":"1","language":"fr"}}`)
	w.send("crm", value(grant), value(notice))
	m := w.start(onlyCreated())
	w.waitCommitted("crm", 0, 2)
	m.stop()
	for _, f := range w.facts() {
		if raw, _ := w.Held(t.Context(), f); f.Type == event.IngestQuarantined && strings.Contains(string(raw), "web-form") {
			if res, err := w.Repair(t.Context(), domain.ID{}, f, []byte(notice)); err != nil || res.Refusal != nil {
				t.Fatalf("repair: %+v %v", res, err)
			}
		}
	}
	cfg := onlyCreated()
	cfg.Topics[0].Types = append(cfg.Topics[0].Types, event.ConsentGranted)
	w.send("crm", value(grant))
	w.start(cfg)
	w.waitCommitted("crm", 0, 3)
	if w.count(event.ConsentGranted) != 1 || w.count(event.NoticeServed) != 1 || w.count(event.IngestReleased) != 2 {
		t.Errorf("%d grants, %d notices, %d items released", w.count(event.ConsentGranted), w.count(event.NoticeServed), w.count(event.IngestReleased))
	}
}

// A mapping makes several events of a record: those that may be sent are recorded,
// the record waits for the others.
func TestTypesOfAMappedTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "cdc"))
	w.send("cdc", value(`{"payload":{"ChangeEventHeader":{"entityName":"Contact","recordIds":["003B"],"changeType":"CREATE","transactionKey":"t2","sequenceNumber":1,"commitTimestamp":1772442847000},"Email":"ines@example.org","HasOptedOutOfEmail":true}}`))
	w.start(kafka.Intake{Group: "greffe", Topics: []kafka.Topic{{Topic: "cdc", Mapping: "salesforce", Sources: []string{"crm/sf"}, Types: []event.Type{event.ContactChanged}}}})
	w.waitCommitted("cdc", 0, 1)
	if got := reasons(w.held()); got != "type_not_allowed 1" || w.count(event.ContactCreated) != 0 || w.count(event.OppositionRegistered) != 1 {
		t.Errorf("%s, %d contacts, %d objections", got, w.count(event.ContactCreated), w.count(event.OppositionRegistered))
	}
}
