package token

import (
	"strconv"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

const (
	metropolitan = 33 // country code of metropolitan France
	nsnLen       = 9  // digits of a French number after its 0
	maxDigits    = 40 // more are ignored; E.164 allows 15
	// extensionAfter is how many digits must stand before a letter or a mark
	// that begins an extension ("poste 12", ";ext=3", "#4").
	extensionAfter = 9
)

// Phone gives the E.164 form of a number as people write it: separators, "00",
// "(0)", a lost leading zero (spreadsheets), "33…" without a plus. region (ISO
// 3166, "FR") is where a number without country code is dialled. Extensions are
// dropped.
//
// France and its overseas departments share one plan of ten digits but not one
// country code: their prefixes are mapped before anything else, also behind +33
// (décision Arcep 2018-0881, plan national de numérotation).
//
// valid says that the number is in a range known to be in use. A number that is
// not still has its E.164 form, so that a range opened later changes no token;
// what has none becomes Marker and its digits. Only no digits at all give "".
func Phone(s, region string) (e164 string, valid bool) {
	var n dialled
	n.scan(s)
	if n.len == 0 {
		return "", false
	}
	n.international()
	d := n.digits[:n.len]
	if n.intl || isFrench(region) {
		if cc, nsn := frenchParts(d, n.intl); cc != 0 {
			return formatFrench(cc, nsn)
		}
	}
	return parseOther(string(d), n.intl, region)
}

// dialled is a number without its punctuation.
type dialled struct {
	digits [maxDigits]byte
	len    int
	intl   bool // the digits begin with a country code
}

func (n *dialled) scan(s string) {
	if !isASCII(s) {
		s = norm.NFKC.String(s)
	}
	for i := 0; i < len(s) && n.len < maxDigits; i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			n.digits[n.len] = c
			n.len++
		case c == '+' && n.len == 0:
			n.intl = true
		case n.len >= extensionAfter && beginsExtension(c):
			return
		}
	}
}

func beginsExtension(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '#' || c == ',' || c == ';'
}

// international takes the access code 00 off. No country code begins with 0, so
// "+06…" is a national number with a plus too many.
func (n *dialled) international() {
	if n.len > 2 && n.digits[0] == '0' && n.digits[1] == '0' {
		copy(n.digits[:], n.digits[2:n.len])
		n.len -= 2
		n.intl = true
	}
	if n.digits[0] == '0' {
		n.intl = false
	}
}

func isFrench(region string) bool {
	switch region {
	case "FR", "RE", "YT", "GP", "MQ", "GF", "BL", "MF", "PM":
		return true
	}
	return false
}

// frenchParts splits digits into country code and nine-digit number if they are
// of the French plan; else cc is 0. Without intl they were dialled in France.
func frenchParts(d []byte, intl bool) (cc int, nsn []byte) {
	if !intl {
		switch {
		case len(d) == nsnLen+1 && d[0] == '0':
			return metropolitan, d[1:]
		case len(d) == nsnLen && d[0] != '0':
			return metropolitan, d
		case len(d) < nsnLen+2:
			return 0, nil
		}
	}
	n := len("262")
	switch string(d[:min(n, len(d))]) {
	case "262", "590", "594", "596":
		cc, _ = strconv.Atoi(string(d[:n]))
	default:
		if d[0] != '3' || len(d) < 2 || d[1] != '3' {
			return 0, nil
		}
		cc, n = metropolitan, len("33")
	}
	nsn = d[n:]
	if len(nsn) == nsnLen+1 && nsn[0] == '0' {
		nsn = nsn[1:]
	}
	if len(nsn) != nsnLen || nsn[0] == '0' {
		return 0, nil
	}
	return cc, nsn
}

// overseas is the country code of a number of the French plan that is not
// metropolitan, or 0. Numbers of 0939, 0947 and 0976 are reached under +33 as
// well and stay there.
func overseas(nsn []byte) int {
	switch string(nsn[:3]) {
	case "262", "263", "692", "693", "269", "639": // La Réunion; Mayotte
		return 262
	case "590", "690", "691": // Guadeloupe, Saint-Martin, Saint-Barthélemy
		return 590
	case "594", "694": // Guyane
		return 594
	case "596", "696", "697": // Martinique
		return 596
	case "508": // Saint-Pierre-et-Miquelon, six digits behind its code
		return 508
	}
	return 0
}

func formatFrench(cc int, nsn []byte) (string, bool) {
	if cc == metropolitan {
		if own := overseas(nsn); own != 0 {
			cc = own
		}
	}
	if cc == metropolitan && inUse(nsn) {
		return "+33" + string(nsn), true
	}
	if cc == 508 {
		nsn = nsn[3:]
	}
	national, err := strconv.ParseUint(string(nsn), 10, 64)
	if err != nil { // only if nsn held anything but digits
		panic("token: a dialled number holds only digits")
	}
	code := int32(cc)
	valid := phonenumbers.IsValidNumber(&phonenumbers.PhoneNumber{CountryCode: &code, NationalNumber: &national})
	return "+" + strconv.Itoa(cc) + string(nsn), valid
}

// inUse knows the metropolitan ranges that are in use as a whole, by their first
// three digits, the overseas ones taken out before; for all others the library's tables decide.
func inUse(nsn []byte) bool {
	switch p := int(nsn[0]-'0')*100 + int(nsn[1]-'0')*10 + int(nsn[2]-'0'); {
	case p < 600:
		return p < 400 || p >= 410 && p < 590
	default:
		return p < 639 || p >= 640 && p < 690 || p >= 730 && p < 800 || p >= 900
	}
}

func parseOther(d string, intl bool, region string) (string, bool) {
	number := d
	if intl {
		number, region = "+"+d, ""
	} else if isFrench(region) { // short codes and fragments belong to no plan
		return Marker + d, false
	}
	n, err := phonenumbers.Parse(number, region)
	if err != nil {
		return Marker + d, false
	}
	return phonenumbers.Format(n, phonenumbers.E164), phonenumbers.IsValidNumber(n)
}
