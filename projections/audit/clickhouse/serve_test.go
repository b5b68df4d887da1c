//go:build real

package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/audit/clickhouse/chtest"
	"greffe/projections/projtest"
)

// endless gives rows for days, and ponder thinks for as long before its one row.
const (
	endless = "SELECT number, repeat('x', 100) FROM numbers(1000000000000)"
	ponder  = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(cityHash64(number))"
)

// TestCallerLeaves: a query whose caller has left, or had enough, ends on the
// server, over both protocols, and leaves no goroutine.
func TestCallerLeaves(t *testing.T) {
	s := chtest.Start(t, chtest.Options{})
	w := projtest.NewWorld(1, 10)
	watch := mustOpen(t, config("clickhouse://default@"+s.Addr+"/greffe", w))
	running := func() (n uint64) {
		err := watch.pool.row(t.Context(), "watch", "SELECT count() FROM system.processes WHERE query LIKE '%1000000000000%' AND query NOT LIKE '%processes%'", nil, &n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for name, url := range protocols(s) {
		d := mustOpen(t, config(url+"greffe", w))
		if err := d.ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := runtime.NumGoroutine()
		for range 5 {
			ctx, leave := context.WithCancel(t.Context())
			rows := 0
			err := d.pool.each(ctx, "endless", endless, nil, func(driver.Rows) (bool, error) {
				if rows++; rows == 25 {
					leave()
				}
				return true, nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want the caller's error", name, err)
			}
			rows = 0
			err = d.pool.each(t.Context(), "endless", endless, nil, func(driver.Rows) (bool, error) {
				rows++
				return rows < 15, nil
			})
			if err != nil || rows != 15 {
				t.Errorf("%s: %d rows, %v", name, rows, err)
			}
			early, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			err = d.pool.row(early, "ponder", ponder, nil, new(uint64))
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want the caller's deadline", name, err)
			}
		}
		eventually(t, name+": the queries end on the server", func() bool { return running() == 0 })
		_ = d.Close()
		eventually(t, name+": no goroutine is left", func() bool { return runtime.NumGoroutine() <= before+2 })
	}
}

// eventually asks again for some seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		pause(t, 50*time.Millisecond)
	}
	t.Errorf("not in 10 s: %s", what)
}

// TestAway: while the server is paused or gone each call answers within its
// deadline that the store is away, the runner stalls, goroutines and connections
// stay flat, and all goes on by itself when the server is back.
func TestAway(t *testing.T) {
	log, w, want := filled(t, 51, 5000)
	s := chtest.Start(t, chtest.Options{})
	for name, url := range protocols(s) {
		cfg := config(url+"greffe_"+name, w)
		cfg.Log, cfg.Timeout = log, time.Second // short, for the test's sake
		d := mustOpen(t, cfg)
		if err := catchUp(t, log, d, 2000); err != nil {
			t.Fatal(err)
		}
		for _, fault := range []struct{ begin, end func(testing.TB) }{{s.Pause, s.Resume}, {s.Kill, s.Start}} {
			fault.begin(t)
			before := runtime.NumGoroutine()
			checkAway(t, d, log)
			for range 10 {
				early, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				if _, err := d.Checkpoint(early); err == nil {
					t.Errorf("%s: a checkpoint of a server that is away", name)
				}
				cancel()
			}
			if n := runtime.NumGoroutine(); n > before+20 {
				t.Errorf("%s: %d goroutines, %d before", name, n, before)
			}
			fault.end(t)
		}
		r, stop := follow(t, log, 500, d)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := r.WaitFor(ctx, 4999); err != nil {
			t.Fatal(err)
		}
		cancel()
		stop()
		if got := content(t, d); !bytes.Equal(got, want) {
			t.Errorf("%s: the answers differ from those of SQLite: %s", name, firstDifference(got, want))
		}
	}
}

