package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
)

type benchCmd struct {
	Seconds float64 `help:"Seconds of each case." default:"5"`
	Dir     string  `help:"Directory to measure in; a temporary one beside the working directory if left out." placeholder:"DIR"`
	Load    int     `help:"Instead: fill a ledger with this many events, report bytes per event and memory, then decide, back up and erase in it." default:"0"`

	Checks   int `help:"With --load: checks in one stream of /v1/contactability." default:"200000"`
	Erasures int `help:"With --load: persons erased together, at most 100,000 and a quarter of the events." default:"2000"`
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
		if err := c.loaded(sh, filepath.Join(dir, "load"), add); err != nil {
			return err
		}
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
	quiet := slog.New(slog.NewTextHandler(sh.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return app.Open(sh.ctx, app.Config{Data: dir, KEK: dir + ".kek", Logger: quiet,
		Rates: map[httpapi.Rate]float64{httpapi.RateRead: 1e6, httpapi.RateSearch: 1e6}})
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
