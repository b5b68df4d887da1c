// Package spreadsheet keeps texts of ours from being run as formulas by the
// programs that tables are opened with (OWASP: CSV injection).
//
// Promised: Disarm changes only what Armed names, by one apostrophe ahead of it, and
// Restore takes away exactly that. Assumed: the writer of the table quotes cells as
// RFC 4180 says. A phone number in international form stays as it is (Number): a
// spreadsheet makes a number of it and runs nothing. It holds no state, so a crash
// leaves nothing.
package spreadsheet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Armed reports a text that a spreadsheet may take for a formula: one that begins
// with a sign of them, in ASCII or full width, also behind white space, control
// characters or a byte order mark, or with a tabulator or line end.
func Armed(s string) bool {
	if s != "" && (s[0] == '\t' || s[0] == '\r' || s[0] == '\n') {
		return true
	}
	s = strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
	r, _ := utf8.DecodeRuneInString(s)
	switch r {
	case '=', '+', '-', '@', '＝', '＋', '－', '＠', '−':
		return true
	}
	return false
}

// Number reports a plus or minus with nothing behind it but digits and what stands
// between them in phone numbers and amounts.
func Number(s string) bool {
	return len(s) > 1 && (s[0] == '+' || s[0] == '-') && s[1] >= '0' && s[1] <= '9' && strings.Trim(s[1:], "0123456789 .,()-") == ""
}

// Disarm is a text as a cell. What looks like a disarmed one gets an apostrophe as
// well, so that Restore is exact.
func Disarm(s string) string {
	if Armed(s) || disarmed(s) {
		return "'" + s
	}
	return s
}

// Restore is the text that Disarm made a cell of.
func Restore(s string) string {
	if disarmed(s) {
		return s[1:]
	}
	return s
}

func disarmed(s string) bool {
	return strings.HasPrefix(s, "'") && (Armed(s[1:]) || disarmed(s[1:]))
}
