package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	vmemory "greffe/eventstore/vault/memory"
)

// TestRecordAfterClose: who comes late, or waits for room meanwhile, is told so
// at once.
func TestRecordAfterClose(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _ = w.Close() })
	}
	wg.Wait()
	if _, err := w.Record(context.Background(), [][]byte{[]byte(visit("e1", "C-1"))}); !errors.Is(err, ledger.ErrStopped) {
		t.Errorf("Record after Close: %v", err)
	}
	if _, err := w.Write(context.Background(), []ledger.Own{{Type: event.ExportProduced}}); !errors.Is(err, ledger.ErrStopped) {
		t.Errorf("Write after Close: %v", err)
	}
}

// TestQuarantinedPolicyIsNone: the code of a quarantined event's type must not
// pass for the type of a fact.
func TestQuarantinedPolicyIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := `{"specversion":"1.0","id":"x","source":"s","type":"policy.published","subject":"C","time":"2026-01-01T00:00:00Z","data":{}}`
	if got := w.record(raw)[0]; got.Status != ledger.Quarantined {
		t.Fatalf("%+v", got)
	}
	w.close()
	w.open()
	if p, version := w.Policy(); p == nil || version != 1 {
		t.Errorf("policy version %d after reopening", version)
	}
}

// TestQuarantineTurns sends two bad bodies of one id in turn: every one is a new
// item, in one group and over many, and nothing stops the ledger.
func TestQuarantineTurns(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	a, b := noTime("e1", "C-1"), noTime("e1", "C-2")
	items := map[domain.ID]bool{}
	for range 30 {
		for _, r := range w.record(a, b, a, a, b) {
			if r.Status != ledger.Quarantined {
				t.Fatalf("%+v", r)
			}
			items[r.Quarantine] = true
		}
	}
	// a b a a b, then a b a …: each turn but the repeated a makes an item.
	if want := 30 * 4; len(items) != want || w.count(event.IngestQuarantined) != want || w.count(event.IngestReleased) != want-1 {
		t.Errorf("%d items, %d set aside, %d released; want %d, one of them held", len(items), w.count(event.IngestQuarantined), w.count(event.IngestReleased), want)
	}
	for range 20 { // more turns than an input has ids of its own
		w.record(a, b, a, b)
	}
	for _, r := range w.record(a, created("e1", "C-1", "a@example.org"), a) {
		if r.Status == ledger.Erased || r.Status == ledger.Duplicate {
			t.Errorf("%+v", r)
		}
	}
	if q, r := w.count(event.IngestQuarantined), w.count(event.IngestReleased); q != r {
		t.Errorf("%d set aside, %d released", q, r)
	}
}

// TestReleaseInOneGroup: a bad event and its correction in one group leave no
// marker, so that nothing points to a closed item.
func TestReleaseInOneGroup(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	res := w.record(noTime("e1", "C-1"), created("e1", "C-1", "a@example.org"))
	if res[0].Status != ledger.Quarantined || res[1].Status != ledger.Recorded {
		t.Fatalf("%+v", res)
	}
	marks, err := w.vault.Holds(t.Context(), []tokenT{w.Peppers().Quarantine("crm/eu", "e1")})
	if err != nil || !marks[0].IsZero() {
		t.Errorf("a marker is left: %v %v", marks, err)
	}
}

// TestCloseReplaced: an item that another replaced cannot be closed, nor take the
// other's marker away. Its key is there still, because a destruction failed.
func TestCloseReplaced(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	first := w.record(noTime("e1", "C-1"))[0]
	w.disk.Inject(vmemory.Fault{Op: vmemory.Destroy})
	second := w.record(noTime("e1", "C-2"))[0]
	for w.disk.Waiting() > 0 {
		w.record(visit("v", "C-9"))
	}
	for _, f := range w.facts() {
		if f.ID == first.Quarantine {
			if _, err := w.CloseHeld(t.Context(), domain.ID{}, f, ledger.OutcomeDiscarded); !errors.Is(err, ledger.ErrNotHeld) {
				t.Errorf("closing what was replaced: %v", err)
			}
		}
	}
	if again := w.record(noTime("e1", "C-2"))[0]; again.Quarantine != second.Quarantine {
		t.Errorf("the item that is held was not recognised: %+v, want %s", again, second.Quarantine)
	}
	if again := w.record(noTime("e1", "C-1"))[0]; again.Quarantine == first.Quarantine {
		t.Errorf("a closed item's id was used again")
	}
}

