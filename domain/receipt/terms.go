package receipt

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"greffe/domain/consent"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// ErrTerms: the terms are not those of the consent.
var ErrTerms = errors.New("the terms are of another controller or purpose than the consent")

// Terms is what the controller says of the processing that the consent is for. A fact
// holds none of it but codes.
type Terms struct {
	Controllers []Controller // the fact's; all of them where it names none
	Purpose     Purpose
	Retention   []Retention
	Recipients  []Recipient
	Places      []string // where the data is stored: ISO 3166-1 alpha-2, such as FR
}

// Controller is a party of the record (27560: party_*).
type Controller struct{ Code, Name, Address, Email, Phone, DPO string }

// Purpose is empty for a withdrawal or refusal that covers every purpose.
type Purpose struct {
	Code, FR, EN string
	Prospecting  bool // dpv:DirectMarketing
}

// Retention is how long a class of data is kept (27560: retention_period).
type Retention struct {
	Class, Phase, Start string // codes of the policy
	Length              string // ISO 8601, such as P3Y
	Exit, Reference     string
}

// Recipient is who is told (27560: recipient_third_parties).
type Recipient struct{ Code, Kind, FR, EN string }

// TermsOf reads from the policy under which f was recorded what a receipt of it says.
// The error is ErrTerms: the policy does not know the controller or the purpose.
func TermsOf(p *policy.Policy, f *event.Fact, places []string) (*Terms, error) {
	t := &Terms{Places: places}
	code := controllerOf(f)
	for _, c := range p.Controllers() {
		if code == "" || code == c.Code {
			t.Controllers = append(t.Controllers, Controller{c.Code, c.Name, c.Address, c.Email, c.Phone, c.DPO})
		}
	}
	purpose := f.Codes.String("purpose")
	if i := slices.IndexFunc(p.Purposes(), func(x policy.Purpose) bool { return x.Code == purpose }); i >= 0 {
		x := p.Purposes()[i]
		t.Purpose = Purpose{x.Code, x.FR, x.EN, consent.Solicits(x.Code)}
		if x.Prospecting != nil {
			t.Purpose.Prospecting = *x.Prospecting
		}
	}
	for _, d := range p.Durations("") {
		if d.Class == "contact_details" && d.Purpose == purpose || d.Class == "evidence" {
			t.Retention = append(t.Retention, Retention{d.Class, d.Phase, d.Start, d.Length.String(), d.Exit, d.Reference})
		}
	}
	for _, r := range p.Recipients() {
		if r.Kind != policy.RecipientSource {
			t.Recipients = append(t.Recipients, Recipient{r.Code, r.Kind, r.FR, r.EN})
		}
	}
	return t, t.fit(f)
}

// controllerOf is the code a fact names, "" for all.
func controllerOf(f *event.Fact) string {
	code := cmp.Or(f.Controller, f.Codes.String("controller"))
	if code == consent.Any {
		return ""
	}
	return code
}

// fit checks that the terms are about the controller and purpose of the fact.
func (t *Terms) fit(f *event.Fact) error {
	code := controllerOf(f)
	switch {
	case len(t.Controllers) == 0, code != "" && (len(t.Controllers) != 1 || t.Controllers[0].Code != code):
		return fmt.Errorf("%w: its controller", ErrTerms)
	case t.Purpose.Code != f.Codes.String("purpose"):
		return fmt.Errorf("%w: its purpose", ErrTerms)
	}
	return nil
}
