package minimise

import (
	"slices"

	"greffe/domain/policy"
)

// finding is a span [from, to) of signs that a rule does not let stand.
type finding struct {
	rule     string
	from, to int
	with     string // what takes its place when masked; "" is "***"
}

const (
	leastDigits = 13 // of a card, and of a NIR without its key
	mostDigits  = 19
	nirLen      = 15
	maxGap      = 3  // separators between two groups of one number
	wordBefore  = 40 // signs from a word such as "carte" to the number it tells of
	wordAfter   = 20
)

// context is the words of a text that may tell of its numbers, by place.
type context struct {
	marks     []mark
	card, nir uint8 // lists
}

// spoken reports a word of the list by the number at [from, to).
func (c context) spoken(list uint8, from, to int) bool {
	i, _ := slices.BinarySearchFunc(c.marks, from-wordBefore, func(m mark, at int) int { return m.from - at })
	for ; i < len(c.marks) && c.marks[i].from < to+wordAfter; i++ {
		if c.marks[i].list == list {
			return true
		}
	}
	return false
}

// numbers finds IBANs, NIRs and cards in folded signs. It is the one loop that
// every value passes, so it only counts, and looks closer where a number could be.
func numbers(b []byte, ctx context, found []finding) []finding {
	digits, start, gap := 0, 0, 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case isDigit(c) || digits > 0 && corsica(b, i):
			if digits == 0 {
				start = i
			}
			digits++
			gap = 0
			if i >= 2 && isLetter(b[i-1]) {
				if n := iban(b, i-2); n > 0 {
					found = append(found, finding{rule: policy.RuleIBAN, from: i - 2, to: n})
				}
			}
		case digits > 0 && gap < maxGap && between(b, i):
			gap++
		default:
			if digits >= leastDigits {
				found = chain(b, start, i, ctx, found)
			}
			digits, gap = 0, 0
		}
	}
	if digits >= leastDigits {
		found = chain(b, start, len(b), ctx, found)
	}
	return found
}

// between reports a sign that may part groups of one number: a gap, a dot, or a
// slash right between two digits (" / " stands between two numbers).
func between(b []byte, i int) bool {
	switch b[i] {
	case signGap, '.':
		return true
	case '/':
		return i > 0 && b[i-1] != signGap && i+1 < len(b) && isDigit(b[i+1])
	}
	return false
}

// corsica reports the A or B of a department 2A or 2B inside a number.
func corsica(b []byte, i int) bool {
	return (b[i] == 'a' || b[i] == 'b') && i > 0 && b[i-1] == '2' && i+1 < len(b) &&
		(isDigit(b[i+1]) || between(b, i+1) && i+2 < len(b) && isDigit(b[i+2]))
}

// chain looks at every run of whole digit groups in b[from:to].
func chain(b []byte, from, to int, ctx context, found []finding) []finding {
	for s := from; s < to; s++ {
		if !isDigit(b[s]) || s > from && isDigit(b[s-1]) || covered(found, s) {
			continue
		}
		if f, ok := window(b, s, to, s == from, ctx); ok {
			found = append(found, f)
			s = f.to - 1
		}
	}
	return found
}

// covered reports that sign i belongs to a finding of numbers, which are in order.
func covered(found []finding, i int) bool {
	n, exact := slices.BinarySearchFunc(found, i, func(f finding, at int) int { return f.from - at })
	return exact || n > 0 && i < found[n-1].to
}

// window grows a number from s by whole groups and keeps the longest that checks.
func window(b []byte, s, to int, first bool, ctx context) (best finding, ok bool) {
	var d [mostDigits]byte
	var shape [mostDigits]byte
	n, groups, letter := 0, 0, false
	for i := s; i < to && n < mostDigits; i++ {
		c := b[i]
		if !isDigit(c) && !corsica(b, i) {
			continue
		}
		if !isDigit(c) {
			if n != 6 {
				return best, ok
			}
			letter = true
		}
		if n == 0 || !isDigit(b[i-1]) && b[i-1] != 'a' && b[i-1] != 'b' {
			groups++
		}
		shape[groups-1]++
		d[n] = c
		n++
		if i+1 < to && (isDigit(b[i+1]) || corsica(b, i+1)) {
			continue
		}
		if n < leastDigits {
			continue
		}
		nir := isNIR(d[:n], groups, ctx.spoken(ctx.nir, s, i+1))
		if nir {
			best, ok = finding{rule: policy.RuleNIR, from: s, to: i + 1}, true
		}
		if letter || !issued(d[:n]) || !luhn(d[:n]) {
			continue
		}
		spoken := ctx.spoken(ctx.card, s, i+1)
		if nir && !spoken { // it checks as both: of a NIR nothing is kept
			continue
		}
		if !everyday(d[:n], spoken) && (first || spoken || cardShape(shape[:groups])) {
			best, ok = finding{rule: policy.RuleCard, from: s, to: i + 1, with: "****" + string(d[n-4:n])}, true
		}
	}
	return best, ok
}

