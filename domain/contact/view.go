package contact

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
)

// Recorded is one fact with what could be opened of its parts.
type Recorded struct {
	Position domain.Position
	Fact     *event.Fact
	Fields   []event.Field        // opened values, by path
	Gone     map[string]domain.ID // path → the event that destroyed the value
	// Archived values are there and were not opened: path → since when.
	Archived map[string]domain.Time
	// Masked are paths of which Fields has a mask only, each with what tells its value
	// from others.
	Masked map[string]string
}

// Stamp orders the values of one field.
type Stamp struct {
	Time     time.Time
	Position domain.Position
}

// Wins reports whether a value stamped a stands against one stamped b: the later
// time, then the higher position.
func Wins(a, b Stamp) bool {
	if !a.Time.Equal(b.Time) {
		return a.Time.After(b.Time)
	}
	return a.Position > b.Position
}

// Origin says which fact a value comes from (art. 15(1)(g)).
type Origin struct {
	Event    domain.ID       `json:"event"`
	Position domain.Position `json:"position"`
	Time     domain.Time     `json:"time"`
	Source   domain.ID       `json:"source,omitzero"`
	Proof    string          `json:"proof,omitempty"` // where its proof is, if that was asked for
}

// View is what is known of one person as of an instant. It marshals to the
// API's stable form; a destroyed value reads {"erased":true,"by":event}.
type View struct {
	SubjectID       domain.ID         `json:"subject_id"`
	AsOf            domain.Time       `json:"as_of"`
	Kind            string            `json:"kind,omitempty"`
	Professional    *bool             `json:"professional,omitempty"`
	Portfolio       string            `json:"portfolio,omitempty"` // by whom the contact is looked after; a code of the policy
	Person          Values            `json:"person"`
	Company         Values            `json:"company"`
	Custom          Values            `json:"custom"`
	Notes           jsontext.Value    `json:"notes,omitempty"`
	Collection      Tree              `json:"collection"`
	LastActivityAt  domain.Time       `json:"last_activity_at,omitzero"` // the last act that came from the person
	LastActivity    domain.ID         `json:"last_activity_event,omitzero"`
	Contracts       []Contract        `json:"contracts"`
	Consents        []Consent         `json:"consents"`
	Oppositions     []Opposition      `json:"oppositions"`
	Restricted      bool              `json:"restricted"` // art. 18
	Restrictions    []Restriction     `json:"restrictions"`
	Holds           []Hold            `json:"holds"` // nothing of the person is destroyed while there is one
	Deceased        bool              `json:"deceased"`
	DiedOn          domain.Time       `json:"died_on,omitzero"`
	DeletedUpstream []Deletion        `json:"deleted_upstream"` // sources that no longer hold the person
	MergedInto      []domain.ID       `json:"merged_into"`
	MergedFrom      []domain.ID       `json:"merged_from"`
	Withheld        []string          `json:"withheld"`         // fields held, but not opened for this view
	Masked          []string          `json:"masked,omitempty"` // fields of which a mask is shown
	Provenance      map[string]Origin `json:"provenance"`
}

// Contract is one contract, by its reference.
type Contract struct {
	Reference   jsontext.Value `json:"reference,omitempty"`
	Object      jsontext.Value `json:"object,omitempty"`
	AmountCents jsontext.Value `json:"amount_cents,omitempty"`
	Sector      string         `json:"sector,omitempty"`
	StartedAt   domain.Time    `json:"started_at,omitzero"`
	EndsAt      domain.Time    `json:"ends_at,omitzero"`
	EndedAt     domain.Time    `json:"ended_at,omitzero"`
	State       string         `json:"state"` // open or ended
	Event       domain.ID      `json:"event"` // the last one about it
}

// Consent is one line of package consent's overview.
type Consent struct {
	Controller string          `json:"controller"`
	Purpose    string          `json:"purpose"`
	Channel    string          `json:"channel"`
	State      consent.State   `json:"state"`
	Since      domain.Time     `json:"since"`
	Until      domain.Time     `json:"until,omitzero"`
	Event      domain.ID       `json:"event"`
	Position   domain.Position `json:"position"`
	Lacks      []string        `json:"lacks,omitempty"`
}

// Opposition is one objection (art. 21).
type Opposition struct {
	Event      domain.ID       `json:"event"`
	Position   domain.Position `json:"position"`
	Time       domain.Time     `json:"time"`
	Controller string          `json:"controller"`
	Scope      string          `json:"scope,omitempty"`
	Purpose    string          `json:"purpose,omitempty"`  // none: every purpose
	Channels   []string        `json:"channels,omitempty"` // none: every channel
	Subject    domain.ID       `json:"subject,omitzero"`   // the merged contact that objected, if another
}

// Restriction is one restriction of processing (art. 18).
type Restriction struct {
	Event  domain.ID   `json:"event"`
	Since  domain.Time `json:"since"`
	Ground string      `json:"ground,omitempty"`
}

// Hold forbids to destroy anything of the person: a claim, an inspection (art.
// 17(3)(e)).
type Hold struct {
	Event   domain.ID   `json:"event"`
	Since   domain.Time `json:"since"`
	Reason  string      `json:"reason,omitempty"`
	Subject domain.ID   `json:"subject,omitzero"` // the merged contact it is on, if another
}

// Deletion says that a source no longer holds the person.
type Deletion struct {
	Source domain.ID   `json:"source,omitzero"`
	Event  domain.ID   `json:"event"`
	At     domain.Time `json:"at"`
}
