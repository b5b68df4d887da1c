package register

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"greffe/domain/policy"
)

const (
	maxText = 2000  // bytes of a text
	maxName = 300   // bytes of a name
	maxList = 100   // items of a list
	maxCell = 30000 // signs of a cell; a spreadsheet takes 32,767
	maxSubs = 5     // sub-purposes: the CNIL's model has five
)

// Entry is what the register says of one activity. Its Role decides which members
// count: Client and Processing are a processor's (art. 30(2)), purposes, persons, data
// and recipients a controller's (art. 30(1)).
type Entry struct {
	Role        Role     `json:"role" enum:"controller,processor"`
	Reference   string   `json:"reference,omitempty" doc:"The company's own; by it an import knows the entry again."`
	Name        string   `json:"activity" doc:"Name of the activity."`
	Controllers []Party  `json:"joint_controllers,omitempty" doc:"Art. 26."`
	Client      *Party   `json:"client,omitempty" doc:"Processor: the controller on whose behalf."`
	Processing  []string `json:"processing,omitempty" doc:"Processor: categories of processing carried out for the client."`
	Software    []string `json:"software,omitempty"`
	Purpose     string   `json:"main_purpose,omitempty"`
	SubPurposes []string `json:"sub_purposes,omitempty" doc:"At most 5."`
	// Purposes link the entry to the policy.
	Purposes   []string    `json:"policy_purposes,omitempty" doc:"Codes of the policy's purposes that the activity covers."`
	LegalBases []string    `json:"legal_bases,omitempty" doc:"consent, contract, legal_obligation, vital_interests, public_task, legitimate_interest."`
	Legal      string      `json:"legal_reference,omitempty" doc:"Where the bases are founded; of a legitimate interest, which."`
	Persons    []string    `json:"persons,omitempty" doc:"Categories of persons."`
	Data       []Data      `json:"data,omitempty" doc:"Categories of data with their durations."`
	Sensitive  []Sensitive `json:"sensitive,omitempty" doc:"Data of art. 9 and 10, and the NIR."`
	Source     string      `json:"source,omitempty" doc:"Where the data comes from (art. 14(2)(f))."`
	Recipients []Recipient `json:"recipients,omitempty"`
	Transfers  []Transfer  `json:"transfers,omitempty" doc:"Outside the Union."`
	Security   []Measure   `json:"security,omitempty"`
	DPIA       string      `json:"dpia,omitempty" doc:"Reference of the impact assessment (AIPD)."`
	Remarks    string      `json:"remarks,omitempty"`
}

// Party is a company, with whom to turn to.
type Party struct {
	Name           string `json:"name"`
	Representative string `json:"representative,omitempty"`
	DPO            string `json:"dpo,omitempty"`
	Contact        string `json:"contact,omitempty"`
}

// Data is one category of data.
type Data struct {
	Category    string   `json:"category" doc:"identity, private_life, professional_life, economic, connection, location, internet, other."`
	Description string   `json:"description"`
	Active      string   `json:"active,omitempty" doc:"How long in the active base: ISO 8601 (P3Y), \"3 ans\", or words."`
	Archive     string   `json:"archive,omitempty" doc:"How long after the start event in intermediate archive, as above."`
	Classes     []string `json:"classes,omitempty" doc:"Retention classes of the policy that hold it."`
}

// Sensitive is data that may be processed only by exception.
type Sensitive struct {
	Kind        string `json:"kind" doc:"racial_origin, political, religious, union, genetic, biometric, health, sex_life, offences, nir."`
	Description string `json:"description"`
	Erasure     string `json:"erasure,omitempty" doc:"How long: ISO 8601, \"3 ans\", or words."`
	Ground      string `json:"ground,omitempty" doc:"Of art. 9(2), LIL 46 or décret 2019-341."`
}

// Recipient is who is given data (art. 30(1)(d)).
type Recipient struct {
	Kind string `json:"kind" enum:"internal,external,processor"`
	Name string `json:"name"`
	Type string `json:"type,omitempty" doc:"What it is: bank, e-mailing service."`
	Code string `json:"code,omitempty" doc:"Of the policy's recipients."`
}

// Transfer is to a country outside the Union (art. 30(1)(e)).
type Transfer struct {
	Recipient string `json:"recipient"`
	Country   string `json:"country"`
	Guarantee string `json:"guarantee" doc:"adequacy, scc, bcr, code_of_conduct, certification, derogation, none."`
	Link      string `json:"link,omitempty" doc:"To the document."`
}

