package importer

import (
	"strings"
	"time"
	"unicode"

	"greffe/domain/token"
)

// emails splits a cell into addresses: "a@x; b@y", "Jean <a@x>", "mailto:a@x".
// junk reports text that is no address.
func emails(cell string) (out []string, junk bool) {
	words := strings.FieldsFunc(cell, func(c rune) bool {
		return unicode.IsSpace(c) || strings.ContainsRune(";,|/<>()[]\"", c)
	})
	for _, w := range words {
		w = strings.TrimPrefix(w, "mailto:")
		at := strings.LastIndexByte(w, '@')
		if at <= 0 || at == len(w)-1 {
			continue
		}
		out = append(out, w)
	}
	return out, len(words) > 0 && len(out) == 0
}

// phones splits a cell into numbers, in E.164 where they are valid and as they
// were written where not: an invalid number still enters the opposition list.
func phones(cell, region string) (out []string, invalid bool) {
	cell = strings.ReplaceAll(cell, " ou ", "/")
	for _, part := range strings.FieldsFunc(cell, func(c rune) bool { return strings.ContainsRune(";,/|\n", c) }) {
		for _, p := range twins(strings.TrimSpace(part)) {
			e164, ok := token.Phone(p, region)
			if e164 == "" {
				invalid = invalid || p != ""
				continue
			}
			if !ok {
				invalid = true
				e164 = p
			}
			out = append(out, e164)
		}
	}
	return out, invalid
}

// twins parts two French numbers that only a space parts.
func twins(s string) []string {
	n := 0
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9':
			n++
			if n == 11 && c == '0' && s[0] == '0' && digits(s) == 20 {
				return []string{strings.TrimSpace(s[:i]), s[i:]}
			}
		case c == '+':
			return []string{s}
		}
	}
	return []string{s}
}

func digits(s string) int {
	n := 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}

// date is an instant or, with day, a calendar date.
type date struct {
	time.Time
	day bool
}

// String is the form that the ledger takes.
func (d date) String() string {
	if d.day {
		return d.Format(time.DateOnly)
	}
	return d.UTC().Format(time.RFC3339Nano)
}

// The forms of dates that exports hold; day before month, as in French. Numbers
// of days, as spreadsheets keep them, are not dates to this program.
var (
	dayLayouts     = [...]string{"2/1/2006", "2006-01-02", "2-1-2006", "2.1.2006", "2006/01/02", "2/1/06", "2.1.06", "2-1-06", "2 January 2006", "20060102"}
	instantLayouts = [...]string{"2/1/2006 15:04", "2/1/2006 15:04:05", time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2-1-2006 15:04:05", "2-1-2006 15:04", "2/1/06 15:04", "2006-01-02 15:04:05Z07:00", "2/1/2006 15h04"}
)

// parseDate reads a cell; layouts, if any, go before the known forms. A year of
// two digits is not after horizon, which is the year of the file.
func parseDate(cell string, layouts []string, loc *time.Location, horizon int) (date, bool) {
	s := strings.Join(strings.Fields(cell), " ")
	s = strings.Replace(s, " à ", " ", 1)
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, s, loc); err == nil {
			return dated(t, l, horizon)
		}
	}
	known := dayLayouts[:]
	if strings.Contains(s, ":") || strings.Contains(s, "/") && strings.Contains(s, "h") {
		known = instantLayouts[:]
	}
	s = englishMonth(s)
	for _, l := range known {
		if t, err := time.ParseInLocation(l, s, loc); err == nil {
			return dated(t, l, horizon)
		}
	}
	return date{}, false
}

