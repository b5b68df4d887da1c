package token

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

const (
	maxLocal  = 64  // bytes, RFC 5321 §4.5.3.1.1
	maxDomain = 253 // bytes of the ASCII form
	maxLabel  = 63
)

// lookupDomain is IDNA2008 as resolvers look names up (UTS 46, non-transitional),
// without the host-name rules that addresses in use break, such as underscores.
var lookupDomain = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))

// Email gives the normal form of an address: surrounding space, angle brackets
// and "mailto:" gone, invisible characters gone, lower-case, NFC, the domain in
// IDNA's ASCII form without a final dot. Dots and plus-tags stay: which
// addresses share a mailbox is for their provider to know.
//
// What is no address gives ok false, and a form that begins with Marker, under
// which an objection to it still holds; "" only if there was nothing at all.
func Email(s string) (normal string, ok bool) {
	s = cleanEmail(s)
	if s == "" {
		return "", false
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 || !validLocal(s[:at]) {
		return Marker + s, false
	}
	domain, ok := asciiDomain(s[at+1:])
	if !ok {
		return Marker + s, false
	}
	if domain == s[at+1:] {
		return s, true
	}
	return s[:at+1] + domain, true
}

func cleanEmail(s string) string {
	if !isASCII(s) {
		s = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Cf, r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, "\uFFFD"))
		s = norm.NFC.String(strings.ToLower(norm.NFC.String(s)))
	} else {
		s = strings.ToLower(s)
	}
	for {
		before := s
		s = strings.TrimPrefix(strings.TrimSpace(s), "mailto:")
		if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
			s = s[1 : len(s)-1]
		}
		if s == before {
			return s
		}
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// validLocal takes dot-atoms (RFC 5322 §3.2.3, RFC 6532), also with dots in
// places that the RFC forbids and providers have allowed. Quoted ones are refused.
func validLocal(s string) bool {
	if s == "" || len(s) > maxLocal {
		return false
	}
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>@[\]`, r) {
			return false
		}
	}
	return true
}

func asciiDomain(s string) (string, bool) {
	s = strings.TrimSuffix(s, ".")
	if !isASCII(s) || strings.Contains(s, "xn--") {
		mapped, err := lookupDomain.ToASCII(s)
		if err != nil {
			return "", false
		}
		s = strings.TrimSuffix(mapped, ".")
	}
	return s, validDomain(s)
}

// validDomain wants two labels or more of letters, digits, hyphens and
// underscores, the last not all digits (that would be an IPv4 address).
func validDomain(s string) bool {
	if len(s) > maxDomain || !strings.Contains(s, ".") {
		return false
	}
	digits := true
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		digits = true
		for i := range len(label) {
			c := label[i]
			digits = digits && '0' <= c && c <= '9'
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return !digits
}
