package register

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"greffe/domain/casefile"
	"greffe/domain/event"
)

// Organisation is the header of a controller's registers (art. 30(1)(a), (2)(a)).
type Organisation struct {
	Name           string  `json:"name"`
	SIREN          string  `json:"siren,omitempty"`
	Address        string  `json:"address,omitempty"`
	PostalCode     string  `json:"postal_code,omitempty"`
	City           string  `json:"city,omitempty"`
	Phone          string  `json:"phone,omitempty"`
	Email          string  `json:"email,omitempty"`
	Representative Person  `json:"legal_representative" doc:"Who represents the organisation in law."`
	DPO            *Person `json:"dpo,omitempty" doc:"Art. 37; absent: none was designated."`
	EU             *Party  `json:"eu_representative,omitempty" doc:"Art. 27, of who is not established in the Union."`
}

// Person is one who answers for the register.
type Person struct {
	Surname   string `json:"surname"`
	FirstName string `json:"first_name,omitempty"`
	Company   string `json:"company,omitempty" doc:"If external."`
	Address   string `json:"address,omitempty"`
	Phone     string `json:"phone,omitempty"`
	Email     string `json:"email,omitempty"`
}

// Check says by a FieldError what is wrong with a header.
func (o *Organisation) Check() error {
	c := &checker{}
	c.name("name", o.Name, true)
	for _, s := range []string{o.SIREN, o.Address, o.PostalCode, o.City, o.Phone, o.Email} {
		c.text("name", s, maxName)
	}
	c.person("legal_representative", &o.Representative)
	if o.DPO != nil {
		c.person("dpo", o.DPO)
	}
	if o.EU != nil {
		c.party("eu_representative", o.EU)
	}
	return c.err
}

func (c *checker) person(field string, p *Person) {
	c.name(field+".surname", p.Surname, true)
	for _, s := range []string{p.FirstName, p.Company, p.Address, p.Phone, p.Email} {
		c.text(field, s, maxName)
	}
}

// Codes is what of a header stands in clear.
func (o *Organisation) Codes() event.Codes { return event.Codes{}.With(codeRole, KindOrganisation) }

// Fields is what of it is sealed.
func (o *Organisation) Fields() ([]event.Field, error) { return object(FieldOrganisation, o) }

// ReadOrganisation reads the header that stands after the steps of its file, nil if its
// words are gone.
func ReadOrganisation(steps []casefile.Step) (*Organisation, error) {
	for _, s := range slices.Backward(steps) {
		for _, f := range s.Fields {
			if f.Path != FieldOrganisation {
				continue
			}
			o := new(Organisation)
			if err := json.Unmarshal(f.Value, o); err != nil {
				return nil, fmt.Errorf("%w: a sealed field cannot be read", ErrFact)
			}
			return o, nil
		}
	}
	return nil, nil
}

// Line is a line of the header, for people.
type Line struct{ Name, Value string }

// Lines are what the header says, in the order of the CNIL's model.
func (o *Organisation) Lines() []Line {
	out := []Line{{"Organisme", o.Name}, {"SIREN", o.SIREN}, {"Adresse", o.Address}, {"Code postal", o.PostalCode}, {"Ville", o.City},
		{"Téléphone", o.Phone}, {"Adresse de messagerie", o.Email}}
	out = append(out, o.Representative.lines("Représentant légal")...)
	if o.DPO != nil {
		out = append(out, o.DPO.lines("Délégué à la protection des données")...)
	} else {
		out = append(out, Line{"Délégué à la protection des données", "aucun n'est désigné"})
	}
	if o.EU != nil {
		out = append(out, Line{"Représentant dans l'Union", o.EU.Name}, Line{"Représentant dans l'Union, contact", o.EU.Contact})
	}
	return slices.DeleteFunc(out, func(l Line) bool { return l.Value == "" })
}

func (p *Person) lines(what string) []Line {
	return []Line{{what + ", nom", p.Surname}, {what + ", prénom", p.FirstName}, {what + ", société", p.Company},
		{what + ", adresse", p.Address}, {what + ", téléphone", p.Phone}, {what + ", messagerie", p.Email}}
}
