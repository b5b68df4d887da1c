package register

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
)

// The codes of findings.
const (
	InUse            = "purpose_without_activity" // in facts, and no open activity covers it
	NotInUse         = "policy_purpose_without_activity"
	PurposeUnknown   = "purpose_unknown" // of an activity, not of the policy
	BasisMissing     = "basis_missing"   // the policy has it, no activity does
	BasisUnknown     = "basis_unknown"   // an activity has it, the policy does not
	BasisInUse       = "basis_in_use"    // facts give it, no activity does
	ClassMissing     = "class_missing"
	ClassUnknown     = "class_unknown"
	ClassInUse       = "class_in_use" // held of persons, and no activity says so
	DurationMissing  = "duration_missing"
	DurationDiffers  = "duration_differs"
	RecipientMissing = "recipient_missing"
	RecipientUnknown = "recipient_unknown"
	GuaranteeMissing = "guarantee_missing"
	SecurityMissing  = "security_missing"
	PersonsMissing   = "persons_missing"
	BasesMissing     = "bases_missing"
	SensitiveMissing = "sensitive_missing" // the policy lets a field hold it
	HeaderMissing    = "organisation_missing"
	DPOMissing       = "dpo_missing"
	TemplateMissing  = "shipped_missing"
	ReviewOverdue    = "review_overdue"
	ScreeningMissing = "screening_missing"  // a trigger was found, and nobody decided on an assessment
	ScreeningStale   = "screening_outdated" // a trigger was found since
	DPIAMissing      = "dpia_missing"       // one is required, and no reference is given
)

// Finding is where the register differs from the policy or from what is done.
type Finding struct {
	Code       string    `json:"code"`
	Law        string    `json:"law" doc:"Where the law asks for it."`
	Controller string    `json:"controller"`
	Activity   domain.ID `json:"activity_id,omitzero" doc:"Absent: of no activity alone."`
	Name       string    `json:"activity,omitempty"`
	Purpose    string    `json:"purpose,omitempty"`
	What       string    `json:"what,omitempty" doc:"The class, recipient, basis, template or trigger concerned."`
	Register   string    `json:"register,omitempty" doc:"What the register says, of a duration."`
	Policy     string    `json:"policy,omitempty" doc:"And the policy."`
	Facts      int64     `json:"facts,omitzero" doc:"How many facts show it."`
	Last       time.Time `json:"last,omitzero" doc:"The last of them."`
}

// Item is an open entry of a controller's register, with how it stands.
type Item struct {
	ID         domain.ID
	Controller string
	Template   string
	Due        time.Time // of its review
	Entry      *Entry    // nil: its words are gone
	Screening  *Screening
}

// Screening is what was decided last on an impact assessment for an activity (art. 35).
type Screening struct {
	Required bool
	Settled  bool     // a reference was given, and what it planned was done
	Triggers []string // that were known then
}

// Trigger is a sign of use that speaks for an impact assessment.
type Trigger struct {
	Code  string
	Facts int64
	Last  time.Time
}

// Input is what findings are made from.
type Input struct {
	Policy   *policy.Policy
	Usage    *Usage
	Headers  map[string]*Organisation // by controller
	Items    []Item
	Triggers []Trigger
	Now      time.Time
}

// Findings lists them: those of what is done first, then by controller and activity.
func Findings(in Input) []Finding {
	c := &comparison{in: in}
	for _, x := range in.Policy.Controllers() {
		c.of(x.Code)
	}
	slices.SortStableFunc(c.out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank(a.Code), rank(b.Code)), cmp.Compare(a.Controller, b.Controller), cmp.Compare(a.Activity.String(), b.Activity.String()),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.What, b.What))
	})
	return c.out
}

// rank puts what is done and stands nowhere first.
func rank(code string) int {
	switch code {
	case InUse, BasisInUse, ClassInUse:
		return 0
	}
	return 1
}

