package console

import (
	"os"
	"regexp"
	"testing"
)

// Each reason for which an input is set aside is explained, with what to do, in both
// languages.
func TestEveryRefusalOfAnInputSaysWhatToDo(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../domain/event/refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\tcase "(\w+)":`).FindAllSubmatch(source, -1)
	for _, lang := range []string{"fr", "en"} {
		w, err := readWords(lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range found {
			if w.texts["quarantine_do_"+string(m[1])] == "" || w.code("reason", string(m[1])) == string(m[1]) {
				t.Errorf("%s: nothing is said of %s", lang, m[1])
			}
		}
	}
	if len(found) < 20 {
		t.Errorf("only %d refusals", len(found))
	}
}

// A length of the register of activities is in words, and so is what a page compares.
func TestLengthsAreInWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ lang, name, s, want string }{
		{"fr", "active", "P12M", "12 mois"}, {"fr", "archive", "P5Y", "5 ans"}, {"fr", "active", "P0D", "0 jour"}, {"fr", "archive", "P1Y", "1 an"}, {"fr", "length", "P3Y", "3 ans"},
		{"en", "active", "P0D", "0 days"}, {"en", "archive", "P1Y", "1 year"}, {"en", "archive", "jusqu'au départ", "jusqu'au départ"}, {"en", "note", "P5Y", "P5Y"},
	} {
		w, err := readWords(c.lang)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.textCell(c.name, c.s); got.Text != c.want {
			t.Errorf("%s, %s of %s: %q", c.lang, c.s, c.name, got.Text)
		}
	}
}

// A source counts as silent on the start page when it is beyond its habit, not while its
// habit is unknown.
func TestASourceOfNoKnownHabitIsNotSilent(t *testing.T) {
	t.Parallel()
	w, err := readWords("fr")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := parse([]byte(`{"items":[{"silence":{"state":"unknown"},"missing":0},{"silence":{"state":"within_habit"}},{"silence":{"state":"silent"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p := &startPage{}
	showProducers(&visit{caller: &caller{}, words: w}, answer, p)
	if got := p.State[0]; got.Kind != "warn" || got.Value != "3" || got.Note != "1 silencieuse" {
		t.Errorf("%+v", got)
	}
}

// A number and its noun agree: none is singular in French and plural in English.
func TestNumbersAgreeWithTheirNouns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ lang, n, want string }{{"fr", "0", "violation ouverte"}, {"fr", "1", "violation ouverte"}, {"fr", "2", "violations ouvertes"}, {"en", "0", "open breaches"}, {"en", "1", "open breach"}} {
		w, err := readWords(c.lang)
		if err != nil {
			t.Fatal(err)
		}
		p := &startPage{}
		p.waits(&visit{caller: &caller{}, words: w}, 1, "breaches", "stop", c.n, false)
		if got := p.Waiting[0].Note; got != c.want {
			t.Errorf("%s, %s: %q", c.lang, c.n, got)
		}
	}
}
