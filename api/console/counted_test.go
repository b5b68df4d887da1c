package console

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

func wordsOf(t *testing.T, lang string) *words {
	t.Helper()
	w, err := readWords(lang)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCounted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang, sentence, n, want string
	}{
		{"fr", "{n} {n|heure|heures}", "0", "0 heure"}, {"fr", "{n} {n|heure|heures}", "1", "1 heure"}, {"fr", "{n} {n|heure|heures}", "2", "2 heures"},
		{"en", "{n} {n|hour|hours}", "0", "0 hours"}, {"en", "{n} {n|hour|hours}", "1", "1 hour"}, {"en", "{n} {n|hour|hours}", "1,001", "1,001 hours"},
		{"fr", "{other} {n} {", "1", "{other} 1 {"}, {"fr", "{n|a}", "1", "{n|a}"}, {"fr", "{n||s}", "1", ""},
	} {
		w := &words{lang: c.lang}
		if got := w.put(c.sentence, map[string]string{"n": c.n}); got != c.want {
			t.Errorf("%s of %s in %s: %q, want %q", c.sentence, c.n, c.lang, got, c.want)
		}
	}
}

// TestCountsAgree: in no text does a plural stand behind a count by rote, and what
// depends on a count reads well for none, one and many.
func TestCountsAgree(t *testing.T) {
	t.Parallel()
	rote := regexp.MustCompile(`\{(\w+)\} (\pL+[sx])\b`)
	depends := regexp.MustCompile(`\{(\w+)\|[^{}|]*\|[^{}|]*\}`)
	halves := regexp.MustCompile(`\{\w+\|[^}]*\}`)
	names, err := fs.Glob(files, "words/*.tsv")
	if err != nil || len(names) < 20 {
		t.Fatal(names, err)
	}
	found := 0
	for _, lang := range []string{"fr", "en"} {
		w := wordsOf(t, lang)
		for _, all := range []map[string]string{w.texts, w.labels, w.codes, w.helps} {
			for key, text := range all {
				for _, m := range rote.FindAllStringSubmatch(text, -1) {
					if m[2] != "fois" && m[2] != "is" {
						t.Errorf("%s (%s): %q whatever the count is", key, lang, m[0])
					}
				}
				for _, m := range halves.FindAllString(text, -1) {
					if !depends.MatchString(m) {
						t.Errorf("%s (%s): %q needs one word and many", key, lang, m)
					}
				}
				for _, m := range depends.FindAllStringSubmatch(text, -1) {
					found++
					for _, n := range []string{"0", "1", "2", "1\u202f000"} {
						if said := w.put(text, map[string]string{m[1]: n}); strings.Contains(said, "{"+m[1]) {
							t.Errorf("%s (%s) of %s: %q", key, lang, n, said)
						}
					}
				}
			}
		}
	}
	if found < 80 {
		t.Errorf("%d texts depend on a count: are they read?", found)
	}
}

func TestUnitsAreSingular(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string][]string{"fr": {"1 heure restante", "0 minute restante", "2 heures restantes", "1 alerte ouverte", "1 mois"}, "en": {"1 hour left", "0 minutes left", "2 hours left", "1 open alert", "1 month"}} {
		w := wordsOf(t, lang)
		got := []string{"1 " + w.counted("clock_hours_left", 1), "0 " + w.counted("clock_minutes_left", 0), "2 " + w.counted("clock_hours_left", 2), "1 " + w.counted("waiting_watch", 1), w.policyValue("length", "P1M")}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %q, want %q", lang, got[i], want[i])
			}
		}
	}
}

// TestEuros: an amount in cents is shown as money, what is none of it as it is.
func TestEuros(t *testing.T) {
	t.Parallel()
	for cents, want := range map[string][2]string{
		"12000": {"120,00\u00a0€", "€120.00"}, "5": {"0,05\u00a0€", "€0.05"}, "0": {"0,00\u00a0€", "€0.00"}, "-4990": {"-49,90\u00a0€", "-€49.90"},
		"123456789": {"1\u202f234\u202f567,89\u00a0€", "€1,234,567.89"}, "••••": {"••••", "••••"},
	} {
		for i, lang := range []string{"fr", "en"} {
			w := &words{lang: lang}
			for _, v := range []value{{kind: '0', scalar: cents}, {kind: '"', scalar: cents}} {
				if got := w.cell("amount_cents", v).Text; got != want[i] {
					t.Errorf("%s in %s: %q, want %q", cents, lang, got, want[i])
				}
			}
		}
	}
}
