package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
)

// testErasures plays the desk: orders are done at once unless slow says not.
type testErasures struct {
	data  *testData
	mu    sync.Mutex
	slow  bool
	fail  error
	asked []string
}

func (e *testErasures) answer(format string, args ...any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, fmt.Sprintf(format, args...))
	return e.fail
}

func (e *testErasures) Order(_ context.Context, o ErasureOrder) (domain.ID, error) {
	return anEvent, e.answer("erase %s event %t %s %q %v", o.Subject, !o.Event.IsZero(), o.Ground, o.Reason, o.Classes)
}

func (e *testErasures) Foresee(_ context.Context, r access.Receipt, o ErasureOrder) (*ErasurePreview, error) {
	if err := e.data.check(r, o.Subject); err != nil {
		return nil, err
	}
	return &ErasurePreview{SubjectID: o.Subject}, e.answer("foresee %s %v", o.Subject, o.Classes)
}

func (e *testErasures) Await(context.Context, domain.ID) {}

func (e *testErasures) Operation(_ context.Context, id domain.ID) (*Operation, error) {
	if id != anEvent {
		return nil, ErrNotFound
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.slow {
		return &Operation{ID: id, SubjectID: person, State: "pending", Trouble: "check crm: something is left"}, nil
	}
	return &Operation{ID: id, SubjectID: person, State: "done", Certificate: &Certificate{Number: anEvent, SubjectID: person, Kept: []KeptClass{}, Recipients: []RecipientState{}}}, nil
}

func (e *testErasures) Place(_ context.Context, o HoldOrder) (Placed, error) {
	return Placed{anEvent, 7}, e.answer("place %t %s %q", o.Restriction, o.Code, o.Detail)
}

func (e *testErasures) Release(_ context.Context, o HoldOrder) (Placed, error) {
	return Placed{anEvent, 8}, e.answer("release %t %s", o.Restriction, o.Placed)
}

func (e *testErasures) Merge(_ context.Context, _, _, into domain.ID, undo bool) (Placed, error) {
	return Placed{anEvent, 9}, e.answer("merge %s %t", into, undo)
}

func (e *testErasures) Since(context.Context, domain.ID, time.Time) ([]RequestErasure, error) {
	return nil, nil
}

func (e *testErasures) Contested(_ context.Context, page Page) (Found[StillHeld], error) {
	if e.data.get().panics {
		panic(marker)
	}
	return rows(e.data, page, func(i int) StillHeld {
		return StillHeld{SubjectID: person, Source: merged, Position: domain.Position(i)}
	},
		func(s StillHeld) domain.ID { return s.SubjectID })
}

func (e *testErasures) set(slow bool, fail error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.slow, e.fail = slow, fail
}

func (e *testErasures) last() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.asked) == 0 {
		return ""
	}
	return e.asked[len(e.asked)-1]
}

