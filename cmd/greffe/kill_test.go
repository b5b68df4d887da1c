package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// kills is how often the process is killed: a few in `make test`, more in
// `make faults`.
func kills(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("GREFFE_KILLS"))
	if err != nil || n < 1 {
		return 5
	}
	t.Logf("%d kills", n)
	return n
}

// TestKillNine kills the service at random moments under 8 writers (craft F1).
// Every acknowledged event must be there once, at its acknowledged position; an
// unacknowledged one whole or absent; nothing torn; the read models what a
// rebuild gives.
func TestKillNine(t *testing.T) {
	dir, n := workDir(t), kills(t)
	acked := map[string]string{} // id → position
	var sent []string
	var mu sync.Mutex
	unknown := 0
	for round := range n {
		p := serve(t, dir)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for writer := range 8 {
			wg.Go(func() {
				for k := 0; ; k++ {
					select {
					case <-stop:
						return
					default:
					}
					var batch, ids []string
					for i := range 1 + k%7 {
						id := fmt.Sprintf("r%d-w%d-%d-%d", round, writer, k, i)
						ids = append(ids, id)
						batch = append(batch, contactEvent(id))
					}
					res, ok, err := p.events(batch...)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					sent = append(sent, ids...)
					if !ok {
						unknown += len(ids)
					}
					for _, r := range res.Results {
						if r.Status != "recorded" {
							t.Errorf("%s: %s", r.ID, r.Status)
						}
						acked[r.ID] = r.Position
					}
					mu.Unlock()
				}
			})
		}
		timer := time.NewTimer(time.Duration(20+rand.IntN(480)) * time.Millisecond)
		<-timer.C
		p.kill()
		close(stop)
		wg.Wait()
	}
	t.Logf("%d events sent, %d acknowledged, %d of unknown outcome", len(sent), len(acked), unknown)
	if len(acked) < 20*n || unknown < n {
		t.Errorf("too little happened to prove anything")
	}
	resend(t, dir, sent, acked)
	if out, errs, code := greffe(t, dir, "verify", "--data", filepath.Join(dir, "data"), "--json"); code != 0 {
		t.Errorf("verify ended with %d:\n%s%s", code, out, errs)
	}
}

// resend sends everything again: what was acknowledged is a duplicate at its
// position, the rest is a duplicate or recorded now, once.
func resend(t *testing.T, dir string, sent []string, acked map[string]string) {
	t.Helper()
	p := serve(t, dir)
	defer p.stop()
	at := map[string]string{}
	for len(sent) > 0 {
		n := min(len(sent), 500)
		batch := make([]string, n)
		for i := range n {
			batch[i] = contactEvent(sent[i])
		}
		res, ok, err := p.events(batch...)
		if err != nil || !ok {
			t.Fatalf("resend: %v", err)
		}
		for i, r := range res.Results {
			want, wasAcked := acked[sent[i]]
			if wasAcked && (r.Status != "duplicate" || r.Position != want) {
				t.Errorf("%s was acknowledged at %s and is now %s at %s", sent[i], want, r.Status, r.Position)
			}
			if other, taken := at[r.Position]; taken {
				t.Errorf("%s and %s share position %s", other, sent[i], r.Position)
			}
			at[r.Position] = sent[i]
		}
		sent = sent[n:]
	}
}

func contactEvent(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":"contact.created","subject":"C-%s","time":"2026-03-02T09:14:07Z",`+
		`"data":{"kind":"prospect","person":{"given_name":"Anne","family_name":"Martin","emails":["%s@example.org"]}}}`, id, id, id)
}
