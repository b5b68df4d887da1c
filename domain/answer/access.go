package answer

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// FormatAccess names the machine-readable form; it changes when a member's meaning
// does.
const FormatAccess = "greffe/answer/1"

// Rules is what the documents ask the policy in force; *policy.Policy is one.
type Rules interface {
	contact.Rules
	Recipients() []policy.Recipient
	Channels() []policy.Channel
	Classes() []policy.Class
}

// Outcome says whether anything is held (art. 15(1): the confirmation).
type Outcome string

// The outcomes.
const (
	Held    Outcome = "held"
	Nothing Outcome = "nothing_held"
	Gone    Outcome = "erased"
)

// Notice is a text that was published for people.
type Notice struct{ ID, Version, Language, Text string }

// Processing is what the register of processing activities (art. 30) says of one
// activity, as far as article 15 asks for it.
type Processing struct {
	Name       string     `json:"name"`
	Codes      []string   `json:"policy_purposes"`    // those that it covers
	Purposes   []string   `json:"purposes,omitempty"` // in words
	Recipients []string   `json:"recipients,omitempty"`
	Transfers  []Transfer `json:"transfers,omitempty"` // art. 15(2)
}

// Transfer is to a country outside the Union.
type Transfer struct {
	Recipient string `json:"recipient"`
	Country   string `json:"country"`
	Guarantee string `json:"guarantee"` // a code of the register: adequacy, scc …
	Link      string `json:"link,omitempty"`
}

// Inputs is what an answer of article 15 is made of. View and Items hold all that is
// held, archives included, opened; a nil View says that nothing is held.
type Inputs struct {
	MadeAt     domain.Time
	Language   Lang
	Request    *Request
	View       *contact.View
	Items      []contact.Item
	Accesses   []contact.Access
	Names      contact.Names
	Notices    map[domain.ID]Notice // by the id that facts name them by
	Processing []Processing
	Erasures   []ErasureCertificate // of the person, or of parts of it
	Guardian   bool                 // who asks is the guardian that a consent names
}

// Access is the answer to a request of access.
type Access struct {
	Format      string                   `json:"format"`
	Language    Lang                     `json:"language"`
	MadeAt      domain.Time              `json:"made_at"`
	Request     *RequestLine             `json:"request,omitempty"`
	Outcome     Outcome                  `json:"outcome"`
	Controllers []contact.ControllerLine `json:"controllers"`
	Data        *contact.View            `json:"data,omitempty"`       // art. 15(3)
	Purposes    []contact.PurposeLine    `json:"purposes,omitempty"`   // art. 15(1)(a)
	Processing  []Processing             `json:"activities,omitempty"` // art. 30, 15(2)
	Categories  []contact.CategoryLine   `json:"categories,omitempty"` // art. 15(1)(b) and (d)
	Recipients  []RecipientLine          `json:"recipients,omitempty"` // art. 15(1)(c)
	Sources     []SourceLine             `json:"sources,omitempty"`    // art. 15(1)(g)
	Evaluations []string                 `json:"evaluations,omitempty"`
	Consents    []ConsentLine            `json:"consents,omitempty"`
	Notices     []NoticeLine             `json:"notices,omitempty"`
	Accesses    []contact.AccessLine     `json:"accesses,omitempty"`
	History     []contact.Item           `json:"history,omitempty"`
	Erasures    []ErasureCertificate     `json:"erasures,omitempty"`
	Protected   []ProtectedLine          `json:"protected,omitempty"` // art. 15(4)
	Rights      contact.Bilingual        `json:"rights"`              // art. 15(1)(e) and (f), 12(4)
}

// RecipientLine is somebody to whom data is or may be disclosed, by name (CJEU
// C-154/21).
type RecipientLine struct {
	Name contact.Bilingual `json:"name"`
	Kind string            `json:"kind"` // source, processor, partner or activity
}

// SourceLine is where data came from, and how it was collected there.
type SourceLine struct {
	contact.SourceLine
	Collected []CollectionLine `json:"collected,omitempty"`
}

// CollectionLine is one collection of data, as the source told it.
type CollectionLine struct {
	Channel    string      `json:"channel,omitempty"`
	At         domain.Time `json:"at"`
	Origin     string      `json:"origin,omitempty"`
	LegalBasis string      `json:"legal_basis,omitempty"`
}

