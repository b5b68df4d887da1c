package ingest_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"greffe/api/ingest"
)

const goodHead = "#: name: x\n#: about: a test\n#: source: test\n#: input: json\n"

func compile(t testing.TB, text string) *ingest.Mapping {
	t.Helper()
	if !strings.Contains(text, "#: name") {
		text = goodHead + text
	}
	m, err := ingest.Compile("x.jq", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// one maps the one record of a body.
func one(t testing.TB, m *ingest.Mapping, body string) ingest.Mapped {
	t.Helper()
	all := mapAll(t, m, []byte(body), "")
	if len(all) != 1 {
		t.Fatalf("%d records", len(all))
	}
	return all[0]
}

func TestWrongMappingsNameFileAndLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no head":          {"{}", "x.jq:1: the head is missing"},
		"another name":     {"#\n#: name: y\n#: about: a\n#: source: s\n#: input: json\n.", "x.jq:2: head: name"},
		"no source":        {"#: name: x\n#: about: a\n#: input: json\n.", "x.jq:1: head: source"},
		"source of spaces": {"#: name: x\n#: about: a\n#: source: a b\n#: input: json\n.", "x.jq:3: head: source"},
		"other input":      {"#: name: x\n\n#: about: a\n#: source: s\n#: input: xml\n.", "x.jq:5: head: input"},
		"columns of json":  {"#: name: x\n#: about: a\n#: source: s\n#: input: json\n#: columns: [a]\n.", "x.jq:4: head: input"},
		"two delimiters":   {"#: name: x\n#: about: a\n#: source: s\n#: input: csv\n#: delimiter: ab\n.", "x.jq:5: head: delimiter"},
		"misspelt key":     {"#: name: x\n# a remark\n#: abuot: a\n.", "x.jq:3: head: field abuot"},
		"no yaml":          {"#: name: x\n#: [\n.", "x.jq:2: head: "},
		"syntax":           {goodHead + "{\n  a: [}\n", "x.jq:6: not jq: unexpected token"},
		"end":              {goodHead + "1 +", "x.jq:5: not jq: unexpected EOF"},
		"unknown function": {goodHead + "def f: 1;\nf | frobnicate", "x.jq:6: not jq: function not defined: frobnicate/0"},
		"unknown variable": {goodHead + "\n$nothing", "x.jq:6: not jq: variable not defined: $nothing"},
		"clock":            {goodHead + "def f: [.[] | {a: now}];\n.", "x.jq:5: now is not allowed"},
		"environment":      {goodHead + "# env is what is meant\n.a | $ENV.HOME", "x.jq:6: $ENV is not allowed"},
		"env":              {goodHead + ".env\n| env.HOME", "x.jq:6: env is not allowed"},
		"other input, jq":  {goodHead + "[., input]", "x.jq:5: input is not allowed"},
		"local zone":       {goodHead + "if .a then 1 else (2 | strflocaltime(\"%c\")) end", "x.jq:5: strflocaltime is not allowed"},
		"in a string":      {goodHead + `"a \(now) b"`, "x.jq:5: now is not allowed"},
		"in an update":     {goodHead + `.a |= halt`, "x.jq:5: halt is not allowed"},
		"a module":         {goodHead + `import "a" as a; .`, "x.jq:5: import is not allowed"},
		"id rule":          {goodHead + "#: id: '.a['\n.", "x.jq:5: not jq"},
		"id by the clock":  {"#: id: 'now'\n" + goodHead + ".", "x.jq:1: now is not allowed"},
		"subject":          {goodHead + "#: subject: 'nobody'\n.", "x.jq:5: not jq: function not defined"},
		"too large":        {goodHead + "#" + strings.Repeat("x", 300<<10), "x.jq: larger than"},
	} {
		if _, err := ingest.Compile("x.jq", []byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestSetsNameAllThatIsWrong(t *testing.T) {
	t.Parallel()
	file := func(name, body string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(strings.ReplaceAll(goodHead, "name: x", "name: "+name) + body)}
	}
	base := fstest.MapFS{"a.jq": file("a", `{ignore: "shipped"}`), "b.jq": file("b", `{ignore: "shipped"}`), "README.md": {}}
	own := fstest.MapFS{"b.jq": file("b", `{ignore: "own"}`), "c.jq": file("c", `{ignore: "own"}`)}
	s, err := ingest.Load(base, own)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "shipped", "b": "own", "c": "own"} {
		m, ok := s.Find(name)
		if !ok {
			t.Fatalf("%s is missing", name)
		}
		if got := one(t, m, "{}"); got.Ignored != want || m.Info().Shipped != (want == "shipped") {
			t.Errorf("%s is %+v", name, got)
		}
	}
	own["d.jq"], own["e.jq"] = file("d", "now"), file("f", ".")
	if _, err := ingest.Load(base, own); err == nil || !strings.Contains(err.Error(), "d.jq:5") || !strings.Contains(err.Error(), "e.jq:1") {
		t.Errorf("two wrong files: %v", err)
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	m := compile(t, ".")
	for asked, want := range map[string]string{"": "test", "test": "test", "test/fr": "test/fr", "test/": "", "tester": "", "crm/eu": "", "test/a b": "", "test/" + strings.Repeat("x", 300): ""} {
		if got, ok := m.SourceFor(asked); ok != (want != "") || ok && got != want {
			t.Errorf("%q gives %q %t", asked, got, ok)
		}
	}
	for source, want := range map[string]string{"test/x": "", "test": "", "tester": ingest.NoEvent, "crm": ingest.NoEvent, "test/": ingest.NoEvent} {
		got := one(t, compile(t, `{type: "contact.deleted", source: .s}`), `{"s":"`+source+`"}`)
		if got.Aside != want {
			t.Errorf("an event of %q is set aside for %q", source, got.Aside)
		}
	}
}

func TestIDsAreTheSendersOrADigest(t *testing.T) {
	t.Parallel()
	m := compile(t, "#: id: .id\n{type: \"contact.deleted\", data: {id: $id, source: $source, subject: $subject}}")
	for body, want := range map[string]string{`{"id":"e-1"}`: "e-1", `{"id":42}`: "42", `{"id":12345678901234567890}`: "12345678901234567890", `{"id":" x "}`: "x"} {
		if got := one(t, m, body); got.ID != want || got.Events[0].ID != want {
			t.Errorf("%s has the id %q", body, got.ID)
		}
	}
	digests := map[string]string{}
	for _, body := range []string{`{"a":1,"b":2}`, `{"b":2, "a":1}`, `{"id":null,"a":1,"b":2}`, `{"id":{"x":1}}`, `{"id":"` + strings.Repeat("y", 500) + `"}`} {
		got := one(t, m, body)
		if !strings.HasPrefix(got.ID, "sha256:") || len(got.ID) != 71 {
			t.Errorf("%.30s has the id %q", body, got.ID)
		}
		digests[got.ID] = body
	}
	if len(digests) != 4 { // the first two are one record in two writings
		t.Errorf("%d digests of four records", len(digests))
	}
}

func TestOutputsThatAreNoEvents(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		`empty`:                            ingest.Empty,
		`1`:                                ingest.NoEvent,
		`null`:                             ingest.NoEvent,
		`{}`:                               ingest.NoEvent,
		`{type: 1}`:                        ingest.NoEvent,
		`{type: "contact.deleted", id: 1}`: ingest.NoEvent,
		`{type: "contact.deleted", id: ("x"*600)}`:             ingest.NoEvent,
		`{type: "contact.deleted"}, {type: "contact.deleted"}`: ingest.NoEvent,
		`{ignore: "Words of mine"}`:                            ingest.NoEvent,
		`{ignore: "a", type: "contact.deleted"}`:               ingest.NoEvent,
		`{aside: 1}`:                                           ingest.NoEvent,
		`{aside: "gap_event"}`:                                 "gap_event",
		`.a.b.c`:                                               ingest.Failed,
		`error("x")`:                                           ingest.Failed,
		`range(3000) | {type: "contact.deleted", id: "\(.)"}`:  ingest.TooMuch,
		`range(10) | {type: "contact.changed", id: "\(.)", data: ("x" * 1000000)}`: ingest.TooMuch,
	} {
		got := one(t, compile(t, program), `{"a":"zqMARKERqz"}`)
		if got.Aside != want || got.Explain() == "" || len(got.Events) != 0 || got.Ignored != "" {
			t.Errorf("%s: %q with %d events, ignored %q", program, got.Aside, len(got.Events), got.Ignored)
		}
	}
	if got := one(t, compile(t, `{ignore: "a_test"}`), `{}`); got.Ignored != "a_test" || got.Aside != "" || got.Explain() != "" {
		t.Errorf("%+v", got)
	}
	if got := one(t, compile(t, `{aside: "gap"}, {type: "contact.deleted"}`), `{}`); len(got.Events) != 1 || got.Aside != "gap" {
		t.Errorf("a mapping that sets aside and goes on: %+v", got)
	}
}

// What protects is kept from a record that fails, whatever stands around it.
func TestProtectiveOutlivesItsRecord(t *testing.T) {
	t.Parallel()
	const both = `{type: "opposition.registered", id: ($id + ":o"), data: {}}, {type: "contact.changed", data: {}}`
	for name, c := range map[string]struct{ program, body, aside string }{
		"then an error":   {both + `, error("x")`, `{}`, ingest.Failed},
		"then no event":   {both + `, 1`, `{}`, ingest.NoEvent},
		"a cut record":    {both, `{"a":1,"b":`, ingest.Unreadable},
		"text behind":     {both, `{"a":1,"a":tr}`, ingest.Unreadable},
		"absurd numbers":  {both, `{"a":1e99999}`, ingest.Unreadable},
		"very deep":       {both, `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, ingest.Unreadable},
		"too many behind": {both + `, (range(2000) | {type: "contact.deleted", id: "\(.)"})`, `{}`, ingest.TooMuch},
	} {
		got := one(t, compile(t, c.program), c.body)
		if got.Aside != c.aside || len(got.Events) != 1 || !got.Events[0].Protective {
			t.Errorf("%s: set aside for %q with %d events", name, got.Aside, len(got.Events))
		}
	}
}

func TestTimeIsBounded(t *testing.T) {
	t.Parallel()
	m := compile(t, `{type: "opposition.registered", data: {}}, (last(repeat(.)))`)
	ingest.SetLimit(m, 5*time.Millisecond)
	began := time.Now()
	got := one(t, m, `{}`)
	if got.Aside != ingest.Slow || len(got.Events) != 1 {
		t.Errorf("%q, %d events", got.Aside, len(got.Events))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
