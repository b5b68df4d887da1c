package checker

import (
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// TestImportsNothingOfTheEngine: what it says would be worth nothing otherwise.
func TestImportsNothingOfTheEngine(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) < 5 {
		t.Fatal(err, names)
	}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if path == "greffe" || strings.HasPrefix(path, "greffe/") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		received string
		months   int
		due      string // its first instant after, in Paris
	}{
		{"2026-01-31T10:00:00Z", 1, "2026-03-03T00:00:00+01:00"}, // 28 February 2026 is a Saturday
		{"2024-01-31T10:00:00Z", 1, "2024-03-01T00:00:00+01:00"}, // a leap day
		{"2026-03-10T23:30:00Z", 1, "2026-04-14T00:00:00+02:00"}, // the 11th in Paris; 11 April is a Saturday
		{"2026-04-01T10:00:00Z", 1, "2026-05-05T00:00:00+02:00"}, // 1 May, then a weekend
		{"2025-03-21T10:00:00Z", 1, "2025-04-23T00:00:00+02:00"}, // Easter Monday
		{"2024-04-09T10:00:00Z", 1, "2024-05-11T00:00:00+02:00"}, // Ascension
		{"2026-09-01T10:00:00Z", 3, "2026-12-02T00:00:00+01:00"},
	} {
		at, _ := time.Parse(time.RFC3339, x.received)
		if got := deadline(at, x.months).Format(time.RFC3339); got != x.due {
			t.Errorf("%s and %d months: %s, want %s", x.received, x.months, got, x.due)
		}
	}
	leap := time.Date(2024, 2, 29, 3, 0, 0, 0, time.UTC)
	if got := later(leap, 0, 36).Format(time.DateOnly); got != "2027-02-28" {
		t.Errorf("three years after a leap day: %s", got)
	}
	for year, day := range map[int]string{2024: "03-31", 2025: "04-20", 2026: "04-05", 2027: "03-28"} {
		if got := easterOf(year).Format("01-02"); got != day {
			t.Errorf("Easter of %d: %s", year, got)
		}
	}
}

// tale is an export of facts, one a line: recorded|type|subject|codes|parts.
func tale(lines ...string) fstest.MapFS {
	var b strings.Builder
	for i, l := range lines {
		p := strings.SplitN(l, "|", 5)
		fact := `{"data":{` + p[3] + `},"id":"f` + strconv.Itoa(i) + `","recorded":"` + p[0] + `","time":"` + p[0] + `","type":"` + p[1] + `"`
		if p[2] != "" {
			fact += `,"subject":"` + p[2] + `"`
		}
		if len(p) > 4 {
			class, epoch, _ := strings.Cut(p[4], "/")
			fact += `,"parts":[{"class":"` + class + `","epoch":"` + epoch + `"}]`
		}
		b.WriteString(`{"position":` + strconv.Itoa(i) + `,"fact":` + strconv.Quote(fact+"}") + "}\n")
	}
	return fstest.MapFS{EventsTable: {Data: []byte(b.String())}}
}

