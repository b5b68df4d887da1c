package token

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Name gives the normal form of a person's name for search: NFKD, accents and
// other marks folded, lower-case, everything but letters and digits a space, the
// words sorted. Sorting makes "Marie Dupont", "DUPONT Marie" and the two fields
// apart one name, since people and imports write all three; a search by name
// gives candidates, it decides nothing. "" if there is no letter or digit.
func Name(given, family string) string {
	var b strings.Builder
	b.Grow(len(given) + len(family) + 1)
	foldInto(&b, given)
	b.WriteByte(' ')
	foldInto(&b, family)
	words := strings.Fields(b.String())
	slices.Sort(words)
	return strings.Join(words, " ")
}

func foldInto(b *strings.Builder, s string) {
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(s, " ")) {
		switch r = unicode.ToLower(r); {
		case unicode.IsMark(r), unicode.Is(unicode.Cf, r):
		case unicode.IsLetter(r), unicode.IsDigit(r):
			foldLetter(b, r)
		default:
			b.WriteByte(' ')
		}
	}
}

// foldLetter spells out the Latin letters that have no decomposition.
func foldLetter(b *strings.Builder, r rune) {
	switch r {
	case 'œ':
		b.WriteString("oe")
	case 'æ':
		b.WriteString("ae")
	case 'ß':
		b.WriteString("ss")
	case 'ø':
		b.WriteByte('o')
	case 'ł':
		b.WriteByte('l')
	case 'đ', 'ð':
		b.WriteByte('d')
	case 'þ':
		b.WriteString("th")
	case 'ı':
		b.WriteByte('i')
	default:
		b.WriteRune(r)
	}
}