// TestRetryOfGroup: a group that the vault refused as stale is prepared anew from
// what was sent, not from what the first attempt made of it.
func TestRetryOfGroup(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	w.record(visit("e1", "C-1"))
	w.disk.Inject(vmemory.Fault{Op: vmemory.Prepare, Err: vault.ErrStale})
	w.disk.Inject(vmemory.Fault{Op: vmemory.Prepare, Err: vault.ErrExists})
	merge := `{"specversion":"1.0","id":"m1","source":"crm/eu","type":"contact.merged","subject":"C-1","time":"2026-03-02T09:14:07Z","actor":"user:x",` +
		`"data":{"into":{"source":"crm/eu","subject":"C-2"},"reason":"duplicate"}}`
	res := w.record(merge, created("e2", "C-2", "b@example.org"), merge, created("e2", "C-2", "c@example.org"), noTime("q1", "C-3"))
	for i, want := range []ledger.Status{ledger.Recorded, ledger.Recorded, ledger.Duplicate, ledger.Conflict, ledger.Quarantined} {
		if res[i].Status != want {
			t.Errorf("event %d: %+v, want %s", i, res[i], want)
		}
	}
	f := w.facts()[res[0].Position]
	if f.Codes.String("reason") != "duplicate" || f.Codes.ID("into") != res[1].Subject {
		t.Errorf("the merge's codes are %v, its other contact is %s", f.Codes, res[1].Subject)
	}
	if n := w.count(event.AccountCreated); n != 2 {
		t.Errorf("%d accounts, want those of two actors", n)
	}
	if w.disk.Waiting() != 0 {
		t.Error("a fault did not happen")
	}
}

// TestManyNames: more persons named in one request than the caches hold.
func TestManyNames(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	const events, each = 130, 1000
	raws := many(events, func(i int) string {
		var b strings.Builder
		for j := range each {
			fmt.Fprintf(&b, `%s"C-%d"`, map[bool]string{true: ","}[j > 0], (i*each+j)%120_000)
		}
		return fmt.Sprintf(`{"specversion":"1.0","id":"a%d","source":"crm/eu","type":"access.recorded","time":"2026-03-02T09:14:07Z","data":{"reason":"customer_call","action":"read","subjects":[%s]}}`, i, b.String())
	})
	res, err := w.Record(t.Context(), raws)
	if err != nil {
		t.Fatal(err, w.Cause())
	}
	for _, r := range res {
		if r.Status != ledger.Recorded {
			t.Fatalf("%+v %v", r, r.Refusal)
		}
	}
	opened, err := w.Keyring().Open(t.Context(), []*event.Fact{w.facts()[res[0].Position], w.facts()[res[120].Position]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fieldOf(opened[0].Fields, "access.subjects"), fieldOf(opened[1].Fields, "access.subjects"); a == "" || a != b {
		t.Errorf("the same persons got other ids in a later event")
	}
}

func fieldOf(fields []event.Field, path string) string {
	for _, f := range fields {
		if f.Path == path {
			return string(f.Value)
		}
	}
	return ""
}

// TestGroupTooLarge: facts that are larger than was reckoned with make several
// groups; what is prepared can always be appended.
func TestGroupTooLarge(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	var codes event.Codes
	for i := range 200 {
		codes = codes.With(fmt.Sprintf("%0120d", i), strings.Repeat("x", 120))
	}
	owns := make([]ledger.Own, 25) // 1.3 MB of facts
	for i := range owns {
		owns[i] = ledger.Own{Type: event.ExportProduced, Codes: codes}
	}
	written, err := w.Write(t.Context(), owns)
	if err != nil {
		t.Fatal(err, w.Cause())
	}
	facts := w.facts()
	for i, o := range written {
		if o.Position != domain.Position(i+1) || facts[o.Position].ID != o.Event {
			t.Fatalf("fact %d is answered at %d", i, o.Position)
		}
	}
}

// TestDuplicateUnderAnotherPolicy: the same event sent again is a duplicate even
// if today's policy would not take it.
func TestDuplicateUnderAnotherPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := strings.Replace(visit("e1", "C-1"), `"subject"`, `"controller":"acme","subject"`, 1)
	first := w.record(raw)[0]
	if first.Status != ledger.Recorded {
		t.Fatalf("%+v", first)
	}
	next := bytes.Replace(deploy.Policy(), []byte("- code: acme\n"), []byte("- code: other\n"), 1)
	if v, _, err := w.PublishPolicy(t.Context(), domain.ID{}, next); err != nil || v != 2 {
		t.Fatal(v, err)
	}
	if again := w.record(raw)[0]; again.Status != ledger.Duplicate || again.Position != first.Position {
		t.Errorf("again: %+v %v", again, again.Refusal)
	}
	if other := w.record(strings.Replace(raw, "visit", "call", 1))[0]; other.Status != ledger.Conflict {
		t.Errorf("another body: %+v", other)
	}
}

// TestOwnThatIsNoFact: what cannot be a fact is refused before it can stop the
// ledger.
func TestOwnThatIsNoFact(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	key := part.KeyID{Owner: part.LedgerOwner(), Class: "access", Epoch: part.EpochWhole}
	taken, err := w.Write(t.Context(), []ledger.Own{{Type: event.ExportProduced}})
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]ledger.Own{
		"words for a code":  {Type: event.AccessRecorded, Codes: event.Codes{}.With("reason", "because of Anne")},
		"an empty code":     {Type: event.AccessRecorded, Codes: event.Codes{}.With("reason", "")},
		"an unknown type":   {Type: "contact.kissed"},
		"one class twice":   {Type: event.AccessRecorded, Parts: []ledger.PlainPart{{Key: key}, {Key: key}}},
		"no such owner":     {Type: event.AccessRecorded, Parts: []ledger.PlainPart{{Key: part.KeyID{Class: "access", Epoch: "whole"}}}},
		"too much":          {Type: event.AccessRecorded, Codes: event.Codes{}.With("categories", strings.Split(strings.Repeat("code,", 20_000)+"x", ","))},
		"an id that exists": {Type: event.ExportProduced, ID: taken[0].Event},
	} {
		_, err := w.Write(t.Context(), []ledger.Own{o})
		if !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "Anne") {
			t.Errorf("%s: the error quotes the value", name)
		}
	}
	if w.Cause() != nil || w.record(visit("e1", "C-1"))[0].Status != ledger.Recorded {
		t.Errorf("the ledger stopped: %v", w.Cause())
	}
}