func checkAway(t *testing.T, d *Dataset, log interface {
	Read(context.Context, domain.Position, domain.Position, func(domain.Position, []byte) error) error
}) {
	t.Helper()
	calls := map[string]func() error{
		"checkpoint": func() error { _, err := d.Checkpoint(t.Context()); return err },
		"summary":    func() error { _, err := d.Summary(t.Context(), audit.Span{}); return err },
		"events": func() error {
			for _, err := range d.Events(t.Context(), audit.Filter{Limit: 5}) {
				return err
			}
			return nil
		},
		"apply": func() error {
			var facts []projections.Fact
			err := log.Read(t.Context(), 2000, 2010, func(p domain.Position, b []byte) error {
				f, err := event.DecodeFact(b)
				facts = append(facts, projections.Fact{Position: p, Fact: f})
				return err
			})
			return errors.Join(err, d.Apply(t.Context(), facts))
		},
	}
	for name, call := range calls {
		began := time.Now()
		if err := call(); !errors.Is(err, projections.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
		took := time.Since(began)
		t.Logf("%s: %v", name, took.Round(time.Millisecond))
		if took > 8*time.Second { // the call's second, and that of the kill, on a busy machine
			t.Errorf("%s took %v", name, took)
		}
	}
}

// TestCut: an answer that the network cuts off ends in an error, never short.
func TestCut(t *testing.T) {
	t.Parallel()
	log, w, _ := filled(t, 52, 20_000)
	s := chtest.Shared(t)
	name := newDatabase()
	if err := catchUp(t, log, mustOpen(t, config("clickhouse://default@"+s.Addr+"/"+name, w)), 20_000); err != nil {
		t.Fatal(err)
	}
	for scheme, to := range map[string]string{"clickhouse": s.Addr, "http": s.HTTP} {
		for after := int64(20_000); after < 1_500_000; after = after*3/2 + 777 {
			proxy, seen := cutting(t, to, after)
			d := mustOpen(t, config(scheme+"://default@"+proxy+"/"+name, w))
			n, last := 0, error(nil)
			for _, err := range d.Events(t.Context(), audit.Filter{}) {
				if last = err; err == nil {
					n++
				}
			}
			if last == nil && n != 20_000 {
				t.Errorf("%s cut after %d bytes: %d events and no error", scheme, after, n)
			}
			if last != nil && !errors.Is(last, projections.ErrUnavailable) {
				t.Errorf("%s cut after %d bytes: %v", scheme, after, last)
			}
			if last == nil && seen.Load() > after {
				t.Errorf("%s cut after %d bytes: no error", scheme, after)
			}
		}
	}
}

// cutting forwards connections to an address, each until so many bytes have come
// back.
func cutting(t *testing.T, to string, after int64) (addr string, seen *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	seen = &atomic.Int64{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				up, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer up.Close()
				go func() { _, _ = io.Copy(up, c) }()
				n, _ := io.CopyN(c, up, after)
				seen.Add(n)
			}()
		}
	}()
	return l.Addr().String(), seen
}

// TestNothingPersonal searches every byte that the engine wrote, its log and its
// own tables among them: for the ids of sealed parts, there is nothing but uuids
// and codes; of accesses that were dropped, not even these.
func TestNothingPersonal(t *testing.T) {
	t.Parallel()
	s := chtest.Start(t, chtest.Options{})
	w := projtest.NewWorld(61, 100)
	secret := "Zoé.Canari-7e57"
	var facts []projections.Fact
	for i, b := range w.Bytes(3000) {
		f, err := event.DecodeFact(b)
		if err != nil {
			t.Fatal(err)
		}
		// Whatever a fact may carry besides what has a column.
		f.Fields = append(f.Fields, secret)
		for j := range f.Parts {
			copy(f.Parts[j].Commitment[:], secret)
		}
		facts = append(facts, projections.Fact{Position: domain.Position(i), Fact: f})
	}
	d := mustOpen(t, config("clickhouse://default@"+s.Addr+"/greffe", w))
	if err := d.Apply(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	old := gather(t, d, audit.AccessFilter{})
	slices.SortFunc(old, func(a, b audit.Access) int { return a.Time.Compare(b.Time.Time) })
	term := old[len(old)/2].Time.AddDate(0, 1, 0)
	if n, err := d.DropAccessesBefore(t.Context(), term); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	var paths []string
	if err := d.pool.row(t.Context(), "parts", "SELECT arrayConcat((SELECT groupArray(partition) FROM system.parts WHERE database = 'greffe' AND table = 'accesses' AND active), "+
		"(SELECT groupArray(toString(month)) FROM ~.reads), (SELECT groupArray(toString(month)) FROM ~.seen))", nil, &paths); err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if p < term.Format("200601") {
			t.Errorf("month %s is left", p)
		}
	}
	if n := occurrences(t, s.Dir, secret); n > 0 {
		t.Errorf("%d files hold what has no column", n)
	}
	if n := occurrences(t, s.Dir, stored(facts[1].ID)); n == 0 {
		t.Error("the search does not find an id that is there")
	}
}

// stored is an id as the engine writes it: two integers, the low byte first.
func stored(id domain.ID) string {
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = id[7-i], id[15-i]
	}
	return string(b[:])
}

// occurrences counts the files below dir that hold what.
func occurrences(t *testing.T, dir, what string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasSuffix(path, ".so") {
			return nil // parts come and go
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(what)) {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
