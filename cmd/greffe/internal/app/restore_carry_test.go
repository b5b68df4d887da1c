package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
	"greffe/eventstore/verify"
	"greffe/projections/decisions"
)

// live opens the ledger as a service does, with its eraser, and lets it catch up.
func (s *site) live() *App {
	s.Helper()
	s.close()
	a, err := Open(s.Context(), s.cfg)
	s.ok(err)
	s.open = a
	s.ok(a.CaughtUp(s.Context()))
	return a
}

func (s *site) tell(raws ...string) (out []ledger.Result) {
	s.Helper()
	for _, raw := range raws {
		res, err := s.open.Record(s.Context(), [][]byte{[]byte(raw)})
		s.ok(err)
		if res[0].Status != ledger.Recorded {
			s.Fatalf("%s %v: %s", res[0].Status, res[0].Refusal, raw)
		}
		out = append(out, res[0])
	}
	s.ok(s.open.CaughtUp(s.Context()))
	return out
}

func told(id, kind, subject, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":%q,"subject":%q,"time":%q,"data":%s}`, id, kind, subject, past, data)
}

func addressed(subject string) string {
	return told("e-"+subject, "contact.created", subject, fmt.Sprintf(`{"kind":"client","person":{"given_name":"Anne","emails":["%s@example.fr"]}}`, subject))
}

func objecting(subject string) string {
	return told("o-"+subject, "opposition.registered", subject, `{"scope":"all"}`)
}

// forget erases somebody through the eraser, and waits for the certificate.
func (s *site) forget(subject domain.ID, classes ...string) {
	s.Helper()
	_, err := s.open.Erase(s.Context(), httpapi.ErasureOrder{Subject: subject, Ground: "art17.1.b", Classes: classes})
	s.ok(err)
}

// bound reports whether an objection stands against writing to an address: by who
// was erased, or by who is erased but in part.
func (s *site) bound(name string) bool {
	s.Helper()
	known, err := decisionDesk{s.open}.Current(s.Context())
	s.ok(err)
	got, err := s.open.Decider.Check(s.Context(), []decisions.Check{{Email: name + "@example.fr",
		Query: contactability.Query{Channel: "email", Purpose: "prospecting", Controller: "acme", At: s.now.read()}}}, known)
	s.ok(err)
	return got[0].Rule == contactability.OpposedAddress || got[0].Rule == contactability.OpposedPerson
}

// found are who is found by an address.
func (s *site) found(name string) int {
	s.Helper()
	ids, _, err := s.open.CRM.Find(s.Context(), token.KindEmail, s.open.Ledger.Peppers().Search(token.KindEmail, name+"@example.fr"), 0, 10)
	s.ok(err)
	return len(ids)
}

// intactAnew also builds every read model anew beside the one there is.
func (s *site) intactAnew() {
	s.Helper()
	s.close()
	sum, drift, err := Verify(s.Context(), s.cfg, VerifyOptions{Drift: true, Report: func(f verify.Finding) { s.Errorf("finding: %+v", f) }})
	if err != nil || sum.Facts == 0 || len(drift) == 0 {
		s.Errorf("verified %d facts, %d read models: %v", sum.Facts, len(drift), err)
	}
	for _, d := range drift {
		if !d.Equal {
			s.Errorf("%s is not what a fresh build gives", d.Projection)
		}
	}
}

// objectors are people of whom most object, in a backup from before their erasure.
func objectors(t *testing.T) (s *site, backup string) {
	t.Helper()
	s = newSite(t)
	s.live()
	p := s.tell(addressed("anne"), objecting("anne"),
		addressed("bea"), objecting("bea"), addressed("twin"), told("m", "contact.merged", "twin", `{"into":{"subject":"bea"},"reason":"duplicate"}`),
		addressed("cleo"), objecting("cleo"),
		addressed("dora"),
		addressed("cousin"), told("m2", "contact.merged", "cousin", `{"into":{"subject":"bea"},"reason":"duplicate"}`),
		told("m3", "contact.unmerged", "cousin", `{"into":{"subject":"bea"},"reason":"mistake"}`),
		addressed("fred"), objecting("fred"), addressed("gina"), objecting("gina"))
	anne, twin, cleo, dora, cousin, fred := p[0].Subject, p[4].Subject, p[6].Subject, p[8].Subject, p[9].Subject, p[12].Subject
	s.close()
	a := s.app() // without an eraser: an order that nobody carries out yet
	id, err := domain.RandomID(rand.Reader)
	s.ok(err)
	_, err = a.Ledger.Erase(t.Context(), ledger.Erasure{Orders: []ledger.SubjectOrder{{ID: id, Subject: fred}}, Whole: true, Classes: []string{"identity", "contact_details"},
		Codes: event.Codes{}.With("ground", "art17.1.b").With("whole", true).With("classes", []string{"identity", "contact_details"})})
	s.ok(err)
	backup = s.backup()
	a = s.live()
	s.ok(a.Eraser.Wait(t.Context(), id))
	s.forget(anne)
	s.forget(twin)
	s.forget(cleo, "contact_details")
	s.forget(dora)
	s.forget(cousin)
	if s.found("anne")+s.found("twin")+s.found("cleo") > 0 {
		t.Fatal("the erasures did nothing")
	}
	s.close()
	return s, backup
}

