package app

import (
	"archive/zip"
	"bytes"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/projections/audit"
)

// shows fails for what a page does not hold.
func (s *consoleSite) shows(path string, want ...string) string {
	s.Helper()
	p := s.get(path)
	for _, w := range want {
		if p.status != http.StatusOK || !strings.Contains(p.text, w) {
			_, main, _ := strings.Cut(p.text, "<main")
			s.Errorf("%s: %d, without %q:\n%.2500s", path, p.status, w, main)
		}
	}
	return p.text
}

// TestConsoleAudit: an auditor asks what was recorded, by what the address says, as it was
// known then, and takes the very same as a file; each page is an access in the journal.
func TestConsoleAudit(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	who := s.signIn("auditor")
	person := s.real["/v1/subjects/"]
	s.because("audit")
	before := len(s.accessesBy(who))
	created := "/console/audit?period=all&type=contact.created&subject_id=" + person
	text := s.shows(created, "Contact created", "/console/people/"+person, "Rows 1 to 1 of 1", `<option value="contact.created" selected>`, "XLSX")
	if strings.Contains(text, "<td>Consent given") {
		t.Error("the type is no filter")
	}
	s.ok(s.open.CaughtUp(t.Context()))
	if n := len(s.accessesBy(who)) - before; n != 1 {
		t.Errorf("one page is %d accesses", n)
	}
	s.shows("/console/audit?period=all&known_at=2000-01-01T00:00", "No event matches")
	s.shows(created+"&known_at=2100-01-01T00:00", "Rows 1 to 1 of 1")
	s.shows("/console/audit?period=all&to=2000-01-01", "Rows 1") // a quick choice wins over dates
	s.shows("/console/audit?from=1999-01-01&to=2000-01-01", "No event matches")
	if p := s.get("/console/audit?period=ever"); p.status != http.StatusBadRequest {
		t.Errorf("a period that is none: %d", p.status)
	}
	csv := s.get(strings.Replace(created, "/audit?", "/audit/export?format=csv&", 1))
	if lines := strings.Split(strings.TrimSpace(csv.text), "\n"); len(lines) != 2 || !strings.Contains(lines[1], person) || !strings.Contains(csv.header.Get("Content-Type"), "text/csv") {
		t.Errorf("CSV: %v %q", csv.header, csv.text)
	}
	book := s.get(strings.Replace(created, "/audit?", "/audit/export?format=xlsx&", 1))
	if _, err := zip.NewReader(bytes.NewReader([]byte(book.text)), int64(len(book.text))); err != nil {
		t.Errorf("XLSX: %v", err)
	}
	if l := s.get(strings.Replace(created, "/audit?", "/audit/export?format=ndjson&", 1)); strings.Count(l.text, `"contact.created"`) != 1 || !strings.Contains(l.header.Get("Content-Disposition"), ".ndjson") {
		t.Errorf("NDJSON: %v %s", l.header, l.text)
	}
	s.shows("/console/reads?period=7d&reason=audit&account="+who.String(), "Rows 1 to", "Internal audit", `<option value="audit" selected>`)
	s.shows("/console/reads?period=7d&reason=sales_follow_up", "No event matches")
}

// TestConsoleReadsAreFolded: the history opens with what happened; who looked has a list of
// its own, and stands here too once it is asked for.
func TestConsoleReadsAreFolded(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	s.get("/console/people/" + s.real["/v1/subjects/"])
	s.ok(s.open.CaughtUp(t.Context()))
	const read = `data-code="access.recorded"`
	for path, want := range map[string]bool{"/console/audit?period=all": false, "/console/audit?period=all&reads=shown": true, "/console/audit?period=all&type=access.recorded": true} {
		p := s.get(path)
		if strings.Contains(p.text, read) != want || want == strings.Contains(p.text, "not shown here") || !strings.Contains(p.text, "<tbody>") {
			t.Errorf("%s shows reads: %v, want %v", path, !want, want)
		}
	}
	s.shows("/console/audit?period=all", "Reads are not shown here", "reads=shown", `href="/console/reads"`)
	if p := s.get("/console/audit/export?period=all&format=ndjson"); strings.Contains(p.text, "access.recorded") || !strings.Contains(p.text, "contact.created") {
		t.Error("the file holds other rows than the page")
	}
}

// TestConsoleAuditOrder: the history and the reads open with the newest, one link turns
// them, each page goes on where the one before ended, and filters keep the order.
func TestConsoleAuditOrder(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("auditor")
	s.because("audit")
	reader := domain.ID{9, 6: 0x40, 8: 0x80} // nobody who looks at these pages
	for i := range 2 * 50 {
		n := strconv.Itoa(i)
		res := record(t, s.open, made("order-"+n, "O-"+n, past))
		_, err := s.open.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Account: reader, Action: "read", Reason: "audit",
			Subjects: []domain.ID{res[0].Subject}, Count: 1})
		s.ok(err)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	position := regexp.MustCompile(`/console/events/([0-9a-f-]{36})`)
	next := regexp.MustCompile(`class="secondary" href="(/console/(?:audit|reads)\?[^"]*cursor=[^"]*)"`)
	rows := func(path string) (out []string) {
		for pages := 0; path != ""; pages++ {
			p := s.get(path)
			for _, m := range position.FindAllStringSubmatch(p.text, -1) {
				out = append(out, m[1])
			}
			path = ""
			if m := next.FindStringSubmatch(p.text); m != nil && pages < 20 {
				path = html.UnescapeString(m[1])
			}
		}
		return slices.Compact(out)
	}
	for _, slug := range []string{"audit", "reads"} {
		s.ok(s.open.CaughtUp(s.Context()))
		known := map[string]string{"audit": "/console/audit?period=all&type=contact.created", "reads": "/console/reads?period=all&account=" + reader.String()}[slug]
		newest, oldest := rows(known), rows(known+"&sort=oldest")
		if len(newest) < 2*50 {
			t.Fatalf("%s: %d rows say nothing of their order", slug, len(newest))
		}
		if slices.Reverse(oldest); !slices.Equal(newest, oldest) {
			t.Errorf("%s: %d rows the newest first are not the %d of the other order, turned", slug, len(newest), len(oldest))
		}
		s.shows(known, "the last recorded first", "Show the oldest first", "sort=oldest")
		s.shows(known+"&sort=oldest", "the first recorded first", "Show the newest first", `<input type="hidden" name="sort" value="oldest">`)
		if p := s.get(known + "&sort=best"); p.status != http.StatusBadRequest {
			t.Errorf("%s: an order that is none: %d", slug, p.status)
		}
	}
}

