package minimise

// iban returns the end of a valid IBAN (ISO 13616) that begins at sign i, or 0.
func iban(b []byte, i int) int {
	if i > 0 && (isLetter(b[i-1]) || isDigit(b[i-1])) || !isLetter(b[i]) || i+4 > len(b) || !isDigit(b[i+3]) {
		return 0
	}
	want := ibanLength(b[i], b[i+1])
	if want == 0 {
		return 0
	}
	n, gap, mod, end := 0, 0, 0, 0
	for j := i + 4; j < len(b) && n < want-4; j++ {
		switch c := b[j]; {
		case isLetter(c) && !ibanLetter(b[i], b[i+1], n):
			return 0
		case isDigit(c) || isLetter(c):
			mod = ibanMod(mod, c)
			n, gap, end = n+1, 0, j+1
		case gap < 2 && (c == signGap || c == '.' || c == '/'):
			gap++
		default:
			return 0
		}
	}
	if n != want-4 || end < len(b) && (isLetter(b[end]) || isDigit(b[end])) {
		return 0
	}
	for _, c := range b[i : i+4] {
		mod = ibanMod(mod, c)
	}
	if mod != 1 {
		return 0
	}
	return end
}

func ibanMod(mod int, c byte) int {
	if isDigit(c) {
		return (mod*10 + int(c-'0')) % 97
	}
	return (mod*100 + int(c-'a') + 10) % 97
}

// ibanLetter reports whether sign n of a country's account number can be a letter:
// else a French VAT number and the words behind it would be read as an account.
func ibanLetter(a, b byte, n int) bool {
	switch string([]byte{a, b}) {
	case "fr", "mc": // bank and branch 10 digits, account 11 signs, key 2 digits
		return n >= 10 && n < 21
	case "at", "be", "cz", "de", "dk", "ee", "es", "fi", "hr", "hu", "lt", "no", "pl", "pt", "se", "si", "sk":
		return false
	}
	return true
}

// ibanLength is the length the registry gives for a country, or 0.
func ibanLength(a, b byte) int {
	switch string([]byte{a, b}) {
	case "no":
		return 15
	case "be":
		return 16
	case "dk", "fi", "fo", "gl", "nl", "sd", "fk":
		return 18
	case "mk", "si":
		return 19
	case "at", "ba", "ee", "kz", "lt", "lu", "xk", "mn":
		return 20
	case "ch", "cr", "hr", "li", "lv":
		return 21
	case "bg", "bh", "de", "gb", "ge", "ie", "me", "rs", "va":
		return 22
	case "ae", "gi", "il", "iq", "tl", "om", "so":
		return 23
	case "ad", "cz", "es", "md", "pk", "ro", "sa", "se", "sk", "tn", "vg":
		return 24
	case "ly", "pt", "st":
		return 25
	case "is", "tr":
		return 26
	case "bi", "dj", "fr", "gr", "it", "mc", "mr", "sm":
		return 27
	case "al", "az", "by", "cy", "do", "gt", "hu", "lb", "ni", "pl", "sv":
		return 28
	case "br", "eg", "ps", "qa", "ua":
		return 29
	case "jo", "kw", "mu", "ye":
		return 30
	case "mt", "sc":
		return 31
	case "lc":
		return 32
	case "ru":
		return 33
	}
	return 0
}
