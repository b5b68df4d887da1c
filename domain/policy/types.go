package policy

import (
	"slices"
	"time"
)

// Label is a name for people, in the two languages every report is made in.
type Label struct{ FR, EN string }

// Controller is a company that decides purposes and means (art. 4(7)). Several
// are joint controllers (art. 26); the first is the default of an event.
type Controller struct {
	Code, Name                 string
	Address, Email, Phone, DPO string // contacts for notices and registers; may be empty
}

// Purpose is why data is processed (art. 5(1)(b)).
type Purpose struct {
	Code string
	Label
	LegalBases []string // art. 6(1): consent, contract, legal_obligation, vital_interests, public_task, legitimate_interest
	Reference  string   // where the basis is founded
	Channels   []string // by which persons are contacted for it; may be empty
	// Prospecting says whether a message for it is prospecting (CPCE L34-5; C.
	// conso. L223-1); nil where the text leaves it to the purpose's code.
	Prospecting *bool
}

// Contactability are the choices that the law leaves to the company when it asks
// whether it may contact somebody.
type Contactability struct {
	// FreeAccountIsSale takes the opening of a free account for a sale (CJEU
	// C-654/23, Inteligo Media); the CNIL does not.
	FreeAccountIsSale bool
	// CallbackAnyTime lets a call that the person asked for leave the hours of
	// C. conso. D223-9, as it is no prospecting (R223-4).
	CallbackAnyTime bool
	Justification   string // of the two above
	AlsaceMoselle   bool   // C. trav. L3134-13
	Overseas        bool   // C. trav. L3422-2
	// DialerSilentAfter is how long a dialer may tell nothing; zero: three times
	// its usual gap.
	DialerSilentAfter Period
}

// Channel is a way to reach a person.
type Channel struct {
	Code string
	Label
}

// Class groups fields that share durations, keys and readers.
type Class struct {
	Code  string
	Epoch string // whole, year or month: how finely its keys can be destroyed
	Label
}

// Field is a path of the catalogue or a company's own field.
type Field struct {
	Path          string // as declared: an exact path, or a pattern "prefix.*"
	Class         string
	Kind          string // text email phone name date amount code id object
	FreeText      bool   // a zone bloc-notes: words are read as well as numbers
	Justification string // why a rule does not hold here, if Allows says so
	allow         []string
}

// Allows reports that a guard rule does not hold for this field.
func (f Field) Allows(rule string) bool { return slices.Contains(f.allow, rule) }

// Reason is why somebody reads personal data: a closed list, so that the access
// journal can be counted and no reason in words is kept in clear.
type Reason struct {
	Code string
	Label
	Ticket bool // a ticket reference is required
	roles  []string
}

// MayUse reports whether a role may give this reason.
func (r Reason) MayUse(role string) bool { return slices.Contains(r.roles, role) }

// Role is what an account may do and which classes it may see (art. 32(1)(b),
// 25(2)).
type Role struct {
	Code string
	Label
	Permissions []string
	Classes     []string
	// Purposes keeps the role to contacts that are held for one of them (art.
	// 5(1)(b)); none means every contact.
	Purposes []string
	// Own keeps the role to contacts in a portfolio of the account.
	Own            bool
	Masked, Hidden []string // field groups, of the classes that the role sees
	// OnRequest are those of Masked that the role is shown clear where it asks, of one
	// person at a time.
	OnRequest []string
}

// The phases of retention.
const (
	PhaseActive  = "active"  // base active
	PhaseArchive = "archive" // archivage intermédiaire: own permission and reason
)

// What ends a phase.
const (
	ExitArchive    = "archive"
	ExitDestroy    = "destroy"
	ExitAsk        = "ask"        // once, whether to go on; without an act of the person within Wait: destroy
	ExitGeneralise = "generalise" // what is left of it says less, then destroy
)

// Duration is one retention rule: data of Class kept for Purpose leaves Phase
// by Exit when Length has passed since Start.
type Duration struct {
	Class, Purpose, Phase string
	Kinds                 []string // kinds of contact it is for; none means all
	Condition             string   // "" or electronic_contract_120
	Start                 string   // event code that starts the clock, see Starts
	Length                Period
	Exit                  string
	Wait                  Period // for ExitAsk: how long an answer is awaited
	Remind                Period // how long ahead the exit is announced; zero: not at all
	Reference             string // the law, deliberation or guide it stands on
	Justification         string // required where it departs from the default
}

// For reports whether the rule is for this kind of contact.
func (d Duration) For(kind string) bool { return len(d.Kinds) == 0 || slices.Contains(d.Kinds, kind) }

// Bounds are the ledger's own limits.
type Bounds struct {
	ClockSkew           time.Duration // how far ahead of the ledger an event's time may be
	Quarantine          time.Duration // how long an unreadable input is kept, sealed
	AccessJournalMonths int           // délib. 2021-122: 6 to 12, to 36 with justification
	AccessJustification string
	RetentionHour       int // of the day in Paris from which on the day's retention run begins
}

// The guard's rules. Names are stable: they stand in facts.
const (
	RuleUnknownField    = "unknown_field"
	RuleNIR             = "nir"
	RuleCard            = "card"
	RuleCVV             = "cvv"
	RuleIBAN            = "iban"
	RuleIncome          = "income"
	RuleSpecialCategory = "special_category"
	RuleAbusive         = "abusive"
)

// What the guard does when a rule matches.
const (
	ActionDrop       = "drop"       // leave the whole field out
	ActionMask       = "mask"       // remove the value in place, keep the rest
	ActionGeneralise = "generalise" // replace a precise value by its band
	ActionQuarantine = "quarantine" // take the event in only after a human looked
)

// Guard is what the minimisation guard is built from.
type Guard struct {
	Actions        map[string]string   // rule → action; a rule that is off is absent
	Bands          []Band              // ascending; the last has no limit
	Words          map[string][]string // list → phrases, see WordLists
	Names          map[string][]string // rule → words of field names
	CVVDistance    int                 // letters and digits between the word and the number
	IncomeDistance int
	IncomeMinimum  int // EUR; a smaller amount is no income
}

// Band is a class of yearly income.
type Band struct {
	Code  string // capital letters
	Below int    // EUR a year; 0 for the last band
}
