package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"greffe/domain/event"
)

func unzip(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func committed(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		return unzip(t, b)
	}
	return b
}

func names() []string {
	return []string{"contacts-crm.csv", "events.ndjson.gz", "snapshot-1.csv", "snapshot-2.csv"}
}

func TestTheCommittedFilesAreThoseOfTheFirstSeed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := run([]string{"-out", dir}); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range names() {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		total += len(b)
		if strings.HasSuffix(name, ".gz") {
			b = unzip(t, b)
		}
		if !bytes.Equal(b, committed(t, name)) {
			t.Errorf("%s: the committed file is another one; run go run ./deploy/samples/generate -out deploy/samples", name)
		}
	}
	if total > 2<<20 {
		t.Errorf("%d bytes in all", total)
	}
}

func TestAnotherSeedGivesOtherPeople(t *testing.T) {
	t.Parallel()
	if bytes.Equal(contactsCSV(1, 200), contactsCSV(2, 200)) || bytes.Equal(eventsNDJSON(1, 500), eventsNDJSON(2, 500)) {
		t.Error("the seed does nothing")
	}
	for _, args := range [][]string{{"-contacts", "10"}, {"-events", "10"}, {"-unknown"}, {"-out", filepath.Join(t.TempDir(), "none")}} {
		if err := run(args); err == nil {
			t.Errorf("%v: taken", args)
		}
	}
}

var (
	mails  = regexp.MustCompile(`[\w.]+@([\w.-]+)`)
	french = regexp.MustCompile(`(?:^|\D)(?:0|\+33 ?(?:\(0\))?)([1-9])[ .]?(\d\d)[ .]?(\d\d)[ .]?\d\d[ .]?\d\d(?:\D|$)`)
)

// Nobody is reached by what stands in the samples.
func TestAddressesAndNumbersAreFiction(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		text := committed(t, name)
		found := 0
		for _, m := range mails.FindAllSubmatch(bytes.ToLower(text), -1) {
			found++
			d := string(m[1])
			if d != "example.org" && !strings.HasSuffix(d, ".example") && !strings.HasSuffix(d, ".test") {
				t.Fatalf("%s: a domain that may exist: %s", name, d)
			}
		}
		for _, m := range french.FindAllSubmatch(text, -1) {
			found++
			switch n := string(m[1]) + string(m[2]) + string(m[3]); n {
			case "19900", "26191", "35301", "46571", "53649", "63998", "69200":
			default:
				t.Fatalf("%s: a number that may be in use: 0%s", name, n)
			}
		}
		if found == 0 {
			t.Errorf("%s: nothing looked at", name)
		}
	}
}

type policy struct{}

func (policy) Controller(string) bool    { return true }
func (policy) DefaultController() string { return "acme" }
func (policy) Purpose(c string) bool     { return c == "prospecting" }
func (policy) Channel(c string) bool {
	return strings.Contains(" email sms phone postal social ", " "+c+" ")
}
func (policy) Portfolio(string) bool { return true }
func (policy) HasReason(string) bool { return true }
func (policy) HasClass(string) bool  { return true }
func (policy) HasField(string) bool  { return true }

// All events but the ten that are bad on purpose are of the catalogue's shapes,
// without a code that it does not list.
func TestEventsAreOfTheCatalogue(t *testing.T) {
	t.Parallel()
	refused, warned, repeated, conflicts := 0, 0, 0, 0
	seen := map[string]string{}
	sources, types := map[string]int{}, map[event.Type]int{}
	late, last := 0, map[string]int64{}
	for line := range strings.Lines(string(committed(t, "events.ndjson.gz"))) {
		in, r := event.Decode([]byte(line))
		var d *event.Draft
		if r == nil {
			d, r = event.Understand(in, policy{}, event.Clock{Now: end.AddDate(0, 1, 0)})
		}
		if r != nil {
			refused++
			continue
		}
		if len(d.Warnings) > 0 {
			warned++
		}
		switch was, again := seen[in.ID]; {
		case again && was == line:
			repeated++
		case again:
			conflicts++
		}
		seen[in.ID] = line
		sources[in.Source]++
		types[in.Type]++
		if in.Sequence != nil {
			if *in.Sequence < last[in.Source] {
				late++
			}
			last[in.Source] = max(last[in.Source], *in.Sequence)
		}
	}
	if refused != 10 || warned != 2 || repeated < 190 || repeated > 200 || conflicts != 8 {
		t.Errorf("%d refused, %d warned, %d repeated, %d conflicts", refused, warned, repeated, conflicts)
	}
	if len(sources) != 3 || len(types) != 22-1 || late < 1000 {
		t.Errorf("%v, %d types, %d late", sources, len(types), late)
	}
}