// TestRecordedRises: times of recording rise with positions though the clock goes
// back, also over a restart.
func TestRecordedRises(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	now := testNow
	reopen := func() {
		_ = w.Ledger.Close()
		cfg := config(w.mem, w.vault)
		cfg.Now = func() time.Time { return now }
		l, err := ledger.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		w.Ledger = l
	}
	for i, step := range []time.Duration{time.Minute, -time.Hour, time.Second, 2 * time.Hour} {
		now = now.Add(step)
		reopen()
		w.record(visit(fmt.Sprint("e", i), "C-1"))
	}
	var last time.Time
	for i, f := range w.facts() {
		if f.Recorded.Before(last) {
			t.Errorf("position %d was recorded at %s, after %s", i, f.Recorded.Time, last)
		}
		last = f.Recorded.Time
	}
	if !last.Equal(now) {
		t.Errorf("the newest was recorded at %s, the clock says %s", last, now)
	}
}

// TestPolicyOfGoneCaller: who publishes and does not wait has published.
func TestPolicyOfGoneCaller(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, err := w.PublishPolicy(ctx, domain.ID{}, append([]byte("# two\n"), deploy.Policy()...))
		done <- err
	}()
	<-w.gate.came
	cancel()
	close(w.gate.open)
	if err := <-done; err != nil && !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("a published policy is answered %v", err)
	}
	v, _, err := w.PublishPolicy(t.Context(), domain.ID{}, append([]byte("# three\n"), deploy.Policy()...))
	if err != nil || v != 3 {
		t.Fatalf("the next version is %d, %v", v, err)
	}
	w.restart()
	if _, v := w.Policy(); v != 3 || !bytes.HasPrefix(w.PolicySource(), []byte("# three\n")) {
		t.Errorf("version %d in force after a restart", v)
	}
	for v := int64(1); v <= 3; v++ {
		if p, err := w.PolicyVersion(t.Context(), v); err != nil || p == nil {
			t.Errorf("version %d: %v", v, err)
		}
	}
	if _, err := w.PolicyVersion(t.Context(), 4); !errors.Is(err, ledger.ErrNoPolicy) {
		t.Errorf("version 4: %v", err)
	}
}
