package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/api/webhook"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/projections/audit"
	"greffe/projections/changes"
)

// crmEvent is an event of the sample CRM.
func crmEvent(id, kind, subject, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":%q,"subject":%q,"time":%q,"data":%s}`, id, kind, subject, past, data)
}

func crmWithdrawal(id, subject string) string {
	return crmEvent(id, "consent.withdrawn", subject, `{"purpose":"prospecting","channels":["email"]}`)
}

func crmContact(id, subject string) string {
	return crmEvent(id, "contact.created", subject, `{"kind":"client","person":{"given_name":"Anne"}}`)
}

func recipientOf(t *testing.T, a *App, code string) policy.Recipient {
	t.Helper()
	rules, _ := a.Ledger.Policy()
	r, ok := rules.Recipient(code)
	if !ok {
		t.Fatal("no such recipient")
	}
	return r
}

// poll reads a page through the desk, as a poll does.
func poll(t *testing.T, a *App, code, cursor string, wait time.Duration) ([]changes.Change, string) {
	t.Helper()
	p, err := changesDesk{a}.Page(t.Context(), recipientOf(t, a, code), httpapi.Page{Cursor: cursor, Limit: 10}, wait)
	if err != nil {
		t.Fatal(err)
	}
	if p.Count == 0 {
		return nil, p.Next
	}
	receipt, err := a.Journal.Record(t.Context(), access.Reading{Lens: changes.Lens(), Action: "notify", Reason: "recipient_notice", Subjects: p.Subjects})
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.Open(t.Context(), receipt)
	if err != nil || len(list) != p.Count {
		t.Fatalf("%d of %d changes, %v", len(list), p.Count, err)
	}
	return list, p.Next
}

// A recipient polls, acknowledges, and polls again without a cursor.
func TestPollAndAcknowledge(t *testing.T) {
	t.Parallel()
	a := open(t)
	record(t, a, crmContact("e1", "C-1"), crmWithdrawal("e2", "C-1"), crmWithdrawal("e3", "C-1"))
	list, next := poll(t, a, "crm", "", 0)
	if len(list) != 2 || len(list[0].IDs) != 1 || list[0].IDs[0].Subject != "C-1" {
		t.Fatalf("%+v", list)
	}
	if again, _ := poll(t, a, "crm", next, 0); len(again) != 0 {
		t.Errorf("the end of the feed has %d changes", len(again))
	}
	crm := recipientOf(t, a, "crm")
	head := func() domain.Position { h, _ := a.Ledger.Head(t.Context()); return h }
	before := head()
	at, err := changesDesk{a}.Acknowledge(t.Context(), domain.ID{1}, crm, list[0].ID)
	if err != nil || at == nil || *at != before {
		t.Fatalf("acknowledged at %v, %v", at, err)
	}
	for _, id := range []domain.Position{list[0].ID, list[0].ID - 1} {
		if at, err := (changesDesk{a}).Acknowledge(t.Context(), domain.ID{1}, crm, id); at != nil || err != nil || head() != before+1 {
			t.Errorf("repeated: %v, %v, %d facts", at, err, head()-before)
		}
	}
	if _, err := (changesDesk{a}).Acknowledge(t.Context(), domain.ID{1}, crm, 9999); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("beyond the end: %v", err)
	}
	if rest, _ := poll(t, a, "crm", "", 0); len(rest) != 1 || rest[0].ID != list[1].ID {
		t.Errorf("after the acknowledgement: %+v", rest)
	}
	if _, err := (changesDesk{a}).Page(t.Context(), recipientOf(t, a, "mailing"), httpapi.Page{Cursor: next, Limit: 10}, 0); !errors.Is(err, httpapi.ErrCursor) {
		t.Errorf("another recipient's cursor: %v", err)
	}
	all, _, err := changesDesk{a}.Standing(t.Context())
	if err != nil || len(all) != 3 || all[0].Lag != 1 || all[1].Lag != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}

// Two acknowledgements of the same at once are one fact.
func TestAcknowledgeAtOnce(t *testing.T) {
	t.Parallel()
	a := open(t)
	res := record(t, a, crmContact("e1", "C-1"), crmWithdrawal("e2", "C-1"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	facts := 0
	for range 8 {
		wg.Go(func() {
			at, err := a.Acknowledge(t.Context(), domain.ID{}, "crm", res[1].Position, "recipient")
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if at != nil {
				facts++
			}
		})
	}
	if wg.Wait(); facts != 1 {
		t.Errorf("%d facts", facts)
	}
}

// A poll that waits is answered when something happens, and in time when not.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	a := open(t)
	record(t, a, crmContact("e1", "C-1"))
	if list, _ := poll(t, a, "crm", "", time.Millisecond); len(list) != 0 {
		t.Fatalf("%+v", list)
	}
	got := make(chan []changes.Change)
	go func() {
		list, _ := poll(t, a, "crm", "", time.Minute)
		got <- list
	}()
	record(t, a, crmWithdrawal("e2", "C-1"))
	if list := <-got; len(list) != 1 || list[0].Type != "consent.withdrawn" {
		t.Errorf("%+v", list)
	}
}

// endpoint is a recipient's own server.
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex
	got   []string
	fails int
	more  chan struct{}
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{more: make(chan struct{}, 100)}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.fails > 0 {
			e.fails--
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		e.got = append(e.got, string(b))
		e.more <- struct{}{}
	}))
	t.Cleanup(e.Close)
	return e
}

