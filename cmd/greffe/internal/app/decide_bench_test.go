package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"greffe/domain/contactability"
	"greffe/projections/decisions"
)

const benchPeople = 20_000

// BenchmarkCheck asks about 10,000 addresses at a time, in a ledger of 100,000
// contacts who all consented: known ones by e-mail and by phone, and unknown ones.
// Then it streams 100,000 checks; what is live must not grow from the first quarter
// to the last.
func BenchmarkCheck(b *testing.B) {
	dir := b.TempDir()
	a, err := Open(b.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Now: func() time.Time { return lawNow }})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Bootstrap(b.Context(), lawToken); err != nil {
		b.Fatal(err)
	}
	for n := 0; n < benchPeople; n += 1000 {
		var raws [][]byte
		for i := n; i < n+1000; i++ {
			raws = append(raws, fmt.Appendf(nil, `{"specversion":"1.0","id":"c%d","source":"crm","subject":"C-%d","type":"contact.created","time":"2026-01-05T09:00:00Z","data":{"kind":"client","person":{
				"given_name":"A","family_name":"B%d","emails":["p%d@example.fr"],"phones":["+336%08d"],"postal_address":{"lines":["1 rue"],"postal_code":"69003","city":"Lyon","country":"FR"}}}}`, i, i, i, i, i),
				fmt.Appendf(nil, `{"specversion":"1.0","id":"g%d","source":"crm","subject":"C-%d","type":"consent.granted","time":"2026-09-01T09:00:00Z","data":%s}`, i, i, consentOf))
		}
		if _, err := a.Record(b.Context(), raws); err != nil {
			b.Fatal(err)
		}
	}
	if err := a.CaughtUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	const at = 10_000
	known, err := decisionDesk{a}.Current(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]struct {
		ask  func(i int) decisions.Check
		rule contactability.RuleID
	}{
		"e-mail": {func(i int) decisions.Check {
			return decisions.Check{Email: fmt.Sprintf("p%d@example.fr", i%benchPeople), Query: contactability.Query{Channel: "email"}}
		}, contactability.ElectronicConsent},
		"phone": {func(i int) decisions.Check {
			return decisions.Check{Phone: fmt.Sprintf("+336%08d", i%benchPeople), Query: contactability.Query{Channel: "phone"}}
		}, contactability.PhoneConsent},
		"nobody": {func(i int) decisions.Check {
			return decisions.Check{Email: fmt.Sprintf("q%d@example.fr", i), Query: contactability.Query{Channel: "email"}}
		}, contactability.PersonUnknown},
	} {
		b.Run(name, func(b *testing.B) {
			n, spent := 0, cpuTime(b)
			for b.Loop() {
				checks := make([]decisions.Check, at)
				for i := range checks {
					checks[i] = c.ask(n*7919 + i*13)
					checks[i].Purpose, checks[i].Controller, checks[i].At = "prospecting", "acme", lawNow
				}
				n++
				got, err := a.Decider.Check(b.Context(), checks, known)
				if err != nil || got[0].Rule != c.rule || got[at-1].Rule != c.rule {
					b.Fatal(err, got[0].Rule)
				}
			}
			b.ReportMetric(float64(n*at)/b.Elapsed().Seconds(), "checks/s")
			b.ReportMetric(float64((cpuTime(b)-spent).Microseconds())/float64(n*at), "cpu-µs/check")
		})
	}
	b.Run("stream", func(b *testing.B) { stream(b, a) })
}

// stream asks over a real connection; the heap is looked at on the way.
func stream(b *testing.B, a *App) {
	server := httptest.NewServer(a.API)
	defer server.Close()
	const lines = 40_000
	for b.Loop() {
		from, to := io.Pipe()
		go func() {
			for i := range lines {
				if _, err := fmt.Fprintf(to, `{"email":"p%d@example.fr","channel":"email","purpose":"prospecting","at":"2026-09-15T08:15:00Z"}`+"\n", i); err != nil {
					return
				}
			}
			to.Close()
		}()
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+"/v1/contactability", from)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+lawToken)
		req.Header.Set("Content-Type", "application/x-ndjson")
		var peak runtime.MemStats
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		early, late, last, buf, got := uint64(0), uint64(0), "", make([]byte, 1<<20), 0
		for err == nil {
			var n int
			n, err = resp.Body.Read(buf)
			if n > 0 {
				last = (last + string(buf[:n]))[max(0, len(last)+n-200):]
			}
			got += strings.Count(string(buf[:n]), "\n")
			if got%20 != 0 { // look at the heap now and then
				continue
			}
			runtime.GC()
			runtime.ReadMemStats(&peak)
			if got < lines/4 {
				early = max(early, peak.HeapAlloc)
			} else {
				late = max(late, peak.HeapAlloc)
			}
		}
		resp.Body.Close()
		if !strings.Contains(last, fmt.Sprintf(`"count":%d`, lines)) {
			b.Fatalf("%d %.200s", resp.StatusCode, last)
		}
		b.ReportMetric(float64(early)/(1<<20), "MiB-live-early")
		b.ReportMetric(float64(late)/(1<<20), "MiB-live-late")
	}
	b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "lines/s")
}

// cpuTime is the processor time this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
