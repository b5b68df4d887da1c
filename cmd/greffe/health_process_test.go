package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestHealth: a health check tells a service that answers from one that is gone, and
// the metrics say how far the read models are.
func TestHealth(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serve(t, dir)
	r := p.mustEvents(t, crowd(0, 5)...)
	p.must(http.StatusOK, http.MethodGet, "/v1/subjects/"+r.Results[0].SubjectID, "", "", "X-Greffe-Reason", "customer_call", "X-Greffe-Min-Position", r.Position)
	if out, errs, code := greffe(t, dir, "health", "--server", p.base); code != 0 || out != "ready\n" {
		t.Errorf("of a service that is ready: %d %s%s", code, out, errs)
	}
	metrics := string(p.must(http.StatusOK, http.MethodGet, "/metrics", "", "").body)
	for _, want := range []string{`greffe_projection_lag{projection="index"}`, `greffe_projection_halted{projection="opposition"} 0`,
		"greffe_log_head ", "greffe_erasures_pending 0", "greffe_fence_records 0", "greffe_keeper 1", "greffe_backup_failed 0"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	p.stop()
	if _, errs, code := greffe(t, dir, "health", "--server", p.base); code != 2 || !strings.Contains(errs, "does not answer") {
		t.Errorf("of a service that is gone: %d %s", code, errs)
	}
	if _, _, code := greffe(t, dir, "health", "--server", "::"); code != 2 {
		t.Errorf("of no address: %d", code)
	}
}