// Measure is of security, technical or organisational.
type Measure struct {
	Kind        string `json:"kind" doc:"access_control, traceability, software, backup, encryption, processors, other."`
	Description string `json:"description"`
}

// FieldError names what of an entry is missing or cannot be, never its value.
type FieldError struct {
	Field   string
	Missing bool
}

func (e *FieldError) Error() string {
	if e.Missing {
		return fmt.Sprintf("an entry of the register needs %s", e.Field)
	}
	return fmt.Sprintf("%s of the entry is not valid", e.Field)
}

// Check completes an entry, or says by a FieldError what is wrong with it. What an
// entry should say and does not is no error, but a finding: a register grows.
func (e *Entry) Check() error {
	c := &checker{}
	if !slices.Contains(Roles(), e.Role) {
		c.bad("role")
	}
	c.name("activity", e.Name, true)
	c.text("reference", e.Reference, maxName)
	if e.Role == Processor {
		switch {
		case e.Client == nil:
			c.missing("client")
		default:
			c.party("client", e.Client)
		}
	} else if e.Client != nil {
		c.bad("client")
	} else if len(e.Processing) > 0 {
		c.bad("processing")
	} else {
		c.name("main_purpose", e.Purpose, true)
	}
	for i := range e.Controllers {
		c.party("joint_controllers", &e.Controllers[i])
	}
	c.count("sub_purposes", len(e.SubPurposes), maxSubs)
	c.count("joint_controllers", len(e.Controllers), maxList)
	c.names("software", e.Software)
	c.names("sub_purposes", e.SubPurposes)
	c.names("persons", e.Persons)
	c.names("processing", e.Processing)
	c.codes("policy_purposes", e.Purposes, nil)
	c.codes("legal_bases", e.LegalBases, Bases())
	c.text("legal_reference", e.Legal, maxText)
	c.text("source", e.Source, maxText)
	c.text("remarks", e.Remarks, maxText)
	c.text("dpia", e.DPIA, maxText)
	e.checkData(c)
	e.checkParties(c)
	e.sort()
	for _, col := range Columns(e.Role) {
		if utf8.RuneCountInString(col.Cell(e)) > maxCell {
			c.bad(col.Name)
		}
	}
	return c.err
}

func (e *Entry) checkData(c *checker) {
	c.count("data", len(e.Data), maxList)
	seen := map[string]bool{}
	for i := range e.Data {
		d := &e.Data[i]
		c.code("data.category", d.Category, Categories())
		if seen[d.Category] {
			c.bad("data.category")
		}
		seen[d.Category] = true
		c.name("data.description", d.Description, true)
		c.codes("data.classes", d.Classes, nil)
		c.length("data.active", &d.Active)
		c.length("data.archive", &d.Archive)
	}
	c.count("sensitive", len(e.Sensitive), len(Sensitives()))
	for i := range e.Sensitive {
		s := &e.Sensitive[i]
		c.code("sensitive.kind", s.Kind, Sensitives())
		if seen[s.Kind] {
			c.bad("sensitive.kind")
		}
		seen[s.Kind] = true
		c.name("sensitive.description", s.Description, true)
		c.text("sensitive.ground", s.Ground, maxText)
		c.length("sensitive.erasure", &s.Erasure)
	}
}

func (e *Entry) checkParties(c *checker) {
	c.count("recipients", len(e.Recipients), maxList)
	for _, r := range e.Recipients {
		c.code("recipients.kind", r.Kind, RecipientKinds())
		c.name("recipients.name", r.Name, true)
		c.text("recipients.type", r.Type, maxName)
		if r.Code != "" {
			c.codes("recipients.code", []string{r.Code}, nil)
		}
	}
	c.count("transfers", len(e.Transfers), maxList)
	for _, t := range e.Transfers {
		c.name("transfers.recipient", t.Recipient, true)
		c.name("transfers.country", t.Country, true)
		c.code("transfers.guarantee", t.Guarantee, Guarantees())
		c.text("transfers.link", t.Link, maxText)
	}
	c.count("security", len(e.Security), len(Measures()))
	seen := map[string]bool{}
	for _, m := range e.Security {
		c.code("security.kind", m.Kind, Measures())
		c.name("security.description", m.Description, true)
		if seen[m.Kind] {
			c.bad("security.kind")
		}
		seen[m.Kind] = true
	}
}

