package outbox_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greffe/api/kafka/outbox"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	dir, good := t.TempDir(), keyFile(t)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		w.ok(os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	short := file("short", strings.Repeat("ab", 31))
	secret := file("secret", "hunter2 is no hex")
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nobody in the policy": {"recipients: [nobody]", outbox.ErrNoRecipient},
		"short key":            {"recipients: [{code: crm, key_file: " + short + "}]", outbox.ErrKey},
		"no hex":               {"recipients: [{code: crm, key_file: " + secret + "}]", outbox.ErrKey},
		"no key file":          {"recipients: [{code: crm, key_file: " + filepath.Join(dir, "absent") + "}]", os.ErrNotExist},
		"a key for refs":       {"recipients: [{code: mailing, key_file: " + good + "}]", outbox.ErrKeyOfRef},
		"nobody at all":        {"prefix: greffe.", nil},
	} {
		deps := b.deps(t)
		deps.Source, deps.Standing = w.source(), w.facts
		_, err := outbox.New(section(t, c.text), deps)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.created("crm/eu", "C-1")
	at := w.withdrawn("C-1")
	run(t, w.outbox(b, "recipients: [{code: crm, key_file: "+good+"}]"))
	w.published("crm", at)
	// printf %s C-1 | openssl dgst -sha256 -mac HMAC -macopt hexkey:abab…
	const want = "63e207801798e51fb78d643747aea7dd1e0642f2a8fb3f06ceb47932a6af2d05"
	if got := b.messages("greffe.consent")[0].Subject; got != want {
		t.Errorf("the recipient does not find %s", got)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	w.created("crm/eu", "C-1")
	at := w.withdrawn("C-1")
	o := w.outbox(b, "{recipients: [crm], acknowledgements: {topic: greffe.acknowledgements}}", func(d *outbox.Deps) {
		d.Now = func() time.Time { return day.Add(time.Minute) }
	})
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(o.Collector())
	if got := gathered(t, reg); strings.Contains(got, "behind") {
		t.Errorf("a node that does not publish says how far it is:\n%s", got)
	}
	run(t, o)
	w.published("crm", at)
	b.ack(acks, 0, "nothing", ackOf(b.messages("greffe.consent")[0]))
	w.acknowledged("crm", at)
	for _, line := range []string{`published_messages_total crm 1`, `publish_failing_seconds crm 0`, `publish_oldest_seconds crm 0`, `publish_failures_total crm 0`} {
		if got := gathered(t, reg); !strings.Contains(got, "greffe_kafka_"+line+"\n") {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
	next := w.withdrawn("C-1")
	b.ack(acks, 0, fmt.Sprintf(`{"recipient":"crm","up_to":"%d"}`, next)) // after it the first is counted
	w.acknowledged("crm", next)
	for _, line := range []string{`total malformed 1`, `total recipient 0`, `total too_far 0`, `total unknown 0`, `held 0`} {
		if got := gathered(t, reg); !strings.Contains(got, "acknowledgements_"+line+"\n") {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
}

// gathered are metrics as "name label value" lines.
func gathered(t *testing.T, reg prometheus.Gatherer) string {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range all {
		for _, m := range f.GetMetric() {
			out.WriteString(f.GetName())
			for _, l := range m.GetLabel() {
				out.WriteString(" " + l.GetValue())
			}
			fmt.Fprintln(&out, "", m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return out.String()
}
