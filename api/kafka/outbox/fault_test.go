package outbox_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"greffe/api/kafka/outbox"
	"greffe/domain"
	"greffe/eventstore/vault"
	"greffe/projections/changes"
)

// people records so many contacts with two withdrawals each and returns the
// position of the last.
func people(w *world, n int) (last domain.Position) {
	w.t.Helper()
	for i := range n {
		w.created("crm/eu", "C-"+string(rune('a'+i)))
	}
	for range 2 {
		for i := range n {
			last = w.withdrawn("C-" + string(rune('a'+i)))
		}
	}
	return last
}

func ids(all []got) (distinct int) {
	seen := map[string]bool{}
	for _, g := range all {
		seen[g.ID] = true
	}
	return len(seen)
}

// keyFile is a key under which the people of these tests are on all partitions.
func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A broker that wrote and did not say so gets the batch again: the same ids, in
// order. Errors of one partition hold nothing of the others back for good.
func TestWrittenButNotSaid(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]kfake.Fault{
		"timed out after the write":     {Keys: []kmsg.Key{kmsg.Produce}, Topic: "greffe.consent", Err: kerr.RequestTimedOut, Count: 4},
		"too few replicas after it":     {Keys: []kmsg.Key{kmsg.Produce}, Topic: "greffe.consent", Err: kerr.NotEnoughReplicasAfterAppend, Count: 2},
		"one partition without leader":  {Keys: []kmsg.Key{kmsg.Produce}, Topic: "greffe.consent", Partitions: []int32{1}, Err: kerr.NotLeaderForPartition, Count: 5},
		"one partition after the write": {Keys: []kmsg.Key{kmsg.Produce}, Topic: "greffe.consent", Partitions: []int32{2}, Err: kerr.RequestTimedOut, Count: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, b := newWorld(t), newBroker(t)
			last := people(w, 8)
			h := b.Fault(f)
			o := w.outbox(b, "recipients: [{code: crm, key_file: "+keyFile(t)+"}]")
			run(t, o)
			w.published("crm", last)
			all := b.messages("greffe.consent")
			inOrder(t, all)
			s, err := o.State(t.Context())
			w.ok(err)
			if ids(all) != 16 || h.Hits() == 0 || s.Recipients[0].Retries == 0 || s.Recipients[0].Trouble != "" {
				t.Errorf("%d of 16 messages, %d faults, %+v", ids(all), h.Hits(), s.Recipients[0])
			}
			if repeats := f.Err == kerr.RequestTimedOut || f.Err == kerr.NotEnoughReplicasAfterAppend; repeats != (len(all) > 16) {
				t.Errorf("%d messages", len(all))
			}
		})
	}
}

// A broker that goes away and comes back, with a topic that is not there at
// first: what was published stays, the rest follows.
func TestBrokerRestarts(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	w.created("crm/eu", "C-1")
	first := w.withdrawn("C-1")
	failed := make(chan struct{}, 1)
	run(t, w.outbox(b, "recipients: [crm]", func(d *outbox.Deps) {
		pause := d.Pause
		d.Pause = func(ctx context.Context, wait time.Duration) error {
			if wait >= 50*time.Millisecond { // a back-off
				select {
				case failed <- struct{}{}:
				default:
				}
			}
			return pause(ctx, wait)
		}
	}))
	w.published("crm", first)
	b.Cluster.Close()
	var last domain.Position
	for range 20 {
		last = w.withdrawn("C-1")
	}
	<-failed
	b.start()
	w.published("crm", last)
	all := b.messages("greffe.consent")
	inOrder(t, all)
	if ids(all) != 21 {
		t.Errorf("%d of 21 messages", ids(all))
	}
}

// counting is a source that counts.
type counting struct {
	*outbox.Reads
	batches, opened atomic.Int64
}

func (c *counting) Next(ctx context.Context, code string, from domain.Position, limit int) (outbox.Batch, error) {
	b, err := c.Reads.Next(ctx, code, from, limit)
	if len(b.Changes) > 0 {
		c.batches.Add(1)
		c.opened.Add(int64(len(b.Changes)))
	}
	return b, err
}

