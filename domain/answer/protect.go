package answer

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/contact"
)

// Why a value was masked (art. 15(4): the rights of others).
const (
	WhyAgent    = "agent"         // somebody who works for the controller (CJEU C-579/21)
	WhyGuardian = "guardian"      // the parent that a child's consent names
	WhyAddress  = "other_address" // an address or number in words that is not the person's
)

// ProtectedLine counts what was masked of one field.
type ProtectedLine struct {
	Path  string `json:"path"`
	Why   string `json:"why"`
	Count int    `json:"count"`
}

// The addresses that words may hold: nothing is concluded from them but that they are
// not the person's. A number is written as people write it, national (0…) or
// international (+…, 00…); a day is none.
const (
	mailPattern  = `[\pL\pN._%+\-]+@[\pL\pN\-]+(?:\.[\pL\pN\-]+)+`
	phonePattern = `(?:\+|\b00?)[1-9](?:[ .\-]?\(?\d\)?){8,13}\b`
	dayPattern   = `^\d{2}([./\-])\d{2}[./\-]\d{4}`
)

// protector masks what concerns third parties.
type protector struct {
	rules       Rules
	guardian    bool
	mail, phone *regexp.Regexp
	day         *regexp.Regexp
	own         map[string]bool // the person's addresses, normalised
	mask        string
	counts      map[[2]string]int
}

func newProtector(in *Inputs, rules Rules) *protector {
	p := &protector{rules: rules, guardian: in.Guardian, mail: regexp.MustCompile(mailPattern), phone: regexp.MustCompile(phonePattern), day: regexp.MustCompile(dayPattern),
		own: map[string]bool{}, mask: in.Language.or("[masqué : tiers]", "[withheld: third party]"), counts: map[[2]string]int{}}
	take := func(path string, v jsontext.Value) {
		if strings.HasPrefix(path, "person.emails") || strings.HasPrefix(path, "person.phones") {
			for _, s := range list(v) {
				p.own[plainAddress(s)] = true
			}
		}
	}
	for _, it := range in.Items {
		for _, f := range it.Fields {
			take(f.Path, f.Value)
		}
	}
	for name, v := range in.View.Person {
		take("person."+name, v)
	}
	return p
}

// plainAddress compares: an e-mail address by its letters, a number by its last nine
// digits, so that national and international forms are one.
func plainAddress(s string) string {
	if strings.Contains(s, "@") {
		return strings.ToLower(strings.TrimSpace(s))
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	return digits[max(0, len(digits)-9):]
}

// items are the items without agents and with other people's data masked.
func (p *protector) items(in []contact.Item) []contact.Item {
	out := slices.Clone(in)
	for i := range out {
		out[i].Actor = domain.ID{}
		out[i].Codes = maps.Clone(out[i].Codes)
		maps.DeleteFunc(out[i].Codes, ofStaff)
		out[i].Fields = slices.Clone(out[i].Fields)
		for j := range out[i].Fields {
			f := &out[i].Fields[j]
			f.Value = p.value(f.Path, f.Value)
		}
	}
	return out
}

// ofStaff reports a code that holds an account (CJEU C-579/21). "by" is one, or the way by
// which a letter went.
func ofStaff(name string, v jsontext.Value) bool {
	switch name {
	case "assignee", "owner", "reviewer", "account":
		return true
	}
	return name == "by" && internal(v)
}

// view masks what today's view shows; the counts are of the items.
func (p *protector) view(v *contact.View) *contact.View {
	counts := p.counts
	p.counts = map[[2]string]int{}
	out := *v
	out.Notes = p.value("notes", v.Notes)
	masked := func(prefix string, in map[string]jsontext.Value) map[string]jsontext.Value {
		m := maps.Clone(in)
		for name := range m {
			m[name] = p.value(prefix+name, m[name])
		}
		return m
	}
	out.Person, out.Company = masked("person.", v.Person), masked("company.", v.Company)
	out.Custom, out.Collection = masked("custom.", v.Custom), masked("collection.", v.Collection)
	p.counts = counts
	return &out
}

func (p *protector) value(path string, v jsontext.Value) jsontext.Value {
	if v == nil || contactErased(v) {
		return v
	}
	switch {
	case path == "interaction.caller", path == "upstream.actor", path == "access.account":
		return p.whole(path, WhyAgent)
	case !p.guardian && (path == "consent.guardian" || strings.HasPrefix(path, "consent.guardian.")):
		return p.whole(path, WhyGuardian)
	}
	if f, ok := p.rules.Field(path); ok && f.FreeText && !ownWords(path) {
		return p.words(path, v)
	}
	return v
}

// ownWords are what the person wrote.
func ownWords(path string) bool { return path == "request.message" || path == "restriction.message" }

func contactErased(v jsontext.Value) bool { return strings.HasPrefix(string(v), `{"erased":true`) }

func (p *protector) whole(path, why string) jsontext.Value {
	p.counts[[2]string{path, why}]++
	return quoted(p.mask)
}

func quoted(s string) jsontext.Value {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil { // not UTF-8
		return jsontext.Value(`""`)
	}
	return b
}

// words masks addresses that are not the person's, in a text or in texts inside of
// lists and objects.
func (p *protector) words(path string, v jsontext.Value) jsontext.Value {
	if v.Kind() == '"' {
		old := word(v)
		if s := p.text(path, old); s != old {
			return quoted(s)
		}
		return v
	}
	if v.Kind() != '[' && v.Kind() != '{' {
		return v
	}
	var x any
	if json.Unmarshal(v, &x) != nil {
		return v
	}
	b, err := json.Marshal(p.inside(path, x), json.Deterministic(true))
	if err != nil {
		return v
	}
	return b
}

func (p *protector) inside(path string, x any) any {
	switch x := x.(type) {
	case string:
		return p.text(path, x)
	case []any:
		for i := range x {
			x[i] = p.inside(path, x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = p.inside(path, x[k])
		}
	}
	return x
}

func (p *protector) text(path, s string) string {
	hide := func(found string) string {
		if p.own[plainAddress(found)] || p.day.MatchString(found) {
			return found
		}
		p.counts[[2]string{path, WhyAddress}]++
		return p.mask
	}
	return p.phone.ReplaceAllStringFunc(p.mail.ReplaceAllStringFunc(s, hide), hide)
}

// lines counts what was masked.
func (p *protector) lines() (out []ProtectedLine) {
	for k, n := range p.counts {
		out = append(out, ProtectedLine{k[0], k[1], n})
	}
	slices.SortFunc(out, func(a, b ProtectedLine) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Why, b.Why)) })
	return out
}

// ToRead lists the events whose words somebody should read before they are sent:
// names of others are found by people alone.
func ToRead(items []contact.Item, rules Rules) (out []WordsToRead) {
	for _, it := range items {
		for _, f := range it.Fields {
			if d, ok := rules.Field(f.Path); ok && d.FreeText && !ownWords(f.Path) && f.Value != nil && !contactErased(f.Value) {
				out = append(out, WordsToRead{it.ID, f.Path})
			}
		}
	}
	return out
}

// WordsToRead is a field of free text in an event.
type WordsToRead struct {
	Event domain.ID `json:"event"`
	Path  string    `json:"path"`
}
