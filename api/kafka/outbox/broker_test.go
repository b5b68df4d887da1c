package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	segmentio "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/kafka"
	"greffe/api/kafka/asyncapi"
	"greffe/api/kafka/asyncapi/asyncapitest"
	"greffe/api/kafka/outbox"
	"greffe/domain"
)

// broker is a Kafka that speaks the protocol, with its data in a directory.
type broker struct {
	*kfake.Cluster
	t     testing.TB
	dir   string
	opts  []kfake.Opt
	addrs []string
}

const partitions = 3

var topics = []string{"greffe.consent", "greffe.opposition", "greffe.erasure", "greffe.requests", "greffe.acknowledgements"}

func newBroker(t testing.TB, more ...string) *broker {
	t.Helper()
	b := &broker{t: t, dir: t.TempDir()}
	b.opts = []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(b.dir), kfake.GroupMinSessionTimeout(time.Second), kfake.SeedTopics(partitions, append(more, topics...)...)}
	b.start()
	b.addrs = b.ListenAddrs()
	_, port, err := net.SplitHostPort(b.addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	var n int
	fmt.Sscan(port, &n)
	b.opts = append(b.opts, kfake.Ports(n))
	t.Cleanup(func() { b.Cluster.Close() })
	return b
}

func (b *broker) start() {
	b.t.Helper()
	var err error
	if b.Cluster, err = kfake.NewCluster(b.opts...); err != nil {
		b.t.Fatal(err)
	}
}

// deps are those that reach the broker, with short waits.
func (b *broker) deps(t testing.TB) outbox.Deps {
	t.Helper()
	c, err := kafka.Open(&kafka.Config{Brokers: b.addrs, ClientID: "greffe", Publish: &kafka.Publish{Prefix: "greffe.", Recipients: []kafka.Recipient{{Code: "x", Identify: "hmac", Prefix: "greffe."}}}})
	if err != nil {
		t.Fatal(err)
	}
	return outbox.Deps{Cluster: c, Ledger: domain.ID{7}, Now: func() time.Time { return day }, Timeout: 5 * time.Second, Session: 2 * time.Second,
		Pause: func(ctx context.Context, d time.Duration) error {
			timer := time.NewTimer(d / 20)
			defer timer.Stop()
			select {
			case <-timer.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
}

func (b *broker) client() (*segmentio.Client, func()) {
	tr := &segmentio.Transport{MetadataTTL: 30 * time.Second}
	return &segmentio.Client{Addr: segmentio.TCP(b.addrs...), Transport: tr, Timeout: 10 * time.Second}, tr.CloseIdleConnections
}

// got is a message as it was read.
type got struct {
	partition int
	key       string
	value     string
	outbox.Message
}

func (g got) String() string {
	return fmt.Sprintf("%s %s %s %s %s", g.Recipient, g.Type, g.Position, g.Data.Identified, g.Subject)
}

// messages are all of a topic, partition by partition, in order.
func (b *broker) messages(topic string) (out []got) {
	b.t.Helper()
	doc := published(b.t, topic)
	client, done := b.client()
	defer done()
	for p, end := range b.ends(client, topic) {
		for at := int64(0); at < end; {
			resp, err := client.Fetch(b.t.Context(), &segmentio.FetchRequest{Topic: topic, Partition: p, Offset: at, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond})
			if err == nil {
				err = resp.Error
			}
			if err != nil {
				b.t.Fatal(err)
			}
			for {
				r, err := resp.Records.ReadRecord()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					b.t.Fatal(err)
				}
				key, _ := segmentio.ReadAll(r.Key)
				value, _ := segmentio.ReadAll(r.Value)
				if r.Offset < at {
					continue
				}
				at = r.Offset + 1
				g := got{partition: p, key: string(key), value: string(value)}
				if err := json.Unmarshal(value, &g.Message); err != nil {
					b.t.Fatal(err)
				}
				if wrong := doc.Violations(b.t, topic, value); len(wrong) > 0 {
					b.t.Errorf("not as the document says: %q\n%s", wrong, value)
				}
				if len(r.Headers) != 1 || r.Headers[0].Key != "content-type" || string(r.Headers[0].Value) != outbox.ContentType {
					b.t.Errorf("headers %v", r.Headers)
				}
				out = append(out, g)
			}
		}
	}
	return out
}

// published is the AsyncAPI document of a topic of changes.
func published(t testing.TB, topic string) *asyncapitest.Doc {
	t.Helper()
	prefix := topic[:strings.LastIndex(topic, ".")+1]
	b, err := asyncapi.Document(&kafka.Config{Publish: &kafka.Publish{Prefix: prefix, Recipients: []kafka.Recipient{{Code: "x", Prefix: prefix}}}}, "test")
	if err != nil {
		t.Fatal(err)
	}
	return asyncapitest.Read(t, b)
}

// ends are the offsets after the last message of each partition.
func (b *broker) ends(client *segmentio.Client, topic string) []int64 {
	b.t.Helper()
	var all []segmentio.OffsetRequest
	for p := range partitions {
		all = append(all, segmentio.LastOffsetOf(p))
	}
	r, err := client.ListOffsets(b.t.Context(), &segmentio.ListOffsetsRequest{Topics: map[string][]segmentio.OffsetRequest{topic: all}})
	if err != nil {
		b.t.Fatal(err)
	}
	out := make([]int64, partitions)
	for _, p := range r.Topics[topic] {
		if p.Error != nil {
			b.t.Fatal(p.Error)
		}
		out[p.Partition] = p.LastOffset
	}
	return out
}

// ack writes values to a topic's partition.
func (b *broker) ack(topic string, partition int, values ...string) {
	b.t.Helper()
	client, done := b.client()
	defer done()
	records := make([]segmentio.Record, len(values))
	for i, v := range values {
		records[i] = segmentio.Record{Value: segmentio.NewBytes([]byte(v))}
	}
	resp, err := client.Produce(b.t.Context(), &segmentio.ProduceRequest{Topic: topic, Partition: partition, RequiredAcks: segmentio.RequireAll,
		Records: segmentio.NewRecordReader(records...)})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// committed are the offsets of the group that reads a topic.
func (b *broker) committed(group, topic string) (out []int64) {
	b.t.Helper()
	client, done := b.client()
	defer done()
	r, err := client.OffsetFetch(b.t.Context(), &segmentio.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {0, 1, 2}}})
	if err != nil {
		b.t.Fatal(err)
	}
	out = make([]int64, partitions)
	for _, p := range r.Topics[topic] {
		out[p.Partition] = p.CommittedOffset
	}
	return out
}

// inOrder demands that each id's messages first appear in the order of their
// positions on each topic, and that repetitions are alike.
func inOrder(t testing.TB, all []got) {
	t.Helper()
	last := map[string]domain.Position{}
	at := map[string]int{}
	seen := map[string]string{}
	for _, g := range all {
		topic := strings.SplitN(g.Type, ".", 2)[0]
		who := g.Recipient + " " + topic + " " + g.key
		if before, repeated := seen[g.ID]; repeated {
			if before != g.value {
				t.Errorf("%s is repeated otherwise:\n%s\n%s", g.ID, before, g.value)
			}
			continue
		}
		seen[g.ID] = g.value
		if g.key != g.Subject && g.Subject != "" {
			t.Errorf("key %q of subject %q", g.key, g.Subject)
		}
		if p, known := at[who]; known && p != g.partition {
			t.Errorf("%s is on two partitions", who)
		}
		if p, known := last[who]; known && p >= g.Position {
			t.Errorf("%s comes after %s of the same id", g.Position, p)
		}
		last[who], at[who] = g.Position, g.partition
	}
}
