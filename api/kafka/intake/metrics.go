package intake

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics describe what Collect gives. Labels are names of topics, numbers of
// partitions, statuses and reason codes; nothing of a person.
type metrics struct {
	joined, lag, committed, end, waiting, messages, events, quarantined, ignored, gaps *prometheus.Desc
}

func newMetrics() metrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("greffe_kafka_intake_"+name, help, labels, nil)
	}
	return metrics{
		joined:      desc("joined", "1 while this node is a member of the consumer group."),
		lag:         desc("lag_messages", "Messages in the topic that the group has not committed; of this node's partitions.", "topic", "partition"),
		committed:   desc("committed_offset", "Offset that the group committed.", "topic", "partition"),
		end:         desc("end_offset", "Offset of the next message to come.", "topic", "partition"),
		waiting:     desc("waiting_seconds", "How long the ledger has not been able to take what is next; 0 when it can.", "topic", "partition"),
		messages:    desc("messages_total", "Messages that were recorded, set aside or left out.", "topic", "partition"),
		events:      desc("events_total", "Events by what became of them.", "topic", "status"),
		quarantined: desc("quarantined_total", "What was set aside, by reason.", "topic", "reason"),
		ignored:     desc("ignored_total", "Messages that were left out, by reason.", "topic", "reason"),
		gaps:        desc("gaps_total", "Times that messages were gone before they were read.", "topic", "partition"),
	}
}

// Describe makes an Intake a prometheus.Collector.
func (in *Intake) Describe(out chan<- *prometheus.Desc) {
	m := &in.metrics
	for _, d := range []*prometheus.Desc{m.joined, m.lag, m.committed, m.end, m.waiting, m.messages, m.events, m.quarantined, m.ignored, m.gaps} {
		out <- d
	}
}

// Collect tells the present state.
func (in *Intake) Collect(out chan<- prometheus.Metric) {
	s, m, now := in.State(), &in.metrics, time.Now()
	joined := 0.0
	if s.Joined {
		joined = 1
	}
	out <- prometheus.MustNewConstMetric(m.joined, prometheus.GaugeValue, joined)
	sums := map[*prometheus.Desc]map[[2]string]int64{m.events: {}, m.quarantined: {}, m.ignored: {}}
	for i := range s.Partitions {
		p := &s.Partitions[i]
		in.collect(out, p, now)
		for desc, of := range map[*prometheus.Desc]map[string]int64{m.events: p.Results, m.quarantined: p.Reasons, m.ignored: p.Ignored} {
			for name, n := range of {
				sums[desc][[2]string{p.Topic, name}] += n
			}
		}
	}
	for desc, of := range sums {
		for _, labels := range slices.SortedFunc(maps.Keys(of), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(of[labels]), labels[0], labels[1])
		}
	}
}

// collect tells of one partition; of one that others read now, only what this
// node did.
func (in *Intake) collect(out chan<- prometheus.Metric, p *Partition, now time.Time) {
	m, number := &in.metrics, strconv.Itoa(p.Partition)
	tell := func(desc *prometheus.Desc, kind prometheus.ValueType, v float64) {
		out <- prometheus.MustNewConstMetric(desc, kind, v, p.Topic, number)
	}
	tell(m.messages, prometheus.CounterValue, float64(p.Messages))
	tell(m.gaps, prometheus.CounterValue, float64(p.Gaps))
	if !p.Assigned {
		return
	}
	waiting := 0.0
	if !p.WaitingSince.IsZero() {
		waiting = now.Sub(p.WaitingSince).Seconds()
	}
	tell(m.waiting, prometheus.GaugeValue, waiting)
	for desc, n := range map[*prometheus.Desc]int64{m.lag: p.Lag, m.committed: p.Committed, m.end: p.End} {
		if n >= 0 { // else it is not known
			tell(desc, prometheus.GaugeValue, float64(n))
		}
	}
}
