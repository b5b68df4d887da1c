package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
)

// upstream is an event of crm/eu.
func upstream(id, typ, subject, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":%q,"subject":%q,"time":"2026-03-02T09:20:00Z","data":%s}`, id, typ, subject, data)
}

// erase orders and carries out a whole erasure.
func (w *world) erase(subjects ...domain.ID) ledger.Written {
	w.t.Helper()
	at := w.order(subjects...)
	var ds []erasure.Destruction
	for _, s := range subjects {
		ds = append(ds, erasure.Destruction{Owner: part.SubjectOwner(s), By: at.Event, At: domain.NewTime(testNow)})
	}
	if err := w.Destroy(w.t.Context(), ds); err != nil {
		w.t.Fatal(err)
	}
	return at
}

func orderOf(subjects ...domain.ID) ledger.Erasure {
	e := ledger.Erasure{Whole: true, Codes: event.Codes{}.With("ground", "art17.1.b")}
	for i, s := range subjects {
		e.Orders = append(e.Orders, ledger.SubjectOrder{ID: domain.ID{0xee, byte(i + 1), s[0], s[1], s[2], s[3]}, Subject: s})
	}
	return e
}

func (w *world) order(subjects ...domain.ID) ledger.Written {
	w.t.Helper()
	at, err := w.Erase(w.t.Context(), orderOf(subjects...))
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

func statuses(res []ledger.Result) string {
	var out []string
	for _, r := range res {
		out = append(out, string(r.Status))
	}
	return strings.Join(out, " ")
}

// TestUpstreamResurrection: whatever an upstream still sends of an erased person
// is answered with erased and stored nowhere, at whichever step of the erasure.
func TestUpstreamResurrection(t *testing.T) {
	t.Parallel()
	for _, destroyed := range []bool{false, true} {
		w := newWorld(t)
		w.record(created("1", "C-2", "bob@example.net"))
		anne := w.record(created("2", "C-1", "anne@example.net"))[0].Subject
		if destroyed {
			w.erase(anne)
		} else {
			w.order(anne)
		}
		before := len(w.facts())
		res := w.record(
			created("2", "C-1", "anne@example.net"), // the same event again
			created("3", "C-1", "anne@example.net"), // its creation, replayed under a new id
			upstream("4", "contact.changed", "C-1", `{"set":{"notes":"back"}}`),
			upstream("5", "contact.merged", "C-2", `{"into":{"source":"crm/eu","subject":"C-1"}}`),
			upstream("6", "contact.rekeyed", "C-2", `{"to":{"source":"crm/eu","subject":"C-1"}}`),
			upstream("7", "consent.granted", "C-1", `{"purpose":"prospecting","channels":["email"]}`),
			upstream("8", "no.such.type", "C-1", `{"x":"anne@example.net"}`),
			upstream("9", "restriction.placed", "C-1", `{}`),
			upstream("10", "opposition.registered", "C-1", `{"scope":"all"}`),
		)
		if got := statuses(res); got != strings.TrimSpace(strings.Repeat("erased ", len(res))) {
			t.Errorf("destroyed %v: %s", destroyed, got)
		}
		if n := len(w.facts()) - before; n != 1 || w.count(event.ErasureContested) != 1 {
			t.Errorf("destroyed %v: %d facts, %d of them erasure.contested, want 1 and 1", destroyed, n, w.count(event.ErasureContested))
		}
		if got := statuses(w.record(upstream("11", "contact.changed", "C-2", `{"set":{"notes":"ok"}}`))); got != "recorded" {
			t.Errorf("another person: %s", got)
		}
	}
}

// TestSourceAcknowledges: contact.deleted ends the contest; sending the person
// again begins another. Each is told once.
func TestSourceAcknowledges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	w.erase(anne)
	changed, deleted := upstream("c%d", "contact.changed", "C-1", `{"set":{"notes":"x"}}`), upstream("d%d", "contact.deleted", "C-1", `{}`)
	for i, c := range []struct {
		raws               []string
		contested, dropped int
	}{
		{[]string{changed, changed}, 1, 0},
		{[]string{changed}, 1, 0},
		{[]string{changed, deleted, changed, deleted}, 2, 2},
		{[]string{deleted}, 2, 2},
		{[]string{changed}, 3, 2},
	} {
		for j, raw := range c.raws {
			c.raws[j] = strings.Replace(raw, "%d", fmt.Sprint(10*i+j), 1)
		}
		w.record(c.raws...)
		if a, b := w.count(event.ErasureContested), w.count(event.NotificationTaken); a != c.contested || b != c.dropped {
			t.Errorf("step %d: contested %d times, acknowledged %d times, want %d and %d", i, a, b, c.contested, c.dropped)
		}
	}
	w.close()
	w.open()
	w.record(upstream("z", "contact.changed", "C-1", `{"set":{"notes":"x"}}`))
	if n := w.count(event.ErasureContested); n != 3 {
		t.Errorf("contested %d times after a restart", n)
	}
}

