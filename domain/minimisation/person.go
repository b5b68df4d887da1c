package minimisation

import (
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
)

// Person is what a look remembers of one contact: some 200 bytes, times in
// microseconds, 0 for never. Its zero value knows nothing.
type Person struct {
	created              domain.Position // of the first contact.created, plus one
	event                domain.ID
	collected            int64 // the first time
	direct, indirect     bool  // from the person, from elsewhere
	sourced, erased      bool
	professional, phoned bool // phoned: a number is held now
	informed             int64
	told                 int64 // with the statement of L223-1
	unheld               bool  // a notice was served whose text nobody holds
	phones               int64 // first time since the statement is due
	contacted            int64 // the first message to the person
	seen, deleted        int64
	active               int64 // last act of the person
	addresses            [3]address
	wrong                []string // purposes without basis
	consented            []string // purposes with any grant
	relies               []string // purposes said to stand on consent
	grants, ends         []grant
}

// address is what is known of one way to reach the person.
type address struct{ set, reached, bounced int64 }

const (
	email = iota
	phone
	postal
)

func addressNames() [3]string { return [3]string{"email", "phone", "postal"} }

// grant is a consent whose text is not held, or the end of consents.
type grant struct {
	position domain.Position
	event    domain.ID
	at       int64
	purpose  string
	notice   domain.ID
}

// Take folds one fact about the person, in any order. inline is what the notice text
// that came with the fact says, TextNotHeld if none did or it was not opened.
func (p *Person) Take(c *Context, at domain.Position, f *event.Fact, inline Statement) {
	now := f.Time.UnixMicro()
	switch f.Type {
	case event.ContactCreated, event.ContactChanged:
		p.contact(c, at, f)
		if names(f, "collection.notice.id") || !f.Codes.ID("notice").IsZero() {
			p.inform(c, f.Codes.ID("notice"), TextNotHeld, p.collectedAt(f))
		}
	case event.NoticeServed:
		p.inform(c, f.Codes.ID("notice"), inline, now)
	case event.ConsentRequested:
		if names(f, "consent.notice.id") || names(f, "consent.notice.text") {
			p.inform(c, f.Codes.ID("notice"), inline, now)
		}
	case event.ConsentGranted:
		p.granted(c, at, f, inline)
	case event.ConsentWithdrawn, event.ConsentRefused, event.ConsentExpired:
		p.ended(f)
	case event.InteractionRecorded:
		p.interaction(c, f)
	case event.ContactDeleted:
		p.deleted = max(p.deleted, now)
	case event.ErasureOrdered:
		d, ok := contact.DestructionOf(at, f)
		p.erased = p.erased || ok && d.Whole
	case event.SubjectErased:
		p.erased = true
	}
	if t, ok := contact.FromPerson(f); ok {
		p.active = max(p.active, t.UnixMicro())
	}
}

func names(f *event.Fact, path string) bool { return slices.Contains(f.Fields, path) }

// collectedAt is when the data of a contact's fact was collected.
func (p *Person) collectedAt(f *event.Fact) int64 {
	if t := f.Codes.Time("collection.collected_at"); !t.IsZero() {
		return t.UnixMicro()
	}
	return f.Time.UnixMicro()
}

func (p *Person) contact(c *Context, at domain.Position, f *event.Fact) {
	when := p.collectedAt(f)
	p.seen = max(p.seen, f.Time.UnixMicro())
	if f.Type == event.ContactCreated {
		if p.created == 0 || at+1 < p.created {
			p.created, p.event = at+1, f.ID
		}
		first(&p.collected, when)
	}
	if f.Codes.Bool("professional") {
		p.professional = true
	}
	switch f.Codes.String("collection.channel") {
	case "":
	case "import", "partner":
		p.indirect, p.sourced = true, true
	case "other":
		p.sourced = true
	default:
		p.direct, p.sourced = true, true
	}
	p.sourced = p.sourced || names(f, "collection.origin")
	for i, path := range [3]string{"person.emails", "person.phones", "person.postal_address"} {
		if names(f, path) || i == postal && slices.ContainsFunc(f.Fields, func(x string) bool { return strings.HasPrefix(x, path+".") }) {
			p.addresses[i].set = max(p.addresses[i].set, f.Time.UnixMicro())
		}
	}
	if names(f, "person.phones") {
		p.phoned = true
		if when >= callsNeedConsent.UnixMicro() {
			first(&p.phones, when)
		}
	}
	if slices.Contains(f.Unset, "person.phones") {
		p.phoned = false
	}
	p.purposes(c, f)
}

