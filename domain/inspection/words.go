package inspection

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxTerms bounds the words of one search.
	MaxTerms = 100
	maxTerm  = 100
	// around is how many characters an excerpt shows on each side of a word.
	around = 40
)

// Terms are words, or expressions of several, that are looked for in free text. A
// word ends where its letters end; with a star behind, it may go on.
type Terms struct{ terms []term }

type term struct {
	text   []rune
	prefix bool
}

// NewTerms reads words; a FieldError if there are none, too many, or one is too
// short to mean anything (fewer than two letters or digits).
func NewTerms(words []string) (*Terms, error) {
	if len(words) == 0 {
		return nil, &FieldError{"words", true}
	}
	t := &Terms{}
	for _, w := range words {
		text, prefix := strings.CutSuffix(strings.TrimSpace(w), "*")
		folded, _ := fold(text)
		n := 0
		for _, r := range folded {
			if wordRune(r) {
				n++
			}
		}
		if n < 2 || len(w) > maxTerm || !utf8.ValidString(w) || len(t.terms) == MaxTerms {
			return nil, &FieldError{Field: "words"}
		}
		t.terms = append(t.terms, term{folded, prefix})
	}
	return t, nil
}

// Count is the number of words looked for.
func (t *Terms) Count() int { return len(t.terms) }

// Find counts how often any of the words stands in a text; excerpt is what
// stands around the first of them.
func (t *Terms) Find(text string) (hits int, excerpt string) {
	folded, at := fold(text)
	first, end := -1, 0
	for i := range folded {
		if !startsWord(folded, i) {
			continue
		}
		for _, x := range t.terms {
			if !x.at(folded, i) {
				continue
			}
			if hits++; first < 0 {
				first, end = i, i+len(x.text)
			}
			break
		}
	}
	if hits == 0 {
		return 0, ""
	}
	from, to := max(0, first-around), min(len(folded), end+around)
	stop := len(text)
	if to < len(folded) {
		stop = at[to]
	}
	return hits, strings.Join(strings.Fields(text[at[from]:stop]), " ")
}

func startsWord(text []rune, i int) bool {
	return i == 0 || !wordRune(text[i-1]) || !wordRune(text[i])
}

// at reports whether the term stands at i.
func (x *term) at(text []rune, i int) bool {
	end := i + len(x.text)
	if end > len(text) {
		return false
	}
	for j, r := range x.text {
		if text[i+j] != r {
			return false
		}
	}
	return x.prefix || end == len(text) || !wordRune(text[end]) || !wordRune(text[end-1])
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// fold takes capitals and accents off, and makes every run of blanks one. at says
// for each folded rune where in the text it began.
func fold(text string) (out []rune, at []int) {
	var it norm.Iter
	it.InitString(norm.NFKD, text)
	blank := false
	for !it.Done() {
		from := it.Pos()
		for _, r := range string(it.Next()) {
			switch {
			case unicode.Is(unicode.Mn, r):
				continue
			case unicode.IsSpace(r):
				if blank {
					continue
				}
				blank, r = true, ' '
			default:
				blank = false
			}
			for _, l := range lower(r) {
				out, at = append(out, l), append(at, from)
			}
		}
	}
	return out, at
}

// lower is a letter as it is compared: œ as oe, æ as ae, ß as ss, ’ as '.
func lower(r rune) []rune {
	switch r = unicode.ToLower(r); r {
	case 'œ':
		return []rune{'o', 'e'}
	case 'æ':
		return []rune{'a', 'e'}
	case 'ß':
		return []rune{'s', 's'}
	case '’':
		return []rune{'\''}
	}
	return []rune{r}
}
