package app

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"greffe/projections/audit"
)

// table reads a file that people read.
func (p shownPage) table(t *testing.T) [][]string {
	t.Helper()
	if p.status != http.StatusOK || !strings.HasPrefix(p.header.Get("Content-Type"), "text/csv") || !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("%d %v %.800s", p.status, p.header, p.text)
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(p.text, "\ufeff")))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows, %v: %.800s", len(rows), err, p.text)
	}
	return rows
}

// TestConsoleReadableFiles: the history and the reads in words of the console's language,
// with times of Paris, the newest first and whole; a person's timeline as its page is
// filtered, recorded as a read of their history, with no cell that begins a formula.
func TestConsoleReadableFiles(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	who := s.signIn("auditor")
	person := s.real["/v1/subjects/"]
	s.because("audit")
	s.shows("/console/audit?period=all&type=contact.created&subject_id="+person, "readable CSV", "format=read")
	before := len(s.accessesBy(who))
	rows := s.get("/console/audit/export?format=read&period=all&subject_id=" + person).table(t)
	if head := strings.Join(rows[0], "|"); !strings.Contains(head, "(Paris time)") {
		t.Errorf("headings: %s", head)
	}
	last := rows[len(rows)-1]
	if last[1] != "Contact created" || last[2] != person || strings.ContainsAny(last[0], "TZ") || len(last[0]) != len("2026-03-31 14:05:06") {
		t.Errorf("the first event: %q", last)
	}
	if n := len(s.accessesBy(who)) - before; n != 1 {
		t.Errorf("one page of a file is %d accesses", n)
	}
	french := s.get("/console/reads/export?format=read&period=all&reason=audit&language=fr").table(t)
	if head := strings.Join(french[0], "|"); !strings.Contains(head, "(heure de Paris)") || !strings.Contains(strings.Join(french[1], "|"), "Audit interne") || !strings.Contains(french[1][0], "/") {
		t.Errorf("in French: %q %q", french[0], french[1])
	}
	if p := s.get("/console/audit/export?format=read&period=all&type=Anne%20Martin"); strings.Contains(p.header.Get("Content-Type"), "html") && p.status == http.StatusOK {
		t.Errorf("what matches nothing: %d", p.status)
	}
	if p := s.get("/console/timeline/no-id"); p.status != http.StatusNotFound {
		t.Errorf("no person's: %d", p.status)
	}
}

// TestConsoleTimelineFile is the export of a person's Chronologie.
func TestConsoleTimelineFile(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	who := s.signIn("dpo")
	person := s.real["/v1/subjects/"]
	s.because("rights_request")
	s.shows("/console/people/"+person+"?tab=history&group=contact", "Export this timeline", "/console/timeline/"+person+"?group=contact")
	reads := func() (n int) {
		s.ok(s.open.CaughtUp(t.Context()))
		for _, err := range s.open.Audit.Accesses(t.Context(), audit.AccessFilter{Account: who, Action: "history"}) {
			s.ok(err)
			n++
		}
		return n
	}
	before := reads()
	all := s.get("/console/timeline/" + person).table(t)
	if n := reads() - before; n != 1 {
		t.Errorf("the file is %d accesses to the history", n)
	}
	some := s.get("/console/timeline/" + person + "?group=contact").table(t)
	for _, r := range some[1:] {
		if !strings.Contains(r[1], "Contact") {
			t.Errorf("filtered: %q", r)
		}
	}
	if len(some) > len(all) || some[len(some)-1][1] != "Contact created" || !strings.Contains(some[len(some)-1][3], " : ") {
		t.Errorf("%d of %d rows, the last %q", len(some), len(all), some[len(some)-1])
	}
	for _, r := range all {
		for _, c := range r {
			if c != "" && strings.ContainsAny(c[:1], "=+-@\t") {
				t.Errorf("a formula: %q", c)
			}
		}
	}
}
