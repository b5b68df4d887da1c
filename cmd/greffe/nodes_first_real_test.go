//go:build real

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"greffe/domain/event"
)

// firstStarts is how often two nodes are started at once on empty stores.
const firstStarts = 4

// TestTwoNodesAtOnce: two nodes first started at the same moment on empty stores make
// one ledger, with one policy and one first administrator, whose token, if it is made,
// one of them prints. Both serve.
func TestTwoNodesAtOnce(t *testing.T) {
	_, s := onRealStores(t)
	for round := range firstStarts {
		t.Run(fmt.Sprint(round), func(t *testing.T) { s.anew(t, round).firstStart(t, round%2 == 1) })
	}
}

// anew is the same servers with nothing of a ledger in them.
func (s *servers) anew(t *testing.T, round int) *fleet {
	t.Helper()
	dir := workDir(t)
	data := filepath.Join(dir, "data")
	fresh := *s
	fresh.holds(data, s.pg.URL(t), fmt.Sprintf("round%d", round))
	if round%2 == 1 { // a token is to be made
		fresh.env = append(fresh.env, bootstrapEnv+"=")
	}
	makeKey(t, data)
	grown.mu.Lock()
	grown.of[data] = &fresh
	grown.mu.Unlock()
	alsoNode(data, data+"-2")
	f := &fleet{t: t, dir: dir, stores: &fresh, client: http.DefaultClient}
	f.nodes = []*node{{f: f, name: "n1", data: "data"}, {f: f, name: "n2", data: "data-2"}}
	return f
}

func (f *fleet) firstStart(t *testing.T, tokenMade bool) {
	var starts sync.WaitGroup
	for _, n := range f.nodes {
		starts.Go(n.start)
	}
	starts.Wait()
	var tokens []string
	for _, n := range f.nodes {
		if n.process() == nil {
			t.FailNow()
		}
		if _, after, ok := strings.Cut(n.process().said(), "shown once: "); ok {
			tokens = append(tokens, strings.Fields(after)[0])
		}
	}
	switch {
	case !tokenMade && len(tokens) > 0:
		t.Errorf("%d tokens were made though one was given", len(tokens))
	case !tokenMade:
		tokens = []string{testToken}
	case len(tokens) != 1:
		t.Fatalf("%d tokens were made", len(tokens))
	}
	who := []string{"Authorization", "Bearer " + tokens[0]}
	a := f.nodes[0].process().must(http.StatusOK, http.MethodPost, "/v1/events", batchType, "["+contactEvent("once")+"]", who...)
	b := f.nodes[1].process().must(http.StatusOK, http.MethodPost, "/v1/events", batchType, "["+contactEvent("once")+"]", who...)
	if first := strings.Replace(string(a.body), `"recorded"`, `"duplicate"`, 1); first != string(b.body) {
		t.Errorf("the nodes answer one event %s and %s", a.body, b.body)
	}
	f.fences()
	f.stop()
	l := readLedger(t, f.dir)
	var types []event.Type
	for _, x := range l.facts {
		types = append(types, x.Type)
	}
	for _, once := range []event.Type{event.PolicyPublished, event.AccountCreated, event.AccountTokenMade, event.ContactCreated} {
		if n := len(slices.DeleteFunc(slices.Clone(types), func(x event.Type) bool { return x != once })); n != 1 {
			t.Errorf("%s is in the log %d times: %v", once, n, types)
		}
	}
	for i, name := range []string{"data", "data-2"} {
		id, err := os.ReadFile(filepath.Join(f.dir, name, "views", "ledger"))
		if err != nil || i == 1 && string(id) != f.ledger() {
			t.Errorf("the ledger of %s is %s, %v", name, id, err)
		}
	}
}

func (f *fleet) ledger() string {
	f.t.Helper()
	id, err := os.ReadFile(filepath.Join(f.dir, "data", "views", "ledger"))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(id)
}