// TestTales: small exports, and the rules that they break.
func TestTales(t *testing.T) {
	t.Parallel()
	const (
		made    = `2020-01-01T09:00:00Z|contact.created|a|"kind":"prospect"|identity/whole`
		asked   = `2023-01-02T04:00:00Z|retention.asked|a|"purpose":"prospecting"`
		ordered = `2023-02-03T04:00:00Z|erasure.ordered|a|"whole":true,"ground":"art5.1.e"`
		erased  = `2023-02-03T04:00:01Z|subject.erased|a|"whole":true,"stores":["vault"],"checked_at":"2023-02-03T04:00:00Z","order":`
		hold    = `2021-01-01T09:00:00Z|hold.placed|a|"reason":"litigation"`
		objects = `2021-01-01T09:00:00Z|opposition.registered|a|"purpose":"prospecting","channels":["email"]`
		sent    = `2021-06-01T09:00:00Z|interaction.recorded|a|"kind":"sent","direction":"out","channel":"email","object":"prospecting"`
		request = `2021-06-01T09:00:00Z|request.received|a|"right":"access"`
		until   = "2023-06-01"
	)
	for _, x := range []struct {
		name, want, until string
		lines             []string
	}{
		{"as it should be", "", until, []string{made, asked, ordered, erased + `"f2"`}},
		{"nothing was done", "kept", until, []string{made}},
		{"not yet due", "", "2022-12-31", []string{made}},
		{"asked, then forgotten", "kept", until, []string{made, asked}},
		{"asked, and waiting", "", "2023-02-02", []string{made, asked}},
		{"not asked", "early kept", until, []string{made, ordered, erased + `"f1"`}},
		{"no month to answer", "early", until, []string{made, asked, `2023-01-20T04:00:00Z|erasure.ordered|a|"whole":true,"ground":"art5.1.e"`,
			`2023-01-20T04:00:01Z|subject.erased|a|"whole":true,"stores":["vault"],"checked_at":"2023-01-20T04:00:00Z","order":"f2"`}},
		{"an act of the person", "", until, []string{made, `2022-06-01T09:00:00Z|interaction.recorded|a|"kind":"reply","direction":"in"`}},
		{"an opened mail is none", "kept", until, []string{made, `2022-06-01T09:00:00Z|interaction.recorded|a|"kind":"open","direction":"in"`}},
		{"held", "", until, []string{made, hold}},
		{"held, and destroyed", "held", until, []string{made, hold, asked, ordered, erased + `"f3"`}},
		{"held by whom it is merged with", "held", "2023-02-05", []string{made, strings.Replace(made, "|a|", "|b|", 1), strings.Replace(hold, "|a|", "|b|", 1),
			`2022-01-01T09:00:00Z|contact.merged|a|"into":"b"`, asked, ordered, erased + `"f5"`}},
		{"released", "kept", until, []string{made, hold, `2023-03-01T09:00:00Z|hold.released|a|"hold":"f1"`}},
		{"asked for", "", "2023-02-01", []string{made, `2022-12-31T09:00:00Z|request.received|a|"right":"access"`}},
		{"asked for, and destroyed", "held", "2023-02-05", []string{made, asked, `2023-02-02T09:00:00Z|request.received|a|"right":"access"`, ordered, erased + `"f3"`}},
		{"asked to be destroyed", "", "2023-02-05", []string{made, asked, `2023-02-02T09:00:00Z|request.received|a|"right":"erasure"`, ordered, erased + `"f3"`}},
		{"answered", "kept", until, []string{made, `2022-12-31T09:00:00Z|request.received|a|"right":"access"`, `2023-01-10T09:00:00Z|request.dispatched|a|"case":"f1","of":"answer"`}},
		{"no certificate", "uncertified", until, []string{made, asked, ordered}},
		{"another's certificate", "uncertified", until, []string{made, asked, ordered, strings.Replace(erased, "|a|", "|b|", 1) + `"f2"`}},
		{"an empty certificate", "uncertified", until, []string{made, asked, ordered, `2023-02-03T04:00:01Z|subject.erased|a|"whole":true,"order":"f2"`}},
		{"against an objection", "objection", "2022-01-01", []string{made, objects, sent}},
		{"by another channel", "", "2022-01-01", []string{made, objects, strings.ReplaceAll(sent, "email", "phone")}},
		{"lifted", "", "2022-01-01", []string{made, objects, `2021-03-01T09:00:00Z|opposition.lifted|a|"entry":"f1","reason":"error"`, sent}},
		{"answered by a consent", "", "2022-01-01", []string{made, objects, `2021-03-01T09:00:00Z|consent.granted|a|"purpose":"prospecting","channels":["email"],"evidence":"proven"`, sent}},
		{"an unproven consent", "objection", "2022-01-01", []string{made, objects, `2021-03-01T09:00:00Z|consent.granted|a|"purpose":"prospecting","channels":["email"],"evidence":"unproven"`, sent}},
		{"withdrawn", "consent", "2022-01-01", []string{made, `2021-03-01T09:00:00Z|consent.withdrawn|a|"purpose":"prospecting","channels":["email"]`, sent}},
		{"to the dead", "use", "2022-01-01", []string{made, `2021-03-01T09:00:00Z|person.deceased|a|`, sent}},
		{"a request in time", "", "2022-01-01", []string{made, request, `2021-06-30T09:00:00Z|request.dispatched|a|"case":"f1","of":"answer"`}},
		{"late, and nobody was told", "request", "2022-01-01", []string{made, request, `2021-07-30T09:00:00Z|request.dispatched|a|"case":"f1","of":"answer"`}},
		{"never, and somebody was told", "", "2022-01-01", []string{made, request, `2021-07-02T04:00:00Z|request.reminded||"case":"f1","threshold":"overdue"`}},
		{"told too late", "request", "2022-01-01", []string{made, request, `2021-07-12T04:00:00Z|request.reminded||"case":"f1","threshold":"overdue"`}},
		{"extended in time", "", "2021-08-15", []string{made, request, `2021-06-20T09:00:00Z|request.extended|a|"case":"f1"`, `2021-06-20T09:00:00Z|request.dispatched|a|"case":"f1","of":"extension"`}},
		{"extended, and the letter came late", "request", "2021-08-15", []string{made, request, `2021-06-20T09:00:00Z|request.extended|a|"case":"f1"`, `2021-07-20T09:00:00Z|request.dispatched|a|"case":"f1","of":"extension"`}},
		{"an invoice in the active base", "active", "2022-01-01", []string{`2020-01-01T09:00:00Z|invoice.issued|a||billing/2020`}},
		{"an invoice in the archive", "", "2022-01-01", []string{`2020-01-01T09:00:00Z|invoice.issued|a||billing/2020`, `2021-01-01T04:00:00Z|retention.archived|a|"classes":["billing"],"epochs":["billing/2020"]`}},
		{"the law's ten years", "early", "2022-01-01", []string{`2020-01-01T09:00:00Z|invoice.issued|a||billing/2020`, `2020-06-01T04:00:00Z|erasure.ordered|a|"classes":["billing"],"ground":"art5.1.e"`,
			`2020-06-01T04:00:00Z|subject.erased|a|"stores":["vault"],"checked_at":"2020-06-01T04:00:00Z","order":"f1"`}},
	} {
		at, _ := time.Parse(time.DateOnly, x.until)
		r, err := Check(tale(x.lines...), Options{Law: Law(), Until: at})
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		var got []string
		for _, f := range r.Findings {
			if len(got) == 0 || got[len(got)-1] != string(f.Rule) {
				got = append(got, string(f.Rule))
			}
		}
		if strings.Join(got, " ") != x.want {
			t.Errorf("%s: %v, want %q", x.name, r.Findings, x.want)
		}
	}
}

