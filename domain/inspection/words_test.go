package inspection

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFindsWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		words, text, excerpt string
		hits                 int
	}{
		{"cancer", "Le client a un CANCER, cancer du sein", "Le client a un CANCER, cancer du sein", 2},
		{"cancer", "cancérologue", "", 0},
		{"cancer*", "vu le cancérologue", "vu le cancérologue", 1},
		{"séropositif", "note : SEROPOSITIF", "note : SEROPOSITIF", 1},
		{"coeur", "malade du cœur", "malade du cœur", 1},
		{"œuvre", "main d'OEUVRE", "main d'OEUVRE", 1},
		{"sale con", "ce  sale\n con !", "ce sale con !", 1},
		{"con", "conseil, balcon, icône", "", 0},
		{"n'est", "ce n’est rien", "ce n’est rien", 1},
		{"cancer", "", "", 0},
		{"a1", "A1 a1a A1", "A1 a1a A1", 2},
	} {
		terms, err := NewTerms([]string{c.words})
		if err != nil {
			t.Fatal(err)
		}
		if hits, excerpt := terms.Find(c.text); hits != c.hits || excerpt != c.excerpt {
			t.Errorf("%q in %q: %d hits, %q", c.words, c.text, hits, excerpt)
		}
	}
}

// TestExcerptIsShort: it shows what stands around, not the whole comment.
func TestExcerptIsShort(t *testing.T) {
	t.Parallel()
	terms, err := NewTerms([]string{"santé", "idiot*"})
	if err != nil || terms.Count() != 2 {
		t.Fatal(err)
	}
	hits, excerpt := terms.Find(strings.Repeat("é ", 300) + "quels idiots" + strings.Repeat(" à", 300) + " secret")
	if n := utf8.RuneCountInString(excerpt); hits != 1 || n > 2*around+12 || !strings.Contains(excerpt, "quels idiots") || strings.Contains(excerpt, "secret") || !utf8.ValidString(excerpt) {
		t.Errorf("%d hits, %d characters: %q", hits, n, excerpt)
	}
}

func TestTermsAreChecked(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{nil, {"x"}, {"*"}, {"  - "}, {strings.Repeat("x", 101)}, {"ok", "\xff\xfe\xfd"}, make([]string, MaxTerms+1)} {
		var field *FieldError
		if _, err := NewTerms(words); !errors.As(err, &field) || field.Field != "words" {
			t.Errorf("%d words taken: %v", len(words), err)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("cœur", "le CŒUR\u0301 d’acier", 3)
	f.Fuzz(func(t *testing.T, word, text string, _ int) {
		terms, err := NewTerms([]string{word})
		if err != nil {
			return
		}
		hits, excerpt := terms.Find(text)
		if hits == 0 && excerpt != "" || utf8.ValidString(text) && !utf8.ValidString(excerpt) {
			t.Errorf("%d hits with the excerpt %q", hits, excerpt)
		}
	})
}
