//go:build real

package outbox_test

import (
	"slices"
	"testing"
	"time"

	"greffe/api/kafka/kafkatest"
	"greffe/api/kafka/outbox"
	"greffe/domain"
)

// On Apache Kafka: the broker is killed (SIGKILL) and later stands still
// (SIGSTOP) while changes are recorded and published. What was recorded is
// published, in order for each id; what is acknowledged is in the ledger.
func TestApacheKafka(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{})
	for _, topic := range topics {
		c.CreateTopic(topic, partitions, nil)
	}
	b := &broker{t: t, addrs: c.Brokers()}
	w := newWorld(t)
	w.patient = 4 * time.Minute
	last := people(w, 8)
	o := w.outbox(b, "{recipients: [crm, mailing], acknowledgements: {topic: greffe.acknowledgements}}", func(d *outbox.Deps) { d.Timeout = 2 * time.Second })
	stop := run(t, o)
	w.published("crm", last)
	recorded := 16
	more := func(n int) {
		for i := range n {
			last = w.withdrawn("C-" + string(rune('a'+i%8)))
			recorded++
		}
	}
	more(100)
	c.Kill()
	more(100)
	c.Start()
	more(50)
	w.published("crm", last)
	c.Pause()
	more(100)
	state, err := o.State(t.Context())
	w.ok(err)
	if state.Recipients[0].Behind == 0 {
		t.Error("a broker that stands still shows no lag")
	}
	c.Resume()
	w.published("crm", last)
	w.published("mailing", last)
	w.ok(stop())

	all := b.messages("greffe.consent")
	inOrder(t, all)
	t.Logf("%d changes recorded for 2 recipients, %d messages, %d repeated", recorded, ids(all), len(all)-ids(all))
	if ids(all) != 2*recorded {
		t.Errorf("%d of %d messages", ids(all), 2*recorded)
	}
	acknowledge(t, w, b, all, last)
}

// acknowledge acknowledges everything as the CRM, spread over partitions.
func acknowledge(t *testing.T, w *world, b *broker, all []got, last domain.Position) {
	t.Helper()
	run(t, w.outbox(b, "{recipients: [crm], acknowledgements: {topic: greffe.acknowledgements}}"))
	var values []string
	for _, g := range all {
		if g.Recipient == "crm" {
			values = append(values, ackOf(g))
		}
	}
	at := 0
	for some := range slices.Chunk(values, 100) {
		b.ack(acks, at%partitions, some...)
		at++
	}
	w.acknowledged("crm", last)
}