// NewAccess makes the answer.
func NewAccess(in Inputs, rules Rules) *Access {
	base := contact.NewCopy15(contact.Inputs15{MadeAt: in.MadeAt, View: viewOf(&in), Items: in.Items, Accesses: in.Accesses}, rules, namesOf(&in))
	a := &Access{Format: FormatAccess, Language: in.Language, MadeAt: in.MadeAt, Request: in.Request.line(), Outcome: Held,
		Controllers: base.Controllers, Erasures: in.Erasures, Rights: base.Rights}
	if in.View == nil {
		a.Outcome = Nothing
		if len(in.Erasures) > 0 {
			a.Outcome = Gone
		}
		return a
	}
	p := newProtector(&in, rules)
	a.Data, a.History = p.view(in.View), told(p.items(in.Items))
	a.Protected = p.lines()
	a.Purposes, a.Categories, a.Accesses = base.Purposes, base.Categories, base.Accesses
	in.Processing = concerned(in.Processing, a.Purposes)
	a.Processing = in.Processing
	a.Recipients = recipients(&in, rules)
	a.Sources = sources(base.Sources, a.History)
	a.Evaluations = evaluations(a.History)
	a.Consents, a.Notices = consents(a.History, in.Notices), served(a.History, in.Notices)
	return a
}

// concerned are the activities of purposes that the person's data serves.
func concerned(all []Processing, purposes []contact.PurposeLine) []Processing {
	serves := func(code string) bool {
		return slices.ContainsFunc(purposes, func(p contact.PurposeLine) bool { return p.Code == code })
	}
	return slices.DeleteFunc(slices.Clone(all), func(p Processing) bool { return !slices.ContainsFunc(p.Codes, serves) })
}

func viewOf(in *Inputs) *contact.View {
	if in.View == nil {
		return &contact.View{}
	}
	return in.View
}

type nobody struct{}

func (nobody) Source(domain.ID) string { return "" }

func namesOf(in *Inputs) contact.Names {
	if in.Names == nil {
		return nobody{}
	}
	return in.Names
}

// recipients are those of the policy, the partners that consents name, and those of
// the register, each once.
func recipients(in *Inputs, rules Rules) (out []RecipientLine) {
	add := func(name contact.Bilingual, kind string) {
		same := func(r RecipientLine) bool { return r.Name.FR == name.FR }
		if name.FR != "" && !slices.ContainsFunc(out, same) {
			out = append(out, RecipientLine{name, kind})
		}
	}
	for _, r := range rules.Recipients() {
		add(contact.Bilingual(r.Label), r.Kind)
	}
	for _, it := range in.Items {
		for _, f := range it.Fields {
			if f.Path == "consent.partners" {
				for _, name := range list(f.Value) {
					add(contact.Bilingual{FR: name, EN: name}, policy.RecipientPartner)
				}
			}
		}
	}
	for _, x := range in.Processing {
		for _, name := range x.Recipients {
			add(contact.Bilingual{FR: name, EN: name}, "activity")
		}
	}
	return out
}

// sources adds to each source how it says that it collected.
func sources(base []contact.SourceLine, items []contact.Item) []SourceLine {
	out := make([]SourceLine, len(base))
	for i, s := range base {
		out[i].SourceLine = s
		for _, it := range items {
			if it.Source != s.ID {
				continue
			}
			c := CollectionLine{Channel: code(it, "collection.channel"), At: it.Time, LegalBasis: code(it, "collection.legal_basis"),
				Origin: word(field(it, "collection.origin"))}
			if t, err := domain.ParseTime(code(it, "collection.collected_at")); err == nil {
				c.At = domain.NewTime(t)
			}
			if (c.Channel != "" || c.Origin != "") && !slices.Contains(out[i].Collected, c) {
				out[i].Collected = append(out[i].Collected, c)
			}
		}
	}
	return out
}

// evaluations are the company's own fields whose names say that they judge or sort
// people (profiling, art. 4(4)).
func evaluations(items []contact.Item) (paths []string) {
	for _, it := range items {
		for _, f := range it.Fields {
			if Evaluates(f.Path) {
				paths = append(paths, f.Path)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Evaluates reports that a company's own field looks like a score or a segment, by
// the words of its path.
func Evaluates(path string) bool {
	name, own := strings.CutPrefix(path, "custom.")
	if !own {
		return false
	}
	name = strings.ToLower(name)
	for _, w := range []string{"score", "scoring", "segment", "rating", "churn", "appetence", "appetite", "solvab", "risk", "risque", "propens", "persona", "profil", "rfm", "vip", "cluster"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// code is a clear text of an item, "" if there is none.
func code(it contact.Item, name string) string { return word(it.Codes[name]) }

func field(it contact.Item, path string) jsontext.Value {
	for _, f := range it.Fields {
		if f.Path == path {
			return f.Value
		}
	}
	return nil
}

// word is a JSON string's text, "" for anything else.
func word(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return ""
	}
	return string(b)
}

// list is a JSON list's texts, or the one text there is.
func list(v jsontext.Value) []string {
	if s := word(v); s != "" {
		return []string{s}
	}
	return texts(v)
}

// latest sorts lines of people's acts, the newest first.
func latest[T any](l []T, at func(T) domain.Time) {
	slices.SortStableFunc(l, func(a, b T) int { return cmp.Compare(at(b).UnixMicro(), at(a).UnixMicro()) })
}

// isConsent reports an act of consent.
func isConsent(t event.Type) bool { return strings.HasPrefix(string(t), "consent.") }
