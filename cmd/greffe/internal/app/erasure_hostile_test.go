package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// toldBy is an event of crm/eu.
func toldBy(id, typ, subject, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":%q,"subject":%q,"time":"2026-02-02T09:20:00Z","data":%s}`, id, typ, subject, data)
}

func countFacts(t *testing.T, a *App, typ event.Type) (n int) {
	t.Helper()
	end := head(t, a)
	err := a.log.Read(t.Context(), 0, end, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil && f.Type == typ {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// recordAll records many, some at a time.
func recordAll(t *testing.T, a *App, raws []string) (out []ledger.Result) {
	t.Helper()
	for len(raws) > 0 {
		n := min(1000, len(raws))
		out, raws = append(out, record(t, a, raws[:n]...)...), raws[n:]
	}
	return out
}

// TestPersonOfManyContacts: somebody merged of more contacts than one write takes
// is erased altogether, in one operation; a hold on the last of them forbids it.
func TestPersonOfManyContacts(t *testing.T) {
	t.Parallel()
	const contacts = 1100
	a := open(t)
	raws := []string{toldBy("c0", "contact.created", "C-0", `{"kind":"prospect","person":{"emails":["a0@example.net"]}}`)}
	for i := 1; i < contacts; i++ {
		raws = append(raws, toldBy(fmt.Sprint("c", i), "contact.created", fmt.Sprint("C-", i), fmt.Sprintf(`{"kind":"prospect","person":{"emails":["a%d@example.net"]}}`, i)),
			toldBy(fmt.Sprint("m", i), "contact.merged", fmt.Sprint("C-", i), `{"into":{"source":"crm/eu","subject":"C-0"}}`))
	}
	res := recordAll(t, a, raws)
	desk, last := erasures{a}, res[len(res)-1].Subject
	held, err := desk.Place(t.Context(), httpapi.HoldOrder{Subject: last, Code: "litigation"})
	if err != nil {
		t.Fatal(err)
	}
	order := httpapi.ErasureOrder{Subject: res[0].Subject, Ground: "art17.1.b", Reason: "by letter"}
	if _, err := desk.Order(t.Context(), order); !errors.Is(err, ledger.ErrHeld) || countFacts(t, a, event.ErasureOrdered) > 0 {
		t.Fatalf("held: %v", err)
	}
	if _, err := desk.Release(t.Context(), httpapi.HoldOrder{Subject: last, Placed: held.EventID}); err != nil {
		t.Fatal(err)
	}
	op, err := a.Erase(t.Context(), order)
	if err != nil || op.Certificate == nil {
		t.Fatalf("%+v %v", op, err)
	}
	if o, c := countFacts(t, a, event.ErasureOrdered), countFacts(t, a, event.SubjectErased); o != contacts || c != contacts {
		t.Errorf("%d ordered and %d certified of %d contacts", o, c, contacts)
	}
	if n, err := a.Eraser.Pending(); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
	for _, i := range []int{0, 1, len(res) / 2, len(res) - 1} {
		if err := a.CRM.Gone(t.Context(), res[i].Subject); err != nil {
			t.Errorf("contact %d: %v", i, err)
		}
	}
}

// TestPersonOfManyFacts: a person of very many facts is erased like another.
func TestPersonOfManyFacts(t *testing.T) {
	t.Parallel()
	facts := 20_000
	if testing.Short() {
		facts = 5_000
	}
	a := open(t)
	raws := []string{toldBy("0", "contact.created", "C-0", `{"kind":"prospect","person":{"emails":["a0@example.net"]}}`)}
	for i := 1; i < facts; i++ {
		raws = append(raws, toldBy(fmt.Sprint(i), "contact.changed", "C-0", fmt.Sprintf(`{"set":{"notes":"n%d","person.emails":["a%d@example.net"]}}`, i, i%50)))
	}
	raws = append(raws, toldBy("o", "opposition.registered", "C-0", `{"scope":"all"}`))
	res := recordAll(t, a, raws)
	op, err := a.Erase(t.Context(), httpapi.ErasureOrder{Subject: res[0].Subject, Ground: "art17.1.b"})
	if err != nil || op.Certificate == nil {
		t.Fatalf("%+v %v", op, err)
	}
	if got := record(t, a, toldBy("x", "contact.changed", "C-0", `{"set":{"notes":"x"}}`)); got[0].Status != ledger.Erased {
		t.Errorf("%+v", got)
	}
}

// TestWithAHaltedView: a read model that stopped does not keep a person's data
// from being destroyed, nor the desk from saying where the erasure is.
func TestWithAHaltedView(t *testing.T) {
	t.Parallel()
	a := open(t)
	anne := record(t, a, toldBy("1", "contact.created", "C-1", `{"kind":"prospect","person":{"emails":["a0@example.net"]}}`))[0].Subject
	// A fact that makes no sense to the notices: they stop there.
	if _, err := a.Ledger.Write(t.Context(), []ledger.Own{{Type: event.NoticePublished}}); err != nil {
		t.Fatal(err)
	}
	desk := erasures{a}
	op, err := desk.Order(t.Context(), httpapi.ErasureOrder{Subject: anne, Ground: "art17.1.b"})
	if err != nil {
		t.Fatalf("the order: %v", err)
	}
	desk.Await(t.Context(), op)
	got, err := desk.Operation(t.Context(), op)
	if err != nil || got.State != "pending" || !strings.Contains(got.Trouble, "notices") {
		t.Errorf("%+v %v", got, err)
	}
	again, err := desk.Order(t.Context(), httpapi.ErasureOrder{Subject: anne, Ground: "art17.1.b"})
	if err != nil || again != op {
		t.Errorf("ordered again: %s %v", again, err)
	}
	sets, err := a.Ledger.Keyring().Load(t.Context(), []part.Owner{part.SubjectOwner(anne)})
	if err != nil || !sets[0].Destroyed {
		t.Errorf("the keys are there: %+v %v", sets, err)
	}
}

// TestRedactedWordsOfAHold: the words of a hold are the ledger's; once they are
// certified as gone they are, and verification knows why.
func TestRedactedWordsOfAHold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.cfg.Now = nil
	a, err := Open(t.Context(), s.cfg)
	s.ok(err)
	s.open = a
	anne := record(t, a, toldBy("1", "contact.created", "C-1", `{"kind":"prospect","person":{"emails":["a0@example.net"]}}`))[0].Subject
	desk := erasures{a}
	held, err := desk.Place(t.Context(), httpapi.HoldOrder{Subject: anne, Code: "other", Detail: "forbidden words"})
	s.ok(err)
	_, err = desk.Release(t.Context(), httpapi.HoldOrder{Subject: anne, Placed: held.EventID})
	s.ok(err)
	op, err := a.Erase(t.Context(), httpapi.ErasureOrder{Subject: anne, Event: held.EventID, Ground: "art5.1.c", Classes: []string{"requests"}})
	if err != nil || op.Certificate == nil {
		t.Fatalf("%+v %v", op, err)
	}
	_, f, err := a.Dossier.Fact(t.Context(), held.EventID)
	s.ok(err)
	opened, err := a.Ledger.Keyring().Open(t.Context(), []*event.Fact{f}, nil)
	if err != nil || len(opened[0].Fields) != 0 {
		t.Errorf("%+v %v", opened, err)
	}
	s.intact()
}