// TestGenuineReturn: data collected after the erasure opens a new subject, to
// which the external id belongs from then on; everything less does not.
func TestGenuineReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	w.erase(anne)
	collected := func(id, channel, at string) string {
		return upstream(id, "contact.created", "C-1", fmt.Sprintf(`{"kind":"prospect","person":{"emails":["anne@example.net"]},"collection":{"channel":%q,"collected_at":%q}}`, channel, at))
	}
	for name, raw := range map[string]string{
		"collected before":      collected("2", "web_form", "2026-03-02T09:00:00Z"),
		"at the same instant":   collected("3", "web_form", "2026-03-02T10:00:00Z"),
		"an import":             collected("4", "import", "2026-03-02T10:04:00Z"),
		"no date of collection": upstream("5", "contact.created", "C-1", `{"kind":"prospect","collection":{"channel":"web_form"}}`),
		"no collection":         upstream("6", "contact.created", "C-1", `{"kind":"prospect"}`),
	} {
		if got := statuses(w.record(raw)); got != "erased" {
			t.Errorf("%s: %s", name, got)
		}
	}
	res := w.record(collected("7", "web_form", "2026-03-02T10:04:00Z"), upstream("8", "contact.changed", "C-1", `{"set":{"notes":"new"}}`))
	if statuses(res) != "recorded recorded" || res[0].Subject == anne || res[1].Subject != res[0].Subject {
		t.Fatalf("the return: %+v", res)
	}
	if again := w.record(created("1", "C-1", "anne@example.net"))[0]; again.Status != ledger.Erased || again.Subject != anne {
		t.Errorf("an old event of the erased subject: %+v", again)
	}
	w.close()
	w.open()
	if res := w.record(upstream("9", "contact.changed", "C-1", `{"set":{"notes":"newer"}}`)); res[0].Status != ledger.Recorded || res[0].Subject == anne {
		t.Errorf("after a restart: %+v", res)
	}
}

// TestObjectionAfterErasure: an objection that names an address holds for it,
// also when it comes under the id of somebody who was erased.
func TestObjectionAfterErasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	w.erase(anne)
	res := w.record(upstream("2", "opposition.registered", "C-1", `{"scope":"all","address":{"email":"anne@example.net"}}`))
	all := w.facts()
	f := all[len(all)-1]
	if res[0].Status != ledger.Recorded || f.Type != event.OppositionRegistered || !f.Subject.IsZero() || f.Parts[0].Owner != part.LedgerOwner() {
		t.Errorf("%+v: %+v", res[0], f)
	}
}

