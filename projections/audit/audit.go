// Package audit is the dataset that auditors and inspectors ask: a row for every
// event, and a row for every access with the account that read and the subjects
// it read about. This package is its port; audit/sqlite stands behind it on one
// machine, and audittest holds every implementation to the same answers.
//
// Rows hold uuids, codes, numbers and times, nothing personal in clear. Accesses
// have a horizon of their own (délib. CNIL 2021-122: 6 to 12 months, up to 3
// years with a justification): DropAccessesBefore removes them by month.
//
// Promises: exactly one row per position; answers in order of position, or in the
// opposite one where that is asked for, streamed,
// each complete or ending in an error. Assumptions and what a crash leaves are
// those of package projections.
package audit

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
)

// ErrExpired: the sealed part of an access event, or its key, was destroyed at
// its term. The access then has no row.
var ErrExpired = errors.New("the access event's part is destroyed")

// Opener opens the sealed part of an access event: who read, about whom (at most
// 1,000). It returns ErrExpired for a part destroyed at its term; any other error
// halts the projection. The composition root has one.
type Opener interface {
	Subjects(ctx context.Context, f *event.Fact) (account domain.ID, subjects []domain.ID, err error)
}

// Event is the row of one fact. Zero ids and empty codes are absent.
type Event struct {
	Position   domain.Position
	ID         domain.ID
	Type       event.Type
	Subject    domain.ID
	Source     domain.ID
	Actor      domain.ID // account that acted
	Controller string
	Purposes   []string // sorted
	Time       domain.Time
	Recorded   domain.Time
	Policy     int64
	Warnings   int  // what the guard left out
	Unproven   bool // a consent whose proof lacks something
}

// Access is the row of one access event.
type Access struct {
	Position   domain.Position
	ID         domain.ID
	Source     domain.ID // zero for the ledger's own reads
	Account    domain.ID
	Subjects   []domain.ID
	Action     string
	Reason     string
	Ticketed   bool     // a ticket was given with the reason; which one is sealed
	Categories []string // retention classes
	Count      int64    // persons, also those not listed
	Time       domain.Time
	Recorded   domain.Time
}

// Span is [From, To); a zero end is open.
type Span struct{ From, To time.Time }

// Filter selects events: those that match everything that is not zero. Cursor is
// the first position looked at, to go on: the last one's plus one. Before is the
// first that is not. Newest turns the order: the highest position comes first, and
// Before is what goes on, the last one's position. Limit 0 means no limit.
type Filter struct {
	Type     event.Type
	Without  event.Type // left out; "" for nothing
	Subject  domain.ID
	Account  domain.ID // Event.Actor
	Source   domain.ID
	Purpose  string
	Time     Span
	Recorded Span
	Cursor   domain.Position
	Before   domain.Position
	Newest   bool
	Limit    int
}

// AccessFilter selects accesses in the same way; Subject is one of those read.
type AccessFilter struct {
	Subject     domain.ID
	Account     domain.ID
	Source      domain.ID
	Reason      string
	Action      string
	WithoutCase bool  // only those for which no ticket was given
	MinCount    int64 // only those of so many persons or more
	Time        Span
	Recorded    Span
	Cursor      domain.Position
	Before      domain.Position
	Newest      bool
	Limit       int
}

// Summary counts events and accesses by the month of their time. Keys are codes,
// uuids, and months as 2026-03.
type Summary struct {
	Events            int64
	ByType            map[string]int64
	ByMonth           map[string]int64
	BySource          map[string]int64
	ByPurpose         map[string]int64
	AccessesByReason  map[string]int64
	AccessesByAccount map[string]int64
	UnprovenBySource  map[string]int64 // consents
	WarningsByRule    map[string]int64
	Consents          map[Consent]int64
}

// Consent is what happened to consents for one purpose in one month, as 2026-03.
type Consent struct {
	Month, Purpose string
	Type           event.Type
}

// SortedConsents are the keys of Consents, by month, purpose and type.
func (s *Summary) SortedConsents() []Consent {
	return slices.SortedFunc(maps.Keys(s.Consents), func(a, b Consent) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Type, b.Type))
	})
}

// ConsentPurposes are those that a fact about a consent is counted under; none for
// other facts.
func ConsentPurposes(t event.Type, purposes []string) []string {
	if !strings.HasPrefix(string(t), "consent.") {
		return nil
	}
	return purposes
}

// Dataset is the port.
type Dataset interface {
	projections.Projection
	// Events and Accesses stream rows in order of position, or the newest first. An
	// error comes as the last pair, with no row.
	Events(ctx context.Context, f Filter) iter.Seq2[Event, error]
	Accesses(ctx context.Context, f AccessFilter) iter.Seq2[Access, error]
	// Changed streams the subjects with events in a range, in order of At.
	Changed(ctx context.Context, f ChangedFilter) iter.Seq2[Changed, error]
	// Counts says how many events of each type are in [from, to).
	Counts(ctx context.Context, from, to domain.Position) (map[event.Type]int64, error)
	// Flow streams the accesses at which too many persons had been read.
	Flow(ctx context.Context, f FlowFilter) iter.Seq2[Flow, error]
	// Hours counts accesses by account and hour of UTC, in that order.
	Hours(ctx context.Context, f HoursFilter) iter.Seq2[Hour, error]
	// Seen counts whom the accesses of a filter name.
	Seen(ctx context.Context, f SeenFilter) (*Seen, error)
	// SeenAfter gives them in order of their ids, those after one, at most limit.
	SeenAfter(ctx context.Context, f SeenFilter, after domain.ID, limit int) ([]domain.ID, error)
	// Summary counts the months that s touches.
	Summary(ctx context.Context, s Span) (*Summary, error)
	// DropAccessesBefore removes the accesses, and their counts, of all months
	// before the one that t is in (UTC), and says how many. Later facts of those
	// months get no row either. A Reset forgets the horizon: call it again.
	DropAccessesBefore(ctx context.Context, t time.Time) (int64, error)
	// Horizon is the month before which accesses have no row; zero if none were
	// dropped.
	Horizon(ctx context.Context) (time.Time, error)
	Close() error
}
