package app

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/audit"
	"greffe/projections/changes"
)

// stageErasure orders and stages an erasure as the ledger does.
func stageErasure(t *testing.T, a *App, subject domain.ID, external string) (order domain.ID, at domain.Position) {
	t.Helper()
	w, err := a.Ledger.Write(t.Context(), []ledger.Own{{Type: event.ErasureOrdered, Subject: subject,
		Codes: event.Codes{}.With("operation", domain.ID{5}.String()).With("ground", "art17.1.b").With("whole", false).With("classes", []string{"identity"})}})
	if err != nil {
		t.Fatal(err)
	}
	order = w[0].Event
	list, err := json.Marshal([]changes.OwnID{{Source: "crm/eu", Subject: external}})
	if err != nil {
		t.Fatal(err)
	}
	w, err = a.Ledger.Write(t.Context(), []ledger.Own{{Type: event.ErasureStaged, Subject: subject, Codes: event.Codes{}.With("order", order.String()),
		Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.DeliveryOwner(order), Class: changes.ClassDelivery, Epoch: part.EpochWhole},
			Fields: []event.Field{{Path: "delivery.external", Value: list}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return order, w[0].Position
}

// Staged messages go when they are acknowledged or after 30 days, once, and
// leave the fact that says so.
func TestDeliveriesDue(t *testing.T) {
	t.Parallel()
	a := open(t)
	res := record(t, a, crmContact("e1", "C-1"), crmContact("e2", "C-2"))
	first, at := stageErasure(t, a, res[0].Subject, "C-1")
	second, _ := stageErasure(t, a, res[1].Subject, "C-2")
	gone := func(order domain.ID) bool {
		rows, err := a.vault.Keys(t.Context(), []part.Owner{part.DeliveryOwner(order)})
		if err != nil {
			t.Fatal(err)
		}
		return rows[0].Destroyed
	}
	due := func(now time.Time, want int) {
		t.Helper()
		if n, err := a.DeliveriesDue(t.Context(), now); n != want || err != nil {
			t.Errorf("%d destroyed, %v, want %d", n, err, want)
		}
	}
	due(start, 0)
	if _, err := a.Acknowledge(t.Context(), domain.ID{}, "crm", at, "recipient"); err != nil {
		t.Fatal(err)
	}
	due(start.Add(time.Hour), 1)
	due(start.Add(time.Hour), 0)
	if !gone(first) || gone(second) {
		t.Error("what is destroyed is not what was acknowledged")
	}
	due(start.Add(30*24*time.Hour), 1)
	if !gone(second) {
		t.Error("a message outlives its 30 days")
	}
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	causes := []string{}
	for e, err := range a.Audit.Events(t.Context(), audit.Filter{Type: event.PartRedacted}) {
		if err != nil {
			t.Fatal(err)
		}
		_, f, err := a.Dossier.Fact(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		causes = append(causes, f.Codes.String("class")+" "+f.Codes.String("cause"))
	}
	if strings.Join(causes, ",") != "delivery acknowledged,delivery expired" {
		t.Errorf("%v", causes)
	}
}

// The whole of an erasure (art. 17, 19): the recipient is told under its own id
// after the keys are gone, and once it acknowledged nothing names the person.
func TestErasureIsToldAndForgotten(t *testing.T) {
	t.Parallel()
	a := open(t)
	res := record(t, a, crmContact("e1", "C-1"), crmWithdrawal("e2", "C-1"))
	op, err := a.Erase(t.Context(), httpapi.ErasureOrder{Subject: res[0].Subject, Ground: "art17.1.b"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _ := poll(t, a, "crm", "", 0)
	if len(list) != 2 || list[1].Type != "erasure.ordered" || !*list[1].Whole || len(list[1].Classes) == 0 {
		t.Fatalf("%+v", list)
	}
	for _, c := range list {
		if len(c.IDs) != 1 || c.IDs[0] != (changes.OwnID{Source: "crm/eu", Subject: "C-1"}) {
			t.Errorf("%s is told under %+v", c.Type, c.IDs)
		}
	}
	if dialer, _ := poll(t, a, "dialer", "", 0); len(dialer) != 0 {
		t.Errorf("who never had the person is told %+v", dialer)
	}
	if _, err := a.Acknowledge(t.Context(), domain.ID{}, "crm", list[1].ID, "recipient"); err != nil {
		t.Fatal(err)
	}
	if n, err := a.DeliveriesDue(t.Context(), start); n != 1 || err != nil {
		t.Fatalf("%d destroyed, %v", n, err)
	}
	page, err := a.Feed().Select(t.Context(), recipientOf(t, a, "crm"), 0, 0, 10)
	if err != nil || page.Len() != 2 {
		t.Fatal(page, err)
	}
	receipt, err := a.Journal.Record(t.Context(), access.Reading{Lens: changes.Lens(), Action: "notify", Reason: "audit", Subjects: page.Subjects()})
	if err != nil {
		t.Fatal(err)
	}
	late, err := a.Feed().Open(t.Context(), receipt, page)
	if err != nil || len(late[0].IDs)+len(late[1].IDs) != 0 {
		t.Errorf("after the acknowledgement the person is told of under %+v %v", late, err)
	}
	// Who reads without acknowledging is told by the feed, which the end of the message leaves.
	told := map[string]string{}
	if done, err := (erasures{a}).Operation(t.Context(), op.ID); err == nil && done.Certificate != nil {
		for _, r := range done.Certificate.Recipients {
			told[r.Name] = r.State
		}
	}
	if told["crm"] != "acknowledged" || told["mailing"] != "staged" {
		t.Errorf("they are %v", told)
	}
	// The end of a message is not taken for the end of another erasure.
	if again, err := (erasures{a}).Operation(t.Context(), op.ID); err != nil || again.Certificate == nil || again.Certificate.Number != op.Certificate.Number {
		t.Errorf("the certificate changed: %+v, %v", again, err)
	}
}
