package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greffe/domain"
	rules "greffe/domain/completeness"
	"greffe/projections/completeness"
)

// maxWatched bounds the sources that metrics name, by the ledger's ids.
const maxWatched = 1000

// sentGauges are what /metrics says of the sources.
type sentGauges struct {
	a *App

	silent, missing *prometheus.Desc
}

func newSentGauges(a *App) *sentGauges {
	return &sentGauges{a: a,
		silent: prometheus.NewDesc("greffe_producer_silent", "1 if a source is silent beyond its habit; left out while it has none. By the id of GET /v1/producers.",
			[]string{"source"}, nil),
		missing: prometheus.NewDesc("greffe_producer_missing", "Sequence numbers of a source that did not come; left out if it does not number.", []string{"source"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (g *sentGauges) Describe(out chan<- *prometheus.Desc) { out <- g.silent; out <- g.missing }

// Collect implements prometheus.Collector. What cannot be told now is left out.
func (g *sentGauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	now, n := g.a.cfg.Now(), 0
	_ = g.a.Sent.Producers(ctx, domain.ID{}, func(p completeness.Producer) bool {
		if s := p.Habit.Silence(now); s.State != rules.Unknown {
			out <- prometheus.MustNewConstMetric(g.silent, prometheus.GaugeValue, truth(s.State == rules.Silent), p.Source.String())
		}
		if p.Numbers.Counts() {
			out <- prometheus.MustNewConstMetric(g.missing, prometheus.GaugeValue, float64(p.Numbers.Missing()), p.Source.String())
		}
		n++
		return n < maxWatched
	})
}

// lostLately is how long the doctor speaks of messages that were lost.
const lostLately = 30 * 24 * time.Hour

// sources says of what was sent whether it is all there.
func (a *App) sources(ctx context.Context) ([]Check, error) {
	names, err := a.sourceNames(ctx)
	if err != nil {
		return nil, err
	}
	var gaps, silent []string
	all, without, now := 0, 0, a.cfg.Now()
	err = a.Sent.Producers(ctx, domain.ID{}, func(p completeness.Producer) bool {
		all++
		name := names[p.Source]
		if name == "" {
			name = p.Source.String()
		}
		if n := p.Numbers.Missing(); n > 0 {
			detail := fmt.Sprintf("of %s %d sequence numbers are missing", name, n)
			if last := p.Numbers.Gaps(1); len(last) == 1 {
				detail += fmt.Sprintf(", the newest from %d to %d", last[0].From, last[0].To)
			}
			gaps = append(gaps, detail)
		}
		switch s := p.Habit.Silence(now); s.State {
		case rules.Unknown:
			without++
		case rules.Silent:
			silent = append(silent, fmt.Sprintf("%s is silent beyond its habit since %s, it was expected by %s", name,
				s.Since.Format(time.RFC3339), s.Expected.Format(time.RFC3339)))
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	out := []Check{{"producers", Good, fmt.Sprintf("%d, no gap in their sequences", all)},
		{"silence", Good, fmt.Sprintf("none of %d sources is silent beyond its habit; %d have none yet", all, without)}}
	if len(gaps) > 0 {
		out[0] = Check{"producers", Warn, some(gaps)}
	}
	if len(silent) > 0 {
		out[1] = Check{"silence", Warn, some(silent)}
	}
	lost, err := a.lostLately(ctx, now)
	return append(out, lost...), err
}

// lostLately names messages of Kafka that were gone before they were read.
func (a *App) lostLately(ctx context.Context, now time.Time) ([]Check, error) {
	all, _, err := a.losses(ctx)
	if err != nil {
		return nil, err
	}
	var told []string
	for _, l := range all {
		if now.Sub(l.recorded) < lostLately {
			told = append(told, fmt.Sprintf("messages of %s/%d were gone before they were read (%s), offsets from %d on", l.topic, l.Partition, l.Reason, l.From))
		}
	}
	if len(told) == 0 {
		return nil, nil
	}
	return []Check{{"kafka", Warn, some(told)}}, nil
}

// some is the first few of a list in words.
func some(all []string) string {
	const few = 3
	out := all[0]
	for _, x := range all[1:min(few, len(all))] {
		out += "; " + x
	}
	if len(all) > few {
		out += fmt.Sprintf("; and %d more: GET /v1/producers", len(all)-few)
	}
	return out
}
