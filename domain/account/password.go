package account

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Case is one of the cases of délib. CNIL 2022-100 in which a password is enough.
type Case string

// The cases. The third, 13 bits with a device the person holds and three tries, is
// that of a passkey's PIN: the authenticator keeps it, and it never comes here.
const (
	Alone     Case = "alone"     // 80 bits: nothing but the password
	Throttled Case = "throttled" // 50 bits: with waits and a block after ten tries
)

// Bounds of a password's length.
const (
	MaxPassword  = 512 // bytes
	leastLetters = 5   // different characters in it
)

// Fault says what a password lacks; "" for nothing.
type Fault string

// The faults.
const (
	TooLong   Fault = "too_long"
	TooShort  Fault = "too_short"
	TooPlain  Fault = "too_plain" // too few classes of characters, or of different ones
	NamesUser Fault = "names_user"
	Unclean   Fault = "unclean" // not UTF-8, or control characters
)

// CheckPassword measures a password by the examples of the deliberation. Alone: 12
// characters of four classes (upper, lower, digit, other), or 14 of three, or seven
// words; throttled: 8 of three classes, or 16 digits, or four words. Neither may
// contain the login.
func CheckPassword(password, login string, c Case) Fault {
	switch {
	case len(password) > MaxPassword:
		return TooLong
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return Unclean
	}
	n, classes, different := measure(password)
	words := len(strings.Fields(password))
	switch {
	case login != "" && len(login) >= 3 && strings.Contains(strings.ToLower(password), strings.ToLower(login)):
		return NamesUser
	case n < least(c):
		return TooShort
	case different < leastLetters:
		return TooPlain
	}
	if enough(n, classes, words, c) {
		return ""
	}
	if classes >= 3 || words > 1 {
		return TooShort
	}
	return TooPlain
}

func least(c Case) int {
	if c == Throttled {
		return 8
	}
	return 12
}

func enough(n, classes, words int, c Case) bool {
	if c == Throttled {
		return n >= 8 && classes >= 3 || n >= 16 || words >= 4
	}
	return n >= 12 && classes == 4 || n >= 14 && classes == 3 || words >= 7 && n >= 28
}

func measure(s string) (n, classes, different int) {
	var upper, lower, digit, other bool
	seen := map[rune]struct{}{}
	for _, r := range s {
		n++
		seen[r] = struct{}{}
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			digit = true
		default:
			other = true
		}
	}
	for _, b := range []bool{upper, lower, digit, other} {
		if b {
			classes++
		}
	}
	return n, classes, len(seen)
}