// law is where each finding is founded.
func law(code string) string {
	switch code {
	case InUse, NotInUse, PurposeUnknown:
		return "art. 30(1)(b)"
	case BasisMissing, BasisUnknown, BasisInUse, BasesMissing:
		return "art. 6(1), 5(2)"
	case ClassMissing, ClassUnknown, ClassInUse, PersonsMissing:
		return "art. 30(1)(c)"
	case SensitiveMissing:
		return "art. 9, 30(1)(c)"
	case DurationMissing, DurationDiffers:
		return "art. 30(1)(f), 5(1)(e)"
	case RecipientMissing, RecipientUnknown:
		return "art. 30(1)(d)"
	case GuaranteeMissing:
		return "art. 30(1)(e), 46, 49"
	case SecurityMissing:
		return "art. 30(1)(g), 32"
	case HeaderMissing:
		return "art. 30(1)(a)"
	case DPOMissing:
		return "art. 37"
	case ScreeningMissing, ScreeningStale, DPIAMissing:
		return "art. 35"
	}
	return "art. 30(1), 24(1)"
}

// comparison is of one controller after the other.
type comparison struct {
	in   Input
	who  string
	mine []Item         // open entries of the controller, with their words
	used map[string]Use // purposes that its facts show
	out  []Finding
}

func (c *comparison) add(f Finding) {
	f.Law, f.Controller = law(f.Code), c.who
	c.out = append(c.out, f)
}

func (c *comparison) of(controller string) {
	c.who, c.mine = controller, nil
	for _, i := range c.in.Items {
		if i.Controller == controller && i.Entry != nil {
			c.mine = append(c.mine, i)
		}
	}
	c.header()
	c.deeds()
	c.purposes()
	c.recipients()
	for i := range c.mine {
		c.entry(&c.mine[i])
		c.assessment(&c.mine[i])
	}
}

func (c *comparison) header() {
	switch o := c.in.Headers[c.who]; {
	case o == nil:
		c.add(Finding{Code: HeaderMissing})
	case o.DPO == nil:
		c.add(Finding{Code: DPOMissing})
	}
	if c.who != c.in.Policy.DefaultController() {
		return
	}
	for _, t := range Shipped() {
		if !slices.ContainsFunc(c.mine, func(i Item) bool { return i.Template == t }) {
			c.add(Finding{Code: TemplateMissing, What: t})
		}
	}
}

// covers reports an activity as controller that covers a purpose.
func (c *comparison) covers(purpose string) bool {
	return slices.ContainsFunc(c.mine, func(i Item) bool { return slices.Contains(i.Entry.Purposes, purpose) })
}

// deeds compares with what the facts show.
func (c *comparison) deeds() {
	bases := map[Deed]Use{}
	c.used = map[string]Use{}
	for d, u := range c.in.Usage.Deeds {
		if d.Controller != c.who {
			continue
		}
		p := c.used[d.Purpose]
		p.Facts += u.Facts
		if u.Last.After(p.Last) {
			p.Last = u.Last
		}
		c.used[d.Purpose] = p
		if d.Basis != "" && d.Basis != "other" {
			bases[d] = u
		}
	}
	for p, u := range c.used {
		if !c.covers(p) {
			c.add(Finding{Code: InUse, Purpose: p, Facts: u.Facts, Last: u.Last})
		}
	}
	for d, u := range bases {
		if c.covers(d.Purpose) && !slices.ContainsFunc(c.mine, func(i Item) bool {
			return slices.Contains(i.Entry.Purposes, d.Purpose) && slices.Contains(i.Entry.LegalBases, d.Basis)
		}) {
			c.add(Finding{Code: BasisInUse, Purpose: d.Purpose, What: d.Basis, Facts: u.Facts, Last: u.Last})
		}
	}
	for h, u := range c.in.Usage.Holdings {
		if h.Controller == c.who && !c.holds(h.Class, nil) {
			c.add(Finding{Code: ClassInUse, What: h.Class, Facts: u.Facts, Last: u.Last})
		}
	}
}

