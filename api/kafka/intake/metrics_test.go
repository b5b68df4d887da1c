package intake_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
)

// gather gives each sample by its name, without what they share, and labels.
func gather(t *testing.T, reg prometheus.Gatherer) map[string]float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range all {
		for _, m := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "greffe_kafka_intake_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			out[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	w.send("crm", value(created("e1", "C-1")), value(created("e1", "C-1")), value("no json"), value(""))
	m := w.start(crm())
	w.waitCommitted("crm", 0, 4)
	eventually(t, "lag measured", func() bool { return m.State().Partitions[0].Lag == 0 && m.State().Partitions[0].Committed == 4 })
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(m); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"committed_offset 0 crm": 4, "end_offset 0 crm": 4, "events_total duplicate crm": 1, "events_total quarantined crm": 1,
		"events_total recorded crm": 1, "gaps_total 0 crm": 0, "ignored_total tombstone crm": 1, "joined": 1, "lag_messages 0 crm": 0,
		"messages_total 0 crm": 4, "quarantined_total json_invalid crm": 1, "waiting_seconds 0 crm": 0}
	got := gather(t, reg)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	m.stop()
	if got := gather(t, reg); got["joined"] != 0 || len(got) != len(want)-4 { // lag, offsets and waiting are those of whoever reads it now
		t.Errorf("after the end: %v", got)
	}
}
