package console

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/domain/contactability"
)

// TestWords: every desk, act and sentence of the pages has its words in both languages,
// and no list holds a word in one language only.
func TestWords(t *testing.T) {
	t.Parallel()
	fr, err := readWords("fr")
	if err != nil {
		t.Fatal(err)
	}
	en, err := readWords("en")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, g := range groups() {
		keys = append(keys, "group_"+g)
	}
	for _, r := range contactability.Rulebook() {
		if !r.Allows {
			keys = append(keys, "lawful_"+string(r.ID))
		}
	}
	for _, d := range desks() {
		keys = append(keys, "desk_"+d.slug, "desk_"+d.slug+"_intro")
		for _, a := range slices.Concat(d.acts, d.makes, d.more, d.files) {
			keys = append(keys, "act_"+d.slug+"_"+a.slug)
		}
		if len(d.named) > 0 {
			keys = append(keys, "one_"+d.slug)
		}
		for _, c := range d.columns {
			if fr.labels[last(c)] == "" {
				t.Errorf("the column %s of %s has no label", c, d.slug)
			}
		}
	}
	used := regexp.MustCompile(`\.T "([a-z_0-9]+)"`)
	pages, err := files.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		b, err := files.ReadFile("pages/" + p.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range used.FindAllStringSubmatch(string(b), -1) {
			keys = append(keys, m[1])
		}
	}
	if len(keys) < 150 {
		t.Fatalf("only %d keys were found", len(keys))
	}
	for _, k := range keys {
		if fr.texts[k] == "" || en.texts[k] == "" {
			t.Errorf("no words for %s", k)
		}
	}
}

// TestPages: every page's template can be read, each once.
func TestPages(t *testing.T) {
	t.Parallel()
	pages, err := (&Console{}).readPages()
	if err != nil || len(pages) < 60 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for name, read := range pages {
		first, err := read()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, _ := read(); again != first || first.Lookup("body") == nil {
			t.Errorf("%s is read anew, or has no body", name)
		}
	}
}

// TestEncode: a form becomes the JSON that the API takes: what is empty is left out, a
// list is a list with one value, times are of Paris.
func TestEncode(t *testing.T) {
	t.Parallel()
	fields := []field{{name: "words", kind: fieldText}, {name: "n", kind: fieldNumber}, {name: "flag", kind: fieldBool}, {name: "list", kind: fieldLines},
		{name: "at", kind: fieldTime}, {name: "person", kind: fieldGroup, fields: []field{{name: "email", kind: fieldText}}},
		{name: "rows", kind: fieldRows, fields: []field{{name: "code", kind: fieldText}}}}
	for _, c := range []struct {
		in   url.Values
		want string
	}{
		{url.Values{}, `{}`},
		{url.Values{"words": {" a \r\n b "}, "person.email": {""}, "flag": {""}}, `{"words":"a \n b"}`},
		{url.Values{"n": {"12"}, "flag": {"false"}, "list": {"a\r\n\r\nb"}}, `{"flag":false,"list":["a","b"],"n":12}`},
		{url.Values{"list": {"email", "sms"}}, `{"list":["email","sms"]}`},
		{url.Values{"at": {"2026-07-01T12:00"}, "person.email": {"a@b"}}, `{"at":"2026-07-01T10:00:00Z","person":{"email":"a@b"}}`},
		{url.Values{"rows.0.code": {"x"}, "rows.2.code": {"y"}}, `{"rows":[{"code":"x"},{"code":"y"}]}`},
	} {
		got, err := encode(fields, c.in)
		if err != nil || string(got) != c.want {
			t.Errorf("%v: %s %v, want %s", c.in, got, err, c.want)
		}
	}
	for _, bad := range []url.Values{{"n": {"twelve"}}, {"flag": {"perhaps"}}, {"at": {"tomorrow"}}} {
		if got, err := encode(fields, bad); err == nil {
			t.Errorf("%v became %s", bad, got)
		}
	}
}

// TestForms: a form's number serves once, until it was refused or is old; memory is bounded.
func TestForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f := newForms(func() time.Time { return now })
	if _, again := f.begin("a"); again {
		t.Fatal("a new form was sent before")
	}
	if to, again := f.begin("a"); !again || to != "" {
		t.Errorf("a form under way: %q %v", to, again)
	}
	f.end("a", "/there")
	if to, again := f.begin("a"); !again || to != "/there" {
		t.Errorf("a form that was sent: %q %v", to, again)
	}
	now = now.Add(formFor)
	if _, again := f.begin("a"); again {
		t.Error("an old form is remembered")
	}
	f.end("a", "")
	if _, again := f.begin("a"); again {
		t.Error("a refused form cannot be sent again")
	}
	for range 2 * maxForms {
		n, err := number(strings.NewReader("0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		f.begin(n + now.String())
		now = now.Add(time.Millisecond)
	}
	if len(f.of) > maxForms || f.order.Len() != len(f.of) {
		t.Errorf("%d forms are remembered, %d in order", len(f.of), f.order.Len())
	}
}

// TestLocal: after a choice of reason only pages of the console are gone back to.
func TestLocal(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]bool{"/console": true, "/console/people/x?tab=history": true, "//evil.example/console": false, "https://evil.example/console": false,
		"/consolex": false, "/signin": false, "/console/\\evil": false, "javascript:alert(1)": false, "": false} {
		if local(where) != want {
			t.Errorf("local(%q) is %v", where, !want)
		}
	}
}

// FuzzParse: whatever the API answers is shown or refused, never a panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"items":[{"subject_id":"0190a0a0-0000-7000-8000-00000000ffff","at":"2026-01-01T00:00:00Z"}],"next":null}`))
	f.Add([]byte(`[[[[1e400]]]]`))
	w, err := readWords("fr")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parse(b)
		if err != nil {
			return
		}
		_ = w.cell("x", v)
		_ = w.pairs(v)
		_ = v.text("items.next")
	})
}
