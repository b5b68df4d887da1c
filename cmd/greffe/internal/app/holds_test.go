package app

import (
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
)

// TestHoldsAreListed: what is held shows with why, by whom and until when it is to be
// looked at; a review moves the date; what ended is no longer among what stands; who
// places a hold learns of what was ordered before it.
func TestHoldsAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.live()
	p := s.tell(addressed("one"), addressed("two"), told("m", "contact.merged", "one", `{"into":{"subject":"two"},"reason":"duplicate"}`))
	desk, lawyer := erasures{a}, domain.ID{8, 6: 0x40, 8: 0x80}
	soon := s.now.read().Add(time.Hour)
	placed, err := desk.Place(t.Context(), httpapi.HoldOrder{Subject: p[0].Subject, Actor: lawyer, Code: "litigation", Reference: "RG 26/1", Reviewer: lawyer, ReviewAt: soon})
	s.ok(err)
	limit, err := desk.Place(t.Context(), httpapi.HoldOrder{Subject: p[1].Subject, Restriction: true, Code: "art18.1.a"})
	s.ok(err)
	list := func(f httpapi.HeldFilter) []httpapi.Held {
		t.Helper()
		s.ok(a.CaughtUp(t.Context()))
		out, err := desk.Held(t.Context(), f, httpapi.Page{Limit: 10})
		s.ok(err)
		return out.Items
	}
	all := list(httpapi.HeldFilter{})
	if len(all) != 2 || all[0].ID != placed.EventID || all[0].Kind != "hold" || all[0].Code != "litigation" || all[0].Reviewer != lawyer || all[0].Due ||
		!all[0].ReviewAt.Equal(soon) || all[1].Kind != "restriction" || all[1].Code != "art18.1.a" || all[1].ReviewAt != nil {
		t.Fatalf("%+v", all)
	}
	if _, err := a.Eraser.Order(t.Context(), eraser.Request{Subject: p[1].Subject, Ground: "art17.1.b"}); err == nil {
		t.Error("a hold on the other contact does not stand against an erasure")
	}
	s.now.pass(2 * time.Hour)
	if due := list(httpapi.HeldFilter{ReviewBy: s.now.read()}); len(due) != 1 || !due[0].Due {
		t.Errorf("due: %+v", due)
	}
	if n, err := a.HoldsDue(t.Context(), s.now.read()); n != 1 || err != nil {
		t.Errorf("%d due, %v", n, err)
	}
	_, err = desk.Review(t.Context(), httpapi.HoldReview{Hold: placed.EventID, Actor: lawyer, ReviewAt: s.now.read().AddDate(0, 3, 0), Note: "pending"})
	s.ok(err)
	if due := list(httpapi.HeldFilter{ReviewBy: s.now.read()}); len(due) != 0 {
		t.Errorf("reviewed, and due: %+v", due)
	}
	if _, err := desk.Review(t.Context(), httpapi.HoldReview{Hold: lawyer}); err == nil {
		t.Error("a review of nothing")
	}
	_, err = desk.Release(t.Context(), httpapi.HoldOrder{Subject: p[0].Subject, Placed: placed.EventID})
	s.ok(err)
	_, err = desk.Release(t.Context(), httpapi.HoldOrder{Subject: p[1].Subject, Restriction: true, Placed: limit.EventID, WarnedAt: soon})
	s.ok(err)
	if left := list(httpapi.HeldFilter{}); len(left) != 0 {
		t.Errorf("released, and listed: %+v", left)
	}
	if ended := list(httpapi.HeldFilter{Ended: true}); len(ended) != 2 || ended[0].Ended == nil {
		t.Errorf("ended: %+v", ended)
	}
	if lifted := s.facts(event.RestrictionLifted); len(lifted) != 1 || !lifted[0].Codes.Time("warned_at").Equal(soon) {
		t.Errorf("%+v", lifted)
	}
	if under, err := desk.UnderWay(t.Context(), p[0].Subject); err != nil || len(under) > 0 {
		t.Errorf("%v %v", under, err)
	}
	op, err := a.Eraser.Order(t.Context(), eraser.Request{Subject: p[1].Subject, Classes: []string{"notes"}, Ground: "art5.1.c"})
	s.ok(err)
	if under, err := desk.UnderWay(t.Context(), p[0].Subject); err != nil || len(under) != 1 || under[0] != op {
		t.Errorf("under way: %v %v", under, err)
	}
	s.intactAnew()
}

// TestArchivedView: what is archived reads as such, and opens under an access that says
// so; the person is contacted or not as before; nothing is found by verify.
func TestArchivedView(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.live()
	who := s.tell(addressed("one"))[0].Subject
	view := func(archives bool) (shown, archived int) {
		t.Helper()
		s.ok(a.CaughtUp(t.Context()))
		r, err := a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Account: domain.ID{9, 6: 0x40, 8: 0x80}, Action: "read", Reason: "audit", Subjects: []domain.ID{who}, Archived: archives})
		s.ok(err)
		items, _, err := a.Dossier.History(t.Context(), r, who, 0, false, 100)
		s.ok(err)
		for _, it := range items {
			for _, f := range it.Fields {
				if len(f.Value) > 16 && string(f.Value[:16]) == `{"archived":true` {
					archived++
				} else if !f.Withheld {
					shown++
				}
			}
		}
		return shown, archived
	}
	before, none := view(false)
	if before == 0 || none != 0 {
		t.Fatalf("%d shown, %d archived", before, none)
	}
	_, err := a.Ledger.Archive(t.Context(), nil, ledger.Archival{Subject: who, Classes: []string{"identity", "contact_details"}, Rule: "prospects"})
	s.ok(err)
	if shown, archived := view(false); archived == 0 || shown != 0 { // all that was told of the person is of these classes
		t.Errorf("ordinary: %d shown, %d archived, of %d", shown, archived, before)
	}
	if shown, archived := view(true); shown != before || archived != 0 {
		t.Errorf("with archives: %d shown, %d archived, of %d", shown, archived, before)
	}
	backup := s.backup()
	s.intactAnew()
	r, _ := s.restored(backup)
	r.intactAnew()
}