// sort puts lists into the order of the model, in which columns have them.
func (e *Entry) sort() {
	by(e.Data, Categories(), func(d Data) string { return d.Category })
	by(e.Sensitive, Sensitives(), func(s Sensitive) string { return s.Kind })
	by(e.Recipients, RecipientKinds(), func(r Recipient) string { return r.Kind })
	by(e.Security, Measures(), func(m Measure) string { return m.Kind })
}

func by[T any](list []T, order []Term, code func(T) string) {
	place := func(x T) int {
		return slices.IndexFunc(order, func(t Term) bool { return t.Code == code(x) })
	}
	slices.SortStableFunc(list, func(a, b T) int { return place(a) - place(b) })
}

// checker keeps the first thing that is wrong.
type checker struct{ err error }

func (c *checker) bad(field string)     { c.fail(&FieldError{Field: field}) }
func (c *checker) missing(field string) { c.fail(&FieldError{Field: field, Missing: true}) }

func (c *checker) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *checker) text(field, s string, most int) {
	if len(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, forbidden) {
		c.bad(field)
	}
}

// forbidden are signs that no spreadsheet keeps as they are.
func forbidden(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfffe || r == 0xffff
}

func (c *checker) name(field, s string, needed bool) {
	if strings.TrimSpace(s) == "" && needed {
		c.missing(field)
	}
	c.text(field, s, maxText)
}

func (c *checker) names(field string, list []string) {
	c.count(field, len(list), maxList)
	for _, s := range list {
		c.name(field, s, true)
	}
}

func (c *checker) count(field string, n, most int) {
	if n > most {
		c.bad(field)
	}
}

func (c *checker) code(field, code string, of []Term) {
	if !known(of, code) {
		c.bad(field)
	}
}

// codes are of a list, or just look like codes.
func (c *checker) codes(field string, list []string, of []Term) {
	c.count(field, len(list), maxList)
	for i, s := range list {
		if of != nil && !known(of, s) || of == nil && !code(s) || slices.Contains(list[:i], s) {
			c.bad(field)
		}
	}
}

// code reports what a code of the policy looks like, so that no words stand in clear.
func code(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
	})
}

func (c *checker) party(field string, p *Party) {
	c.name(field+".name", p.Name, true)
	for _, s := range []string{p.Representative, p.DPO, p.Contact} {
		c.text(field, s, maxText)
	}
}

// length writes a duration as ISO 8601 where it is one.
func (c *checker) length(field string, s *string) {
	c.text(field, *s, maxName)
	if p, ok := ParseLength(*s); ok {
		*s = p.String()
	}
}

// ParseLength reads a duration: ISO 8601, or a number and a unit in French or English.
func ParseLength(s string) (policy.Period, bool) {
	s = strings.TrimSpace(s)
	if p, err := policy.ParsePeriod(s); err == nil {
		return p, true
	}
	number, unit, ok := strings.Cut(strings.ToLower(s), " ")
	letter := map[string]string{"an": "Y", "ans": "Y", "année": "Y", "années": "Y", "year": "Y", "years": "Y", "mois": "M", "month": "M", "months": "M",
		"semaine": "W", "semaines": "W", "week": "W", "weeks": "W", "jour": "D", "jours": "D", "day": "D", "days": "D"}[strings.TrimSpace(unit)]
	if !ok || letter == "" {
		return policy.Period{}, false
	}
	p, err := policy.ParsePeriod("P" + number + letter)
	return p, err == nil
}

// Length is a duration for people who read French: "3 ans" for P3Y, words as they are.
func Length(s string) string {
	p, err := policy.ParsePeriod(s)
	if err != nil {
		return s
	}
	switch p {
	case policy.Period{Days: p.Days}:
		return counted(p.Days, "jour", "jours")
	case policy.Period{Months: p.Months}:
		return counted(p.Months, "mois", "mois")
	case policy.Period{Years: p.Years}:
		return counted(p.Years, "an", "ans")
	}
	return p.String()
}

func counted(n int, one, many string) string {
	if n < 2 {
		return strconv.Itoa(n) + " " + one
	}
	return strconv.Itoa(n) + " " + many
}
