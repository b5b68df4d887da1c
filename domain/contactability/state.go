package contactability

import (
	"time"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/holidays"
	"greffe/domain/opposition"
)

// State is everything known of one person, or of an address nobody known uses.
// Lists may be in any order. What Decide is given is not changed and not kept.
type State struct {
	Subject domain.ID // zero: nobody known uses the address

	Oppositions []opposition.Entry // against the person and against each address in question
	// Shared are the events, of Oppositions, by which somebody else objected with an
	// address that this person has too.
	Shared   []domain.ID
	Lifts    []opposition.Lift
	Renewals []opposition.Act
	Stops    []Stop

	Consents []consent.Act
	Proofs   []Proof // more about some of Consents

	BirthDate    holidays.Date
	AgeUnread    domain.ID // the event that set a birth date nobody can read any more
	Professional Professional
	Collections  []Collection
	Contracts    []Contract
	Callbacks    []Callback
	Calls        []Call

	Emails, Phones []string // normalised: lower case, E.164
	Place          Place

	// DialerSilentSince is set if the dialer, by its own habit, should have told
	// of calls since then and did not: attempts and refusals may be missing.
	DialerSilentSince time.Time
}

// StopKind is a standing of the person that ends every use.
type StopKind uint8

// The kinds, in the order in which they are reported.
const (
	Erased          StopKind = iota + 1 // art. 17
	Deceased                            // LIL art. 84 to 86
	Restricted                          // art. 18
	DeletedUpstream                     // the source no longer holds the person
	Unreadable                          // something recorded cannot be read, so nothing may rest on the rest
)

// Stop holds in [Since, Until); a zero Until is open. A kind that is not known
// stops as well.
type Stop struct {
	Kind         StopKind
	Event        domain.ID
	Since, Until time.Time
}

// Proof is what the proof of one consent shows beyond package consent.
type Proof struct {
	Event    domain.ID
	Recorded time.Time // when the ledger took it in
	Guardian bool      // the holder of parental authority consented too (LIL art. 45)
	Slots    []Slot    // calls at other hours, consented to expressly (D223-9)
}

// Professional is why somebody may count as one. Unless it is a named company
// and a role in it, and no sole trader, the person is a consumer.
type Professional struct {
	Event      domain.ID // that says so
	Flag       bool      // "professional": true
	Company    bool      // a name or a SIREN is known
	Role       bool      // a role is known, which the message has to do with
	SoleTrader bool
}

// Collection is one way the person's data came in, or one notice served later
// (then only Event, Time, Controller, Informed and Purposes are set).
type Collection struct {
	Event            domain.ID
	Position         domain.Position
	Time             time.Time
	Controller       string
	Informed         bool     // a notice was given: purposes and the right to object
	Purposes         []string // that it named; none: not known in detail
	Sale             SaleKind
	ObjectionOffered bool     // at collection, free of charge
	Addresses        []string // given in that very sale, normalised
}

// SaleKind is what kind of sale a collection was.
type SaleKind string

// The kinds. NoSale is a form, a store, an import.
const (
	NoSale      SaleKind = ""
	Purchase    SaleKind = "purchase"
	Service     SaleKind = "service"
	FreeAccount SaleKind = "free_account"
)

// Contract is one contract. It runs in [Started, EndsAt or EndedAt); without a
// start it does not run.
type Contract struct {
	Event                  domain.ID
	Position               domain.Position
	Controller             string
	Sector, Object         string // Object: any stable code; "" unknown
	Started, EndsAt, Ended time.Time
}

// Callback is a person's own request to be called (R223-4).
type Callback struct {
	Event      domain.ID
	Position   domain.Position
	Time       time.Time
	Controller string
	Purpose    string // its object; "" unknown, which allows nothing
	Sector     string // "" not told
	Proven     bool   // express, and the proof is held
	Slots      []Slot // the hours the person asked for
}

// Call is one call or attempt, on behalf of Controller, whoever dialled.
type Call struct {
	Event      domain.ID
	Position   domain.Position
	Time       time.Time
	Controller string // "" or "*": not known, counted for every controller
	Purpose    string
	Inbound    bool // from the person: no attempt, but a refusal in it counts
	Refused    bool
}

// Place tells where the person is, as far as it is known.
type Place struct {
	TimeZone   string // IANA
	Country    string // ISO 3166; "" with a postal code: France
	PostalCode string
}
