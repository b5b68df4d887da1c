package contactability

import (
	"slices"
	"strings"
	"time"

	"greffe/domain/holidays"
	"greffe/domain/policy"
)

// Zones finds a time zone by its IANA name; nil if it knows none. It must answer
// the same for ever for one program, and be safe for concurrent use.
type Zones interface {
	Location(name string) *time.Location
}

// Purpose is what the policy says of one purpose.
type Purpose struct {
	Prospecting bool
	Bases       []string // art. 6(1), as policy.Purpose.LegalBases
	Channels    []string // none: every channel
}

// Slot is hours of some days of the week, in the consumer's zone.
type Slot struct {
	Days     Weekdays
	From, To int  // minutes of the day, [From, To)
	Holidays bool // also on public holidays
}

// Weekdays is a set of days: bit 0 is Sunday.
type Weekdays uint8

// Days makes a set.
func Days(l ...time.Weekday) Weekdays {
	var w Weekdays
	for _, d := range l {
		w |= 1 << d
	}
	return w
}

// Has reports whether d is in the set.
func (w Weekdays) Has(d time.Weekday) bool { return w&(1<<d) != 0 }

// Rules are the figures of the law and the choices it leaves. Law gives those
// in force; a company may only make them stricter, except for the switches that
// name their source.
type Rules struct {
	Zones       Zones
	HomeZone    string // of people of whom no place is known: for ages and the date of a law, never for slots
	Purposes    map[string]Purpose
	Controllers []string
	Sectors     []string // that are known; any other denies
	Banned      []string // L223-8

	PhoneOptInFrom holidays.Date // loi 2025-594 art. 13
	PhoneValidity  policy.Period // R223-1
	Slots          []Slot        // D223-9
	MaxAttempts    int           // D223-9; 1 to 4
	AttemptDays    int
	SilenceDays    int // D223-9
	CallbackDays   int // R223-4, working days
	MinorAge       int // LIL art. 45

	GenericBoxes []string // local parts of addresses of a legal person
	Webmail      []string // domains where a box is always somebody's own

	// FreeAccountIsSale counts opening a free account as a sale for the soft
	// opt-in (CJEU C-654/23, Inteligo Media). The CNIL does not; off by default.
	FreeAccountIsSale bool
	// CallbackAnyTime lets a callback leave the slots of D223-9, as it is not
	// prospecting (R223-4). By default only the hours the person asked for do.
	CallbackAnyTime bool
	AlsaceMoselle   bool // their two holidays count (C. trav. L3134-13)
	Overseas        bool // the departments' own holidays count (C. trav. L3422-2)
	// DialerSilentAfter is how long a dialer may tell of no call, in working days;
	// zero: DialerGaps times its usual gap, at least one working day.
	DialerSilentAfter policy.Period
}

// Law is the law as of November 2026, with the shipped policy's one controller
// and purposes.
func Law(z Zones) Rules {
	week := Days(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)
	return Rules{
		Zones: z, HomeZone: "Europe/Paris", Controllers: []string{"acme"},
		Purposes: map[string]Purpose{
			"prospecting":      {Prospecting: true, Bases: []string{"consent", "legitimate_interest"}},
			"customer_service": {Bases: []string{"contract", "legitimate_interest"}, Channels: []string{Email, SMS, Phone, Postal}},
			"contract":         {Bases: []string{"contract"}, Channels: []string{Email, SMS, Phone, Postal}},
			"billing":          {Bases: []string{"legal_obligation"}, Channels: []string{Email, Postal}},
			"recruitment":      {Bases: []string{"contract", "legitimate_interest"}, Channels: []string{Email, Phone, Postal}},
		},
		Sectors:        []string{"energy_renovation", "home_adaptation", "press", "insurance", "telecom", "energy", "retail", "other"},
		Banned:         []string{"energy_renovation", "home_adaptation"},
		PhoneOptInFrom: holidays.Date{Year: 2026, Month: time.August, Day: 11},
		PhoneValidity:  policy.Period{Years: 1},
		Slots:          []Slot{{Days: week, From: 10 * 60, To: 13 * 60}, {Days: week, From: 14 * 60, To: 20 * 60}},
		MaxAttempts:    4, AttemptDays: 30, SilenceDays: 60, CallbackDays: 5, MinorAge: 15,
		GenericBoxes: []string{"info", "infos", "contact", "contacts", "accueil", "commercial", "compta", "comptabilite", "direction",
			"secretariat", "service.client", "serviceclient", "service-client", "sav", "support", "sales", "ventes", "achats", "hello",
			"bonjour", "office", "admin", "administration", "rh", "recrutement", "marketing", "communication", "facturation", "mairie"},
		Webmail: []string{"gmail.com", "googlemail.com", "orange.fr", "wanadoo.fr", "free.fr", "sfr.fr", "neuf.fr", "laposte.net",
			"bbox.fr", "numericable.fr", "outlook.com", "outlook.fr", "hotmail.com", "hotmail.fr", "live.fr", "live.com", "msn.com",
			"yahoo.fr", "yahoo.com", "icloud.com", "me.com", "gmx.fr", "gmx.com", "protonmail.com", "proton.me", "aol.com"},
	}
}

// WithPolicy is the rules with the controllers, purposes and choices of p. A
// purpose is prospecting if p says so, or says nothing and its code is not one
// that the ledger knows to be something else.
func (r Rules) WithPolicy(p *policy.Policy) Rules {
	r.Controllers, r.Purposes = nil, map[string]Purpose{}
	for _, c := range p.Controllers() {
		r.Controllers = append(r.Controllers, c.Code)
	}
	service := []string{"customer_service", "contract", "billing", "recruitment", "compliance", "security"}
	for _, x := range p.Purposes() {
		is := !slices.Contains(service, x.Code)
		if x.Prospecting != nil {
			is = *x.Prospecting
		}
		r.Purposes[x.Code] = Purpose{Prospecting: is, Bases: x.LegalBases, Channels: x.Channels}
	}
	c := p.Contactability()
	r.FreeAccountIsSale, r.CallbackAnyTime = c.FreeAccountIsSale, c.CallbackAnyTime
	r.AlsaceMoselle, r.Overseas, r.DialerSilentAfter = c.AlsaceMoselle, c.Overseas, c.DialerSilentAfter
	return r
}

// generic reports an address of a legal person, such as info@: CPCE L34-5
// protects natural persons (CNIL, prospection par courrier électronique).
func (r *Rules) generic(address string) bool {
	local, host, ok := strings.Cut(address, "@")
	return ok && slices.Contains(r.GenericBoxes, local) && !slices.Contains(r.Webmail, host)
}