func TestTheMessIsThere(t *testing.T) {
	t.Parallel()
	text := committed(t, "contacts-crm.csv")
	utf8Lines, ansiLines := 0, 0
	for l := range bytes.Lines(text) {
		switch plain := !bytes.ContainsFunc(l, func(r rune) bool { return r >= 0x80 }); {
		case plain:
		case utf8.Valid(l):
			utf8Lines++
		default:
			ansiLines++
		}
	}
	if utf8Lines < 5 || utf8Lines > 30 || ansiLines < 1000 {
		t.Errorf("%d UTF-8 lines, %d of Windows-1252", utf8Lines, ansiLines)
	}
	for name, c := range map[string]struct {
		pattern string
		least   int
	}{
		"NIR":              {`n° sécu [12]`, 20},
		"card":             {`carte \d`, 10},
		"CVV":              {`CVV 123`, 3},
		"health":           {`diabétique|Enceinte|cancer|séropositif`, 15},
		"insult":           {`crétin|vieille folle`, 8},
		"income":           {`2 873 €|41 250`, 8},
		"overseas":         {`0692 00 00|\+262 692`, 50},
		"fragment":         {`;(06 12 34|06|\?\?\?);`, 10},
		"foreign":          {`\+44 7700|001 202`, 30},
		"two in one":       {`\d / 0\d`, 20},
		"spreadsheet date": {`;4[56]\d{3};`, 10},
		"no date":          {`00/00/0000`, 10},
		"SIREN":            {`;000 ?\d{3} ?\d{3};`, 100},
		"upper e-mail":     {`;[A-Z.0-9]+@[A-Z.]+;`, 60},
		"line break":       {`(?m)"[^";\n]*\n[^";\n]*`, 40},
		"optin":            {`;(Oui|oui|1|X|OUI);[^;]*;[^;]*;[^;]*;fr;`, 300},
	} {
		if n := len(regexp.MustCompile(c.pattern).FindAll(utf8Of(text), -1)); n < c.least {
			t.Errorf("%s: %d", name, n)
		}
	}
}

func utf8Of(b []byte) []byte {
	var out bytes.Buffer
	for l := range bytes.Lines(b) {
		if utf8.Valid(l) {
			out.Write(l)
			continue
		}
		for _, c := range l {
			out.WriteRune(rune(c)) // near enough: letters are the same in ISO 8859-1
		}
	}
	return bytes.ReplaceAll(out.Bytes(), []byte{0xc2, 0x80}, []byte("€"))
}

func TestNumbersHaveRightCheckDigits(t *testing.T) {
	t.Parallel()
	d := newDice(7, 7)
	for range 200 {
		if s := d.siren(); len(s) != 9 || !luhn(s) {
			t.Fatalf("SIREN %s", s)
		}
		n := d.nir(true)
		var body, key int64
		for _, c := range n[:13] {
			body = body*10 + int64(c-'0')
		}
		for _, c := range n[13:] {
			key = key*10 + int64(c-'0')
		}
		if len(n) != 15 || (body+key)%97 != 0 || n[0] != '2' {
			t.Fatalf("NIR %s", n)
		}
	}
	for _, c := range testCards() {
		if !luhn(strings.NewReplacer(" ", "", "-", "").Replace(c)) {
			t.Errorf("card %s", c)
		}
	}
}
