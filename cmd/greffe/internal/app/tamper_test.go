package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/eventstore/verify"
)

// tally counts what came of edits, by their kind and by the kind of file.
type tally struct {
	mu    sync.Mutex
	found map[string]map[string]int
}

func (c *tally) add(row, column string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found[row] == nil {
		c.found[row] = map[string]int{}
	}
	c.found[row][column]++
}

// TestTamper edits a ledger at random, one edit at a time: verification names it and
// where it is, refuses the ledger with what is wrong, or nothing that can be asked of the
// ledger is answered otherwise. GREFFE_TAMPER is how many edits, GREFFE_TAMPER_SEED the
// first seed.
func TestTamper(t *testing.T) {
	t.Parallel()
	n, seed := 40, uint64(time.Now().UnixNano())%1_000_000_000
	if s := os.Getenv("GREFFE_TAMPER"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("GREFFE_TAMPER_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	o := everything(t)
	v, err := o.victim(o.path("intact"))
	o.ok(err)
	if said, found := v.verify(t.Context()); found {
		t.Fatalf("intact: %s", said)
	}
	intact, err := answersOf(t.Context(), v.cfg)
	o.ok(err)
	c := &tally{found: map[string]map[string]int{}}
	next := make(chan uint64, n)
	for i := range n {
		next <- seed + uint64(i)
	}
	close(next)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for seed := range next {
				o.one(seed, intact, c)
			}
		})
	}
	both.Wait()
	c.report(t, n)
}

// one does an edit and judges what comes of it.
func (o *original) one(seed uint64, intact answers, c *tally) {
	dir := filepath.Join(o.dir, fmt.Sprint("edit-", seed))
	defer os.RemoveAll(dir)
	r := rand.New(rand.NewPCG(seed, 5)) //nolint:gosec
	var e strike
	var v *victim
	err := errNoEdit
	for tries := 0; errors.Is(err, errNoEdit) && tries < 50; tries++ {
		if err = os.RemoveAll(dir); err == nil {
			v, err = o.victim(dir)
		}
		if err == nil {
			e, err = o.tamper(r, v)
		}
	}
	if err != nil {
		o.Errorf("seed %d: %v: %v", seed, e, err)
		return
	}
	ctx, cancel := context.WithTimeout(o.Context(), time.Minute)
	defer cancel()
	said, found := v.verify(ctx)
	if found {
		c.add(e.kind, "found")
		c.add(group(e), "found")
		if !e.named(said) {
			o.Errorf("seed %d: %v: found elsewhere than at fact %d or %q: %s", seed, e, e.fact, e.places, said)
		}
		return
	}
	if e.checked() {
		o.Errorf("seed %d: %v: nothing was found of a row that verification looks at", seed, e)
	}
	got, err := answersOf(ctx, v.cfg)
	if differ := intact.differ(got); err != nil || len(differ) > 0 {
		o.Errorf("seed %d: %v: nothing was found, and other answers are given: %q %v", seed, e, differ, err)
		return
	}
	o.Logf("seed %d: %v: slack", seed, e)
	c.add(e.kind, "slack")
	c.add(group(e), "slack")
}

// verify verifies all of a ledger and puts together what was said.
func (v *victim) verify(ctx context.Context) (said string, found bool) {
	var all []string
	_, drift, err := Verify(ctx, v.cfg, VerifyOptions{Drift: true, Report: func(f verify.Finding) {
		all = append(all, fmt.Sprintf("%s position %d %s: %s", f.Code, f.Position, f.Where, f.Detail))
	}})
	for _, d := range drift {
		if !d.Equal {
			all = append(all, fmt.Sprintf("drift of %s: %s %+v", d.Projection, d.Where, d.Findings))
		}
	}
	if err != nil {
		all = append(all, "refused: "+err.Error())
	}
	return strings.Join(all, "; "), len(all) > 0
}

// named tells whether what was said names the place of an edit: of a fact its position
// exactly.
func (e strike) named(said string) bool {
	if e.fact >= 0 {
		first, _, _ := strings.Cut(said, "; ")
		return slices.Contains(strings.FieldsFunc(first, func(r rune) bool { return r < '0' || r > '9' }), fmt.Sprint(e.fact))
	}
	return len(e.places) == 0 || slices.ContainsFunc(e.places, func(p string) bool { return strings.Contains(said, p) })
}

// checked tells that a row was edited of a table of the vault of which no row is slack.
func (e strike) checked() bool {
	table, _, _ := strings.Cut(e.what, ".")
	table, _, _ = strings.Cut(table, ",")
	return e.file == filepath.Join("data", "vault.db") && strings.HasPrefix(e.kind, "row ") && slices.Contains([]string{"link", "hold", "owner", "intake", "posting"}, table)
}

func group(e strike) string {
	switch {
	case e.file == "":
		return " everything"
	case strings.HasPrefix(e.kind, "row "):
		return " rows of " + filepath.Base(e.file)
	}
	return " " + filepath.Dir(e.file)
}

func (c *tally) report(t *testing.T, n int) {
	t.Helper()
	total := 0
	for _, row := range slices.Sorted(maps.Keys(c.found)) {
		t.Logf("%-32s %4d found %4d slack", row, c.found[row]["found"], c.found[row]["slack"])
		if row[0] != ' ' {
			total += c.found[row]["found"]
		}
	}
	for _, kind := range kindsOfEdits {
		if n >= 400 && len(c.found[kind]) == 0 {
			t.Errorf("%s: never", kind)
		}
	}
	if total < n/3 {
		t.Errorf("%d of %d edits were found: they prove too little", total, n)
	}
}