// TestNights: each has its run.
func TestNights(t *testing.T) {
	t.Parallel()
	const ended = `2024-01-02T04:00:00Z|retention.run||"state":"ended","date":"2024-01-02"`
	from := time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)
	for until, want := range map[int]int64{3: 0, 5: 2} {
		r, err := Check(tale(ended), Options{Law: Law(), From: from, Until: time.Date(2024, 1, until, 4, 0, 0, 0, time.UTC)})
		if err != nil || r.Wrong != want {
			t.Errorf("until the %d: %d, %v", until, r.Wrong, err)
		}
	}
}

// TestAPolicyChangesMidway: what was not due is due at once.
func TestAPolicyChangesMidway(t *testing.T) {
	t.Parallel()
	shorter := Law()
	shorter.Candidate = 12
	lines := []string{`2024-01-01T09:00:00Z|contact.created|a|"kind":"candidate"|identity/whole`, `2025-03-01T09:00:00Z|policy.published||"version":2`}
	o := Options{Law: Law(), Changes: map[int64]Years{2: shorter}, Until: time.Date(2025, 3, 2, 4, 0, 0, 0, time.UTC)}
	for day, want := range map[int]int64{2: 0, 4: 1} {
		o.Until = time.Date(2025, 3, day, 4, 0, 0, 0, time.UTC)
		if r, err := Check(tale(lines...), o); err != nil || r.Wrong != want {
			t.Errorf("on 2025-03-%02d: %+v, %v", day, r, err)
		}
	}
}

func TestNotAnExport(t *testing.T) {
	t.Parallel()
	if _, err := Check(fstest.MapFS{}, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for _, text := range []string{"no\n", `{"position":1,"fact":"{}"}` + "\n", `{"position":0,"fact":"x"}` + "\n"} {
		if _, err := Check(fstest.MapFS{EventsTable: {Data: []byte(text)}}, Options{}); !errors.Is(err, ErrExport) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Check(fstest.MapFS{EventsTable: {Data: []byte(`{"position":0,"fact":"{}"}`)}}, Options{}); err == nil {
		t.Error("a row that is cut")
	}
}
