//go:build real

package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	eventstoredb "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"

	"greffe/api/kafka/kafkatest"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/esdb"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/postgres"
	"greffe/projections"
)

const benchPartitions = 4

// benchTopic has events that nobody read yet.
type benchTopic struct {
	b       *testing.B
	brokers []string
	events  int
}

// preload fills a topic: contacts, consents, changes, interactions and oppositions
// to one contact in two. A contact's events are in one partition, in order.
func preload(b *testing.B, n int) *benchTopic {
	b.Helper()
	c := kafkatest.Start(b, kafkatest.Options{})
	c.CreateTopic("crm", benchPartitions, nil)
	w := &kafkago.Writer{Addr: kafkago.TCP(c.Brokers()...), Topic: "crm", Balancer: &kafkago.Hash{}, BatchSize: 1000,
		BatchTimeout: 5 * time.Millisecond, RequiredAcks: kafkago.RequireAll}
	defer w.Close()
	for from := 0; from < n; from += 5000 {
		var all []kafkago.Message
		for i := from; i < min(n, from+5000); i++ {
			all = append(all, kafkago.Message{Key: fmt.Append(nil, "C-", i/contactEvery), Value: mixedEvent(i)})
		}
		if err := w.WriteMessages(b.Context(), all...); err != nil {
			b.Fatal(err)
		}
	}
	return &benchTopic{b, c.Brokers(), n}
}