// pushTo runs the webhooks until done is closed.
func pushTo(t *testing.T, a *App, to map[string]string) (stop func()) {
	t.Helper()
	a.cfg.HouseWebhooks = true // the endpoints of the tests are on this machine
	targets, err := a.Webhooks(to)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { a.Push(ctx, targets); close(ended) }()
	return func() { cancel(); <-ended }
}

// untilFacts waits for facts that a condition looks at.
func untilFacts(t *testing.T, a *App, is func() bool) {
	t.Helper()
	for !is() {
		head, err := a.Ledger.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if is() {
			return
		}
		soon, stop := context.WithTimeout(t.Context(), 100*time.Millisecond) // the read models may be behind the head
		_, err = a.log.Wait(soon, head)
		stop()
		if err != nil && t.Context().Err() != nil {
			t.Fatal(err)
		}
		if err := a.CaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func progressOf(t *testing.T, a *App, code string) changes.Progress {
	t.Helper()
	p, err := a.Changes.Progress(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Changes are pushed with the access recorded; a 2xx acknowledges for who does
// not by itself, and is noted for who does.
func TestPush(t *testing.T) {
	t.Parallel()
	a := open(t)
	res := record(t, a, crmContact("e1", "C-1"), crmWithdrawal("e2", "C-1"))
	crm, mailing := newEndpoint(t), newEndpoint(t)
	stop := pushTo(t, a, map[string]string{"crm": crm.URL, "mailing": mailing.URL})
	<-crm.more
	<-mailing.more
	untilFacts(t, a, func() bool {
		return progressOf(t, a, "mailing").Acknowledged > res[1].Position && progressOf(t, a, "crm").Sent > res[1].Position
	})
	stop()
	if p := progressOf(t, a, "crm"); p.Acknowledged != 0 {
		t.Errorf("the CRM acknowledges by itself, and counts as %+v", p)
	}
	if !strings.Contains(crm.got[0], `"subject":"C-1"`) || strings.Contains(mailing.got[0], "C-1") || !strings.Contains(mailing.got[0], `"ref":"`) {
		t.Errorf("%s\n%s", crm.got[0], mailing.got[0])
	}
	reasons := 0
	for x, err := range a.Audit.Accesses(t.Context(), audit.AccessFilter{Subject: res[0].Subject}) {
		if err != nil {
			t.Fatal(err)
		}
		if x.Action == "notify" && x.Reason == "recipient_notice" {
			reasons++
		}
	}
	if reasons != 2 {
		t.Errorf("%d accesses are recorded", reasons)
	}
	// Who does not acknowledge what it took gets it again after a restart.
	stop = pushTo(t, a, map[string]string{"crm": crm.URL, "mailing": mailing.URL})
	<-crm.more
	stop()
	if len(crm.got) != 2 || len(mailing.got) != 1 {
		t.Errorf("after a restart %d and %d deliveries", len(crm.got), len(mailing.got))
	}
}

func TestWebhooksAreChecked(t *testing.T) {
	t.Parallel()
	a := open(t)
	for what, c := range map[string]struct {
		to   map[string]string
		want error
	}{
		"an unknown recipient": {map[string]string{"nobody": "https://x.example"}, ErrNoRecipient},
		"http":                 {map[string]string{"crm": "http://x.example/zq"}, webhook.ErrAddress},
		"this machine":         {map[string]string{"crm": "http://127.0.0.1:9/zq"}, webhook.ErrAddress},
		"a private network":    {map[string]string{"crm": "https://10.0.0.7/zq"}, webhook.ErrAddress},
	} {
		if _, err := a.Webhooks(c.to); !errors.Is(err, c.want) || strings.Contains(err.Error(), "zq") {
			t.Errorf("%s: %v", what, err)
		}
	}
	targets, err := a.Webhooks(map[string]string{"crm": "https://x.example", "dialer": "https://y.example"})
	if err != nil || len(targets) != 2 || !a.Changes.pushes("crm") || a.Changes.pushes("mailing") {
		t.Errorf("%+v, %v", targets, err)
	}
	signing, ref, err := a.RecipientSecrets("crm")
	if err != nil || signing != webhook.Secret(targets[0].Key) || len(ref) != 64 || strings.Contains(signing, ref) {
		t.Errorf("the secrets shown are not those used: %v", err)
	}
	if _, _, err := a.RecipientSecrets("nobody"); !errors.Is(err, ErrNoRecipient) {
		t.Errorf("%v", err)
	}
}
