package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
)

type benchCmd struct {
	Seconds float64 `help:"Seconds of each case." default:"5"`
	Dir     string  `help:"Directory to measure in; a temporary one beside the working directory if left out." placeholder:"DIR"`
	Load    int     `help:"Only fill a ledger with this many events, and report bytes per event and memory." default:"0"`
}

// figure is one measured case.
type figure struct {
	Case      string  `json:"case"`
	PerSecond float64 `json:"per_second"`
	P50       string  `json:"p50,omitzero"`
	P99       string  `json:"p99,omitzero"`
	Note      string  `json:"note,omitzero"`
}

func (c *benchCmd) Run(sh *shell) (err error) {
	dir := c.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp(".", ".greffe-bench-"); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	var out []figure
	add := func(f figure) {
		out = append(out, f)
		if !sh.cli.JSON {
			fmt.Fprintf(sh.stdout, "%-34s %10.0f /s  p50 %-9s p99 %-9s %s\n", f.Case, f.PerSecond, f.P50, f.P99, f.Note)
		}
	}
	if c.Load > 0 {
		f, err := c.load(sh, filepath.Join(dir, "load"))
		if err != nil {
			return err
		}
		add(f)
		return c.end(sh, out)
	}
	syncs, err := app.SyncRate(dir, 2000)
	if err != nil {
		return err
	}
	add(figure{Case: "disk: 4 KiB write + fdatasync", PerSecond: syncs})
	for _, size := range []int{1, 100, 1000} {
		rate, err := app.BareAppend(filepath.Join(dir, fmt.Sprint("bare-", size)), size, c.length()/2)
		if err != nil {
			return err
		}
		add(figure{Case: fmt.Sprintf("bare log append, batch %d", size), PerSecond: rate, Note: "facts of 600 B"})
	}
	for _, k := range []struct{ writers, size int }{{1, 1}, {1, 100}, {1, 1000}, {2, 1000}, {64, 1}} {
		f, err := c.path(sh, filepath.Join(dir, fmt.Sprintf("path-%d-%d", k.writers, k.size)), k.writers, k.size)
		if err != nil {
			return err
		}
		add(f)
	}
	for i, every := range []time.Duration{readers * time.Second / paced, 0} {
		f, err := c.reads(sh, filepath.Join(dir, fmt.Sprint("reads-", i)), every)
		if err != nil {
			return err
		}
		add(f)
	}
	return c.end(sh, out)
}

func (c *benchCmd) end(sh *shell, out []figure) error {
	if sh.cli.JSON {
		return sh.printJSON(out)
	}
	return nil
}

func (c *benchCmd) length() time.Duration { return time.Duration(c.Seconds * float64(time.Second)) }

func benchOpen(sh *shell, dir string) (*app.App, error) {
	return app.Open(sh.ctx, app.Config{Data: dir, KEK: dir + ".kek", Logger: sh.log, Rates: map[httpapi.Rate]float64{httpapi.RateRead: 1e6}})
}

// path measures events from bytes to durable and projected.
func (c *benchCmd) path(sh *shell, dir string, writers, size int) (f figure, err error) {
	a, err := benchOpen(sh, dir)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var events atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	start := time.Now()
	end := start.Add(c.length())
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			var mine []time.Duration
			for n := 0; time.Now().Before(end); n++ {
				batch := make([][]byte, size)
				for i := range batch {
					batch[i] = sampleEvent(w, n*size+i)
				}
				t := time.Now()
				_, err := a.Record(sh.ctx, batch)
				if err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(t))
				events.Add(int64(size))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if err := errors.Join(failed, a.CaughtUp(sh.ctx)); err != nil {
		return f, err
	}
	f = figure{Case: fmt.Sprintf("whole path, %d × batch %d", writers, size), PerSecond: float64(events.Load()) / time.Since(start).Seconds(),
		Note: "projections caught up"}
	f.P50, f.P99 = percentiles(took)
	return f, nil
}

const (
	readers = 64
	paced   = 500 // reads a second that all readers together offer
)

