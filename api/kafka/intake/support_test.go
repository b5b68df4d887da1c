package intake_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/ingest"
	"greffe/api/kafka"
	"greffe/api/kafka/intake"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	logmemory "greffe/eventstore/memory"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
)

// soon bounds what a test waits for.
const soon = time.Minute

// testKEK wraps with nothing but a name: wrapping is vault/kek's own matter.
type testKEK struct{}

func (testKEK) ID() string { return "test" }
func (testKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (testKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

// world is a broker, and a ledger on a log in memory and a real vault.
type world struct {
	t       testing.TB
	cluster *kfake.Cluster
	addrs   []string
	log     eventstore.Log
	vault   vault.Store
	*ledger.Ledger
	rec *recorder
	own intake.Writer // nil: rec
}

var testNow = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, opts ...kfake.Opt) *world {
	t.Helper()
	opts = append([]kfake.Opt{kfake.NumBrokers(3), kfake.BrokerConfigs(map[string]string{"message.max.bytes": "67108864"}),
		kfake.GroupMinSessionTimeout(100 * time.Millisecond)}, opts...)
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := &world{t: t, cluster: c, addrs: c.ListenAddrs(), log: logmemory.New()}
	w.openLedger(filepath.Join(t.TempDir(), "vault.db"))
	return w
}

func (w *world) openLedger(path string) {
	w.t.Helper()
	var err error
	if w.vault, err = sqlite.Open(w.t.Context(), path); err != nil {
		w.t.Fatal(err)
	}
	w.Ledger, err = ledger.Open(w.t.Context(), ledger.Config{Log: w.log, Vault: w.vault, KEK: testKEK{}, Now: func() time.Time { return testNow },
		Rand: rand.Reader, FirstPolicy: deploy.Policy(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.rec = &recorder{next: w.Ledger}
	w.t.Cleanup(func() {
		for _, err := range []error{w.Ledger.Close(), w.vault.Close()} {
			if err != nil {
				w.t.Error(err)
			}
		}
	})
}

// recorder is the ledger, with faults.
type recorder struct {
	next interface {
		ingest.Recorder
		intake.Writer
	}
	mu     sync.Mutex
	before func(ctx context.Context, raws [][]byte) error      // instead of recording, if it gives one
	after  func(raws [][]byte) error                           // when recorded, before the answer
	asides func(ctx context.Context, all []ledger.Aside) error // instead of setting aside
	calls  atomic.Int64                                        // of Record
	events atomic.Int64                                        // that were given to it
	inside atomic.Int64                                        // calls now
	most   atomic.Int64                                        // of inside
	owns   atomic.Int64
}

func (r *recorder) set(fn func(*recorder)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(r)
}

func (r *recorder) Record(ctx context.Context, raws [][]byte) ([]ledger.Result, error) {
	r.calls.Add(1)
	r.events.Add(int64(len(raws)))
	r.most.Store(max(r.most.Load(), r.inside.Add(1)))
	defer r.inside.Add(-1)
	r.mu.Lock()
	before, after := r.before, r.after
	r.mu.Unlock()
	if before != nil {
		if err := before(ctx, raws); err != nil {
			return nil, err
		}
	}
	results, err := r.next.Record(ctx, raws)
	if err == nil && after != nil {
		if err := after(raws); err != nil {
			return nil, err
		}
	}
	return results, err
}

func (r *recorder) SetAside(ctx context.Context, all []ledger.Aside) ([]ledger.Result, error) {
	r.mu.Lock()
	asides := r.asides
	r.mu.Unlock()
	if asides != nil {
		if err := asides(ctx, all); err != nil {
			return nil, err
		}
	}
	return r.next.SetAside(ctx, all)
}

func (r *recorder) Write(ctx context.Context, owns []ledger.Own) ([]ledger.Written, error) {
	r.owns.Add(1)
	return r.next.Write(ctx, owns)
}

// tuning makes everything quick.
func tuning() intake.Tuning {
	return intake.Tuning{FetchWait: 50 * time.Millisecond, CommitEvery: 10 * time.Millisecond, WatchEvery: 50 * time.Millisecond,
		BackoffFirst: 5 * time.Millisecond, BackoffMost: 50 * time.Millisecond, Session: 2 * time.Second, Rebalance: 3 * time.Second,
		Rejoin: 50 * time.Millisecond, Grace: 100 * time.Millisecond, RecordWait: 5 * time.Second, Stall: 2 * time.Second}
}

func crm() kafka.Intake {
	return kafka.Intake{Group: "greffe", Topics: []kafka.Topic{{Topic: "crm", Sources: []string{"crm/eu"}}}}
}

// member is a running intake.
type member struct {
	*intake.Intake
	stop func()
}

// start runs an intake until the test ends or stop is called.
func (w *world) start(cfg kafka.Intake, change ...func(*intake.Tuning)) *member {
	w.t.Helper()
	return w.startOn(&kafka.Config{Brokers: w.addrs, ClientID: "test", Intake: &cfg}, change...)
}

func (w *world) startOn(cfg *kafka.Config, change ...func(*intake.Tuning)) *member {
	w.t.Helper()
	cluster, err := kafka.Open(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	set, err := ingest.Load(deploy.Mappings(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	own := w.own
	if own == nil {
		own = w.rec
	}
	tune := tuning()
	for _, c := range change {
		c(&tune)
	}
	in, err := intake.New(*cfg.Intake, tune, intake.Deps{Cluster: cluster, Recorder: w.rec, Own: own, Mappings: set})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := in.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	var once sync.Once
	m := &member{in, func() {
		once.Do(func() {
			cancel()
			select {
			case <-done:
			case <-time.After(soon):
				w.t.Error("Run did not return")
			}
		})
	}}
	w.t.Cleanup(m.stop)
	return m
}

// eventually waits until f holds.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(soon)
	for !f() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within %s", what, soon)
		}
	}
}

// send writes messages to partition 0, or where their Partition says.
func (w *world) send(topic string, all ...kafkago.Message) {
	w.t.Helper()
	wr := &kafkago.Writer{Addr: kafkago.TCP(w.addrs...), Topic: topic, RequiredAcks: kafkago.RequireAll, BatchSize: 1000, BatchBytes: 64 << 20,
		BatchTimeout: time.Millisecond, Transport: &kafkago.Transport{MetadataTTL: time.Second},
		Balancer: kafkago.BalancerFunc(func(m kafkago.Message, partitions ...int) int {
			if n, ok := m.WriterData.(int); ok {
				return n
			}
			return partitions[0]
		})}
	defer wr.Close()
	for len(all) > 0 { // in batches of 256 KiB, or of one message
		n, size := 0, 0
		for n < len(all) && n < 1000 && (n == 0 || size < 256<<10) {
			size += len(all[n].Value)
			n++
		}
		if err := wr.WriteMessages(w.t.Context(), all[:n]...); err != nil {
			w.t.Fatal(err)
		}
		all = all[n:]
	}
}

func value(s string) kafkago.Message { return kafkago.Message{Value: []byte(s)} }

func on(partition int, s string) kafkago.Message {
	return kafkago.Message{Value: []byte(s), WriterData: partition}
}

// committed is what the group committed; -1: nothing.
func (w *world) committed(topic string, partition int) int64 {
	w.t.Helper()
	res, err := (&kafkago.Client{Addr: kafkago.TCP(w.addrs...), Timeout: 5 * time.Second}).OffsetFetch(w.t.Context(),
		&kafkago.OffsetFetchRequest{GroupID: "greffe", Topics: map[string][]int{topic: {partition}}})
	if err != nil { // a connection from before the cluster's restart
		w.t.Log(err)
		return -1
	}
	if len(res.Topics[topic]) == 0 { // the group is not known yet
		return -1
	}
	return res.Topics[topic][0].CommittedOffset
}

// waitCommitted waits until the group committed up to an offset.
func (w *world) waitCommitted(topic string, partition int, offset int64) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("commit of %s/%d at %d", topic, partition, offset), func() bool { return w.committed(topic, partition) == offset })
}

func (w *world) facts() []*event.Fact {
	w.t.Helper()
	head, err := w.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var all []*event.Fact
	err = w.log.Read(w.t.Context(), 0, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil {
			all = append(all, f)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// count is the facts of a type.
func (w *world) count(t event.Type) (n int) {
	for _, f := range w.facts() {
		if f.Type == t {
			n++
		}
	}
	return n
}

// held opens what is in quarantine, by reason.
func (w *world) held() map[string][]string {
	w.t.Helper()
	out := map[string][]string{}
	for _, f := range w.facts() {
		if f.Type != event.IngestQuarantined {
			continue
		}
		raw, err := w.Held(w.t.Context(), f)
		if err != nil {
			w.t.Fatal(err)
		}
		code := f.Codes.String("reason")
		out[code] = append(out[code], string(raw))
	}
	return out
}

func reasons(held map[string][]string) string {
	var out []string
	for _, code := range slices.Sorted(maps.Keys(held)) {
		out = append(out, fmt.Sprintf("%s %d", code, len(held[code])))
	}
	return strings.Join(out, ", ")
}

// created is a contact.created.
func created(id, subject string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":"contact.created","subject":%q,"time":"2026-03-02T09:14:07Z",`+
		`"actor":"user:jdupont","sequence":"42","partitionkey":%q,"data":{"kind":"prospect","person":{"given_name":"Anne","emails":["%s@example.org"]}}}`, id, subject, subject, subject)
}

// opposed is an opposition.registered.
func opposed(id, subject string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":"opposition.registered","subject":%q,"time":"2026-03-02T09:14:07Z","data":{"scope":"all"}}`, id, subject)
}

// refused is New's answer to settings.
func (w *world) refused(cfg kafka.Intake) error {
	set, err := ingest.Load(deploy.Mappings(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	cluster, err := kafka.Open(&kafka.Config{Brokers: w.addrs, ClientID: "test", Intake: &kafka.Intake{Group: "g", Topics: crm().Topics}})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = intake.New(cfg, intake.Tuning{}, intake.Deps{Cluster: cluster, Recorder: w.rec, Own: w.rec, Mappings: set})
	return err
}
