//go:build real

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"greffe/eventstore/vault"
)

// fleet is several nodes of one ledger, each a process, on the same real stores.
type fleet struct {
	t      *testing.T
	dir    string
	stores *servers
	client *http.Client
	nodes  []*node
}

// node is one of them, whichever process it is now.
type node struct {
	f          *fleet
	name, data string

	mu sync.Mutex
	p  *process
}

// onRealStores starts the stores of the ledger DIR/data, whatever the tests of this
// package run on otherwise.
func onRealStores(t *testing.T) (dir string, s *servers) {
	t.Helper()
	dir = workDir(t)
	data := filepath.Join(dir, "data")
	s = startServers(t, data)
	grown.mu.Lock()
	defer grown.mu.Unlock()
	grown.of[data] = s
	return dir, s
}

// newFleet serves a new ledger by n nodes.
func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	dir, s := onRealStores(t)
	f := &fleet{t: t, dir: dir, stores: s, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	t.Cleanup(f.client.CloseIdleConnections)
	for i := range n {
		x := &node{f: f, name: fmt.Sprintf("n%d", i+1), data: "data"}
		if i > 0 {
			x.data = fmt.Sprintf("data-%d", i+1)
			alsoNode(filepath.Join(dir, "data"), filepath.Join(dir, x.data))
		}
		f.nodes = append(f.nodes, x)
		x.start()
	}
	return f
}

func (n *node) start() {
	n.f.t.Helper()
	p := serveAt(n.f.t, n.f.dir, n.data, "--node", n.name)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.p = p
}

func (n *node) process() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.p
}

func (n *node) signal(s syscall.Signal) {
	n.f.t.Helper()
	if err := n.process().cmd.Process.Signal(s); err != nil {
		n.f.t.Fatal(err)
	}
}

// ask sends one request with the first administrator's token, and waits for its
// answer at most so long.
func (n *node) ask(patience time.Duration, method, path, contentType, body string, header ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, n.process().base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := n.f.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, b, res.Header}, err
}

// until asks again until the answer is as wanted, or time is over.
func (n *node) until(limit time.Duration, what string, want func(answer) bool, method, path, contentType, body string, header ...string) answer {
	n.f.t.Helper()
	var a answer
	var err error
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); ; <-tick.C {
		if a, err = n.ask(5*time.Second, method, path, contentType, body, header...); err == nil && want(a) {
			return a
		}
		if time.Now().After(end) {
			n.f.t.Fatalf("%s: %s not within %v: %d %s %v\n%s", n.name, what, limit, a.status, a.body, err, n.said())
		}
	}
}

// said is the end of what a node wrote, but for its requests.
func (n *node) said() string {
	var out []string
	for line := range strings.Lines(n.process().said()) {
		if !strings.Contains(line, "msg=request") {
			out = append(out, line)
		}
	}
	return strings.Join(out[max(0, len(out)-60):], "")
}

// leases are what the nodes hold; with the names of the holders.
func (f *fleet) leases() (keeper string, serving []string) {
	f.t.Helper()
	store := f.stores.grownStores.vault(f.t)
	defer store.Close()
	all, err := store.Leases(f.t.Context(), "")
	if err != nil {
		f.t.Fatal(err)
	}
	names := map[[16]byte]string{}
	var keeps *vault.Lease
	for i, l := range all {
		var n struct {
			Name    string `json:"name"`
			Serving bool   `json:"serving"`
		}
		if l.Role == "keeper" {
			keeps = &all[i]
		} else if err := json.Unmarshal(l.Note, &n); err != nil {
			f.t.Fatal(err)
		} else if names[l.Holder] = n.Name; n.Serving {
			serving = append(serving, n.Name)
		}
	}
	if keeps != nil {
		keeper = names[keeps.Holder]
	}
	return keeper, serving
}

// keeper waits for a node that keeps house, other than those named.
func (f *fleet) keeper(not ...string) *node {
	f.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); ; <-tick.C {
		name, _ := f.leases()
		for _, n := range f.nodes {
			if n.name == name && !strings.Contains(" "+strings.Join(not, " ")+" ", " "+name+" ") {
				return n
			}
		}
		if time.Now().After(end) {
			f.t.Fatalf("nobody but %v keeps house within 20 s", not)
		}
	}
}

// connections are those to PostgreSQL that are the nodes'.
func (f *fleet) connections() (n int) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.stores.pg.Superuser("postgres"))
	if err == nil {
		err = conn.QueryRow(f.t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE usename='greffe'").Scan(&n)
	}
	if err == nil {
		err = conn.Close(f.t.Context())
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// fences waits until the fences of all nodes are the same, byte for byte, and says
// how many records they have.
func (f *fleet) fences() (records int) {
	f.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); ; <-tick.C {
		var first []byte
		same := true
		for i, n := range f.nodes {
			b, err := os.ReadFile(filepath.Join(f.dir, n.data+".fence", "fence.jsonl"))
			if err != nil {
				f.t.Fatal(err)
			}
			if i == 0 {
				first = b
			}
			same = same && bytes.Equal(first, b)
		}
		if same {
			return bytes.Count(first, []byte("\n")) - 1
		}
		if time.Now().After(end) {
			f.t.Error("the nodes' fences differ")
			return 0
		}
	}
}

// stop ends every node, and verifies the ledger with the read models of each.
func (f *fleet) stop() {
	f.t.Helper()
	for _, n := range f.nodes {
		n.process().stop()
	}
	for _, n := range f.nodes {
		args := []string{"verify", "--data", filepath.Join(f.dir, n.data), "--json"}
		if out, errs, code := greffe(f.t, f.dir, args...); code != 0 {
			f.t.Errorf("%s: verify ended with %d:\n%s%s", n.name, code, out, errs)
		}
	}
}

// goroutines ends a node and counts what it was doing.
func (n *node) goroutines() int {
	n.f.t.Helper()
	p := n.process()
	n.signal(syscall.SIGQUIT)
	<-p.ended
	count := strings.Count(p.said(), "\ngoroutine ")
	if count == 0 {
		n.f.t.Errorf("%s: no goroutines in\n%s", n.name, p.said())
	}
	return count
}
