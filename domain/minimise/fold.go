package minimise

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A folded text has one ASCII sign per letter or digit that means something:
//
//	a-z 0-9   letters without case and accents, digits of any script
//	' '       spaces, line ends, hyphens, apostrophes: parts words and groups
//	. / , * $ themselves; $ is any currency
//	|         anything else
//
// Zero-width signs and combining marks leave no sign.
const (
	signGap      = ' '
	signOther    = '|'
	signCurrency = '$'
)

// ascii and latin are the signs of code points under 0x80 and 0x180. Nothing
// changes them.
var (
	ascii = asciiSigns()
	latin = latinSigns()
)

func asciiSigns() (t [utf8.RuneSelf]byte) {
	for c := range t {
		switch b := byte(c); {
		case isLetter(b) || isDigit(b) || b == '.' || b == '/' || b == ',' || b == '*' || b == '$':
			t[c] = b
		case b >= 'A' && b <= 'Z':
			t[c] = b + 'a' - 'A'
		case b <= ' ' || b == 0x7f || b == '-' || b == '\'' || b == '_' || b == '`':
			t[c] = signGap
		default:
			t[c] = signOther
		}
	}
	return t
}

// latinSigns holds up to two signs for U+0080 to U+017F; none is a zero byte.
func latinSigns() (t [0x180][2]byte) {
	for r := rune(0x80); r < 0x180; r++ {
		s := appendRune(nil, r)
		copy(t[r][:], s)
	}
	return t
}

// fold appends the signs of text to dst. With at, the offset in text of each sign
// is appended to *at. In raw mode text is JSON: escapes are read, except \u, of
// which the second result tells.
func fold(dst []byte, at *[]int32, text []byte, raw bool) ([]byte, bool) {
	escaped := false
	for i := 0; i < len(text); {
		from := i
		c := text[i]
		switch {
		case c == '\\' && raw && i+1 < len(text):
			dst = append(dst, escapeSign(text[i+1]))
			escaped = escaped || text[i+1] == 'u'
			i += 2
		case c < utf8.RuneSelf:
			dst = append(dst, ascii[c])
			i++
		default:
			r, n := utf8.DecodeRune(text[i:])
			i += n
			if r >= 0x180 {
				dst = appendRune(dst, r)
				break
			}
			if s := latin[r]; s[0] != 0 {
				dst = append(dst, s[0])
				if s[1] != 0 {
					dst = append(dst, s[1])
				}
			}
		}
		if at != nil {
			for len(*at) < len(dst) {
				*at = append(*at, int32(from))
			}
		}
	}
	return dst, escaped
}

func escapeSign(c byte) byte {
	switch c {
	case 'n', 't', 'r', 'b', 'f':
		return signGap
	case '/':
		return '/'
	}
	return signOther
}

// appendRune folds one code point that no table holds.
func appendRune(dst []byte, r rune) []byte {
	if d, ok := digitOf(r); ok {
		return append(dst, d)
	}
	switch {
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r), unicode.Is(unicode.Cf, r), r == 0x115f, r == 0x1160, r == 0x3164:
		return dst
	case unicode.IsSpace(r), unicode.Is(unicode.Zs, r), unicode.Is(unicode.Pd, r), unicode.IsControl(r),
		r == '\u2019', r == '\u2018', r == '\u02bc', r == '\u2212', r == '\u2044', r == '\u2027':
		return append(dst, signGap)
	case r == '·' || r == '•' || r == '․' || r == '。':
		return append(dst, '.')
	case unicode.Is(unicode.Sc, r):
		return append(dst, signCurrency)
	}
	if s, ok := special(r); ok {
		return append(dst, s...)
	}
	var b [utf8.UTFMax]byte
	parts := norm.NFKD.Properties(b[:utf8.EncodeRune(b[:], r)]).Decomposition()
	if len(parts) == 0 {
		return append(dst, signOther)
	}
	for _, p := range string(parts) {
		switch d, ok := digitOf(p); {
		case ok:
			dst = append(dst, d)
		case p < utf8.RuneSelf:
			dst = append(dst, ascii[p])
		case !unicode.Is(unicode.Mn, p):
			dst = append(dst, signOther)
		}
	}
	return dst
}

// special are letters that Unicode does not decompose.
func special(r rune) (string, bool) {
	switch unicode.ToLower(r) {
	case 'œ':
		return "oe", true
	case 'æ':
		return "ae", true
	case 'ß', 'ẞ':
		return "ss", true
	case 'ø':
		return "o", true
	case 'ł':
		return "l", true
	case 'đ', 'ð':
		return "d", true
	case 'ı':
		return "i", true
	}
	return "", false
}

// digitOf finds the value of a decimal digit. Unicode allots each script's ten
// digits in order, and its tables join only whole sets of ten.
func digitOf(r rune) (byte, bool) {
	if r < utf8.RuneSelf {
		return byte(r), r >= '0' && r <= '9'
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	for _, x := range unicode.Nd.R16 {
		if rune(x.Lo) <= r && r <= rune(x.Hi) {
			return '0' + byte((r-rune(x.Lo))%10), true
		}
	}
	for _, x := range unicode.Nd.R32 {
		if rune(x.Lo) <= r && r <= rune(x.Hi) {
			return '0' + byte((r-rune(x.Lo))%10), true
		}
	}
	return 0, false
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
