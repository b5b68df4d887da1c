package policy

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// maxRecipients bounds the section: each recipient is followed one by one.
const maxRecipients = 100

// The kinds of recipients.
const (
	RecipientSource    = "source"    // a system the data came from: a CRM, a shop
	RecipientProcessor = "processor" // sous-traitant (art. 28): a mailing tool, a dialer
	RecipientPartner   = "partner"   // a controller of its own
)

// What recipients are told of.
const (
	NewsConsent       = "consent"
	NewsOpposition    = "opposition"
	NewsErasure       = "erasure"
	NewsRestriction   = "restriction"
	NewsRectification = "rectification"
	NewsRequests      = "requests"
	NewsRetention     = "retention" // whom to ask whether to go on, see ExitAsk
)

// RecipientKinds are the kinds of recipients.
func RecipientKinds() []string {
	return []string{RecipientSource, RecipientProcessor, RecipientPartner}
}

// RecipientNews is all that a recipient can be told of.
func RecipientNews() []string {
	return []string{NewsConsent, NewsOpposition, NewsErasure, NewsRestriction, NewsRectification, NewsRequests, NewsRetention}
}

// dueNews is what every recipient is told of (art. 19).
func dueNews() []string { return []string{NewsRectification, NewsErasure, NewsRestriction} }

// Recipient is somebody to whom personal data was disclosed (art. 4(9)) and who
// is told of what changed (art. 19).
type Recipient struct {
	Code string
	Label
	Kind         string
	Source       string   // name of the producer whose own ids it knows people by; "" if it has none
	Receives     []string // of RecipientNews
	Acknowledges bool     // it confirms by itself what it has carried out
}

// Gets reports that the recipient is told of a kind of news.
func (r Recipient) Gets(news string) bool { return slices.Contains(r.Receives, news) }

func (r Recipient) clone() Recipient {
	r.Receives = slices.Clone(r.Receives)
	return r
}

// Recipients lists them in the order of the text.
func (p *Policy) Recipients() []Recipient {
	out := make([]Recipient, len(p.recipients))
	for i, r := range p.recipients {
		out[i] = r.clone()
	}
	return out
}

// Recipient finds a recipient.
func (p *Policy) Recipient(code string) (Recipient, bool) {
	i, ok := p.recipientAt[code]
	if !ok {
		return Recipient{}, false
	}
	return p.recipients[i].clone(), true
}

// recipients reads the optional list. Nobody in it may miss what art. 19 makes
// due: whoever is to be told of less is no recipient of the format.
func (r *reader) recipients(p *Policy, o *object) {
	p.recipientAt = map[string]int{}
	o.each("recipients", false, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "label", "kind", "source", "receives", "acknowledges")
		x := Recipient{Code: c.code("code"), Label: c.label("label"), Kind: c.oneOf("kind", true, RecipientKinds()),
			Source: c.may("source"), Receives: c.someOf("receives", true, RecipientNews())}
		if c.get("acknowledges", true) != nil {
			x.Acknowledges = c.flag("acknowledges", false)
		}
		if x.Kind == RecipientSource && c.at["source"] == nil {
			r.add(n, join(path, "source"), "name the producer, as its events do; its own ids are how it is told of people")
		}
		for _, due := range dueNews() {
			if at := c.at["receives"]; at != nil && !slices.Contains(x.Receives, due) {
				r.add(at, join(path, "receives"), "add %s; every recipient is told of it (art. 19)", due)
			}
		}
		if len(p.recipients) == maxRecipients {
			r.add(n, path, "name at most %d recipients", maxRecipients)
			return
		}
		c.listed(p.recipientAt, x.Code, len(p.recipients))
		p.recipients = append(p.recipients, x)
	})
}
