package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
)

// peopled is a ledger with persons in it.
type peopled struct {
	*benchCmd
	sh      *shell
	a       *app.App
	persons []domain.ID
	events  int // made so far
	copies  string
}

const asked = 10_000 // addresses in one request

// decisions measures /v1/contactability by address: many known or unknown ones in
// a request, and a stream of both.
func (p *peopled) decisions(add func(figure)) error {
	if _, err := p.a.Bootstrap(p.sh.ctx, benchToken); err != nil {
		return err
	}
	for _, known := range []bool{true, false} {
		f, err := p.lots(known)
		if err != nil {
			return err
		}
		add(f)
	}
	f, err := p.streamed()
	if err == nil {
		add(f)
	}
	return err
}

func (p *peopled) lots(known bool) (f figure, err error) {
	who := "unknown"
	if known {
		who = "known"
	}
	var took []time.Duration
	start := time.Now()
	for n := 0; n == 0 || time.Since(start) < p.length(); n++ {
		var body bytes.Buffer
		body.WriteString(`{"checks":[`)
		for i := range asked {
			if i > 0 {
				body.WriteByte(',')
			}
			body.Write(p.check(n*asked+i, known))
		}
		body.WriteString("]}")
		t := time.Now()
		answer, err := p.ask("application/json", &body)
		if err == nil && !bytes.Contains(answer.tail, []byte(`"rule"`)) {
			err = errors.New("contactability gave no answers")
		}
		if err != nil {
			return f, err
		}
		took = append(took, time.Since(t))
	}
	f = figure{Case: fmt.Sprintf("contactability, %d %s addresses", asked, who), PerSecond: float64(len(took)*asked) / time.Since(start).Seconds(),
		Note: "checks; p50, p99 of a request"}
	f.P50, f.P99 = percentiles(took)
	return f, nil
}

// check is one question. Persons are asked about in no order that they were
// stored in.
func (p *peopled) check(n int, known bool) []byte {
	const stride = 7919
	address := sampleAddress(0, n*stride%len(p.persons)*contactEvery)
	if !known {
		address = "nobody." + strconv.Itoa(n) + "@example.org"
	}
	return fmt.Appendf(nil, `{"email":%q,"channel":"email","purpose":"prospecting","at":"2026-09-15T08:15:00Z"}`, address)
}

// streamed asks about known and unknown addresses in turn, in one stream.
func (p *peopled) streamed() (f figure, err error) {
	before := resetPeak()
	from, to := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(to, 64<<10)
		for i := range p.Checks {
			if _, err := w.Write(append(p.check(i/2, i%2 == 0), '\n')); err != nil {
				return // the reader has gone, and says why
			}
		}
		_ = to.CloseWithError(w.Flush())
	}()
	start := time.Now()
	answer, err := p.ask("application/x-ndjson", from)
	_ = from.Close()
	if want := fmt.Sprintf(`"count":%d`, p.Checks); err == nil && !bytes.Contains(answer.tail, []byte(want)) {
		err = errors.New("the stream of checks has no end")
	}
	if err != nil {
		return f, err
	}
	return figure{Case: fmt.Sprintf("contactability, stream of %d", p.Checks), PerSecond: float64(p.Checks) / time.Since(start).Seconds(),
		Note: fmt.Sprintf("checks, half of them known; %.0f MiB resident before, %.0f at most", before, residentMiB())}, nil
}

func (p *peopled) ask(media string, body io.Reader) (*sink, error) {
	req, err := http.NewRequestWithContext(p.sh.ctx, http.MethodPost, "/v1/contactability", body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", media)
	w, err := call(p.a.API, benchToken, req)
	if err == nil && w.status != http.StatusOK {
		err = fmt.Errorf("contactability answered %d", w.status)
	}
	return w, err
}

const single = 50 // erasures one after the other

// erasures measures one erasure with its certificate, then many together.
func (p *peopled) erasures(add func(figure)) error {
	persons := slices.Clone(p.persons)
	one := persons[:min(single, len(persons))]
	took := make([]time.Duration, 0, len(one))
	start := time.Now()
	for _, id := range one {
		t := time.Now()
		if err := p.erase(id); err != nil {
			return err
		}
		took = append(took, time.Since(t))
	}
	f := figure{Case: "one erasure with certificate", PerSecond: float64(len(one)) / time.Since(start).Seconds(), Note: fmt.Sprintf("in %d events", p.events)}
	f.P50, f.P99 = percentiles(took)
	add(f)
	many := persons[len(one):]
	many = many[:min(p.Erasures, len(many))]
	if len(many) == 0 {
		return nil
	}
	f, err := p.eraseAll(many)
	if err == nil {
		add(f)
	}
	return err
}

func (p *peopled) erase(id domain.ID) error {
	_, err := p.a.Erase(p.sh.ctx, httpapi.ErasureOrder{Subject: id, Ground: "art17.1.b", Reason: "bench"})
	return err
}

// eraseAll erases as "greffe erase --file" does.
func (p *peopled) eraseAll(persons []domain.ID) (f figure, err error) {
	resetPeak()
	bar := p.sh.progress("erasing")
	defer bar.end()
	work := make(chan domain.ID)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	start := time.Now()
	for range erasureWorkers {
		wg.Go(func() {
			for id := range work {
				t := time.Now()
				err := p.erase(id)
				mu.Lock()
				took, failed = append(took, time.Since(t)), errors.Join(failed, err)
				bar.at(int64(len(took)), int64(len(persons)))
				mu.Unlock()
			}
		})
	}
	for _, id := range persons {
		work <- id
	}
	close(work)
	wg.Wait()
	rate := float64(len(persons)) / time.Since(start).Seconds()
	f = figure{Case: fmt.Sprintf("%d erasures, %d at once", len(persons), erasureWorkers), PerSecond: rate,
		Note: fmt.Sprintf("100,000 in %.1f min; %.0f MiB resident at most", 100_000/rate/60, residentMiB())}
	f.P50, f.P99 = percentiles(took)
	return f, failed
}

// residentMiB is the process's largest resident memory so far, or since the last
// resetPeak.
func residentMiB() float64 { return statusMiB("VmHWM") }

// resetPeak lets residentMiB begin anew, where the system can, and gives what is
// resident now.
func resetPeak() float64 {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // without it the peak is that of the whole run
	return statusMiB("VmRSS")
}

func statusMiB(name string) float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, name+": %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}