func dated(t time.Time, layout string, horizon int) (date, bool) {
	if !strings.Contains(layout, "2006") && t.Year() > horizon {
		t = t.AddDate(-100, 0, 0)
	}
	day := !strings.Contains(layout, "15")
	if day {
		t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return date{t, day}, t.Year() >= 1900 && t.Year() <= 9000
}

// englishMonth writes a French month's name as time.Parse knows it.
func englishMonth(s string) string {
	parts := strings.Split(s, " ")
	if len(parts) != 3 {
		return s
	}
	parts[0] = strings.TrimSuffix(parts[0], "er")
	for i, names := range [...]string{"janvier janv jan", "fevrier fevr fev", "mars", "avril avr", "mai", "juin", "juillet juil", "aout", "septembre sept", "octobre oct", "novembre nov", "decembre dec"} {
		for _, n := range strings.Fields(names) {
			if squash(parts[1]) == n {
				parts[1] = time.Month(i + 1).String()
			}
		}
	}
	return strings.Join(parts, " ")
}

// emptyDate knows what databases write for no date.
func emptyDate(cell string) bool {
	return strings.HasPrefix(cell, "0000-00-00") || strings.HasPrefix(cell, "00/00/0000") || cell == "-"
}

// answer is a yes, a no, or neither.
type answer byte

const (
	unclear answer = iota
	yes
	no
)

func yesNo(cell string) answer {
	switch squash(cell) {
	case "oui", "o", "yes", "y", "1", "true", "vrai", "x", "ok", "actif", "abonne", "inscrit", "accepte", "accepted", "optin", "granted", "on", "valide", "subscribed":
		return yes
	case "non", "n", "no", "0", "false", "faux", "refuse", "refused", "desabonne", "desinscrit", "optout", "off", "denied", "unsubscribed", "ko":
		return no
	}
	return unclear
}

// objects reads a cell of a column of objections: only a plain no means none,
// and words of refusal are an objection there. clear is false for what was read
// that way without knowing it.
func objects(cell string) (objection, clear bool) {
	switch squash(cell) {
	case "non", "n", "no", "0", "false", "faux", "off":
		return false, true
	case "stop", "oppose", "opposition", "blacklist", "bloctel":
		return true, true
	}
	return true, yesNo(cell) != unclear
}

// siren gives the nine digits of a SIREN or SIRET with a right check digit
// (ISO/IEC 7812, as INSEE assigns them).
func siren(cell string) (string, bool) {
	var d []byte
	for i := 0; i < len(cell); i++ {
		if c := cell[i]; c >= '0' && c <= '9' {
			d = append(d, c)
		}
	}
	if len(d) == 14 {
		d = d[:9]
	}
	if len(d) != 9 {
		return "", false
	}
	sum := 0
	for i, c := range d {
		n := int(c - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return string(d), sum%10 == 0
}

// kindOf reads a CRM's status; professional is what a status says besides.
func kindOf(cell string) (kind string, professional answer) {
	switch strings.TrimSuffix(squash(cell), "s") {
	case "prospect", "lead", "suspect", "contact", "piste":
		return "prospect", unclear
	case "client", "cliente", "customer", "clientactif":
		return "client", unclear
	case "ancienclient", "ancienneclient", "ancienneclientes", "anciencliente", "anciennecliente", "exclient", "inactif", "clientinactif", "clientperdu", "perdu", "formerclient", "formercustomer":
		return "former_client", unclear
	case "candidat", "candidate", "candidatur", "candidature":
		return "candidate", unclear
	case "fournisseur", "supplier", "suppliercontact", "contactfournisseur":
		return "supplier_contact", unclear
	case "professionnel", "pro", "b2b", "entreprise", "societe":
		return "", yes
	case "particulier", "b2c", "individual":
		return "", no
	}
	return "", unclear
}

func country(cell string) string {
	switch s := squash(cell); s {
	case "france", "fr", "fra", "francemetropolitaine":
		return "FR"
	case "belgique", "belgium":
		return "BE"
	case "suisse", "switzerland":
		return "CH"
	case "luxembourg":
		return "LU"
	case "allemagne", "germany":
		return "DE"
	case "espagne", "spain":
		return "ES"
	case "italie", "italy":
		return "IT"
	case "royaumeuni", "unitedkingdom":
		return "GB"
	case "lareunion", "reunion":
		return "RE"
	default:
		if len(s) == 2 {
			return strings.ToUpper(s)
		}
	}
	return cell
}

func language(cell string) string {
	switch s := squash(cell); s {
	case "francais", "french", "fra", "fre":
		return "fr"
	case "anglais", "english", "eng":
		return "en"
	case "allemand", "german":
		return "de"
	case "espagnol", "spanish":
		return "es"
	}
	return strings.ReplaceAll(cell, "_", "-")
}

// postalCode gives back the zero that spreadsheets take off.
func postalCode(cell, country string) string {
	if len(cell) == 4 && digits(cell) == 4 && (country == "" || country == "FR") {
		return "0" + cell
	}
	return cell
}
