package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
)

var aSource = domain.DeriveID([]byte("source 0123456789"))

// testProducers answers what the tests ask for.
type testProducers struct{ d *testData }

func (p testProducers) List(context.Context, Page) ([]Producer, string, error) {
	since := testNow.Add(-time.Hour)
	return []Producer{{ID: aSource, Name: "crm/eu", Events: 3, Silence: Silence{State: "silent", Since: &since}}}, "", p.d.get().fail
}

func (p testProducers) Days(_ context.Context, source domain.ID, from, to time.Time) ([]ProducerDay, error) {
	if source != aSource {
		return nil, ErrNotFound
	}
	return []ProducerDay{{Date: from.Format(time.DateOnly)}, {Date: to.Format(time.DateOnly)}}, p.d.get().fail
}

func (p testProducers) Statement(_ context.Context, source domain.ID, from, to time.Time) (*ProducerStatement, error) {
	if source != aSource {
		return nil, ErrNotFound
	}
	return &ProducerStatement{Note: "signed\n\n— x y\n", Source: source, From: from, To: to}, p.d.get().fail
}

func (p testProducers) Kafka(context.Context) (*KafkaCoverage, error) {
	return &KafkaCoverage{Partitions: []KafkaPartition{{Topic: "crm", Partition: 1}}}, p.d.get().fail
}

func TestProducers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodGet, "/v1/producers", "")
	if got.status != http.StatusOK || !strings.Contains(got.body, `"gaps":[]`) || !strings.Contains(got.body, `"state":"silent"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, "/v1/producers/kafka", ""); got.status != http.StatusOK || got.body != `{"takes":false,"joined":false,"partitions":[{"topic":"crm","partition":1,"assigned":false,"lost":[]}]}` {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestProducerDays: days are days, absent ones are the last thirty, and there is an
// end to them.
func TestProducerDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := "/v1/producers/" + aSource.String() + "/days"
	for query, want := range map[string]string{"": "2026-02-01 2026-03-03", "?from=2026-02-28": "2026-02-28 2026-03-03", "?to=2025-01-31": "2025-01-01 2025-01-31",
		"?from=2024-02-29&to=2024-03-01": "2024-02-29 2024-03-01", "?from=2025-01-01&to=2026-02-05": "2025-01-01 2026-02-05"} {
		got := w.call(http.MethodGet, base+query, "")
		var l List[ProducerDay]
		if err := json.Unmarshal([]byte(got.body), &l); err != nil || len(l.Items) != 2 || l.Items[0].Date+" "+l.Items[1].Date != want {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	for _, query := range []string{"?from=2026-02-30", "?from=yesterday", "?from=2026-02-01T00:00:00Z", "?to=2026-01-01&from=2026-01-01", "?from=2025-01-01&to=2026-02-06",
		"?from=2026-03-01&to=2026-02-01", "?from=0001-01-01"} {
		if got := w.call(http.MethodGet, base+query, ""); got.status != http.StatusBadRequest || got.code(t) != "parameter_invalid" {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	for _, path := range []string{"/v1/producers/" + person.String() + "/days", "/v1/producers/crm/days"} {
		if got := w.call(http.MethodGet, path, ""); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestProducerStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := "/v1/producers/" + aSource.String() + "/statement"
	const period = "?from=2026-02-01T00:00:00%2B01:00&to=2026-03-01T00:00:00Z"
	if got := w.call(http.MethodGet, base+period, ""); got.status != http.StatusOK || got.body != "signed\n\n— x y\n" || got.header.Get("Content-Type") != mediaText {
		t.Errorf("%d %s", got.status, got.body)
	}
	got := w.call(http.MethodGet, base+period, "", "Accept", mediaJSON)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"from":"2026-01-31T23:00:00Z"`) || !strings.Contains(got.body, `"note":"signed`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, query := range []string{"", "?from=2026-02-01T00:00:00Z", "?to=2026-02-01T00:00:00Z", "?from=2026-02-01&to=2026-02-02",
		"?from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z", "?from=2026-02-01T00:00:00Z&to=2026-03-02T09:59:01Z", "?from=2026-02-01T00:00:00.0000001Z&to=2026-03-01T00:00:00Z"} {
		if got := w.call(http.MethodGet, base+query, ""); got.status != http.StatusBadRequest || got.code(t) != "parameter_invalid" {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	if got := w.call(http.MethodGet, "/v1/producers/"+person.String()+"/statement"+period, ""); got.status != http.StatusNotFound {
		t.Errorf("a source of which nothing came: %d", got.status)
	}
}