// TestCommandsAfterOrder: no command of the ledger itself adds to an erased
// person, and a second erasure is refused; what tells of the erasure goes on.
func TestCommandsAfterOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	w.order(anne)
	for _, typ := range []event.Type{event.HoldPlaced, event.RestrictionPlaced, event.ConsentWithdrawn, event.ConsentExpired} {
		if _, err := w.Write(t.Context(), []ledger.Own{{Type: typ, Subject: anne}}); !errors.Is(err, ledger.ErrErased) {
			t.Errorf("%s: %v", typ, err)
		}
	}
	sealed := ledger.PlainPart{Key: part.KeyID{Owner: part.SubjectOwner(anne), Class: "notes", Epoch: "2026"}, Fields: []event.Field{{Path: "notes", Value: []byte(`"x"`)}}}
	if _, err := w.Write(t.Context(), []ledger.Own{{Type: event.NotificationSent, Subject: anne, Parts: []ledger.PlainPart{sealed}}}); !errors.Is(err, ledger.ErrErased) {
		t.Errorf("a part sealed for the erased: %v", err)
	}
	again := orderOf(anne)
	again.Orders[0].ID = domain.ID{1}
	if _, err := w.Erase(t.Context(), again); !errors.Is(err, ledger.ErrErased) {
		t.Errorf("a second order: %v", err)
	}
	if _, err := w.Write(t.Context(), []ledger.Own{{Type: event.SubjectErased, Subject: anne}}); err != nil {
		t.Error(err)
	}
}

// TestTwoErasuresAtOnce: of many orders at once one is recorded.
func TestTwoErasuresAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			e := orderOf(anne)
			e.Orders[0].ID = domain.ID{9, byte(i)}
			_, errs[i] = w.Erase(t.Context(), e)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ledger.ErrErased):
			t.Error(err)
		}
	}
	if won != 1 || w.count(event.ErasureOrdered) != 1 {
		t.Errorf("%d orders won, %d recorded", won, w.count(event.ErasureOrdered))
	}
}

// TestHolds: holds and restrictions, whoever placed them, forbid to erase any of
// those who are one person, until the last is released.
func TestHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "anne@example.org"))
	anne, also := res[0].Subject, res[1].Subject
	limit := w.record(upstream("3", "restriction.placed", "C-2", `{"ground":"art18.1.c"}`))[0].Event
	claim, err := w.Write(t.Context(), []ledger.Own{{Type: event.HoldPlaced, Subject: anne, Codes: event.Codes{}.With("reason", "litigation")}})
	if err != nil {
		t.Fatal(err)
	}
	w.close()
	w.open()
	var held *ledger.HeldError
	if _, err := w.Erase(t.Context(), orderOf(anne, also)); !errors.As(err, &held) || held.Subject != anne || held.Holds[0] != (seal.Hold{Kind: seal.HoldClaim, Event: claim[0].Event}) {
		t.Fatalf("held: %v", err)
	}
	release := func(typ event.Type, subject domain.ID, code string, id domain.ID) error {
		_, err := w.Write(t.Context(), []ledger.Own{{Type: typ, Subject: subject, Codes: event.Codes{}.With(code, id.String())}})
		return err
	}
	if err := release(event.HoldReleased, anne, "hold", limit); !errors.Is(err, ledger.ErrNoHold) {
		t.Errorf("a hold that is not there: %v", err)
	}
	if err := release(event.HoldReleased, anne, "hold", claim[0].Event); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Erase(t.Context(), orderOf(anne, also)); !errors.As(err, &held) || held.Subject != also {
		t.Fatalf("a merged contact is restricted: %v", err)
	}
	if statuses(w.record(upstream("4", "contact.changed", "C-1", `{"set":{"notes":"x"}}`))) != "recorded" {
		t.Error("a refused order closed somebody")
	}
	if err := release(event.RestrictionLifted, also, "restriction", limit); err != nil {
		t.Fatal(err)
	}
	if at := w.order(anne, also); w.facts()[at.Position+1].Subject != also || w.facts()[at.Position+1].Codes.ID("operation") != at.Event {
		t.Error("the second order does not follow the first")
	}
}