// purposes looks at what the data is said to be for.
func (p *Person) purposes(c *Context, f *event.Fact) {
	basis := f.Codes.String("collection.legal_basis")
	for _, x := range f.Codes.Strings("collection.purposes") {
		switch {
		case !c.allows(x, basis):
			p.wrong = with(p.wrong, x)
		case basis == basisConsent:
			p.relies = with(p.relies, x)
		}
	}
}

func with(l []string, s string) []string {
	if i, found := slices.BinarySearch(l, s); !found {
		return slices.Insert(l, i, strings.Clone(s))
	}
	return l
}

func first(to *int64, t int64) {
	if *to == 0 || t < *to {
		*to = t
	}
}

// inform notes a notice that was served, and what its text says.
func (p *Person) inform(c *Context, notice domain.ID, inline Statement, at int64) {
	first(&p.informed, at)
	says := inline
	if says == TextNotHeld {
		says = c.Notices[notice]
	}
	switch says {
	case SaysIt:
		first(&p.told, at)
	case TextNotHeld:
		p.unheld = true
	}
}

func (p *Person) granted(c *Context, at domain.Position, f *event.Fact, inline Statement) {
	purpose, notice := f.Codes.String("purpose"), f.Codes.ID("notice")
	p.consented = with(p.consented, purpose)
	if names(f, "consent.notice.id") || names(f, "consent.notice.text") || !notice.IsZero() {
		p.inform(c, notice, inline, f.Time.UnixMicro())
	}
	if names(f, "consent.notice.text") || !slices.Contains(f.Lacks, "notice") && !slices.Contains(f.Codes.Strings("lacks"), "notice") {
		return
	}
	p.grants = append(p.grants, grant{at, f.ID, f.Time.UnixMicro(), strings.Clone(purpose), notice})
}

// ended notes an act that ended consents: nobody relies on them.
func (p *Person) ended(f *event.Fact) {
	if len(f.Codes.Strings("channels")) == 0 {
		p.ends = append(p.ends, grant{at: f.Time.UnixMicro(), purpose: strings.Clone(f.Codes.String("purpose"))})
	}
}

// stands reports that a consent was not ended since.
func (p *Person) stands(g *grant) bool {
	return !slices.ContainsFunc(p.ends, func(e grant) bool { return e.at >= g.at && (e.purpose == "" || e.purpose == g.purpose) })
}

func (p *Person) interaction(c *Context, f *event.Fact) {
	now := f.Time.UnixMicro()
	if x := f.Codes.String("object"); x != "" && len(c.bases[x]) == 0 {
		p.wrong = with(p.wrong, x)
	}
	kind, outcome := f.Codes.String("kind"), f.Codes.String("outcome")
	if kind == "sent" || kind == "post_sent" || kind == "call_attempt" {
		first(&p.contacted, now)
	}
	to := email
	switch f.Codes.String("channel") {
	case "phone", "sms":
		to = phone
	case "postal":
		to = postal
	case "social":
		return
	}
	a := &p.addresses[to]
	switch {
	case kind == "bounce", outcome == "bounced", outcome == "wrong_number":
		a.bounced = max(a.bounced, now)
	case outcome == "delivered", outcome == "answered", outcome == "interested", outcome == "sold", kind == "reply", kind == "click", kind == "open":
		a.reached = max(a.reached, now)
	}
}

// moment is the instant of a time that is remembered.
func moment(µs int64) time.Time { return time.UnixMicro(µs).UTC() }
