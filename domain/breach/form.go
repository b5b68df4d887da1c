package breach

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"greffe/domain/casefile"
)

// Form is what the CNIL's notification form asks (art. 33(3)), as it is known so far.
// All of it is sealed. Codes are those of the lists in this package.
type Form struct {
	Organisation Organisation `json:"organisation,omitzero"`
	Chronology   Chronology   `json:"chronology,omitzero"`
	Nature       Nature       `json:"nature,omitzero"`
	Data         Data         `json:"data,omitzero"`
	Persons      Persons      `json:"persons,omitzero"`
	Before       Before       `json:"before,omitzero" doc:"Security that was in place before."`
	Consequences Consequences `json:"consequences,omitzero"`
	Measures     Measures     `json:"measures,omitzero"`
	Informed     Informed     `json:"informed,omitzero" doc:"Whether the persons were told."`
	Border       Border       `json:"cross_border,omitzero"`
	Attachments  []Attachment `json:"attachments,omitempty"`
}

// Party is an organisation that has a part in it.
type Party struct {
	Name    string `json:"name,omitempty"`
	Contact string `json:"contact,omitempty"`
	Role    string `json:"role,omitempty" doc:"processor or joint_controller."`
	Country string `json:"country,omitempty"`
}

// Contact is whom the authority can ask (art. 33(3)(b)).
type Contact struct {
	Name  string `json:"name,omitempty"`
	Role  string `json:"role,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// Organisation is who notifies.
type Organisation struct {
	Name      string  `json:"name,omitempty"`
	SIREN     string  `json:"siren,omitempty" doc:"Nine digits."`
	Address   string  `json:"address,omitempty"`
	Sector    string  `json:"sector,omitempty" doc:"Of activity, or its NAF code."`
	Size      string  `json:"size,omitempty" doc:"Persons employed, as the form's bands say it."`
	Contact   Contact `json:"contact,omitzero"`
	DPO       Contact `json:"dpo,omitzero"`
	DPONumber string  `json:"dpo_number,omitempty" doc:"Of the DPO's designation at the CNIL."`
	Parties   []Party `json:"parties,omitempty" doc:"Processors and joint controllers."`
}

// Chronology is when.
type Chronology struct {
	State            string    `json:"state,omitempty" doc:"established (avérée) or suspected (suspectée)."`
	Started          time.Time `json:"started,omitzero"`
	StartEstimated   bool      `json:"start_estimated,omitzero"`
	Ended            time.Time `json:"ended,omitzero"`
	Ongoing          bool      `json:"ongoing,omitzero"`
	Discovered       time.Time `json:"discovered,omitzero" doc:"Date and time of awareness."`
	HowDiscovered    string    `json:"how_discovered,omitempty"`
	ProcessorAlerted time.Time `json:"processor_alerted,omitzero" doc:"When the processor alerted us, if it came from one."`
	LateReasons      string    `json:"late_reasons,omitempty" doc:"If notified after 72 hours."`
}

// Nature is what happened (art. 33(3)(a)).
type Nature struct {
	Nature      []string `json:"nature,omitempty" doc:"confidentiality, integrity, availability."`
	Origins     []string `json:"origins,omitempty"`
	OriginWords string   `json:"origin_words,omitempty"`
	Agent       string   `json:"agent,omitempty" doc:"internal, external, unknown."`
	Intent      string   `json:"intent,omitempty" doc:"malicious, accidental, unknown."`
	Facts       string   `json:"facts,omitempty" doc:"What happened, in plain words."`
	RootCause   string   `json:"root_cause,omitempty" doc:"Why it could happen."`
}

// Data is which data (art. 33(3)(a)).
type Data struct {
	Categories    []string `json:"categories,omitempty"`
	CategoryWords string   `json:"category_words,omitempty"`
	Records       int64    `json:"records,omitzero" doc:"Number of records, about."`
	RecordsKnown  bool     `json:"records_known,omitzero"`
	Media         []string `json:"media,omitempty"`
	MediaWords    string   `json:"media_words,omitempty"`
}

// Persons is whom it concerns (art. 33(3)(a)).
type Persons struct {
	Categories      []string `json:"categories,omitempty"`
	CategoryWords   string   `json:"category_words,omitempty"`
	Number          int64    `json:"number,omitzero" doc:"About."`
	NumberKnown     bool     `json:"number_known,omitzero"`
	Vulnerable      bool     `json:"vulnerable,omitzero"`
	VulnerableWords string   `json:"vulnerable_words,omitempty"`
}

// Before is the security before.
type Before struct {
	Measures []string `json:"measures,omitempty"`
	Words    string   `json:"words,omitempty"`
}

// Consequences are the likely ones (art. 33(3)(c)).
type Consequences struct {
	Confidentiality []string `json:"confidentiality,omitempty"`
	Integrity       []string `json:"integrity,omitempty"`
	Availability    []string `json:"availability,omitempty"`
	Harms           []string `json:"harms,omitempty"`
	HarmWords       string   `json:"harm_words,omitempty"`
	Severity        string   `json:"severity,omitempty" doc:"negligible, limited, significant, maximal."`
}

// Measures are those taken and planned (art. 33(3)(d)).
type Measures struct {
	Taken   string `json:"taken,omitempty"`
	Planned string `json:"planned,omitempty"`
}

// Informed is what the persons were told (art. 34).
type Informed struct {
	State    string    `json:"state,omitempty" doc:"done, planned, not_yet_decided, no."`
	When     time.Time `json:"when,omitzero"`
	Number   int64     `json:"number,omitzero"`
	Channels []string  `json:"channels,omitempty"`
	Text     string    `json:"text,omitempty"`
	WhyNot   string    `json:"why_not,omitempty"`
}

// Border is what reaches other countries.
type Border struct {
	Countries   []string `json:"countries,omitempty" doc:"Two letters each (ISO 3166-1)."`
	Authorities string   `json:"authorities,omitempty" doc:"Others that were notified: police, ANSSI, other data protection authorities."`
}

// Attachment is a document that goes with it; it stays where it is.
type Attachment struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256,omitempty"`
	Words  string `json:"words,omitempty"`
}