// TestClassErased: after classes were erased, the person's other data stays and
// new data of the class comes under a key that never was.
func TestClassErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	e := orderOf(anne)
	e.Whole, e.Classes = false, []string{"notes"}
	at, err := w.Erase(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	meanwhile := w.record(upstream("2", "contact.changed", "C-1", `{"set":{"notes":"new"}}`))[0]
	set, err := w.Keyring().Load(t.Context(), []part.Owner{part.SubjectOwner(anne)})
	if err != nil {
		t.Fatal(err)
	}
	doomed := set[0].Doomed([]string{"notes"})
	if len(doomed) != 1 || doomed[0].Epoch != "2026" {
		t.Fatalf("doomed: %v", doomed)
	}
	if err := w.Destroy(t.Context(), []erasure.Destruction{{Owner: part.SubjectOwner(anne), By: at.Event, At: domain.NewTime(testNow), Keys: doomed}}); err != nil {
		t.Fatal(err)
	}
	w.record(upstream("3", "contact.changed", "C-1", `{"set":{"notes":"newer"}}`))
	var gone, there int
	for _, f := range w.facts() {
		if f.Subject != anne || len(f.Parts) == 0 {
			continue
		}
		opened, err := w.Keyring().Open(t.Context(), []*event.Fact{f}, func(r *event.PartRef) bool { return r.Class == "notes" })
		if err != nil {
			t.Fatal(err)
		}
		gone, there = gone+len(opened[0].Gone), there+len(opened[0].Fields)
		for _, p := range f.Parts {
			if f.ID == meanwhile.Event && p.Class == "notes" && p.Epoch != "2026.1" {
				t.Errorf("recorded after the order under epoch %s", p.Epoch)
			}
		}
	}
	if gone != 1 || there < 2 {
		t.Errorf("%d parts gone, %d fields there", gone, there)
	}
	if statuses(w.record(created("1", "C-1", "anne@example.net"))) != "duplicate" {
		t.Error("the body MAC went with a class that has nothing to do with it")
	}
}

// TestOppositionTokens: each address of a contact has the tokens under which the
// opposition list will know it, also from other tools' hashes.
func TestOppositionTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.record(created("1", "C-1", "Anne@Example.net"))[0].Event
	packed, err := w.vault.Tokens(t.Context(), []domain.ID{id})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := token.Unpack(packed[0])
	if err != nil {
		t.Fatal(err)
	}
	forms := map[token.Form]map[token.Token]bool{}
	for _, e := range entries {
		if forms[e.Form] == nil {
			forms[e.Form] = map[token.Token]bool{}
		}
		forms[e.Form][e.Token] = true
	}
	number, _ := ledger.Normal(token.KindPhone, "06 39 98 00 12")
	mail, phone := w.Peppers().Opposition(token.KindEmail, "anne@example.net"), w.Peppers().Opposition(token.KindPhone, number)
	if !forms[token.FormOppositionSHA256][mail.SHA256] || !forms[token.FormOppositionMD5][mail.MD5] ||
		!forms[token.FormOppositionSHA256][phone.SHA256] || !forms[token.FormOppositionMD5][phone.MD5] || len(forms[token.FormSearch]) != 3 {
		t.Errorf("%d entries", len(entries))
	}
}

// TestScarceDisk: with the disk's reserve reached, what protects a person is
// taken in, alone or among others, and so are the ledger's own facts.
func TestScarceDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	if err := w.Ledger.Close(); err != nil {
		t.Fatal(err)
	}
	cfg, low := config(w.log, w.vault), true
	cfg.Scarce = func() bool { return low }
	var err error
	if w.Ledger, err = ledger.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	objection := func(id string) []byte { return []byte(upstream(id, "opposition.registered", "C-1", `{}`)) }
	if _, err := w.Record(t.Context(), [][]byte{[]byte(created("2", "C-2", "x@example.net")), []byte("no json")}); !errors.Is(err, ledger.ErrFull) {
		t.Errorf("others: %v", err)
	}
	if _, err := w.Record(t.Context(), [][]byte{[]byte(created("2", "C-2", "x@example.net")), objection("3")}); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("an objection among others: %v", err)
	}
	if got := statuses(w.record(string(objection("3")), string(objection("4")))); got != "duplicate recorded" {
		t.Errorf("objections: %s", got)
	}
	w.erase(anne)
	low = false
	if got := statuses(w.record(created("2", "C-2", "x@example.net"))); got != "recorded" {
		t.Errorf("with room again: %s", got)
	}
}
