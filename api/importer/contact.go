package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxSubject is the ledger's bound of a subject, in bytes.
const maxSubject = 512

// value is one path of a contact, in JSON.
type value struct {
	path string
	json jsontext.Value
	seen bool // from a column, not a constant
}

// choice is what a legacy column says of consent or objection.
type choice struct {
	target
	granted, refused, opposed bool
	at                        date
}

// contact is one row, understood.
type contact struct {
	line      int64
	subject   string
	values    []value // sorted by path, unique
	choices   []choice
	collected date
	activity  date
	warnings  []Warning
	cells     []string
}

// rowReader turns rows into contacts by the columns of their file.
type rowReader struct {
	opt       *Options
	columns   []target
	constants []value
	horizon   int
	snapshot  bool
}

func newRowReader(opt *Options, columns []target) *rowReader {
	r := &rowReader{opt: opt, columns: columns, horizon: 2100, snapshot: opt.Snapshot != nil}
	if !opt.At.IsZero() {
		r.horizon = opt.At.Year()
	}
	c := opt.Collection
	r.constant("collection.channel", c.Channel, c.Channel != "")
	r.constant("collection.origin", c.Origin, c.Origin != "")
	r.constant("collection.legal_basis", c.LegalBasis, c.LegalBasis != "")
	r.constant("collection.purposes", c.Purposes, len(c.Purposes) > 0)
	r.constant("collection.notice.id", c.NoticeID, c.NoticeID != "")
	r.constant("collection.notice.version", c.NoticeVersion, c.NoticeVersion != "")
	for path, raw := range opt.Mapping.constants {
		r.constants = slices.DeleteFunc(r.constants, func(v value) bool { return v.path == path })
		r.constants = append(r.constants, value{path: path, json: raw})
	}
	return r
}

func (r *rowReader) constant(path string, v any, given bool) {
	if !given {
		return
	}
	if raw, err := json.Marshal(v); err == nil {
		r.constants = append(r.constants, value{path: path, json: raw})
	}
}

func (r *rowReader) has(path string) bool {
	return slices.ContainsFunc(r.columns, func(t target) bool { return t.path == path })
}

// reading gathers what several columns feed.
type reading struct {
	*rowReader
	c              *contact
	emails, phones []string
	lines          []string
	address        map[string]string
	pro            answer
	consentAt      date
	oppositionAt   date
}

// read understands one row; code says why it cannot become events.
func (r *rowReader) read(rec record) (c *contact, code string) {
	u := &reading{rowReader: r, c: &contact{line: rec.line, cells: rec.cells}}
	for i, t := range r.columns {
		if i >= len(rec.cells) {
			break
		}
		if cell := strings.TrimSpace(rec.cells[i]); cell != "" {
			u.cell(t, cell)
		}
	}
	u.finish()
	return u.c, u.identify()
}

func (u *reading) warn(field, rule string) { u.c.warnings = append(u.c.warnings, Warning{field, rule}) }

func (u *reading) put(path string, raw jsontext.Value) {
	u.c.values = append(u.c.values, value{path, raw, true})
}

func (u *reading) text(path, s string) {
	if raw, err := jsontext.AppendQuote(nil, s); err == nil {
		u.put(path, raw)
	}
}

func (u *reading) cell(t target, cell string) {
	if v, ok := t.values[squash(cell)]; ok {
		if cell = v; v == "" {
			return
		}
	}
	switch t.path {
	case toIgnore:
	case toSubject:
		u.c.subject = cell
	case toConsent, toOpposition:
		u.choice(t, cell)
	case toConsentAt, toOppositionAt, toCollected, toActivity, toBirthDate:
		u.date(t, cell)
	case toEmails:
		found, junk := emails(cell)
		if u.emails = append(u.emails, found...); junk {
			u.warn(toEmails, "not_an_address")
		}
	case toPhones:
		found, invalid := phones(cell, u.opt.Region)
		if u.phones = append(u.phones, found...); invalid {
			u.warn(toPhones, "not_a_valid_number")
		}
	case toLine:
		u.lines = append(u.lines, strings.Split(strings.ReplaceAll(cell, "\r", ""), "\n")...)
	case toPostalCode, toCity, toCountry:
		if u.address == nil {
			u.address = map[string]string{}
		}
		u.address[t.path[len(toAddress)+1:]] = cell
	default:
		u.coded(t, cell)
	}
}

