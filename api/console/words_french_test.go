package console

import (
	"bufio"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// unspaced is French in which a double mark lacks the space before it, a quotation mark
// the one inside, or an apostrophe is that of a typewriter. Addresses (https://…) and
// times (12:30) have none, nor has JSON.
var unspaced = regexp.MustCompile(`[^ \x{a0}\x{202f}][;?!»]|«[^ \x{a0}\x{202f}]|[^ "\x{a0}\x{202f}](:)(?:[^/0-9]|$)|'`)

// TestFrenchIsSpacedAlike: every French text of the console's lists has a space before
// ; : ? ! and within « », and the apostrophe of print.
func TestFrenchIsSpacedAlike(t *testing.T) {
	t.Parallel()
	lists, err := fs.Glob(files, "words/*.tsv")
	if err != nil || len(lists) < 20 {
		t.Fatalf("%d lists, %v", len(lists), err)
	}
	for _, name := range lists {
		f, err := files.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines, n := bufio.NewScanner(f), 0
		lines.Buffer(nil, 1<<20)
		for n = 1; lines.Scan(); n++ {
			parts := strings.Split(lines.Text(), "\t")
			if strings.HasPrefix(lines.Text(), "#") || len(parts) < 3 {
				continue
			}
			for _, french := range frenchOf(name, parts) {
				if bad := unspaced.FindString(french); bad != "" {
					t.Errorf("%s, line %d: %q in %q", name, n, bad, french)
				}
			}
		}
		if err := lines.Err(); err != nil || n == 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, bad := range map[string]bool{"Risque : élevé ?": false, "Risque: élevé": true, "« oui »": false, "«oui»": true, "voir ; puis": false, "voir; puis": true, "l'heure": true,
		"à 12:30": false, "https://greffe.example": false, "Fin :": false, "Fin:": true} {
		if unspaced.MatchString(text) != bad {
			t.Errorf("%q is taken for good: %v", text, bad)
		}
	}
}

// frenchOf are the French columns of a line: of a word and its meaning, its article and
// how pages write it, or the one text.
func frenchOf(name string, parts []string) []string {
	if name == "words/glossary.tsv" && len(parts) > 7 {
		return []string{parts[1], parts[3], parts[5], parts[7]}
	}
	return parts[1:2]
}