const maxList = 50

// checker finds the first field that cannot be.
type checker struct{ field string }

func (c *checker) fail(field string) {
	if c.field == "" {
		c.field = field
	}
}

func (c *checker) words(field string, all ...string) {
	for _, s := range all {
		if casefile.Words(field, s, false) != nil {
			c.fail(field)
		}
	}
}

func (c *checker) codes(field string, known []string, all ...string) {
	if len(all) > maxList {
		c.fail(field)
	}
	for _, s := range all {
		if s != "" && !slices.Contains(known, s) {
			c.fail(field)
		}
	}
}

func (c *checker) number(field string, n int64) {
	if n < 0 || n > 1e12 {
		c.fail(field)
	}
}

func (c *checker) err() error {
	if c.field == "" {
		return nil
	}
	return &casefile.FieldError{Field: c.field}
}

// Check says which field of a form cannot be.
func (f *Form) Check() error {
	c := &checker{}
	f.checkWho(c)
	ch := &f.Chronology
	c.codes("chronology.state", States(), ch.State)
	c.words("chronology.how_discovered", ch.HowDiscovered, ch.LateReasons)
	if !ch.Ended.IsZero() && (ch.Ongoing || ch.Ended.Before(ch.Started)) {
		c.fail("chronology.ended")
	}
	if !ch.Discovered.IsZero() && ch.Discovered.Before(ch.Started) {
		c.fail("chronology.discovered")
	}
	n := &f.Nature
	c.codes("nature.nature", Natures(), n.Nature...)
	c.codes("nature.origins", Origins(), n.Origins...)
	c.codes("nature.agent", Agents(), n.Agent)
	c.codes("nature.intent", Intents(), n.Intent)
	c.words("nature.facts", n.OriginWords, n.Facts, n.RootCause)
	c.codes("data.categories", DataCategories(), f.Data.Categories...)
	c.codes("data.media", Media(), f.Data.Media...)
	c.words("data.category_words", f.Data.CategoryWords, f.Data.MediaWords)
	c.number("data.records", f.Data.Records)
	c.codes("persons.categories", PersonCategories(), f.Persons.Categories...)
	c.words("persons.category_words", f.Persons.CategoryWords, f.Persons.VulnerableWords)
	c.number("persons.number", f.Persons.Number)
	c.codes("before.measures", Prior(), f.Before.Measures...)
	c.words("before.words", f.Before.Words)
	q := &f.Consequences
	c.codes("consequences.confidentiality", ConsequencesConfidentiality(), q.Confidentiality...)
	c.codes("consequences.integrity", ConsequencesIntegrity(), q.Integrity...)
	c.codes("consequences.availability", ConsequencesAvailability(), q.Availability...)
	c.codes("consequences.harms", Harms(), q.Harms...)
	c.codes("consequences.severity", Levels(), q.Severity)
	c.words("consequences.harm_words", q.HarmWords)
	c.words("measures", f.Measures.Taken, f.Measures.Planned)
	f.checkTold(c)
	return c.err()
}

