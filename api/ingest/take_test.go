package ingest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/api/ingest"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	vaultmemory "greffe/eventstore/vault/memory"
)

var testNow = time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)

type testKEK struct{}

func (testKEK) ID() string { return "test" }
func (testKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (testKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

// world is a real ledger in memory that notes the order of what it is given and
// fails where it is told to.
type world struct {
	*ledger.Ledger
	log *memory.Log

	mu     sync.Mutex
	calls  []string
	failAt int // the n-th call fails, from 1
	fail   error
}

func newWorld(t testing.TB) *world {
	t.Helper()
	log, v := memory.New(), new(vaultmemory.Disk).Open()
	l, err := ledger.Open(t.Context(), ledger.Config{Log: log, Vault: v, KEK: testKEK{}, Now: func() time.Time { return testNow },
		Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), log.Close(), v.Close()); err != nil {
			t.Error(err)
		}
	})
	return &world{Ledger: l, log: log}
}

func (w *world) called(what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, what)
	if len(w.calls) == w.failAt {
		return w.fail
	}
	return nil
}

func (w *world) Record(ctx context.Context, raws [][]byte) ([]ledger.Result, error) {
	what := "others"
	if in, _ := event.Decode(raws[0]); in.Type.Protective() {
		what = "protective"
	}
	if err := w.called(what); err != nil {
		return nil, err
	}
	return w.Ledger.Record(ctx, raws)
}

func (w *world) SetAside(ctx context.Context, all []ledger.Aside) ([]ledger.Result, error) {
	if err := w.called("aside"); err != nil {
		return nil, err
	}
	return w.Ledger.SetAside(ctx, all)
}

