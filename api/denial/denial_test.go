package denial_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greffe/api/denial"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	vmemory "greffe/eventstore/vault/memory"
)

// desk stands where the ledger does, and remembers.
type desk struct {
	mu    sync.Mutex
	rules *policy.Policy
	owns  []ledger.Own
	err   error
}

func (d *desk) Write(_ context.Context, owns []ledger.Own) ([]ledger.Written, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, d.err
	}
	d.owns = append(d.owns, owns...)
	return make([]ledger.Written, len(owns)), nil
}

func (d *desk) Policy() (*policy.Policy, int64) { return d.rules, 1 }

func (d *desk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

// counts are the facts written so far, and what they count.
func (d *desk) counts() (facts int, refusals int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.owns {
		refusals += o.Codes.Int("count")
	}
	return len(d.owns), refusals
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return &desk{rules: p}
}

var refused = denial.Refusal{Account: domain.ID{7}, Route: "get-v1-subjects-id", Code: "permission_missing"}

// A flood of one key writes one fact in the first second, then one a minute, and
// no refusal is lost.
func TestFlood(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	synctest.Test(t, func(t *testing.T) {
		r := denial.New(d, time.Now, nil)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		for range 300 { // five minutes
			for range 100 {
				r.Denied(refused)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if facts, n := d.counts(); facts < 5 || facts > 6 || n < 100*240 {
			t.Errorf("%d facts of %d refusals in five minutes", facts, n)
		}
		stop()
		<-ended
		if facts, n := d.counts(); facts > 7 || n != 30_000 {
			t.Errorf("%d facts of %d refusals after the end", facts, n)
		}
	})
}

// The first refusal of a key does not wait for the minute; each key has its own.
func TestFirstIsSwift(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	synctest.Test(t, func(t *testing.T) {
		r := denial.New(d, time.Now, nil)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go r.Run(ctx)
		r.Denied(refused)
		time.Sleep(1500 * time.Millisecond)
		other := refused
		other.Code = "reason_forbidden"
		r.Denied(other)
		time.Sleep(1500 * time.Millisecond)
		if facts, n := d.counts(); facts != 2 || n != 2 {
			t.Errorf("%d facts of %d refusals", facts, n)
		}
		stop()
		synctest.Wait()
	})
}

// What could not be written is counted on.
func TestFailedWrite(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := denial.New(d, time.Now, nil)
	d.fail(eventstore.ErrFailed)
	r.Denied(refused)
	if err := r.Flush(t.Context()); !errors.Is(err, eventstore.ErrFailed) {
		t.Fatal(err)
	}
	r.Denied(refused)
	d.fail(nil)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if facts, n := d.counts(); facts != 1 || n != 2 {
		t.Errorf("%d facts of %d refusals", facts, n)
	}
}

// Memory is bounded: beyond so many keys they count together, and words that are
// no codes never get near a fact.
func TestBounds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := denial.New(d, time.Now, nil)
	for i := range 20_000 {
		r.Denied(denial.Refusal{Account: domain.DeriveID([]byte{1, byte(i), byte(i >> 8), 15: 1}), Route: "get-v1-subjects-id", Code: "permission_missing"})
	}
	r.Denied(denial.Refusal{Account: domain.ID{7}, Route: "anne martin", Code: "é"})
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if facts, n := d.counts(); facts > 10_002 || n != 20_001 {
		t.Errorf("%d facts of %d refusals", facts, n)
	}
	for _, o := range d.owns {
		if strings.Contains(o.Codes.String("route"), " ") || o.Codes.String("code") == "é" {
			t.Fatal("words in a fact")
		}
	}
}

type plainKEK struct{}

func (plainKEK) ID() string { return "test" }
func (plainKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (plainKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

// The fact in the log has codes and counts alone; who it was is sealed with the
// access journal.
func TestAccountIsSealed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	log := memory.New()
	l, err := ledger.Open(t.Context(), ledger.Config{Log: log, Vault: new(vmemory.Disk).Open(), KEK: plainKEK{},
		Now: func() time.Time { return now }, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := denial.New(l, func() time.Time { return now }, nil)
	r.Denied(refused)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var f *event.Fact
	var raw []byte
	head, _ := log.Head(t.Context())
	if err := log.Read(t.Context(), head-1, head, func(_ domain.Position, b []byte) (err error) {
		raw = bytes.Clone(b)
		f, err = event.DecodeFact(raw)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if f.Type != event.AccessDenied || f.Codes.String("route") != refused.Route || f.Codes.String("code") != refused.Code || f.Codes.Int("count") != 1 {
		t.Errorf("%+v", f)
	}
	if bytes.Contains(raw, []byte(refused.Account.String())) {
		t.Error("the account stands in the log in clear")
	}
	opened, err := l.Keyring().Open(t.Context(), []*event.Fact{f}, nil)
	if err != nil || !bytes.Contains(event.Plaintext(opened[0].Fields), []byte(refused.Account.String())) {
		t.Errorf("the account is not sealed either: %v", err)
	}
	if p := f.Parts[0]; p.Class != "access" || p.Epoch != "2026-03" {
		t.Errorf("sealed under %s/%s", p.Class, p.Epoch)
	}
}
