package outbox

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greffe/domain"
)

// State is how publishing and acknowledging stand.
type State struct {
	Running      bool             `json:"running"` // on this node; else the rest is as it was left
	Recipients   []RecipientState `json:"recipients"`
	Acknowledged int64            `json:"acknowledged"` // messages on topics of acknowledgements that are in the ledger
	Held         int              `json:"held"`         // changes acknowledged before others that come first
	Aside        map[string]int64 `json:"aside"`        // acknowledgements set aside, by reason
	Trouble      string           `json:"trouble,omitempty"`
}

// RecipientState is how publishing to one recipient stands, since the start.
type RecipientState struct {
	Recipient string          `json:"recipient"`
	Next      domain.Position `json:"next"`   // all below is published
	Behind    int64           `json:"behind"` // positions of the ledger after that; few are changes for it
	Oldest    time.Time       `json:"oldest,omitzero"`
	Sent      int64           `json:"sent"` // messages the broker took
	Retries   int64           `json:"retries"`
	Failing   time.Time       `json:"failing,omitzero"` // since when nothing works
	Trouble   string          `json:"trouble,omitempty"`
}

// State tells how everything stands now. Of a publisher that does not run here,
// Next is 0 or where it stopped.
func (o *Outbox) State(ctx context.Context) (State, error) {
	end, err := o.deps.Source.End(ctx)
	if err != nil {
		return State{}, err
	}
	s := State{Running: o.active.Load()}
	for _, p := range o.publishers {
		s.Recipients = append(s.Recipients, p.state(end))
	}
	o.acks.state(&s)
	return s, nil
}

func (p *publisher) state(end domain.Position) RecipientState {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := RecipientState{Recipient: p.code, Next: p.next, Oldest: p.oldest, Sent: p.sent, Retries: p.retries, Failing: p.since}
	if end > p.next {
		s.Behind = int64(end - p.next)
	}
	if p.trouble != nil {
		s.Trouble = p.trouble.Error()
	}
	return s
}

func (a *acknowledgements) state(s *State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.Acknowledged, s.Held, s.Aside = a.taken, a.held, map[string]int64{}
	for _, r := range reasons {
		s.Aside[r] = a.aside[r]
	}
	if a.err != nil {
		s.Trouble = a.err.Error()
	}
}

// count adds a batch of acknowledgements that is done with.
func (a *acknowledgements) count(all int, asides map[string]int64, windows map[string]*window) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held = 0
	for _, w := range windows {
		a.held += len(w.held)
	}
	a.taken += int64(all)
	for reason, n := range asides {
		a.aside[reason] += n
		a.taken -= n
	}
}

// Collector gives the same as metrics; what concerns recipients only on the node
// that publishes. Labels are recipients' codes and reasons.
func (o *Outbox) Collector() prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("greffe_kafka_"+name, help, labels, nil)
	}
	return &collector{
		outbox:  o,
		sent:    desc("published_messages_total", "Messages of changes that the broker took.", "recipient"),
		retries: desc("publish_failures_total", "Attempts to publish changes that failed and were made again.", "recipient"),
		behind:  desc("publish_behind_positions", "Positions of the ledger not yet looked at for the recipient.", "recipient"),
		oldest:  desc("publish_oldest_seconds", "Age of the oldest change on its way to the recipient; 0 if there is none.", "recipient"),
		failing: desc("publish_failing_seconds", "Since when publishing to the recipient fails; 0 if it works.", "recipient"),
		acks:    desc("acknowledgements_total", "Messages on topics of acknowledgements by what became of them.", "outcome"),
		held:    desc("acknowledgements_held", "Changes acknowledged before others that come first."),
	}
}

type collector struct {
	outbox                                             *Outbox
	sent, retries, behind, oldest, failing, acks, held *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.sent, c.retries, c.behind, c.oldest, c.failing, c.acks, c.held} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s, err := c.outbox.State(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(c.behind, err)
		return
	}
	now := c.outbox.deps.Now()
	since := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return max(now.Sub(t).Seconds(), 0)
	}
	for _, r := range s.Recipients {
		if !s.Running {
			break
		}
		to <- prometheus.MustNewConstMetric(c.sent, prometheus.CounterValue, float64(r.Sent), r.Recipient)
		to <- prometheus.MustNewConstMetric(c.retries, prometheus.CounterValue, float64(r.Retries), r.Recipient)
		to <- prometheus.MustNewConstMetric(c.behind, prometheus.GaugeValue, float64(r.Behind), r.Recipient)
		to <- prometheus.MustNewConstMetric(c.oldest, prometheus.GaugeValue, since(r.Oldest), r.Recipient)
		to <- prometheus.MustNewConstMetric(c.failing, prometheus.GaugeValue, since(r.Failing), r.Recipient)
	}
	to <- prometheus.MustNewConstMetric(c.acks, prometheus.CounterValue, float64(s.Acknowledged), "recorded")
	for _, reason := range reasons {
		to <- prometheus.MustNewConstMetric(c.acks, prometheus.CounterValue, float64(s.Aside[reason]), reason)
	}
	to <- prometheus.MustNewConstMetric(c.held, prometheus.GaugeValue, float64(s.Held))
}