// TestErasureRoutes: what is asked reaches the desk, what is wrong does not, and
// the desk's answers have their codes.
func TestErasureRoutes(t *testing.T) {
	t.Parallel()
	desk := new(testErasures)
	w := newWorld(t, func(_ *Config, s *Services) { desk.data = s.Dossier.(*testData); s.Erasures = desk })
	erase := "/v1/subjects/" + person.String() + "/erasure"
	for _, c := range []struct {
		method, path, body string
		status             int
		asked, answer      string
	}{
		{"POST", erase, `{"ground":"art17.1.b","reason":"letter","classes":["notes"]}`, 200, `erase ` + person.String() + ` event false art17.1.b "letter" [notes]`, `"state":"done"`},
		{"POST", erase, `{}`, 400, "", `"field":"ground"`},
		{"POST", erase, `{"ground":"because"}`, 400, "", `"field":"ground"`},
		{"POST", erase, `{"ground":"art17.1.b","classes":["opposition"]}`, 400, "", `"field":"classes"`},
		{"POST", erase, `{"ground":"art17.1.b","classes":["everything"]}`, 400, "", `"field":"classes"`},
		{"GET", erase + "/preview", "", 200, "foresee " + person.String() + " []", `"subject_id"`},
		{"GET", erase + "/preview?classes=notes,billing", "", 200, "foresee " + person.String() + " [notes billing]", `"subject_id"`},
		{"GET", erase + "/preview?classes=opposition", "", 400, "", `"field":"classes"`},
		{"POST", "/v1/events/" + anEvent.String() + "/redaction", `{"class":"notes"}`, 200, `erase ` + person.String() + ` event true art5.1.c "" [notes]`, `"certificate"`},
		{"POST", "/v1/events/" + anEvent.String() + "/redaction", `{"class":"access"}`, 400, "", `"field":"class"`},
		{"GET", "/v1/operations/" + anEvent.String(), "", 200, "", `"state":"done"`},
		{"GET", "/v1/operations/" + person.String(), "", 404, "", `"not_found"`},
		{"POST", "/v1/subjects/" + person.String() + "/hold", `{"code":"litigation","detail":"RG 26/1"}`, 201, `place false litigation "RG 26/1"`, `"position":"7"`},
		{"POST", "/v1/subjects/" + person.String() + "/hold", `{"code":"art18.1.a"}`, 400, "", `"field":"code"`},
		{"POST", "/v1/subjects/" + person.String() + "/restriction", `{"code":"art18.1.a"}`, 201, `place true art18.1.a ""`, `"position":"7"`},
		{"DELETE", "/v1/subjects/" + person.String() + "/hold/" + anEvent.String(), "", 200, `release false ` + anEvent.String(), `"position":"8"`},
		{"DELETE", "/v1/subjects/" + person.String() + "/restriction/" + anEvent.String() + "?warned_at=2026-01-02T03:04:05Z", "", 200, `release true ` + anEvent.String(), `"position":"8"`},
		{"POST", "/v1/subjects/" + person.String() + "/merge", `{"into":"` + merged.String() + `"}`, 201, `merge ` + merged.String() + ` false`, `"position":"9"`},
		{"POST", "/v1/subjects/" + person.String() + "/merge", `{"into":"` + person.String() + `"}`, 400, "", `"field":"into"`},
		{"DELETE", "/v1/subjects/" + person.String() + "/merge/" + merged.String(), "", 200, `merge ` + merged.String() + ` true`, `"position":"9"`},
	} {
		before := desk.last()
		got := w.call(c.method, c.path, c.body, "X-Greffe-Reason", "rights_request")
		if got.status != c.status || !strings.Contains(got.body, c.answer) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, got.status, got.body)
		}
		if asked := desk.last(); c.asked != "" && asked != c.asked || c.asked == "" && asked != before {
			t.Errorf("%s %s %s asked for %q", c.method, c.path, c.body, asked)
		}
	}
}

// TestErasureAnswers: an erasure that takes longer is 202 with its place; what
// forbids it has a code of its own, and the erased name their order.
func TestErasureAnswers(t *testing.T) {
	t.Parallel()
	desk := new(testErasures)
	w := newWorld(t, func(_ *Config, s *Services) { desk.data = s.Dossier.(*testData); s.Erasures = desk })
	erase, body := "/v1/subjects/"+person.String()+"/erasure", `{"ground":"art17.1.b"}`
	desk.set(true, nil)
	got := w.call(http.MethodPost, erase, body)
	if got.status != http.StatusAccepted || got.header.Get("Location") != "/v1/operations/"+anEvent.String() || !strings.Contains(got.body, "something is left") {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{&ledger.HeldError{Subject: person}, 409, "held"},
		{ledger.ErrErased, 410, "erased"},
		{ledger.ErrNoHold, 404, "not_found"},
		{&contact.ErasedError{By: anEvent}, 410, "erased"},
		{ErrNotFound, 404, "not_found"},
		{ledger.ErrFull, 507, "storage_full"},
	} {
		desk.set(false, c.err)
		got := w.call(http.MethodPost, erase, body)
		if got.status != c.status || got.code(t) != c.code {
			t.Errorf("%v: %d %s", c.err, got.status, got.body)
		}
	}
	desk.set(false, &contact.ErasedError{By: anEvent})
	if got := w.call(http.MethodPost, erase, body); !strings.Contains(got.body, `"order":"`+anEvent.String()+`"`) {
		t.Errorf("the order is not named: %s", got.body)
	}
}
