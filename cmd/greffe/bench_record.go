package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"greffe/domain"
)

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

// loaded fills a ledger, says what it weighs, and measures what is done about
// the persons in it.
func (c *benchCmd) loaded(sh *shell, dir string, add func(figure)) error {
	f, persons, err := c.load(sh, dir)
	if err != nil {
		return err
	}
	add(f)
	a, err := benchOpen(sh, dir)
	if err != nil {
		return err
	}
	p := &peopled{benchCmd: c, sh: sh, a: a, persons: persons, events: c.Load, copies: dir + ".backups"}
	for _, measure := range []func(func(figure)) error{p.decisions, p.backups, p.erasures} {
		if err = measure(add); err != nil {
			break
		}
	}
	return errors.Join(err, a.Close())
}

// load fills a ledger and gives the persons in it.
func (c *benchCmd) load(sh *shell, dir string) (f figure, persons []domain.ID, err error) {
	a, err := benchOpen(sh, dir)
	if err != nil {
		return f, nil, err
	}
	bar := sh.progress("load")
	start := time.Now()
	for n := 0; n < c.Load; n += 1000 {
		batch := make([][]byte, min(1000, c.Load-n))
		for i := range batch {
			batch[i] = sampleEvent(0, n+i)
		}
		res, err := a.Record(sh.ctx, batch)
		if err != nil {
			return f, nil, errors.Join(err, a.Close())
		}
		for i := 0; i < len(res); i += contactEvery {
			persons = append(persons, res[i].Subject)
		}
		bar.at(int64(n), int64(c.Load))
	}
	err = a.CaughtUp(sh.ctx)
	rate := float64(c.Load) / time.Since(start).Seconds()
	bar.end()
	rss := residentMiB()
	if err = errors.Join(err, a.Close()); err != nil {
		return f, nil, err
	}
	sizes, total, err := weigh(dir)
	if err != nil {
		return f, nil, err
	}
	return figure{Case: fmt.Sprintf("load of %d events", c.Load), PerSecond: rate,
		Note: fmt.Sprintf("%d B/event on disk (%s), %.0f MiB resident at most", total/int64(c.Load), perEvent(sizes, c.Load), rss)}, persons, nil
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

// contactEvery is how many sample events there are of one person; the first of
// them makes the contact.
const contactEvery = 4

// sampleAddress is that of the contact that sample event n is about.
func sampleAddress(writer, n int) string {
	return fmt.Sprintf("c.martin.%d.%d@example.org", writer, n/contactEvery)
}

// sampleEvent is a quarter contacts, the rest what happens to them.
func sampleEvent(writer, n int) []byte {
	head := func(typ string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"b-%d-%d","source":"bench/crm","type":%q,"subject":"C-%d-%d","time":"2026-03-02T09:%02d:%02dZ","actor":"user:bench","data":`,
			writer, n, typ, writer, n/contactEvery, n/60%60, n%60)
	}
	switch n % contactEvery {
	case 0:
		return fmt.Appendf(head("contact.created"), `{"kind":"prospect","person":{"given_name":"Camille","family_name":"Martin-%d","emails":[%q],"phones":["+3363998%04d"],`+
			`"postal_address":{"lines":["%d rue des Lilas"],"postal_code":"69003","city":"Lyon","country":"FR"},"language":"fr"},"notes":"souhaite être rappelée le matin",`+
			`"collection":{"channel":"web_form","collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"],"notice":{"id":"web-form","version":"3"}}}}`,
			n/contactEvery, sampleAddress(writer, n), n%10000, n%200)
	case 1:
		return append(head("consent.granted"), `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false,"notice":{"id":"web-form","version":"3","language":"fr","text":"J'accepte de recevoir des offres."},"proof":{"ip":"192.0.2.7","reference":"form-1"}}}`...)
	case 2:
		return append(head("interaction.recorded"), `{"kind":"click","direction":"in","channel":"email","campaign":"printemps"}}`...)
	}
	return append(head("contact.changed"), `{"set":{"person.phones":["+33639980001"]},"reason":"update"}}`...)
}