// reads measures recorded reads through the API's handler, 64 readers, each one
// read every so often, or as fast as it is answered (0).
func (c *benchCmd) reads(sh *shell, dir string, every time.Duration) (f figure, err error) {
	a, err := benchOpen(sh, dir)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	const token = "bench-administrator-token"
	if _, err := a.Bootstrap(sh.ctx, token); err != nil {
		return f, err
	}
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = sampleEvent(0, i)
	}
	res, err := a.Record(sh.ctx, batch)
	if err != nil {
		return f, err
	}
	if err := a.CaughtUp(sh.ctx); err != nil {
		return f, err
	}
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	start := time.Now()
	end := start.Add(c.length())
	var wg sync.WaitGroup
	for w := range readers {
		wg.Go(func() {
			next := start.Add(every * time.Duration(w) / readers)
			for n := w; time.Now().Before(end); n++ {
				time.Sleep(time.Until(next))
				next = next.Add(every)
				t := time.Now()
				status, err := get(sh.ctx, a.API, token, "/v1/subjects/"+res[n%len(res)].Subject.String())
				mu.Lock()
				took = append(took, time.Since(t))
				if err == nil && status != http.StatusOK {
					err = fmt.Errorf("a read answered %d", status)
				}
				failed = errors.Join(failed, err)
				mu.Unlock()
				if failed != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	name := "recorded reads, 64 readers, flat out"
	if every > 0 {
		name = fmt.Sprintf("recorded reads, 64 readers, %d/s", paced)
	}
	f = figure{Case: name, PerSecond: float64(len(took)) / time.Since(start).Seconds(), Note: "each access durable first"}
	f.P50, f.P99 = percentiles(took)
	return f, failed
}

// get calls the API in this process.
func get(ctx context.Context, h http.Handler, token, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
	if err != nil {
		return 0, err
	}
	req.RemoteAddr = "127.0.0.1:1"
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("X-Greffe-Reason", "rights_request")
	w := &sink{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, req)
	return w.status, nil
}

// sink is a ResponseWriter that keeps the status.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// load fills a ledger and reports what it weighs.
func (c *benchCmd) load(sh *shell, dir string) (f figure, err error) {
	a, err := benchOpen(sh, dir)
	if err != nil {
		return f, err
	}
	bar := sh.progress("load")
	start := time.Now()
	for n := 0; n < c.Load; n += 1000 {
		batch := make([][]byte, min(1000, c.Load-n))
		for i := range batch {
			batch[i] = sampleEvent(0, n+i)
		}
		if _, err := a.Record(sh.ctx, batch); err != nil {
			return f, errors.Join(err, a.Close())
		}
		bar.at(int64(n), int64(c.Load))
	}
	err = a.CaughtUp(sh.ctx)
	rate := float64(c.Load) / time.Since(start).Seconds()
	bar.end()
	rss := residentMiB()
	if err = errors.Join(err, a.Close()); err != nil {
		return f, err
	}
	sizes, total, err := weigh(dir)
	if err != nil {
		return f, err
	}
	return figure{Case: fmt.Sprintf("load of %d events", c.Load), PerSecond: rate,
		Note: fmt.Sprintf("%d B/event on disk (%s), %.0f MiB resident at most", total/int64(c.Load), perEvent(sizes, c.Load), rss)}, nil
}

func weigh(dir string) (sizes map[string]int64, total int64, err error) {
	sizes = map[string]int64{}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		room, _, _ := strings.Cut(rel, string(filepath.Separator))
		sizes[room] += info.Size()
		total += info.Size()
		return nil
	})
	return sizes, total, err
}

func perEvent(sizes map[string]int64, n int) string {
	var parts []string
	for room, size := range sizes {
		if size/int64(n) > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", room, size/int64(n)))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// residentMiB is the process's largest resident memory so far.
func residentMiB() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}

func percentiles(d []time.Duration) (p50, p99 string) {
	if len(d) == 0 {
		return "", ""
	}
	slices.Sort(d)
	at := func(q float64) string {
		return d[int(q*float64(len(d)-1))].Round(10 * time.Microsecond).String()
	}
	return at(0.50), at(0.99)
}

// sampleEvent is a quarter contacts, the rest what happens to them.
func sampleEvent(writer, n int) []byte {
	head := func(typ string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"b-%d-%d","source":"bench/crm","type":%q,"subject":"C-%d-%d","time":"2026-03-02T09:%02d:%02dZ","actor":"user:bench","data":`,
			writer, n, typ, writer, n/4, n/60%60, n%60)
	}
	switch n % 4 {
	case 0:
		return fmt.Appendf(head("contact.created"), `{"kind":"prospect","person":{"given_name":"Camille","family_name":"Martin-%d","emails":["c.martin.%d.%d@example.org"],"phones":["+3363998%04d"],`+
			`"postal_address":{"lines":["%d rue des Lilas"],"postal_code":"69003","city":"Lyon","country":"FR"},"language":"fr"},"notes":"souhaite être rappelée le matin",`+
			`"collection":{"channel":"web_form","collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"],"notice":{"id":"web-form","version":"3"}}}}`,
			n/4, writer, n/4, n%10000, n%200)
	case 1:
		return append(head("consent.granted"), `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false,"notice":{"id":"web-form","version":"3","language":"fr","text":"J'accepte de recevoir des offres."},"proof":{"ip":"192.0.2.7","reference":"form-1"}}}`...)
	case 2:
		return append(head("interaction.recorded"), `{"kind":"click","direction":"in","channel":"email","campaign":"printemps"}}`...)
	}
	return append(head("contact.changed"), `{"set":{"person.phones":["+33639980001"]},"reason":"update"}}`...)
}