// mixedEvent is sampleEvent with oppositions.
func mixedEvent(n int) []byte {
	if n%(2*contactEvery) != contactEvery-1 {
		return sampleEvent(0, n)
	}
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"b-0-%d","source":"bench/crm","type":"opposition.registered","subject":"C-0-%d",`+
		`"time":"2026-03-02T10:%02d:%02dZ","data":{"scope":"all"}}`, n, n/contactEvery, n/60%60, n%60)
}

func (t *benchTopic) config(b *testing.B, path string) string {
	b.Helper()
	yaml := fmt.Sprintf("brokers: [%s]\nintake:\n  group: greffe\n  topics:\n    - {topic: crm, sources: [bench/crm]}\n", strings.Join(t.brokers, ", "))
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// recorded waits until the topic is read, and says how long it took from the first
// event in the log to the last, and when the first was seen.
func (t *benchTopic) recorded(n *benchNode) (took time.Duration, first time.Time) {
	t.b.Helper()
	before := n.head()
	for ; n.head() == before; time.Sleep(2 * time.Millisecond) {
		first = time.Now()
	}
	for time.Since(first) < 10*time.Minute {
		if taken(t.b, n) >= t.events {
			return time.Since(first), first
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.b.Fatalf("%d of %d events were taken", taken(t.b, n), t.events)
	return 0, first
}

// taken is how many messages the intake is done with.
func taken(b *testing.B, n *benchNode) (sum int) {
	b.Helper()
	all, err := n.API.Registry().(prometheus.Gatherer).Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == "greffe_kafka_intake_messages_total" {
			for _, m := range f.GetMetric() {
				sum += int(m.GetCounter().GetValue())
			}
		}
	}
	return sum
}

// bareConsume reads the topic with the client library alone, committing as it goes.
func bareConsume(b *testing.B, t *benchTopic) float64 {
	b.Helper()
	r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: t.brokers, Topic: "crm", GroupID: "bare", MinBytes: 1, MaxBytes: 10 << 20,
		MaxWait: 200 * time.Millisecond, StartOffset: kafkago.FirstOffset, QueueCapacity: 1000, CommitInterval: 250 * time.Millisecond})
	defer r.Close()
	var began time.Time
	for i := range t.events {
		m, err := r.FetchMessage(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if i == 0 {
			began = time.Now()
		}
		if i%1000 == 999 {
			if err := r.CommitMessages(b.Context(), m); err != nil {
				b.Fatal(err)
			}
		}
	}
	return float64(t.events) / time.Since(began).Seconds()
}

// kept is what a ledger has in log and vault.
type kept struct {
	facts [][]byte
	ids   []domain.ID
	types map[event.Type]int
	parts map[domain.ID][]vault.Part
	keys  map[domain.ID][]byte // wrapped, by the id of their owner
}

func readBack(b *testing.B, s *servers) *kept {
	b.Helper()
	v, err := postgres.Open(b.Context(), postgres.Config{URL: s.at("GREFFE_VAULT_STORE")})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	id, err := v.Meta(b.Context(), "ledger_id")
	if err != nil {
		b.Fatal(err)
	}
	l, err := esdb.Open(b.Context(), esdb.Config{URL: s.log.URL(), Stream: "greffe-" + domain.ID(id).String()})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	k := &kept{types: map[event.Type]int{}, parts: map[domain.ID][]vault.Part{}, keys: map[domain.ID][]byte{}}
	head, err := l.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	err = l.Read(b.Context(), 0, head, func(_ domain.Position, raw []byte) error {
		f, err := event.DecodeFact(raw)
		if err != nil {
			return err
		}
		k.facts, k.ids = append(k.facts, append([]byte(nil), raw...)), append(k.ids, f.ID)
		k.types[f.Type]++
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	k.readParts(b, v)
	return k
}

func (k *kept) readParts(b *testing.B, v vault.Store) {
	b.Helper()
	owners := map[part.Owner]bool{}
	err := v.Walk(b.Context(), func(of domain.ID, p vault.Part) error {
		k.parts[of] = append(k.parts[of], vault.Part{Key: p.Key, Bytes: append([]byte(nil), p.Bytes...)})
		owners[p.Key.Owner] = true
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	all := make([]part.Owner, 0, len(owners))
	for o := range owners {
		all = append(all, o)
	}
	rows, err := v.Keys(b.Context(), all)
	if err != nil {
		b.Fatal(err)
	}
	for i := range rows {
		k.keys[all[i].ID] = rows[i].Wrapped
	}
}

// verify counts the facts: every event of the topic is one.
func (k *kept) verify(t *benchTopic) {
	t.b.Helper()
	got := 0
	for _, ty := range []event.Type{"contact.created", "consent.granted", "interaction.recorded", "contact.changed", "opposition.registered"} {
		got += k.types[ty]
	}
	if got != t.events || k.types["contact.created"] != (t.events+contactEvery-1)/contactEvery {
		t.b.Errorf("%d of %d events are in the log: %v", got, t.events, k.types)
	}
}

const bareBatch = 1000 // facts in one transaction or append, as the ledger's groups

// barePostgres writes facts, parts and keys to plain tables with primary keys, a
// transaction and a round trip for each thousand events.
func barePostgres(b *testing.B, s *servers, k *kept) float64 {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), s.at("GREFFE_VAULT_STORE"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	if _, err := conn.Exec(b.Context(), `CREATE SCHEMA bare; CREATE TABLE bare.fact (event bytea PRIMARY KEY, data bytea);
		CREATE TABLE bare.part (event bytea, class text, owner bytea, data bytea, PRIMARY KEY (event, class)); CREATE TABLE bare.key (owner bytea PRIMARY KEY, data bytea)`); err != nil {
		b.Fatal(err)
	}
	began, keyed := time.Now(), map[domain.ID]bool{}
	for from := 0; from < len(k.facts); from += bareBatch {
		to := min(from+bareBatch, len(k.facts))
		var events, partEvents, partOwners, partData, keyOwners, keyData [][]byte
		var classes []string
		for _, id := range k.ids[from:to] {
			events = append(events, id[:])
			for _, p := range k.parts[id] {
				o := p.Key.Owner.ID
				partEvents, classes = append(partEvents, id[:]), append(classes, p.Key.Class)
				partOwners, partData = append(partOwners, o[:]), append(partData, p.Bytes)
				if !keyed[o] {
					keyed[o] = true
					keyOwners, keyData = append(keyOwners, o[:]), append(keyData, k.keys[o])
				}
			}
		}
		out := &pgx.Batch{}
		out.Queue("INSERT INTO bare.fact SELECT unnest($1::bytea[]), unnest($2::bytea[])", events, k.facts[from:to])
		out.Queue("INSERT INTO bare.part SELECT unnest($1::bytea[]), unnest($2::text[]), unnest($3::bytea[]), unnest($4::bytea[])", partEvents, classes, partOwners, partData)
		out.Queue("INSERT INTO bare.key SELECT unnest($1::bytea[]), unnest($2::bytea[])", keyOwners, keyData)
		if err := conn.SendBatch(b.Context(), out).Close(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(len(k.facts)) / time.Since(began).Seconds()
}

// bareLog appends the same facts to another stream by the server's own eventstoredb.
func bareLog(b *testing.B, s *servers, k *kept) float64 {
	b.Helper()
	conf, err := eventstoredb.ParseConnectionString(s.log.URL())
	if err != nil {
		b.Fatal(err)
	}
	conf.Logger = eventstoredb.NoopLogging()
	c, err := eventstoredb.NewClient(conf)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	var expected eventstoredb.ExpectedRevision = eventstoredb.NoStream{}
	for from := 0; from < len(k.facts); from += bareBatch {
		to := min(from+bareBatch, len(k.facts))
		events := make([]eventstoredb.EventData, 0, to-from)
		for _, raw := range k.facts[from:to] {
			events = append(events, eventstoredb.EventData{EventType: "fact", ContentType: eventstoredb.ContentTypeJson, Data: raw})
		}
		if _, err := c.AppendToStream(b.Context(), "bare", eventstoredb.AppendToStreamOptions{ExpectedRevision: expected}, events...); err != nil {
			b.Fatal(err)
		}
		expected = eventstoredb.Revision(uint64(to) - 1)
	}
	return float64(len(k.facts)) / time.Since(began).Seconds()
}

// bareClickHouse inserts the rows of the events into a table without views, as
// many at a time as the read models are given.
func bareClickHouse(b *testing.B, s *servers) float64 {
	b.Helper()
	c, err := clickhouse.Open(&clickhouse.Options{Addr: []string{s.ch.Addr}, Auth: clickhouse.Auth{Database: "greffe"}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	rows, err := c.Query(b.Context(), "SELECT * FROM events ORDER BY position")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var all [][]any
	for rows.Next() {
		row := make([]any, len(rows.Columns()))
		for i, t := range rows.ColumnTypes() {
			row[i] = reflect.New(t.ScanType()).Interface()
		}
		if err := rows.Scan(row...); err != nil {
			b.Fatal(err)
		}
		for i := range row {
			row[i] = reflect.ValueOf(row[i]).Elem().Interface()
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	if err := c.Exec(b.Context(), "CREATE TABLE bare AS events SETTINGS fsync_after_insert = 0, fsync_part_directory = 0, min_rows_to_fsync_after_merge = 0"); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	for from := 0; from < len(all); from += projections.DefaultBatch {
		into, err := c.PrepareBatch(b.Context(), "INSERT INTO bare ("+strings.Join(rows.Columns(), ", ")+")")
		if err != nil {
			b.Fatal(err)
		}
		for _, row := range all[from:min(from+projections.DefaultBatch, len(all))] {
			if err := into.Append(row...); err != nil {
				b.Fatal(err)
			}
		}
		if err := into.Send(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(len(all)) / time.Since(began).Seconds()
}
