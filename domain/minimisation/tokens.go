package minimisation

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// token is one word of a text, in small ASCII letters and digits.
type token struct {
	word     string
	capital  bool // begins with a capital, and is not all capitals
	begins   bool // first of its clause
	to       bool // French à, which is no verb
	clause   int
	sentence int
}

// maxWords bounds what is read of one text; comments of the catalogue are shorter.
const maxWords = 4000

// tokens reads a text. Letters lose case and accents; digits and signs that stand for
// letters inside a word are read as these (c0nnard); letters that were spaced out are
// joined (c o n n a r d).
func tokens(text string) []token {
	r := reader{begins: true}
	r.word.Grow(32)
	all := []rune(norm.NFKD.String(text))
	for i, c := range all {
		if len(r.out) >= maxWords {
			break
		}
		if c == '.' && r.word.Len() > 1 && i+1 < len(all) && unicode.IsLower(all[i+1]) { // a name of the net
			r.dotted = true
			continue
		}
		r.rune(c)
	}
	r.end()
	return joined(r.out)
}

type reader struct {
	out              []token
	word             strings.Builder
	letters, digits  int
	upper            int
	first            bool // the first sign is a capital
	begins, grave    bool
	dotted           bool // a name of the net, which no list has
	clause, sentence int
}

func (r *reader) rune(c rune) {
	switch {
	case unicode.Is(unicode.Mn, c), unicode.Is(unicode.Cf, c):
		r.grave = r.grave || c == '\u0300'
	case c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c)), (c == '@' || c == '$') && r.letters > 0:
		r.sign(c)
	case c == 'œ' || c == 'Œ':
		r.sign('o')
		r.sign('e')
	case c == 'æ' || c == 'Æ':
		r.sign('a')
		r.sign('e')
	case strings.ContainsRune(".;!?\n…", c):
		title := c == '.' && slices.Contains(titles, r.word.String())
		if r.end(); !title {
			r.sentence++
			r.split()
		}
	case strings.ContainsRune(",:()/«»\"", c):
		r.end()
		r.split()
	default:
		r.end()
	}
}

func (r *reader) sign(c rune) {
	switch {
	case unicode.IsUpper(c):
		r.first = r.first || r.word.Len() == 0
		r.upper++
		r.letters++
	case unicode.IsLetter(c):
		r.letters++
	default:
		r.digits++
	}
	r.word.WriteRune(unicode.ToLower(c))
}

func (r *reader) split() {
	r.clause++
	r.begins = true
}

// end ends the word, if one is under way.
func (r *reader) end() {
	if r.word.Len() == 0 {
		return
	}
	w := r.word.String()
	if r.digits > 0 && r.letters >= 3 && r.letters > r.digits {
		w = strings.Map(plainLetter, w)
	}
	if r.dotted {
		w = "." + w
	}
	r.out = append(r.out, token{word: w, capital: r.first && (r.upper < r.letters || r.letters == 1), begins: r.begins, to: r.grave && w == "a", clause: r.clause, sentence: r.sentence})
	r.word.Reset()
	r.letters, r.digits, r.upper, r.first, r.begins, r.grave, r.dotted = 0, 0, 0, false, false, false, false
}

// plainLetter is the letter that a digit or sign stands for.
func plainLetter(c rune) rune {
	const signs, letters = "0134578@$", "oieastbas"
	if i := strings.IndexRune(signs, c); i >= 0 {
		return rune(letters[i])
	}
	return c
}

// minSpaced is how many single letters in a row are one word.
const minSpaced = 4

func joined(in []token) []token {
	out := in[:0]
	for i := 0; i < len(in); {
		to := i
		for to < len(in) && len(in[to].word) == 1 && in[to].word[0] >= 'a' && in[to].sentence == in[i].sentence {
			to++
		}
		if to-i < minSpaced {
			out = append(out, in[i])
			i++
			continue
		}
		t := in[i]
		var w strings.Builder
		for _, x := range in[i:to] {
			w.WriteString(x.word)
		}
		t.word = w.String()
		out = append(out, t)
		i = to
	}
	return out
}
