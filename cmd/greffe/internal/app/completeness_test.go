package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sumdb "golang.org/x/mod/sumdb/note"

	httpapi "greffe/api/http"
	"greffe/domain"
	rules "greffe/domain/completeness"
	"greffe/domain/event"
	"greffe/domain/part"
	signing "greffe/domain/proof"
	"greffe/eventstore/ledger"
)

// numbered is an event of a source with a sequence number.
func numbered(source string, n int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"n-%d","source":%q,"type":"interaction.recorded","subject":"C-1","time":"2026-03-02T09:00:00Z",`+
		`"sequence":"%d","data":{"kind":"visit"}}`, n, source, n)
}

// sources are the producers by name.
func sources(t *testing.T, a *App) map[string]httpapi.Producer {
	t.Helper()
	out := map[string]httpapi.Producer{}
	for next := ""; ; {
		items, more, err := producerDesk{a}.List(t.Context(), httpapi.Page{Limit: 1, Cursor: next})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range items {
			out[p.Name] = p
		}
		if next = more; next == "" {
			return out
		}
	}
}

// sentMetrics are the metrics of the sources, by name and source.
func sentMetrics(t *testing.T, a *App) map[string]map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(newSentGauges(a)); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]float64{}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "greffe_producer_") {
			out[f.GetName()] = map[string]float64{}
			for _, m := range f.GetMetric() {
				out[f.GetName()][m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return out
}

// TestWhatASourceSent: counts, gaps, days, habit and what is measured of them, of a
// source that sends each working day for six weeks, and of one that sent twice.
func TestWhatASourceSent(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	monday := time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC)
	n := 0
	for d := range 42 {
		if d%7 > 4 {
			continue
		}
		for _, hour := range []int{8, 9, 11, 13, 15, 16} {
			c.now = monday.AddDate(0, 0, d).Add(time.Duration(hour) * time.Hour)
			if n++; n != 100 && n != 101 {
				record(t, c.App, numbered("crm/eu", n))
			}
		}
	}
	record(t, c.App, numbered("shop/web", 1), numbered("shop/web", 1000))
	record(t, c.App, `{"specversion":"1.0","id":"bad","source":"crm/eu","type":"interaction.recorded","subject":"C-1","time":"2026-03-02T09:00:00Z","data":{}}`)

	crm := sources(t, c.App)["crm/eu"]
	if crm.Events != 178 || crm.SetAside != 1 || *crm.First != 1 || *crm.Last != 180 || crm.Count != 178 || crm.Missing != 2 || len(crm.Gaps) != 1 ||
		crm.Gaps[0] != (httpapi.Gap{From: 100, To: 101}) || !crm.LastRecorded.Equal(c.now) || crm.Silence.State != "within_habit" {
		t.Errorf("%+v", crm)
	}
	if shop := sources(t, c.App)["shop/web"]; shop.Silence.State != "unknown" || shop.Silence.Expected != nil || shop.Missing != 998 {
		t.Errorf("%+v", shop)
	}
	if m := sentMetrics(t, c.App); m["greffe_producer_silent"][crm.ID.String()] != 0 || len(m["greffe_producer_silent"]) != 1 ||
		m["greffe_producer_missing"][crm.ID.String()] != 2 || len(m["greffe_producer_missing"]) != 2 {
		t.Error(m)
	}
	c.now = monday.AddDate(0, 0, 44) // nothing since Friday, and now it is Wednesday
	if s := sources(t, c.App)["crm/eu"].Silence; s.State != "silent" || s.Expected == nil || !s.Expected.After(*s.Since) {
		t.Errorf("%+v", s)
	}
	if m := sentMetrics(t, c.App); m["greffe_producer_silent"][crm.ID.String()] != 1 {
		t.Error(m)
	}
	days, err := producerDesk{c.App}.Days(t.Context(), crm.ID, monday.AddDate(0, 0, 18), monday.AddDate(0, 0, 24))
	if err != nil || len(days) != 6 {
		t.Fatalf("%d days, %v", len(days), err)
	}
	got := ""
	for _, d := range days {
		got += fmt.Sprintf("%s %d/%d ", d.Date[8:], d.Events, d.GapsOpened)
	}
	if got != "25 6/0 26 0/0 27 0/0 28 6/0 29 4/1 30 6/0 " {
		t.Errorf("days %s", got)
	}
	if _, err := (producerDesk{c.App}).Days(t.Context(), domain.ID{1}, monday, monday.AddDate(0, 0, 1)); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("days of nobody: %v", err)
	}
}

// TestStatements: a signed statement opens with the ledger's key, who has the facts
// counts the same, and an empty period is said to be empty.
func TestStatements(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	c.now = start
	var all []string
	for n := range 300 {
		all = append(all, numbered([]string{"crm/eu", "shop/web"}[n%2], n))
	}
	record(t, c.App, all...)
	c.now = start.Add(time.Hour)
	record(t, c.App, numbered("crm/eu", 300), numbered("crm/eu", 304))
	c.now = start.Add(24 * time.Hour)
	desk, crm := producerDesk{c.App}, sources(t, c.App)["crm/eu"].ID
	v, err := sumdb.NewVerifier(c.VKey())
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]struct {
		from, to                        time.Time
		events, lowest, highest, missng int64
	}{
		"all":        {start, start.Add(2 * time.Hour), 152, 0, 304, 153},
		"the first":  {start, start.Add(time.Hour), 150, 0, 298, 149},
		"the second": {start.Add(time.Hour), start.Add(2 * time.Hour), 2, 300, 304, 3},
		"nothing":    {start.Add(time.Microsecond), start.Add(time.Hour), 0, 0, 0, 0},
		"before all": {start.Add(-time.Hour), start, 0, 0, 0, 0},
		"after all":  {start.Add(2 * time.Hour), start.Add(3 * time.Hour), 0, 0, 0, 0},
	} {
		out, err := desk.Statement(t.Context(), crm, p.from, p.to)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s, err := rules.OpenStatement([]byte(out.Note), v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s.Source != crm || s.Events != p.events || s.Lowest != p.lowest || s.Highest != p.highest || s.Missing != p.missng ||
			out.Events != p.events || out.First != s.First || out.Next != s.Next || uint64(s.Next) > s.Head.Size || !s.From.Equal(p.from) || !s.To.Equal(p.to) {
			t.Errorf("%s: %+v", name, s)
		}
		if (p.events > 0) != (out.Lowest != nil) {
			t.Errorf("%s: first is %v", name, out.Lowest)
		}
		if err := s.Recount(factsOfLog(t, c.App, s.First, s.Next)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var tree signing.Frontier
		for _, b := range factsOfLog(t, c.App, 0, domain.Position(s.Head.Size)) {
			tree.Add(signing.LeafHash(b))
		}
		if tree.Root() != s.Head.Root {
			t.Errorf("%s: the head has another root than the facts", name)
		}
		head, err := c.Ledger.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.First > 0 { // the period is all that was recorded in it
			s.First--
			if err := s.Recount(factsOfLog(t, c.App, s.First, s.Next)); !errors.Is(err, rules.ErrRecount) {
				t.Errorf("%s, a position more before it: %v", name, err)
			}
			s.First++
		}
		if s.Next < head {
			s.Next++
			if err := s.Recount(factsOfLog(t, c.App, s.First, s.Next)); !errors.Is(err, rules.ErrRecount) {
				t.Errorf("%s, a position more behind it: %v", name, err)
			}
		}
	}
	if _, err := desk.Statement(t.Context(), domain.ID{9}, start, start.Add(time.Hour)); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

// factsOfLog are the stored bytes of [from, to).
func factsOfLog(t *testing.T, a *App, from, to domain.Position) rules.Facts {
	return func(yield func(domain.Position, []byte) bool) {
		stop := errors.New("enough")
		err := a.log.Read(t.Context(), from, to, func(p domain.Position, b []byte) error {
			if !yield(p, b) {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			t.Error(err)
		}
	}
}

// TestDoctorNamesWhatIsMissing: gaps and silences by the source's own name, and
// messages of Kafka that were gone.
func TestDoctorNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	say := func(events ...string) {
		s.Helper()
		for _, e := range events {
			_, err := s.app().Record(t.Context(), [][]byte{[]byte(e)})
			s.ok(err)
		}
	}
	say(numbered("crm/eu", 1), numbered("crm/eu", 2))
	s.expect("all there", "producers", Good, "1, no gap")
	s.expect("no habit yet", "silence", Good, "none of 1 sources is silent beyond its habit; 1 have none yet")
	say(numbered("crm/eu", 9))
	s.expect("a gap", "producers", Warn, "of crm/eu 6 sequence numbers are missing, the newest from 3 to 8")
	for n := range 10 {
		s.now.pass(72 * time.Hour)
		say(numbered("shop/web", n))
	}
	s.expect("regular", "silence", Good, "1 have none yet")
	s.now.pass(10 * 24 * time.Hour)
	s.expect("silent", "silence", Warn, "shop/web is silent beyond its habit since ")
	gone := ledger.Own{Type: event.ProducerGapDetected, Codes: event.Codes{}.With("channel", "kafka").With("reason", "retention").
		With("partition", int64(3)).With("from", int64(10)).With("to", int64(90)).With("end", int64(95)),
		Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: "accounts", Epoch: part.EpochWhole},
			Fields: []event.Field{{Path: "kafka.topic", Value: []byte(`"crm.events"`)}}}}}
	_, err := s.app().Ledger.Write(t.Context(), []ledger.Own{gone})
	s.ok(err)
	s.expect("lost", "kafka", Warn, "messages of crm.events/3 were gone before they were read (retention), offsets from 10 on")
	s.now.pass(40 * 24 * time.Hour)
	s.close()
	all, err := Examine(t.Context(), s.cfg)
	s.ok(err)
	for _, c := range all {
		if c.Name == "kafka" {
			t.Errorf("of old: %+v", c)
		}
	}
	c := openAt(t, s)
	k, err := producerDesk{c}.Kafka(t.Context())
	if err != nil || k.Takes || len(k.Partitions) != 1 || k.Partitions[0].Topic != "crm.events" || k.Partitions[0].Lost[0].To != 90 {
		t.Errorf("%+v, %v", k, err)
	}
}

// openAt opens a site's ledger to serve.
func openAt(t *testing.T, s *site) *App {
	t.Helper()
	a, err := Open(t.Context(), s.cfg)
	s.ok(err)
	t.Cleanup(func() { _ = a.Close() })
	s.ok(a.CaughtUp(t.Context()))
	return a
}
