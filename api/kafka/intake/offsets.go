package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

// requestWait bounds one request to the cluster.
const requestWait = 10 * time.Second

// partitions is how many partitions each topic has that exists.
func (in *Intake) partitions(ctx context.Context) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	client := in.deps.Cluster.Client(in.transport.Load(), requestWait)
	res, err := client.Metadata(ctx, &kafkago.MetadataRequest{Topics: in.topics})
	if err != nil {
		return nil, fmt.Errorf("ask for topics: %w", err)
	}
	out := map[string]int{}
	for _, t := range res.Topics {
		if t.Error == nil && len(t.Partitions) > 0 {
			out[t.Name] = len(t.Partitions)
		}
	}
	return out, nil
}

// bounds are the first offset that a partition has and the one its next message
// will get.
func (in *Intake) bounds(ctx context.Context, at place) (first, end int64, err error) {
	for _, which := range []struct {
		time int64
		into *int64
	}{{kafkago.FirstOffset, &first}, {kafkago.LastOffset, &end}} {
		all, err := in.listOffsets(ctx, which.time, map[string][]int{at.topic: {at.partition}})
		if err != nil {
			return 0, 0, err
		}
		n, ok := all[at]
		if !ok {
			return 0, 0, errors.New("list offsets: the broker did not answer for the partition")
		}
		*which.into = n
	}
	return first, end, nil
}

// listOffsets gives the offset at a time for each partition for which the
// cluster knows it. The library's own call gives 0 for those it does not.
func (in *Intake) listOffsets(ctx context.Context, when int64, of map[string][]int) (map[place]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	req := &listoffsets.Request{ReplicaID: -1}
	for topic, partitions := range of {
		t := listoffsets.RequestTopic{Topic: topic}
		for _, p := range partitions {
			t.Partitions = append(t.Partitions, listoffsets.RequestPartition{Partition: int32(p), CurrentLeaderEpoch: -1, Timestamp: when})
		}
		req.Topics = append(req.Topics, t)
	}
	m, err := in.transport.Load().RoundTrip(ctx, in.deps.Cluster.Addr(), req)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	res, ok := m.(*listoffsets.Response)
	if !ok {
		return nil, errors.New("list offsets: another answer than was asked for")
	}
	out := map[place]int64{}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode == 0 && p.Offset >= 0 {
				out[place{t.Topic, int(p.Partition)}] = p.Offset
			}
		}
	}
	return out, nil
}

// measure looks up how far the group is behind, for the partitions of this
// member.
func (in *Intake) measure(ctx context.Context) {
	of := in.state.assigned()
	if len(of) == 0 {
		return
	}
	ends, err := in.listOffsets(ctx, kafkago.LastOffset, of)
	if err != nil {
		in.deps.Logger.Debug("kafka intake: lag is not known", "group", in.group, "error", err)
		return
	}
	asking, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	client := in.deps.Cluster.Client(in.transport.Load(), requestWait)
	res, err := client.OffsetFetch(asking, &kafkago.OffsetFetchRequest{GroupID: in.group, Topics: of})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		in.deps.Logger.Debug("kafka intake: lag is not known", "group", in.group, "error", err)
		return
	}
	for topic, all := range res.Topics {
		for _, p := range all {
			end, known := ends[place{topic, p.Partition}]
			if known && p.Error == nil {
				in.state.measured(place{topic, p.Partition}, p.CommittedOffset, end)
			}
		}
	}
}
