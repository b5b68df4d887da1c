package intake_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/kafka/intake"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/embedded"
)

const (
	childBrokers = "GREFFE_TEST_BROKERS"
	childDir     = "GREFFE_TEST_DIR"
)

// files opens a ledger on real files, and an intake into it.
func (w *world) files(dir string) {
	w.t.Helper()
	log, err := embedded.Open(filepath.Join(dir, "log"), embedded.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := log.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.log = log
	w.openLedger(filepath.Join(dir, "vault.db"))
}

// TestChild is the process that TestKill kills; by itself it does nothing.
func TestChild(t *testing.T) {
	addrs := os.Getenv(childBrokers)
	if addrs == "" {
		return
	}
	w := &world{t: t, addrs: strings.Split(addrs, ",")}
	w.files(os.Getenv(childDir))
	w.rec.set(func(r *recorder) {
		r.after = func([][]byte) error { fmt.Println("recorded"); return nil }
	})
	w.start(crm(), func(t *intake.Tuning) {
		t.BatchMessages, t.Session, t.Rebalance = 50, 500*time.Millisecond, time.Second
	})
	<-t.Context().Done() // until it is killed
}

// A consumer process is killed again and again in mid-stream, with its ledger on
// files; its successor finds all, and records nothing twice.
func TestKill(t *testing.T) {
	t.Parallel()
	const partitions, each = 3, 2000
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(partitions, "crm"), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := &world{t: t, cluster: c, addrs: c.ListenAddrs()}
	dir := t.TempDir()
	for p := range partitions {
		var all []kafkago.Message
		for i := range each {
			all = append(all, on(p, created(fmt.Sprintf("e-%d-%d", p, i), fmt.Sprintf("C-%d-%d", p, i%100))))
		}
		w.send("crm", all...)
	}
	for round := range 4 {
		child := exec.Command(os.Args[0], "-test.run", "^TestChild$", "-test.timeout", "2m")
		child.Env = append(os.Environ(), childBrokers+"="+strings.Join(w.addrs, ","), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 8+3*round && lines.Scan(); { // recorded, and not committed yet
			if lines.Text() == "recorded" {
				n++
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
	}
	w.files(dir)
	before := w.count(event.ContactCreated)
	m := w.start(crm())
	for p := range partitions {
		w.waitCommitted("crm", p, each)
	}
	if n := w.count(event.ContactCreated); n != partitions*each {
		t.Errorf("%d facts of %d events", n, partitions*each)
	}
	if before == 0 || before == partitions*each {
		t.Errorf("the killed ones recorded %d: nothing was in mid-stream", before)
	}
	duplicates := int64(0)
	for _, p := range m.State().Partitions {
		duplicates += p.Results["duplicate"]
	}
	if duplicates == 0 {
		t.Error("nothing was read twice: the kills proved nothing")
	}
	t.Logf("killed ones recorded %d of %d, %d were read twice", before, partitions*each, duplicates)
	seen := map[domain.ID]bool{}
	for _, f := range w.facts() {
		if seen[f.ID] {
			t.Fatalf("event %s is recorded twice", f.ID)
		}
		seen[f.ID] = true
	}
}
