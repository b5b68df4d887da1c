package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gauges are what /metrics says of a node beside its API: how far its read models
// are, what waits, and what it is among other nodes. Labels are names of read models.
type gauges struct {
	a *App

	lag, halted, head, erasures, fence, keeps, backup *prometheus.Desc
}

func newGauges(a *App) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("greffe_"+name, help, labels, nil)
	}
	return &gauges{a: a,
		lag:      desc("projection_lag", "Facts in the log that a read model of this node has not applied.", "projection"),
		halted:   desc("projection_halted", "1 if a read model stopped for good, until a restart.", "projection"),
		head:     desc("log_head", "Position that the next fact will get."),
		erasures: desc("erasures_pending", "Erasures ordered on this node, or taken up by it, that are not certified."),
		fence:    desc("fence_records", "Destructions in this node's fence; the same on every node."),
		keeps:    desc("keeper", "1 if this node does what one node does for all."),
		backup:   desc("backup_failed", "1 if the last backup made by this node failed."),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.lag, g.halted, g.head, g.erasures, g.fence, g.keeps, g.backup} {
		out <- d
	}
}

// Collect implements prometheus.Collector. What cannot be told now is left out.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if states, err := g.a.runner.States(ctx); err == nil {
		for _, s := range states {
			gauge(g.lag, float64(s.Lag), s.Name)
			gauge(g.halted, truth(s.Halted != nil), s.Name)
		}
	}
	if head, err := g.a.Ledger.Head(ctx); err == nil {
		gauge(g.head, float64(head))
	}
	if g.a.Eraser != nil {
		n, _ := g.a.Eraser.Pending()
		gauge(g.erasures, float64(n))
	}
	gauge(g.fence, float64(g.a.Fence.Mark().Number))
	gauge(g.keeps, truth(g.a.self.keeps.Load() || !g.a.cfg.several()))
	g.a.copying.mu.Lock()
	failed := g.a.copying.failed
	g.a.copying.mu.Unlock()
	gauge(g.backup, truth(failed))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
