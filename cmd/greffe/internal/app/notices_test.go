package app

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

func notice(id, version, text string) httpapi.NoticeInput {
	return httpapi.NoticeInput{ID: id, Version: version, Language: "fr", Text: text, Purposes: []string{"prospecting"}, EffectiveFrom: start}
}

func TestPublishNotices(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	desk := noticeDesk{c.App}
	first, made, err := c.PublishNotice(t.Context(), notice("web-form", "3 bis", "J'accepte é\u2028"))
	if err != nil || !made || first.ID != "web-form" || first.Version != "3 bis" || first.Text != "" || first.SHA256 == "" {
		t.Fatalf("%+v %t %v", first, made, err)
	}
	again, made, err := c.PublishNotice(t.Context(), notice("web-form", "3 bis", "J'accepte é\u2028"))
	if err != nil || made || again.Position != first.Position {
		t.Errorf("again: %+v %t %v", again, made, err)
	}
	if _, _, err := c.PublishNotice(t.Context(), notice("web-form", "3 bis", "J'accepte tout")); !errors.Is(err, httpapi.ErrConflict) {
		t.Errorf("another text: %v", err)
	}
	for i := range 5 {
		if _, made, err := c.PublishNotice(t.Context(), notice("form", fmt.Sprint(i), "x")); err != nil || !made {
			t.Fatal(made, err)
		}
	}
	one, err := desk.Get(t.Context(), "web-form", "3 bis", "FR")
	if err != nil || one.Text != "J'accepte é\u2028" || one.Notice != first.Notice || !slices.Equal(one.Purposes, []string{"prospecting"}) || !one.EffectiveFrom.Equal(start) {
		t.Errorf("%+v %v", one, err)
	}
	if _, err := desk.Get(t.Context(), "web-form", "4", "fr"); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("not published: %v", err)
	}
	var listed []string
	for next := ""; ; {
		items, more, err := desk.List(t.Context(), httpapi.NoticeFilter{ID: "form"}, httpapi.Page{Limit: 2, Cursor: next})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range items {
			if listed = append(listed, n.Version); n.Text != "" {
				t.Error("a list shows texts")
			}
		}
		if next = more; next == "" {
			break
		}
	}
	if !slices.Equal(listed, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("listed %v", listed)
	}
	f, err := c.Dossier.At(t.Context(), first.Position)
	if err != nil || f.Codes.String("version") != "" || f.ID != first.Notice || f.Type != event.NoticePublished {
		t.Errorf("a version that is no code stands in clear, or the fact is not the notice's: %+v %v", f, err)
	}
}

// Of two who publish different texts at the same time one wins, and the other is
// told; the same text is no conflict.
func TestPublishingAtOnce(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	for round, texts := range [][2]string{{"one", "other"}, {"same", "same"}} {
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i := range 2 {
			wg.Go(func() { _, _, errs[i] = c.PublishNotice(t.Context(), notice("form", fmt.Sprint(round), texts[i])) })
		}
		wg.Wait()
		lost := 0
		for _, err := range errs {
			if errors.Is(err, httpapi.ErrConflict) {
				lost++
			} else if err != nil {
				t.Error(err)
			}
		}
		if want := map[bool]int{true: 0, false: 1}[texts[0] == texts[1]]; lost != want {
			t.Errorf("%v: %d lost: %v", texts, lost, errs)
		}
	}
}

// A grant that names a notice is proven by it, whichever came first.
func TestANoticeProvesGrants(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	res := record(t, c.App, made("e1", "C-1", past), made("e2", "C-2", past))
	id := c.Ledger.Peppers().Notice("web-form", "3", "fr")
	grant := func(subject domain.ID) {
		t.Helper()
		_, err := c.Ledger.Write(t.Context(), []ledger.Own{{Type: event.ConsentGranted, Subject: subject, Time: start.Add(-time.Hour),
			Codes: event.Codes{}.With("purpose", "prospecting").With("channels", []string{"email"}).With("controller", "acme").
				With("evidence", "unproven").With("lacks", []string{"notice"}).With("notice", id.String())}})
		if err != nil {
			t.Fatal(err)
		}
	}
	grant(res[0].Subject)
	if s := matrix(t, c.App, res[0].Subject, start)["acme prospecting email"]; s.State != "unproven" {
		t.Errorf("before: %+v", s)
	}
	if counts, err := (consentDesk{c.App}).Unproven(t.Context()); err != nil || len(counts) != 1 || counts[0].Grants != 1 || counts[0].Source != nil {
		t.Errorf("%+v %v", counts, err)
	}
	head, _ := c.Ledger.Head(t.Context())
	if _, _, err := c.PublishNotice(t.Context(), notice("web-form", "3", "J'accepte")); err != nil {
		t.Fatal(err)
	}
	grant(res[1].Subject)
	for _, r := range res {
		if s := matrix(t, c.App, r.Subject, start)["acme prospecting email"]; s.State != "granted" || len(s.Evidence) != 2 || s.Evidence[1] != id {
			t.Errorf("after: %+v", s)
		}
	}
	if s := matrixBelow(t, c.App, res[0].Subject, start, head)["acme prospecting email"]; s.State != "unproven" {
		t.Errorf("as known before the notice: %+v", s)
	}
	if counts, err := (consentDesk{c.App}).Unproven(t.Context()); err != nil || len(counts) != 0 {
		t.Errorf("%+v %v", counts, err)
	}
}