// accessesBy are the accesses of an account to the audit dataset, in the journal.
func (s *consoleSite) accessesBy(account domain.ID) (out []domain.ID) {
	s.Helper()
	s.ok(s.open.CaughtUp(s.Context()))
	for x, err := range s.open.Audit.Accesses(s.Context(), audit.AccessFilter{Account: account, Action: "audit"}) {
		s.ok(err)
		out = append(out, x.ID)
	}
	return out
}

// TestConsoleAuditQuestions: when accounts read, who read much, what became different, and
// one fact with its proof, each in words and leading to what it counts.
func TestConsoleAuditQuestions(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	who := s.signIn("auditor")
	person := s.real["/v1/subjects/"]
	s.because("audit")
	for range 3 {
		s.get("/console/audit?period=all&subject_id=" + person)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	text := s.shows("/console/heat?period=7d", "By account and hour of the day", "/console/reads?account="+who.String(), "Europe/Paris")
	if n := strings.Count(text, `class="shade-5"`); n != 2 {
		t.Errorf("%d cells are the darkest, of one hour of one account and its day", n)
	}
	s.shows("/console/bulk?over=2&hours=1", "against a threshold of 2", "What to do", "/console/reads?account="+who.String())
	s.shows("/console/bulk?over=5000", "No account exceeded")
	today := s.now.read().Format(time.DateOnly)
	s.shows("/console/difference?from=2000-01-01&to="+today+"&kind=created", "/console/people/"+person, "Contact created (1)")
	s.shows("/console/difference?from=2000-01-01&to="+today+"&counted=yes", "events were recorded from", "Contact created")
	s.shows("/console/difference?from=2000-01-01&to=2000-01-02", "Nothing was recorded about anybody", "See what happened between these dates")
	if p := s.get("/console/difference?from=2026-01-02&to=2026-01-01"); p.status != http.StatusBadRequest {
		t.Errorf("dates in disorder: %d", p.status)
	}
	made := s.facts(event.ContactCreated)[0]
	s.shows("/console/events/"+made.ID.String(), "<h1>Contact created</h1>", "What happened", "Who", "When", "/console/people/"+made.Subject.String()+"?tab=history", "Place in the log")
	s.signIn("agent")
	for _, path := range []string{"/console/audit", "/console/reads", "/console/heat", "/console/bulk", "/console/difference", "/console/tail"} {
		if p := s.get(path); p.status != http.StatusForbidden {
			t.Errorf("an agent opens %s: %d", path, p.status)
		}
	}
}

// TestConsoleTail: what is recorded appears, once, on the page of who may see it; reads,
// its own among them, do not, and each batch that is shown is one access.
func TestConsoleTail(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	who := s.signIn("auditor")
	if resp, _ := s.follow("/console/live/tail"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("without a reason: %d", resp.StatusCode)
	}
	s.because("audit")
	s.shows("/console/tail", "Pause", `aria-live="off"`, `data-tail="/console/live/tail?type="`)
	s.ok(s.open.CaughtUp(t.Context()))
	resp, lines := s.follow("/console/live/tail")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the stream: %d", resp.StatusCode)
	}
	until(lines, "retry:")
	before := len(s.accessesBy(who))
	subject := record(t, s.open, newContact("tail-1"))[0].Subject.String()
	rows := until(lines, "data:")
	if !strings.Contains(rows, "/console/people/"+subject) || !strings.Contains(rows, "Contact created") || strings.Count(rows, "/console/events/") != 1 {
		t.Errorf("what was recorded: %s", rows)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	if n := len(s.accessesBy(who)) - before; n != 1 {
		t.Errorf("one batch is %d accesses", n)
	}
	second := record(t, s.open, newContact("tail-2"))[0].Subject.String()
	if rows := until(lines, "data:"); strings.Count(rows, "/console/events/") != 1 || strings.Contains(rows, subject) || !strings.Contains(rows, second) {
		t.Errorf("the second batch: %s", rows)
	}
	s.ok(s.open.People.End(t.Context(), who, who, s.sessionOf(who), "revoked"))
	if until(lines, "event: ended") == "" {
		t.Error("the stream outlives its session")
	}
}

// newContact is the event of a new client of a producer.
func newContact(subject string) string {
	return `{"specversion":"1.0","id":"` + subject + `","source":"crm/eu","type":"contact.created","subject":"` + subject + `","time":"` + past + `","data":{"kind":"client","person":{"family_name":"Zqtailname"}}}`
}

// sessionOf is the session of an account.
func (s *consoleSite) sessionOf(id domain.ID) domain.ID {
	s.Helper()
	s.ok(s.open.CaughtUp(s.Context()))
	for _, a := range s.open.Accounts.Accounts() {
		if a.ID == id && len(a.Sessions) > 0 {
			return a.Sessions[len(a.Sessions)-1].ID
		}
	}
	s.Fatalf("no session of %s", id)
	return domain.ID{}
}