func (u *reading) coded(t target, cell string) {
	switch t.path {
	case toKind:
		kind, pro := kindOf(cell)
		if slices.Contains([]string{"prospect", "client", "former_client", "candidate", "supplier_contact"}, cell) {
			kind = cell
		}
		switch {
		case kind != "":
			u.text(toKind, kind)
		case pro != unclear:
			u.pro = pro
		default:
			u.warn(toKind, "value_not_listed")
		}
	case toProfessional, toSaleOffered:
		a := yesNo(cell)
		if _, pro := kindOf(cell); a == unclear {
			a = pro
		}
		switch {
		case a == unclear:
			u.warn(t.path, "value_not_listed")
		case t.path == toProfessional:
			u.pro = a
		default:
			u.put(t.path, truth(a))
		}
	case toSiren:
		if s, ok := siren(cell); ok {
			u.text(toSiren, s)
		} else {
			u.warn(toSiren, "check_digit_wrong")
		}
	case toLanguage:
		u.text(toLanguage, language(cell))
	case toPurposes:
		list := strings.FieldsFunc(cell, func(c rune) bool { return strings.ContainsRune(",;| ", c) })
		if raw, err := json.Marshal(list); err == nil {
			u.put(t.path, raw)
		}
	case toFullName:
		given, family := names(cell)
		if given != "" {
			u.text(toGivenName, given)
		}
		u.text(toFamilyName, family)
	default:
		u.text(t.path, cell)
	}
}

func truth(a answer) jsontext.Value {
	if a == yes {
		return jsontext.Value("true")
	}
	return jsontext.Value("false")
}

// names parts "Jeanne DUPONT-MOREL", "DUPONT Jeanne" and "Jeanne Dupont".
func names(full string) (given, family string) {
	parts := strings.Fields(full)
	var upper, rest []string
	for _, p := range parts {
		if p == strings.ToUpper(p) && len([]rune(p)) > 1 {
			upper = append(upper, p)
		} else {
			rest = append(rest, p)
		}
	}
	if len(upper) > 0 && len(rest) > 0 {
		return strings.Join(rest, " "), strings.Join(upper, " ")
	}
	if len(parts) < 2 {
		return "", full
	}
	return parts[0], strings.Join(parts[1:], " ")
}

func (u *reading) finish() {
	u.list(toEmails, u.emails)
	u.list(toPhones, u.phones)
	u.postalAddress()
	if u.pro != unclear {
		u.put(toProfessional, truth(u.pro))
	}
	for _, k := range u.constants {
		if !slices.ContainsFunc(u.c.values, func(v value) bool { return v.path == k.path }) {
			u.c.values = append(u.c.values, k)
		}
	}
	slices.SortStableFunc(u.c.values, func(a, b value) int { return strings.Compare(a.path, b.path) })
	u.c.values = slices.CompactFunc(u.c.values, func(a, b value) bool {
		if a.path == b.path {
			u.warn(a.path, "given_twice")
		}
		return a.path == b.path
	})
	for i := range u.c.choices {
		ch := &u.c.choices[i]
		if !ch.at.IsZero() {
			continue
		}
		if ch.at = u.consentAt; ch.opposed {
			ch.at = u.oppositionAt
		}
	}
}

// identify checks that the row is somebody's and names the contact.
func (u *reading) identify() (code string) {
	c := u.c
	if c.subject == "" && u.has(toSubject) {
		return "subject_missing"
	}
	if len(c.subject) > maxSubject {
		return "subject_too_long"
	}
	var id []string
	for _, v := range c.values {
		switch v.path {
		case toGivenName, toFamilyName, toEmails, toPhones, toBirthDate, "company.name":
			id = append(id, v.path+"="+strings.ToLower(string(v.json)))
		}
	}
	if c.subject != "" {
		return ""
	}
	if len(id) == 0 {
		return "identity_missing"
	}
	h := sha256.Sum256([]byte("greffe/import/subject/1\n" + u.opt.Source + "\n" + strings.Join(id, "\n")))
	c.subject = "import:" + hex.EncodeToString(h[:])
	u.warn("subject", "made_of_identity")
	return ""
}

// when gives the instant of contact.created: of collection, else of the file.
func (c *contact) when(at time.Time) (time.Time, bool) {
	if !c.collected.IsZero() {
		return c.collected.Time, true
	}
	return at, !at.IsZero()
}
