package app

import (
	"errors"
	"strings"
	"testing"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/receipt"
	"greffe/eventstore/access"
)

// TestConsentReceipts: a receipt holds the notice's text and verifies with the key
// alone, before and after the person is erased; then it says what destroyed the rest.
func TestConsentReceipts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.serving()
	_, _, err := noticeDesk{a}.Publish(t.Context(), domain.ID{}, httpapi.NoticeInput{ID: "web-form", Version: "3", Language: "fr", Text: "J'accepte"})
	s.ok(err)
	res := record(t, a, consentEvent("g1", "C-1", "consent.granted", past, emailYes), made("c1", "C-9", past))
	v := s.verifier()
	reads := func(i int) access.Receipt {
		r, err := s.open.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Action: "export", Reason: "audit", Subjects: []domain.ID{res[i].Subject}})
		s.ok(err)
		return r
	}
	b, err := a.ConsentReceipt(t.Context(), reads(0), res[0].Event)
	s.ok(err)
	got, said, err := receipt.Verify(b, v)
	if err != nil || said.NoticeText != "J'accepte" || said.NoticeID != "web-form" || !said.Proven || !got.ErasedBy.IsZero() || len(said.Consent.Fields) == 0 {
		t.Fatalf("%v: %+v", err, said)
	}
	if !strings.Contains(string(b), `"J'accepte"`) {
		t.Error("the notice's text does not stand in it")
	}
	if _, err := a.ConsentReceipt(t.Context(), reads(1), res[1].Event); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("a receipt of what is no consent: %v", err)
	}
	s.close()
	order := s.erase(res[0])
	a = s.serving()
	b, err = a.ConsentReceipt(t.Context(), reads(0), res[0].Event)
	s.ok(err)
	if got, said, err = receipt.Verify(b, v); err != nil || got.ErasedBy.IsZero() || len(said.Consent.Fields) != 0 || said.NoticeText != "J'accepte" {
		t.Errorf("after erasure (ordered by %s): %v: %+v", order, err, got)
	}
}
