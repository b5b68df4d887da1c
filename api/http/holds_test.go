package httpapi

import (
	"context"
	"strings"
	"testing"

	"greffe/domain"
)

func (e *testErasures) Held(_ context.Context, f HeldFilter, page Page) (Found[Held], error) {
	if e.data.get().panics {
		panic(marker)
	}
	_ = e.answer("held %s %s %s %t %t", f.Subject, f.Kind, f.Code, f.ReviewBy.IsZero(), f.Ended)
	return rows(e.data, page, func(i int) Held {
		return Held{ID: anEvent, SubjectID: person, Kind: "hold", Position: domain.Position(i)}
	},
		func(h Held) domain.ID { return h.SubjectID })
}

func (e *testErasures) Review(_ context.Context, r HoldReview) (Placed, error) {
	return Placed{anEvent, 10}, e.answer("review %s %s %q", r.Hold, r.ReviewAt.Format("2006"), r.Note)
}

func (e *testErasures) UnderWay(context.Context, domain.ID) ([]domain.ID, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.slow {
		return []domain.ID{anEvent}, nil
	}
	return nil, nil
}

// TestHoldRoutes: the list's filters reach the desk; a review and a date of one lie
// ahead; a restriction is lifted only when the person was told (art. 18(3)); who places
// a hold learns what it does not stop.
func TestHoldRoutes(t *testing.T) {
	t.Parallel()
	desk := new(testErasures)
	w := newWorld(t, func(_ *Config, s *Services) { desk.data = s.Dossier.(*testData); s.Erasures = desk })
	hold, lift := "/v1/subjects/"+person.String()+"/hold", "/v1/subjects/"+person.String()+"/restriction/"+anEvent.String()
	review := "/v1/holds/" + anEvent.String() + "/review"
	for _, c := range []struct {
		method, path, body string
		status             int
		asked, answer      string
	}{
		{"GET", "/v1/holds?kind=hold&code=audit&due=true&subject_id=" + person.String(), "", 200, "held " + person.String() + " hold audit false false", `"kind":"hold"`},
		{"GET", "/v1/holds?ended=true", "", 200, "held " + (domain.ID{}).String() + "   true true", `"items":[`},
		{"GET", "/v1/holds?kind=lien", "", 400, "", `"kind"`},
		{"POST", review, `{"review_at":"2999-01-01T00:00:00Z","note":"still pending"}`, 201, "review " + anEvent.String() + ` 2999 "still pending"`, `"position":"10"`},
		{"POST", review, `{"review_at":"2001-01-01T00:00:00Z"}`, 400, "", `"field":"review_at"`},
		{"POST", review, `{}`, 400, "", `"field":"review_at"`},
		{"POST", hold, `{"code":"audit","review_at":"2001-01-01T00:00:00Z"}`, 400, "", `"field":"review_at"`},
		{"POST", hold, `{"code":"audit","reference":"RG 26/1","reviewer":"` + person.String() + `","review_at":"2999-01-01T00:00:00Z"}`, 201, `place false audit ""`, `"position":"7"`},
		{"DELETE", lift, "", 400, "", `"warned_at"`},
		{"DELETE", lift + "?warned_at=2999-01-01T00:00:00Z", "", 400, "", `"warned_at"`},
		{"DELETE", lift + "?warned_at=2001-01-01T00:00:00Z", "", 200, "release true " + anEvent.String(), `"position":"8"`},
	} {
		before := desk.last()
		got := w.call(c.method, c.path, c.body, "X-Greffe-Reason", "audit")
		if got.status != c.status || !strings.Contains(got.body, c.answer) || strings.Contains(got.body, "under_way") {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, got.status, got.body)
		}
		if asked := desk.last(); c.asked != "" && asked != c.asked || c.asked == "" && asked != before {
			t.Errorf("%s %s %s asked for %q", c.method, c.path, c.body, asked)
		}
	}
	desk.set(true, nil)
	if got := w.call("POST", hold, `{"code":"litigation"}`); got.status != 201 || !strings.Contains(got.body, `"under_way":["`+anEvent.String()+`"]`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