// cardShape reports groups as cards are written: in one, by fours, 4-6-5, 4-6-4.
func cardShape(g []byte) bool {
	if len(g) == 1 {
		return true
	}
	if len(g) == 3 && g[0] == 4 && g[1] == 6 {
		return true
	}
	for i, n := range g {
		if n != 4 && (i < len(g)-1 || n > 4) {
			return false
		}
	}
	return true
}

// isNIR checks 15 signs by structure and key, or 13 by structure where the text
// speaks of social security (key = 97 - N mod 97, with 2A as 19 and 2B as 18).
func isNIR(d []byte, groups int, spoken bool) bool {
	if len(d) != nirLen && (len(d) != nirLen-2 || !spoken) || !spoken && groups == 1 && isIMEI(d) {
		return false
	}
	switch d[0] {
	case '1', '2', '3', '4', '7', '8':
	default:
		return false
	}
	month := int(d[3]-'0')*10 + int(d[4]-'0')
	if month < 1 || month > 12 && month < 20 || month > 42 && month < 50 {
		return false
	}
	if string(d[10:13]) == "000" {
		return false
	}
	n := int64(0)
	for i, c := range d[:13] {
		switch {
		case isDigit(c):
			n = n*10 + int64(c-'0')
		case i == 6 && c == 'a':
			n = n*10 + 9 - 10 // 2A counts as 19: one ten less
		case i == 6 && c == 'b':
			n = n*10 + 8 - 10 // 2B counts as 18
		default:
			return false
		}
	}
	if len(d) == nirLen-2 {
		return true
	}
	return isDigit(d[13]) && isDigit(d[14]) && int64(d[13]-'0')*10+int64(d[14]-'0') == 97-n%97
}

// everyday reports a number that checks as a card and hardly is one: 13 digits,
// an old length that article numbers have, where no word speaks of a card or the
// EAN check holds; 14 digits that begin with a SIREN, which has its own Luhn digit.
func everyday(d []byte, spoken bool) bool {
	switch len(d) {
	case 13:
		return !spoken || ean(d)
	case 14:
		return luhn(d[:9])
	}
	return false
}

// isIMEI reports the number of a phone: 15 digits with a Luhn digit, of the
// allotments 01, 35 and 86. A NIR that begins so belongs to a temporary number.
func isIMEI(d []byte) bool {
	head := string(d[:2])
	return len(d) == nirLen && d[6] < 'a' && (head == "01" || head == "35" || head == "86") && luhn(d)
}

// issued reports a range and length that card schemes use.
func issued(d []byte) bool {
	p := 0
	for _, c := range d[:6] {
		p = p*10 + int(c-'0')
	}
	in := func(lo, hi, div int) bool { return p/div >= lo && p/div <= hi }
	switch n := len(d); {
	case in(4, 4, 100000): // Visa, and Carte bancaire with it
		return n == 13 || n == 16 || n == 19
	case in(51, 55, 10000), in(2221, 2720, 100), in(2200, 2204, 100): // Mastercard, Mir
		return n == 16
	case in(34, 34, 10000), in(37, 37, 10000): // American Express
		return n == 15
	case in(300, 305, 1000), in(3095, 3095, 100), in(36, 36, 10000), in(38, 39, 10000): // Diners
		return n == 14
	case in(3528, 3589, 100), in(6011, 6011, 100), in(644, 649, 1000), in(65, 65, 10000), in(62, 62, 10000), in(81, 81, 10000): // JCB, Discover, UnionPay
		return n >= 16
	case in(5018, 5018, 100), in(5020, 5020, 100), in(5038, 5038, 100), in(5893, 5893, 100),
		in(6304, 6304, 100), in(6759, 6759, 100), in(6761, 6763, 100), in(67, 67, 10000): // Maestro
		return n >= 16
	}
	return false
}

func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// ean checks the weights 1 and 3 of EAN-13 (GTIN).
func ean(d []byte) bool {
	sum := 0
	for i, c := range d {
		sum += int(c-'0') * (1 + 2*(i%2))
	}
	return sum%10 == 0
}