func (f *Form) checkWho(c *checker) {
	o := &f.Organisation
	c.words("organisation", o.Name, o.Address, o.Sector, o.Size, o.DPONumber, o.Contact.Name, o.Contact.Role, o.Contact.Email, o.Contact.Phone,
		o.DPO.Name, o.DPO.Role, o.DPO.Email, o.DPO.Phone)
	if o.SIREN != "" && (len(o.SIREN) != 9 || strings.Trim(o.SIREN, "0123456789") != "") {
		c.fail("organisation.siren")
	}
	if len(o.Parties) > maxList {
		c.fail("organisation.parties")
	}
	for i := range o.Parties {
		p := &o.Parties[i]
		c.words("organisation.parties", p.Name, p.Contact)
		c.codes("organisation.parties.role", []string{Processor, "joint_controller"}, p.Role)
		c.country("organisation.parties.country", p.Country)
	}
}

func (c *checker) country(field string, codes ...string) {
	for _, s := range codes {
		if s != "" && (len(s) != 2 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
			c.fail(field)
		}
	}
}

func (f *Form) checkTold(c *checker) {
	i := &f.Informed
	c.codes("informed.state", Informing(), i.State)
	c.codes("informed.channels", Channels(), i.Channels...)
	c.words("informed.text", i.Text, i.WhyNot)
	c.number("informed.number", i.Number)
	if len(f.Border.Countries) > 250 {
		c.fail("cross_border.countries")
	}
	c.country("cross_border.countries", f.Border.Countries...)
	c.words("cross_border.authorities", f.Border.Authorities)
	if len(f.Attachments) > maxList {
		c.fail("attachments")
	}
	for _, a := range f.Attachments {
		c.words("attachments", a.Name, a.Words)
		if a.SHA256 != "" && (len(a.SHA256) != 64 || strings.Trim(a.SHA256, "0123456789abcdef") != "") {
			c.fail("attachments.sha256")
		}
	}
}

// Missing names the fields without which a notification is not complete (art. 33(3)
// and the obligatory fields of the CNIL's form), in the form's order.
func (f *Form) Missing() []string {
	out := []string{}
	need := func(field string, there bool) {
		if !there {
			out = append(out, field)
		}
	}
	o, ch, n, i := &f.Organisation, &f.Chronology, &f.Nature, &f.Informed
	need("organisation.name", o.Name != "")
	need("organisation.siren", o.SIREN != "")
	need("organisation.sector", o.Sector != "")
	need("organisation.size", o.Size != "")
	need("organisation.contact", (o.Contact.Name != "" && o.Contact.Email != "") || (o.DPO.Name != "" && o.DPO.Email != "")) // art. 33(3)(b)
	need("chronology.state", ch.State != "")
	need("chronology.started", !ch.Started.IsZero())
	need("chronology.ended", !ch.Ended.IsZero() || ch.Ongoing)
	need("chronology.discovered", !ch.Discovered.IsZero())
	need("chronology.how_discovered", ch.HowDiscovered != "")
	need("nature.nature", len(n.Nature) > 0)
	need("nature.origins", len(n.Origins) > 0)
	need("nature.agent", n.Agent != "")
	need("nature.intent", n.Intent != "")
	need("nature.facts", n.Facts != "")
	need("data.categories", len(f.Data.Categories) > 0)
	need("data.records", f.Data.Records > 0 || f.Data.RecordsKnown)
	need("data.media", len(f.Data.Media) > 0)
	need("persons.categories", len(f.Persons.Categories) > 0)
	need("persons.number", f.Persons.Number > 0 || f.Persons.NumberKnown)
	need("before.measures", len(f.Before.Measures) > 0)
	f.missingConsequences(need)
	need("measures.taken", f.Measures.Taken != "")
	need("measures.planned", f.Measures.Planned != "")
	need("informed.state", i.State != "")
	need("informed.when", i.State != "done" && i.State != "planned" || !i.When.IsZero())
	need("informed.number", i.State != "done" || i.Number > 0)
	need("informed.channels", i.State != "done" || len(i.Channels) > 0)
	need("informed.text", i.State != "done" || i.Text != "")
	need("informed.why_not", i.State != "no" || i.WhyNot != "")
	return out
}

func (f *Form) missingConsequences(need func(string, bool)) {
	q := &f.Consequences
	for _, x := range []struct {
		nature string
		list   []string
	}{{"confidentiality", q.Confidentiality}, {"integrity", q.Integrity}, {"availability", q.Availability}} {
		need(fmt.Sprintf("consequences.%s", x.nature), !slices.Contains(f.Nature.Nature, x.nature) || len(x.list) > 0)
	}
	need("consequences.harms", len(q.Harms) > 0)
	need("consequences.severity", q.Severity != "")
}
