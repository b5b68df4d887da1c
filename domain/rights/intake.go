package rights

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// Bounds of what is taken in, in bytes.
const (
	MaxMessage = 32 << 10
	maxLine    = 300
	maxAddress = 1000
	maxWords   = 8 << 10
)

// Intake is a request as it comes in. Somebody whom nobody knows is not made known by
// it: Subject stays zero, and the words are the file's own.
type Intake struct {
	Right      Right
	Channel    string
	Requester  Requester  // "": the person
	Ground     HeirGround // of heirs; may be told later
	Language   string     // fr or en, or ""
	Origin     string
	Received   time.Time // zero: now
	Controller string
	Subject    domain.ID
	Actor      domain.ID
	Person     Person
	Message    string
	Against    Against
	Effective  bool // the objection was registered for an address in the same call
}

// Against is what an objection to prospecting is against: all of it, unless the person
// said of what alone. What is said less precisely than that is read in its widest sense.
type Against struct {
	Purpose  string   // a purpose of the policy; "": every one
	Channels []string // ways of contact; none: every one
}

// Empty reports an objection against everything.
func (a Against) Empty() bool { return a.Purpose == "" && len(a.Channels) == 0 }

// Check completes a request that comes in now, or says as a FieldError what is wrong.
// Somebody must be named or reachable: else nobody can be answered.
func (i *Intake) Check(now time.Time) error {
	if i.Requester == "" {
		i.Requester = InPerson
	}
	if i.Received.IsZero() {
		i.Received = now
	}
	i.Received = domain.NewTime(i.Received).Time
	switch {
	case i.Right == "":
		return missing(codeRight)
	case !known(Rights(), i.Right):
		return malformed(codeRight)
	case !known(Channels(), i.Channel):
		return malformed(codeChannel)
	case !known(Requesters(), i.Requester):
		return malformed(codeRequester)
	case i.Language != "" && i.Language != "fr" && i.Language != "en":
		return malformed(codeLanguage)
	case i.Received.After(now), i.Received.Year() < 2018: // the GDPR applies since 25 May 2018
		return malformed(codeReceived)
	case len(i.Message) > MaxMessage || !utf8.ValidString(i.Message):
		return malformed("message")
	case i.Right == Other && strings.TrimSpace(i.Message) == "":
		return missing("message")
	case i.Requester == Heir && i.Right != PostMortem, i.Requester == Designated && i.Right != Directives:
		return malformed(codeRequester)
	case !i.Against.Empty() && i.Right != Objection:
		return malformed("objection")
	case i.Ground != "" && (!known(HeirGrounds(), i.Ground) || i.Right != PostMortem):
		return malformed(codeGround)
	}
	return i.Person.check(i.Subject.IsZero())
}

func (p *Person) check(needed bool) error {
	some := false
	for _, f := range []struct {
		name string
		text *string
		most int
	}{{"name", &p.Name, maxLine}, {"email", &p.Email, maxLine}, {"phone", &p.Phone, maxLine}, {"address", &p.Address, maxAddress},
		{"customer_number", &p.CustomerNumber, maxLine}, {"agent", &p.Agent, maxLine}, {"deceased", &p.Deceased, maxLine}} {
		*f.text = strings.TrimSpace(*f.text)
		some = some || *f.text != ""
		control := func(r rune) bool { return unicode.IsControl(r) && !(r == '\n' && f.most == maxAddress) }
		if len(*f.text) > f.most || !utf8.ValidString(*f.text) || strings.ContainsFunc(*f.text, control) {
			return malformed("person." + f.name)
		}
	}
	if p.DiedOn != "" {
		if _, err := time.Parse(time.DateOnly, p.DiedOn); err != nil {
			return malformed("person.died_on")
		}
	}
	if needed && !some {
		return missing("person")
	}
	return nil
}

// Draft is the step that opens the file of a checked request.
func (i *Intake) Draft() casefile.Draft {
	c := event.Codes{}.With(codeRight, string(i.Right)).With(codeChannel, i.Channel).With(codeRequester, string(i.Requester)).
		With(codeReceived, domain.FormatTime(i.Received))
	if i.Language != "" {
		c = c.With(codeLanguage, i.Language)
	}
	if i.Origin != "" {
		c = c.With(codeOrigin, i.Origin)
	}
	if i.Ground != "" {
		c = c.With(codeGround, string(i.Ground))
	}
	if i.Against.Purpose != "" {
		c = c.With(codePurpose, i.Against.Purpose)
	}
	if len(i.Against.Channels) > 0 {
		c = c.With(codeChannels, i.Against.Channels)
	}
	if i.Effective {
		c = c.With(codeEffective, true)
	}
	d := casefile.Draft{Type: event.RequestReceived, Subject: i.Subject, Actor: i.Actor, Controller: i.Controller, Time: i.Received, Codes: c}
	if i.Message != "" {
		d.Fields = append(d.Fields, Text(FieldMessage, i.Message))
	}
	if i.Person != (Person{}) {
		d.Fields = append(d.Fields, object(FieldPerson, i.Person))
	}
	return d
}

// Text is a sealed field of words.
func Text(path, s string) event.Field {
	q, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil { // not of valid UTF-8
		q = []byte(`""`)
	}
	return event.Field{Path: path, Value: q}
}

// object is a sealed field of a JSON object.
func object(path string, v any) event.Field {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil { // structs of texts and bytes that were checked
		b = []byte(`{}`)
	}
	return event.Field{Path: path, Value: b}
}

// CarriesBytes reports words in which a document is hidden: a data URL, or a run of
// base64. An identity document is not kept, whatever it is called.
func CarriesBytes(words string) bool {
	const longest = 1000
	if i := strings.Index(words, "data:"); i >= 0 && strings.Contains(words[i:], ";base64,") {
		return true
	}
	run := 0
	for i := range len(words) {
		switch b := words[i]; {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '+', b == '/', b == '=', b == '-', b == '_':
			if run++; run > longest {
				return true
			}
		case b == '\n' || b == '\r': // base64 is broken into lines
		default:
			run = 0
		}
	}
	return false
}