func (w *world) take(t testing.TB, m *ingest.Mapping, body string) []ingest.Outcome {
	t.Helper()
	out, err := ingest.Take(t.Context(), w, mapAll(t, m, []byte(body), ""))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// count counts the facts of each type.
func (w *world) count(t testing.TB) map[event.Type]int {
	t.Helper()
	head, err := w.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[event.Type]int{}
	err = w.log.Read(t.Context(), 0, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil {
			out[f.Type]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// taker is a mapping for these tests: "stop" objects, "bad" fails afterwards,
// "name" changes a contact, "skip" is left out.
const taker = `#: id: .id
#: subject: .who
def change: {type: "contact.changed", subject: .who, time: "2026-03-02T10:00:00Z", data: {set: {"person.given_name": .name}}};
(if .stop then {id: ($id + ":o"), type: "opposition.registered", subject: .who, time: .time, data: {purpose: "prospecting", channels: [.stop]}} else empty end),
(if .name then change else empty end),
(if .skip then {ignore: .skip} else empty end),
(if .bad then error("bad") else empty end)`

func status(o ingest.Outcome) string {
	s := []string{o.Status()}
	for _, e := range o.Events {
		s = append(s, string(e.Status))
	}
	if o.Aside != nil {
		s = append(s, "aside "+string(o.Aside.Status)+" "+o.Aside.Refusal.Code)
	}
	return strings.Join(s, ", ")
}

func TestTakeOneAnswerForEachRecord(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), compile(t, taker)
	const body = `[{"id":"1","who":"C-1","name":"Anne"},{"id":"2","skip":"a_test"},{"id":"3","who":"C-1","stop":"email","bad":true},
		{"id":"4","who":"C-2"},{"id":"5","name":"Nobody"},{"id":"6","who":"C-3","stop":"sms","name":"Zoé"},{"id":"1","who":"C-1","name":"Anne"}]`
	want := []string{"recorded, recorded", "ignored", "quarantined, recorded, aside quarantined mapping_failed",
		"quarantined, aside quarantined mapping_empty", "quarantined, quarantined", "recorded, recorded, recorded", "duplicate, duplicate"}
	for round := range 2 {
		out := w.take(t, m, body)
		if len(out) != len(want) {
			t.Fatalf("%d outcomes", len(out))
		}
		for i, o := range out {
			expect := want[i]
			if round == 1 {
				expect = strings.ReplaceAll(expect, "recorded", "duplicate")
			}
			if got := status(o); got != expect {
				t.Errorf("round %d, record %d: %s, not %s", round, i+1, got, expect)
			}
		}
		if round == 0 && !slices.Equal(w.calls, []string{"protective", "others", "aside"}) {
			t.Errorf("the order was %v", w.calls)
		}
	}
	if n := w.count(t); n[event.OppositionRegistered] != 2 || n[event.ContactChanged] != 2 || n[event.IngestQuarantined] != 3 {
		t.Errorf("the log has %v", n)
	}
}

// A record that was set aside is released by its corrected resend.
func TestCorrectedResendReplacesWhatWasSetAside(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), compile(t, taker)
	w.take(t, m, `{"id":"1","who":"C-1","name":"Anne","bad":true}`)
	w.take(t, m, `{"id":"1","who":"C-1","name":"Ann","bad":true}`)
	w.take(t, m, `{"id":"1","who":"C-1","name":"Anne"}`)
	if n := w.count(t); n[event.IngestQuarantined] != 2 || n[event.IngestReleased] != 2 || n[event.ContactChanged] != 1 {
		t.Errorf("the log has %v", n)
	}
}

// Who sends webhooks reads no answers: an id used for two things loses neither.
func TestConflictsAreNotLost(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), compile(t, taker)
	w.take(t, m, `{"id":"1","who":"C-1","name":"Anne","stop":"email"}`)
	for round := range 2 {
		got := status(w.take(t, m, `{"id":"1","who":"C-9","name":"Paul","stop":"phone"}`)[0])
		want := "quarantined, recorded, conflict, aside quarantined id_conflict"
		if round == 1 {
			want = strings.Replace(want, "recorded", "duplicate", 1)
		}
		if got != want {
			t.Errorf("round %d: %s", round, got)
		}
	}
	if n := w.count(t); n[event.OppositionRegistered] != 2 || n[event.ContactChanged] != 1 || n[event.IngestQuarantined] != 1 {
		t.Errorf("the log has %v", n)
	}
	w.take(t, m, `{"id":"2","who":"C-1","name":"Anne"}`)
	if got := status(w.take(t, m, `{"id":"2","who":"C-1","name":"Anne","bad":true}`)[0]); got != "quarantined, aside quarantined mapping_failed" {
		t.Errorf("a record that fails after its id was recorded: %s", got)
	}
}

// A record may fail after an event of it took the record's own id.
func TestRecordSetAsideBesideItsID(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), compile(t, `#: id: .id`+"\n"+`{type: "opposition.registered", subject: "C-1", data: {}}, error("x")`)
	for _, want := range []string{"quarantined, recorded, aside quarantined mapping_failed", "quarantined, duplicate, aside quarantined mapping_failed"} {
		if got := status(w.take(t, m, `{"id":"1"}`)[0]); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if n := w.count(t); n[event.OppositionRegistered] != 1 || n[event.IngestQuarantined] != 1 {
		t.Errorf("the log has %v", n)
	}
}

func TestTakeSaysWhenTheOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	m := compile(t, taker)
	const body = `[{"id":"3","who":"C-1","stop":"email","bad":true},{"id":"6","who":"C-3","name":"Zoé"}]`
	for at, want := range map[int]error{1: ledger.ErrBusy, 2: ledger.ErrUnknown, 3: ledger.ErrUnknown} {
		w := newWorld(t)
		w.failAt, w.fail = at, ledger.ErrBusy
		out, err := ingest.Take(t.Context(), w, mapAll(t, m, []byte(body), ""))
		if out != nil || !errors.Is(err, want) || at > 1 && errors.Is(err, ledger.ErrBusy) {
			t.Errorf("a failure of call %d: %v", at, err)
		}
		if n := w.count(t)[event.OppositionRegistered]; (n == 1) != (at > 1) {
			t.Errorf("a failure of call %d: %d objections", at, n)
		}
		w.failAt = 0
		if again := w.take(t, m, body); len(again) != 2 || again[1].Status() != string(ledger.Recorded) && again[1].Status() != string(ledger.Duplicate) {
			t.Errorf("sent again: %+v", again)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := newWorld(t)
	if _, err := ingest.Take(ctx, w, mapAll(t, m, []byte(body), "")); !errors.Is(err, ledger.ErrBusy) || len(w.calls) != 0 {
		t.Errorf("after the caller left: %v, %v", err, w.calls)
	}
}

func TestMapAllKeepsOrder(t *testing.T) {
	t.Parallel()
	m := compile(t, `#: id: .n`+"\n"+`{type: "contact.deleted", subject: "C", time: "2026-03-02T10:00:00Z"}`)
	var body strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&body, "{\"n\":%d}\n", i)
	}
	var all []ingest.Record
	for rec, err := range m.Records(strings.NewReader(body.String()), ingest.NDJSON) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	for i, r := range m.MapAll(t.Context(), all, "test") {
		if r.ID != fmt.Sprint(i) || len(r.Events) != 1 {
			t.Fatalf("%d: %+v", i, r)
		}
	}
	if got := ingest.Sources(m.MapAll(t.Context(), all[:3], "test/a")); !slices.Equal(got, []string{"test/a"}) {
		t.Errorf("%v", got)
	}
}
