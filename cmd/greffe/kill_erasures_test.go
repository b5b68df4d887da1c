package main

import (
	"context"
	"crypto/rand"
	"fmt"
	mrand "math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault/kek"
)

// operation is what an order to erase is answered with.
type operation struct {
	Operation   string `json:"operation"`
	State       string `json:"state"`
	Trouble     string `json:"trouble"`
	Certificate *struct {
		Number string `json:"number"`
		Kept   []any  `json:"kept"`
	} `json:"certificate"`
}

// erase orders an erasure; ok is false when its outcome is unknown.
func (p *process) erase(subject string) (op operation, ok bool, err error) {
	a, err := p.call(http.MethodPost, "/v1/subjects/"+subject+"/erasure", "application/json", `{"ground":"art17.1.b","reason":"by letter"}`)
	if err != nil || a.status == http.StatusServiceUnavailable || a.status == http.StatusTooManyRequests {
		return op, false, nil
	}
	if a.status != http.StatusOK && a.status != http.StatusAccepted {
		return op, false, fmt.Errorf("status %d: %s", a.status, a.body)
	}
	return op, true, json.Unmarshal(a.body, &op)
}

// siege is what the clients of a service that is killed again and again know.
type siege struct {
	t *testing.T

	mu        sync.Mutex
	known     []string          // acknowledged persons, in order of the answers
	sent      int               // orders to erase
	certified map[string]string // person → certificate
	unknown   int               // orders without an answer
}

func (s *siege) add(subjects ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = append(s.known, subjects...)
}

// victim is one of the persons that eraser may erase: every third is left alone.
func (s *siege) victim(eraser int, tried map[string]bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := 0; n < 20 && len(s.known) > 0; n++ {
		i := mrand.IntN(len(s.known))
		if i%3 != 0 && i%4 == eraser && !tried[s.known[i]] {
			tried[s.known[i]] = true
			s.sent++
			return s.known[i]
		}
	}
	return ""
}

func (s *siege) answered(subject string, op operation, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !ok:
		s.unknown++
	case op.Certificate != nil:
		s.certified[subject] = op.Certificate.Number
	}
}