// holds reports an activity that says it holds a class, of those that cover a purpose if
// one is given.
func (c *comparison) holds(class string, purpose *string) bool {
	return slices.ContainsFunc(c.mine, func(i Item) bool {
		return (purpose == nil || slices.Contains(i.Entry.Purposes, *purpose)) &&
			slices.ContainsFunc(i.Entry.Data, func(d Data) bool { return slices.Contains(d.Classes, class) })
	})
}

// purposes compares with those of the policy.
func (c *comparison) purposes() {
	for _, p := range c.in.Policy.Purposes() {
		if !c.covers(p.Code) {
			if _, used := c.used[p.Code]; !used && c.who == c.in.Policy.DefaultController() {
				c.add(Finding{Code: NotInUse, Purpose: p.Code})
			}
			continue
		}
		for _, b := range p.LegalBases {
			if !slices.ContainsFunc(c.mine, func(i Item) bool {
				return slices.Contains(i.Entry.Purposes, p.Code) && slices.Contains(i.Entry.LegalBases, b)
			}) {
				c.add(Finding{Code: BasisMissing, Purpose: p.Code, What: b})
			}
		}
		for _, class := range KeptFor(c.in.Policy, []string{p.Code}) {
			// What the ledger keeps on its own account may stand in an entry of its own.
			of := &p.Code
			if slices.Contains([]string{"evidence", "requests", "access", "opposition", "accounts"}, class) {
				of = nil
			}
			if !c.holds(class, of) {
				c.add(Finding{Code: ClassMissing, Purpose: p.Code, What: class})
			}
		}
	}
}

func (c *comparison) recipients() {
	if len(c.mine) == 0 || c.who != c.in.Policy.DefaultController() {
		return
	}
	for _, r := range c.in.Policy.Recipients() {
		if !slices.ContainsFunc(c.mine, func(i Item) bool {
			return slices.ContainsFunc(i.Entry.Recipients, func(x Recipient) bool { return x.Code == r.Code })
		}) {
			c.add(Finding{Code: RecipientMissing, What: r.Code})
		}
	}
}

// entry compares one activity with the policy and with what art. 30 asks of it.
func (c *comparison) entry(i *Item) {
	e, p := i.Entry, c.in.Policy
	add := func(f Finding) {
		f.Activity, f.Name = i.ID, e.Name
		c.add(f)
	}
	if len(e.Security) == 0 {
		add(Finding{Code: SecurityMissing})
	}
	for _, t := range e.Transfers {
		if t.Guarantee == "none" {
			add(Finding{Code: GuaranteeMissing, What: t.Recipient})
		}
	}
	if !i.Due.IsZero() && c.in.Now.After(i.Due) {
		add(Finding{Code: ReviewOverdue, Last: i.Due})
	}
	if e.Role == Processor {
		return
	}
	if len(e.Persons) == 0 {
		add(Finding{Code: PersonsMissing})
	}
	if len(e.LegalBases) == 0 {
		add(Finding{Code: BasesMissing})
	}
	var allowed []string
	for _, u := range p.Purposes() {
		if slices.Contains(e.Purposes, u.Code) {
			allowed = append(allowed, u.LegalBases...)
		}
	}
	for _, u := range e.Purposes {
		if !p.Purpose(u) {
			add(Finding{Code: PurposeUnknown, Purpose: u})
		}
	}
	for _, b := range e.LegalBases {
		if len(e.Purposes) > 0 && !slices.Contains(allowed, b) {
			add(Finding{Code: BasisUnknown, What: b})
		}
	}
	for _, r := range e.Recipients {
		if r.Code != "" && !slices.ContainsFunc(p.Recipients(), func(x policy.Recipient) bool { return x.Code == r.Code }) {
			add(Finding{Code: RecipientUnknown, What: r.Code})
		}
	}
	c.durations(e, add)
}
