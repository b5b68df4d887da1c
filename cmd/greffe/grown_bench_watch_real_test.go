//go:build real

package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// watched says what happened in a span of time: the processors' time by program,
// and, of the functions that were asked for, in how much of it at least one
// goroutine was within.
type watched struct {
	b      *testing.B
	marks  []string
	began  time.Time
	took   time.Duration
	cpu    map[string]time.Duration
	busy   time.Duration // of the whole machine
	before string        // load averages
	within map[string]int
	looks  int
	stop   chan struct{}
	ended  chan struct{}
	file   *os.File
}

// watching begins to watch; marks are parts of the names of functions.
func watching(b *testing.B, marks ...string) *watched {
	b.Helper()
	w := &watched{b: b, marks: marks, within: map[string]int{}, stop: make(chan struct{}), ended: make(chan struct{})}
	if len(marks) > 0 && *grownProfile != "" {
		f, err := os.Create(*grownProfile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			b.Fatal(err)
		}
		w.file = f
	}
	w.before, w.cpu, w.busy, w.began = loads(b), processorTime(b), machineTime(b), time.Now()
	go w.look()
	return w
}

func (w *watched) look() {
	defer close(w.ended)
	if len(w.marks) == 0 {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	stacks := make([]byte, 8<<20)
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		w.looks++
		seen := map[string]bool{}
		for line := range strings.Lines(string(stacks[:runtime.Stack(stacks, true)])) {
			if name, ok := w.marked(line); ok && !seen[name] {
				seen[name] = true
				w.within[name]++
			}
		}
	}
}

// marked is the name of a function of ours in a line of stacks, if it has a mark.
func (w *watched) marked(line string) (string, bool) {
	name, ours := strings.CutPrefix(line, "greffe/")
	if at := strings.LastIndexByte(name, '('); ours && at > 0 {
		name = name[:at]
	}
	return name, ours && !strings.Contains(name, ".func") && slices.ContainsFunc(w.marks, func(m string) bool { return strings.Contains(name, m) })
}

func (w *watched) end() *watched {
	w.took = time.Since(w.began)
	close(w.stop)
	<-w.ended
	if w.file != nil {
		pprof.StopCPUProfile()
		if err := w.file.Close(); err != nil {
			w.b.Fatal(err)
		}
	}
	now := processorTime(w.b)
	for name, t := range w.cpu {
		now[name] -= t
	}
	w.cpu, w.busy = now, machineTime(w.b)-w.busy
	return w
}

// load says how busy the machine was, and how much of it was others' work.
func (w *watched) load() string {
	own := time.Duration(0)
	for _, t := range w.cpu {
		own += t
	}
	return fmt.Sprintf("%s: %d processors; load %s before, %s after; in use %.2f, by others %.2f", w.began.UTC().Format("2006-01-02 15:04"), runtime.NumCPU(), w.before, loads(w.b),
		w.busy.Seconds()/w.took.Seconds(), (w.busy-own).Seconds()/w.took.Seconds())
}

// print adds the load, the processors' time by program for each of n, and the
// functions by how much of the time was spent in them.
func (w *watched) print(r *benchReport, n int) {
	r.line("  %s", w.load())
	used := "  processors' µs for each:"
	for _, name := range byValue(w.cpu) {
		if t := w.cpu[name]; t > 0 {
			used += fmt.Sprintf(" %s %.0f", name, float64(t.Microseconds())/float64(n))
		}
	}
	r.line("%s", used)
	for _, name := range byValue(w.within) {
		if share := 100 * float64(w.within[name]) / float64(max(1, w.looks)); share >= 2 {
			r.line("  %5.1f %% of the time in %s", share, name)
		}
	}
}

func byValue[V cmp.Ordered](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b)) })
}

const lookEvery = 40 * time.Millisecond // of all stacks, which costs about a millisecond

const clockTick = 10 * time.Millisecond // Linux's USER_HZ

// processorTime is what this process and its children used so far, by program.
func processorTime(b *testing.B) map[string]time.Duration {
	b.Helper()
	type process struct {
		parent string
		name   string
		used   time.Duration
	}
	all := map[string]process{}
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it ended
		}
		head, rest, ok := strings.Cut(string(raw), ") ")
		f := strings.Fields(rest)
		if !ok || len(f) < 15 {
			continue
		}
		_, name, _ := strings.Cut(head, "(")
		all[filepath.Base(filepath.Dir(path))] = process{f[1], name, ticks(f[11:15])}
	}
	self := strconv.Itoa(os.Getpid())
	out := map[string]time.Duration{}
	for pid, p := range all {
		if pid == self { // not what it waited for: that was under another name
			raw, _ := os.ReadFile("/proc/self/stat")
			_, rest, _ := strings.Cut(string(raw), ") ")
			out["greffe"] += ticks(strings.Fields(rest)[11:13])
			continue
		}
		top := p
		for top.parent != self && top.parent != "" {
			top = all[top.parent]
		}
		if top.parent == self {
			out[top.name] += p.used
		}
	}
	return out
}

func ticks(fields []string) (sum time.Duration) {
	for _, f := range fields {
		n, _ := strconv.Atoi(f)
		sum += time.Duration(n) * clockTick
	}
	return sum
}

// machineTime is what all processors were in use for since the start.
func machineTime(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	f := strings.Fields(line)
	return ticks([]string{f[1], f[2], f[3], f[6], f[7], f[8]})
}

func loads(b *testing.B) string {
	b.Helper()
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	return strings.Fields(string(raw))[0]
}