// round serves until the process is killed, under 8 writers and 4 erasers.
func (s *siege) round(dir string, n int) {
	p := serve(s.t, dir)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	each := func(work func(k int) error) {
		wg.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := work(k); err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	writers := 8
	if grownOf(filepath.Join(dir, "data")) != nil {
		writers = 2
	}
	for writer := range writers {
		each(func(k int) error {
			var batch []string
			for i := range 1 + k%5 {
				batch = append(batch, contactEvent(fmt.Sprintf("e%d-w%d-%d-%d", n, writer, k, i)))
			}
			res, _, err := p.events(batch...)
			for _, r := range res.Results {
				s.add(r.SubjectID)
			}
			return err
		})
	}
	for eraser := range 4 {
		tried := map[string]bool{}
		each(func(int) error {
			who := s.victim(eraser, tried)
			if who == "" {
				return nil
			}
			op, ok, err := p.erase(who)
			s.answered(who, op, ok)
			return err
		})
	}
	life := time.Duration(50+mrand.IntN(700)) * time.Millisecond
	if grownOf(filepath.Join(dir, "data")) != nil && n%2 == 1 { // until its lease ends, the killed node holds back certificates
		life += 15 * time.Second
	}
	timer := time.NewTimer(life)
	<-timer.C
	p.kill()
	close(stop)
	wg.Wait()
}

// TestKillErasures kills the service at random moments while 8 clients record and
// 4 erase. Whoever a certificate was acknowledged for is gone; every order that is
// in the log ends with one certificate; nobody else lost a byte.
func TestKillErasures(t *testing.T) {
	dir, n := workDir(t), kills(t)
	s := &siege{t: t, certified: map[string]string{}}
	for round := range 4 * n {
		if round >= n && len(s.certified) >= n && s.unknown >= n/2 {
			break
		}
		s.round(dir, round)
	}
	s.finish(dir)
	l := readLedger(t, dir)
	erased := map[domain.ID]bool{}
	certificates := map[domain.ID]int{}
	numbers := map[string]bool{}
	for _, f := range l.facts {
		switch f.Type {
		case event.ErasureOrdered:
			erased[f.Subject] = true
		case event.SubjectErased:
			certificates[f.Codes.ID("order")]++
			numbers[f.ID.String()] = true
		}
	}
	for _, f := range l.facts {
		if f.Type == event.ErasureOrdered && certificates[f.ID] != 1 {
			t.Errorf("the order at %s has %d certificates", f.ID, certificates[f.ID])
		}
	}
	for who, number := range s.certified {
		if id, err := domain.ParseID(who); err != nil || !erased[id] || !numbers[number] {
			t.Errorf("certificate %s of %s is not in the log (%v)", number, who, err)
		}
	}
	lost, left := l.look(t, erased)
	t.Logf("%d persons acknowledged, %d orders sent, %d certified to their sender, %d unanswered or put off; %d erased in the log",
		len(s.known), s.sent, len(s.certified), s.unknown, len(erased))
	if lost != 0 || left != 0 {
		t.Errorf("%d facts of others lost something, %d parts of the erased are left", lost, left)
	}
	if len(s.certified) < n || s.unknown < n/2 || len(erased) < len(s.certified) {
		t.Error("too little happened to prove anything")
	}
	for range 2 {
		if out, errs, code := greffe(t, dir, "verify", "--data", filepath.Join(dir, "data"), "--json"); code != 0 {
			t.Errorf("verify ended with %d:\n%s%s", code, out, errs)
		}
		if _, errs, code := greffe(t, dir, "rebuild", "--data", filepath.Join(dir, "data")); code != 0 {
			t.Fatalf("rebuild: %s", errs)
		}
	}
}

// finish serves in peace until what is ordered is certified.
func (s *siege) finish(dir string) {
	s.t.Helper()
	var open []string
	done := map[domain.ID]bool{}
	l := readLedger(s.t, dir)
	for _, f := range l.facts {
		if f.Type == event.SubjectErased {
			done[f.Codes.ID("order")] = true
		}
	}
	for _, f := range l.facts {
		if f.Type == event.ErasureOrdered && !done[f.ID] {
			open = append(open, f.Subject.String())
		}
	}
	p := serve(s.t, dir)
	defer p.stop()
	end := time.Now().Add(2 * time.Minute)
	for _, who := range open {
		for {
			op, ok, err := p.erase(who)
			if err != nil || time.Now().After(end) {
				s.t.Fatalf("an erasure does not end: %+v %v\n%s", op, err, p.said())
			}
			if ok && op.Certificate != nil {
				break
			}
		}
	}
	s.t.Logf("%d erasures were resumed", len(open))
}

// stopped is a ledger that nobody serves.
type stopped struct {
	dir   string
	facts []*event.Fact
}

func readLedger(t *testing.T, dir string) (l stopped) {
	t.Helper()
	l.dir = dir
	log := openLog(t, dir, "data")
	defer log.Close()
	head, err := log.Head(t.Context())
	if err == nil {
		err = log.Read(t.Context(), 0, head, func(_ domain.Position, b []byte) error {
			f, err := event.DecodeFact(b)
			l.facts = append(l.facts, f)
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// look opens every part of every person: lost counts the facts of those who were
// not erased that lack something, left the parts of the erased that can be read.
func (l stopped) look(t *testing.T, erased map[domain.ID]bool) (lost, left int) {
	t.Helper()
	ctx := context.Background()
	store := openVault(t, l.dir, "data")
	defer store.Close()
	key, err := kek.Open(filepath.Join(l.dir, "data.kek"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.OpenKeyring(ctx, store, key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, f := range l.facts {
		if f.Subject.IsZero() {
			continue
		}
		opened, err := ring.Open(ctx, []*event.Fact{f}, func(p *event.PartRef) bool { return p.Owner == part.SubjectOwner(f.Subject) })
		if err != nil {
			t.Fatal(err)
		}
		looked++
		switch {
		case erased[f.Subject]:
			left += len(opened[0].Fields)
		case len(opened[0].Gone) > 0:
			lost++
		}
	}
	if looked < 10 {
		t.Fatalf("looked at %d facts", looked)
	}
	return lost, left
}
