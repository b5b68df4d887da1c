package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"

	segmentio "github.com/segmentio/kafka-go"
)

const (
	maxRequest  = 512 << 10 // bytes of keys and values in one request; brokers take 1 MiB
	maxInFlight = 8         // requests of one recipient at once, each to another partition
	contentType = "content-type"
)

// lane is what is to be written to one partition, in order.
type lane struct {
	topic     string
	partition int
	records   []record
}

func count(lanes []*lane) (n int) {
	for _, l := range lanes {
		n += len(l.records)
	}
	return n
}

// lanes parts messages by topic and partition. A key goes to one partition of a
// topic (FNV-1a, as kafka.Hash does) for as long as their number stays.
func (d *Deps) lanes(ctx context.Context, client *segmentio.Client, out []record) ([]*lane, error) {
	var topics []string
	partitions := map[string][]int{}
	for i := range out {
		if _, seen := partitions[out[i].topic]; !seen {
			partitions[out[i].topic] = nil
			topics = append(topics, out[i].topic)
		}
	}
	m, err := client.Metadata(ctx, &segmentio.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, err
	}
	for _, t := range m.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		for i := range t.Partitions { // their ids are 0 to n-1, and here all of them, also those without a leader now
			partitions[t.Name] = append(partitions[t.Name], i)
		}
	}
	type place struct {
		topic     string
		partition int
	}
	at := map[place]*lane{}
	var lanes []*lane
	var hash segmentio.Hash
	for _, r := range out {
		ids := partitions[r.topic]
		if len(ids) == 0 {
			return nil, fmt.Errorf("topic %s: %w", r.topic, segmentio.UnknownTopicOrPartition)
		}
		to := place{r.topic, hash.Balance(segmentio.Message{Key: r.key}, ids...)}
		if at[to] == nil {
			at[to] = &lane{topic: to.topic, partition: to.partition}
			lanes = append(lanes, at[to])
		}
		at[to].records = append(at[to].records, r)
	}
	return lanes, nil
}

// write writes all lanes at once, each in order, and drops from them what the
// broker took. An error is of any lane; the others went on.
func (d *Deps) write(ctx context.Context, client *segmentio.Client, lanes []*lane) error {
	errs := make([]error, len(lanes))
	free := make(chan struct{}, maxInFlight)
	var wg sync.WaitGroup
	for i, l := range lanes {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			for len(l.records) > 0 && errs[i] == nil {
				errs[i] = d.request(ctx, client, l)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// request writes the first messages of a lane. Of an error it is not known
// whether the broker has them; they stay.
func (d *Deps) request(ctx context.Context, client *segmentio.Client, l *lane) error {
	n, size := 0, 0
	for n < len(l.records) {
		r := &l.records[n]
		if size += len(r.key) + len(r.value); n > 0 && size > maxRequest {
			break
		}
		n++
	}
	batch := make([]segmentio.Record, n)
	at := d.Now()
	for i := range batch {
		r := &l.records[i]
		batch[i] = segmentio.Record{Time: at, Key: segmentio.NewBytes(r.key), Value: segmentio.NewBytes(r.value),
			Headers: []segmentio.Header{{Key: contentType, Value: []byte(ContentType)}}}
	}
	resp, err := client.Produce(ctx, &segmentio.ProduceRequest{Topic: l.topic, Partition: l.partition, RequiredAcks: segmentio.RequireAll,
		Records: segmentio.NewRecordReader(batch...)})
	if err == nil {
		err = resp.Error
	}
	if err == nil && len(resp.RecordErrors) > 0 {
		err = errRecords
	}
	if err != nil {
		return fmt.Errorf("topic %s, partition %d: %w", l.topic, l.partition, err)
	}
	l.records = l.records[n:]
	return nil
}

var errRecords = errors.New("the broker refused records of a batch")