// opposedStill is what must hold of the objectors whatever was lost.
func (s *site) opposedStill(what string) {
	s.Helper()
	s.live()
	for name, want := range map[string]bool{"anne": true, "bea": true, "twin": true, "cleo": true, "fred": true, "dora": false, "cousin": false, "gina": false} {
		if got := s.found(name); got != 0 && name != "gina" {
			s.Errorf("%s: %s is found", what, name)
		}
		if name == "gina" {
			continue
		}
		s.tell(told("new-"+name, "contact.created", "N-"+name, fmt.Sprintf(`{"kind":"client","person":{"emails":["%s@example.fr"]}}`, name)))
		if got := s.bound(name); got != want {
			s.Errorf("%s: the address of %s is bound: %t", what, name, got)
		}
	}
	subjects := map[domain.ID]int{}
	for _, f := range s.facts(event.ErasureStaged) {
		subjects[f.Codes.ID("order")]++
	}
	for order, n := range subjects {
		if n != 1 {
			s.Errorf("%s: %d facts carry over what %s destroyed", what, n, order)
		}
	}
	s.intactAnew()
}

// TestObjectionsOutliveARestore (promise 6): the tokens of who objected and was
// erased after the backup are carried over before the fence destroys them; of a
// contact merged with the objector too, and of an erasure that the backup had only
// the order of. It can be lost again.
func TestObjectionsOutliveARestore(t *testing.T) {
	t.Parallel()
	s, from := objectors(t)
	s.opposedStill("never lost")
	s.close()
	r, done := s.restored(from)
	if done.Replayed == 0 || done.Erasures != 6 {
		t.Errorf("%+v", done)
	}
	carried := 0
	for _, f := range r.facts(event.ErasureStaged) {
		if f.Codes.Bool("restored") {
			carried++
			if l := f.Codes.Strings("classes"); f.Codes.Bool("whole") == slices.Equal(l, []string{"contact_details"}) {
				t.Errorf("it says that %v went", l)
			}
			if len(f.Codes.Strings("objections")) != 1 || len(f.Parts) != 1 || f.Parts[0].Class != "opposition" {
				t.Errorf("%+v", f)
			}
		}
	}
	if carried != 5 {
		t.Errorf("%d are carried over", carried)
	}
	r.opposedStill("restored")
	r.close()
	again, _ := r.restored(from)
	again.opposedStill("lost twice")
}

// TestObjectionsOutliveARollBack: the same for a data directory put back from an
// older copy, whatever step it is interrupted at; it does not open before.
func TestObjectionsOutliveARollBack(t *testing.T) {
	t.Parallel()
	s, from := objectors(t)
	copyDir(t, from, s.path("older"))
	s.ok(errors.Join(os.RemoveAll(s.path("data")), os.Mkdir(s.path("data"), 0o700)))
	s.ok(os.Rename(s.path("older/log"), s.path("data/log")))
	s.ok(os.Rename(s.path("older/vault.db"), s.path("data/vault.db")))
	for _, at := range []string{"compare", "objections", "carry", "replay", "record"} {
		ended, cancel := context.WithCancel(t.Context())
		met := false
		_, err := Restore(ended, s.cfg, RestoreOptions{Progress: func(step string, _, _ int64) {
			if step == at {
				met = true
				cancel()
			}
		}})
		if met && !errors.Is(err, context.Canceled) {
			t.Errorf("ended at %s: %v", at, err)
		}
		if !met {
			t.Errorf("%s is not met", at)
		}
		if _, err := OpenStill(t.Context(), s.cfg); !errors.Is(err, ErrRolledBack) {
			t.Fatalf("after an end at %s: %v", at, err)
		}
		cancel()
	}
	if _, err := Restore(t.Context(), s.cfg, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	s.opposedStill("in place")
}