// While a broker does not answer, one batch is in memory however much is behind,
// each request ends by its deadline, and the lag shows.
func TestSlowBroker(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	last := people(w, 8)
	answer := make(chan struct{})
	asked := make(chan struct{}, 100)
	b.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		select {
		case <-answer:
			return nil, nil, false
		default:
		}
		select {
		case asked <- struct{}{}:
		default:
		}
		b.SleepControl(func() { <-answer })
		return nil, nil, false
	})
	var source *counting
	o := w.outbox(b, "recipients: [crm]", func(d *outbox.Deps) {
		source = &counting{Reads: w.source()}
		d.Source, d.Timeout = source, 50*time.Millisecond
	})
	run(t, o)
	for range 5 {
		<-asked
	}
	s, err := o.State(t.Context())
	w.ok(err)
	if r := s.Recipients[0]; source.batches.Load() != 1 || r.Behind < 16 || r.Oldest.IsZero() || r.Failing.IsZero() || r.Sent != 0 {
		t.Errorf("%d batches of %d changes in memory, %+v", source.batches.Load(), source.opened.Load(), r)
	}
	close(answer)
	w.published("crm", last)
	inOrder(t, b.messages("greffe.consent"))
	if n := ids(b.messages("greffe.consent")); n != 16 {
		t.Errorf("%d of 16 messages", n)
	}
}

// Who lost its lease records nothing; its successor publishes again.
func TestFenced(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	w.created("crm/eu", "C-1")
	at := w.withdrawn("C-1")
	w.fenced = true
	o := w.outbox(b, "recipients: [crm]")
	if err := o.Run(t.Context()); !errors.Is(err, vault.ErrFenced) {
		t.Fatalf("%v", err)
	}
	if w.progress("crm").Sent != 0 || len(w.wrote()) != 0 {
		t.Errorf("progress of an old term is kept: %v", w.wrote())
	}
	w.mu.Lock()
	w.fenced = false
	w.mu.Unlock()
	run(t, w.outbox(b, "recipients: [crm]"))
	w.published("crm", at)
	all := b.messages("greffe.consent")
	if inOrder(t, all); len(all) != 2 || ids(all) != 1 {
		t.Errorf("%v", all)
	}
}

// An hour of failing is a fact, once; success ends it.
func TestFailingIsSaid(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	w.created("crm/eu", "C-1")
	at := w.withdrawn("C-1")
	var hours atomic.Int64
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 6})
	run(t, w.outbox(b, "recipients: [crm]", func(d *outbox.Deps) {
		d.Now = func() time.Time { return day.Add(time.Duration(hours.Add(1)) * 10 * time.Minute) }
	}))
	w.published("crm", at)
	if got := w.wrote(); !slices.Equal(got, []string{"notification.sent crm failing", "notification.sent crm taken"}) {
		t.Errorf("%q", got)
	}
	if !w.progress("crm").Failing.IsZero() {
		t.Error("it fails still")
	}
}

// Nothing of a person is in the broker's files, neither of the contact data nor
// of own ids that are an address or a number; own ids that are codes stand there
// only where the configuration says so.
func TestNothingPersonalOnDisk(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t, "crm.consent", "crm.opposition", "crm.erasure", "crm.requests")
	var last domain.Position
	for _, id := range []string{"zq.key@example.org", "+33698765433", "06 98 76 54 34", "KUNDE-77"} {
		s := w.created("crm/eu", id)
		w.record("crm/eu", "consent.withdrawn", id, `{"purpose":"prospecting","channels":["email"]}`)
		w.record("crm/eu", "contact.changed", id, `{"set":{"person.emails":["zq.new@example.org"]},"reason":"rectification"}`)
		_, last = w.erase(s, changes.OwnID{Source: "crm/eu", Subject: id})
	}
	run(t, w.outbox(b, "recipients: [{code: crm, identify: own, prefix: crm.}, mailing]"))
	w.published("crm", last)
	w.published("mailing", last)
	own := 0
	for _, g := range b.messages("crm.consent") {
		if g.Data.Identified == outbox.ByOwn {
			own++
		}
	}
	if own != 1 {
		t.Errorf("%d messages by an own id, of 1 that is a code", own)
	}
	b.Cluster.Close()
	defer b.start()
	personal := []string{"example.org", "Zoubida", "Zqquarel", "98765432", "98765433", "98765434", "98 76 54 34"}
	found := 0
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		bytes, err := os.ReadFile(path)
		for _, p := range personal {
			if strings.Contains(string(bytes), p) {
				t.Errorf("%s holds %q", filepath.Base(path), p)
			}
		}
		found += strings.Count(string(bytes), "KUNDE-77")
		return err
	})
	w.ok(err)
	if found == 0 {
		t.Error("the search finds nothing at all")
	}
}
