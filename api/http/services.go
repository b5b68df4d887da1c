package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/policy"
	"greffe/domain/token"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

var (
	// ErrNotFound: a service knows nothing under this id. Answered 404.
	ErrNotFound = errors.New("nothing is known under this id")
	// ErrConflict: the command does not fit the present state. Answered 409.
	ErrConflict = errors.New("the command does not fit the present state")
	// ErrStale: this node has not read far enough. Answered 503 stale.
	ErrStale = errors.New("this node has not read far enough")
	// ErrHalted: something the answer depends on has stopped. Answered 503 unavailable.
	ErrHalted = errors.New("something this answer depends on has stopped")
	// ErrCursor: the cursor is not one of this list. Answered 400.
	ErrCursor = errors.New("the cursor is not one of this list")
)

// Services is what stands behind the routes, one interface per desk. All are
// needed. Any of their errors may also be a *problem.Error.
type Services struct {
	Ledger         Ledger
	Journal        Journal
	Nodes          Node
	Auth           *auth.Authenticator
	Tokens         Tokens
	People         *auth.People
	StaffNames     StaffNames
	Directory      auth.Directory
	Habilitations  Habilitations
	Provider       Provider // nil: nobody signs in by an identity provider
	Labels         Labels
	Search         Search
	Dossier        Dossier
	Standings      Standings
	Evidence       Evidence
	Verifications  Verifications
	Audit          Audit
	Quarantine     Quarantine
	Operations     Operations
	Producers      Producers
	Ingest         Ingest
	Copies         Copies
	Keys           Keys
	Erasures       Erasures
	Notices        Notices
	Consents       Consents
	Links          Links
	Opposition     Opposition
	Changes        Changes
	Inspections    Inspections
	Verifiers      Verifiers
	Requests       Requests
	Activities     Activities
	DPIAs          DPIAs
	Breaches       Breaches
	Reviews        Reviews
	Contactability Contactability
	Screenings     Screenings
	Minimisation   Minimisation
	Policies       Policies
	Statistics     Statistics
	Retention      Retention
	Answers        Answers
	Passkeys       Passkeys
	Denials        Denials
	Watch          Watch
	Approvals      Approvals
}

// Ledger records; *ledger.Ledger is one.
type Ledger interface {
	Record(ctx context.Context, raws [][]byte) ([]ledger.Result, error)
	Policy() (*policy.Policy, int64)
	PolicySource() []byte
	PublishPolicy(ctx context.Context, actor domain.ID, source []byte) (int64, domain.Position, error)
	PublishPolicyOn(ctx context.Context, actor domain.ID, source []byte, seen int64) (int64, domain.Position, error)
	Head(ctx context.Context) (domain.Position, error)
	Peppers() *token.Peppers
}

// Journal makes accesses durable; *access.Journal is one. The HTTP adapter is
// its only caller.
type Journal interface {
	Record(ctx context.Context, r access.Reading) (access.Receipt, error)
}

// Node is this process as a reader of the log.
type Node interface {
	// WaitFor returns when every read model has applied the fact at a position.
	WaitFor(ctx context.Context, at domain.Position) error
	// Current returns when this node may answer reads: it applied whatever others
	// certified while it stood still.
	Current(ctx context.Context) error
	// Ready returns nil when this node can answer everything; the error names
	// what stands still, never a person. AwayError names stores, StoppedError the rest.
	Ready(ctx context.Context) error
}

// StoppedError says what stands still and why.
type StoppedError struct {
	problem.Stopped
	Err error
}

func (e *StoppedError) Error() string {
	return fmt.Sprintf("%s is %s (%s): %v", e.Component, e.State, e.Cause, e.Err)
}

// Unwrap gives the reason.
func (e *StoppedError) Unwrap() error { return e.Err }

// AwayError names stores that cannot be reached now.
type AwayError struct {
	Stores []string
	Ready  bool // requests are answered all the same, but for questions to these stores
}

func (e *AwayError) Error() string { return "cannot be reached: " + strings.Join(e.Stores, ", ") }

// Tokens makes and revokes tokens; *auth.Desk is one.
type Tokens interface {
	Make(ctx context.Context, rules *policy.Policy, actor domain.ID, r auth.Request) (auth.Made, error)
	Rotate(ctx context.Context, rules *policy.Policy, actor domain.ID, r auth.Rotation) (auth.Made, error)
	Revoke(ctx context.Context, actor, token domain.ID) error
}

// Found is one page of a list that shows no personal value in clear but says
// something of people. Subjects are the people it is about; the adapter records
// the access to them before the page leaves.
type Found[T any] struct {
	Items    []T
	Subjects []domain.ID
	Next     string // cursor of the next page, "" at the end
}

// Page asks for one page. Limit is 1 to 1,000.
type Page struct {
	Cursor string
	Limit  int
}

// Search finds people by token.
type Search interface {
	Find(ctx context.Context, by token.Token, kind SearchKind, page Page) (Found[Hit], error)
}

// SearchKind says which of the four searches a token is of.
type SearchKind string

// The searches.
const (
	ByEmail      SearchKind = "email"
	ByPhone      SearchKind = "phone"
	ByName       SearchKind = "name"
	ByExternalID SearchKind = "external_id"
)

// CopyRequest asks for a person's copy of their data.
type CopyRequest struct {
	Subject domain.ID
	Article int    // 15 or 20
	Format  string // json, html or csv
	Lang    string // fr or en
}

// Dossier opens what is known of one person. Whatever opens needs the receipt
// of an access that covers everybody concerned, and shows what its lens does. The methods without a receipt open nothing.
type Dossier interface {
	// Persons lists everybody who is one person with subject, subject first, by
	// what was known below a position; ErrNotFound for an unknown subject.
	Persons(ctx context.Context, subject domain.ID, knownBelow domain.Position) ([]domain.ID, error)
	// Everybody is Persons for those who look at what was done: of the erased too.
	Everybody(ctx context.Context, subject domain.ID, knownBelow domain.Position) ([]domain.ID, error)
	// KnownAt is the position below which everything was recorded by t.
	KnownAt(ctx context.Context, t time.Time) (domain.Position, error)
	// SubjectOf says whom an event is about, zero if nobody, or ErrNotFound.
	SubjectOf(ctx context.Context, event domain.ID) (domain.ID, error)

	View(ctx context.Context, r access.Receipt, subject domain.ID, asOf time.Time, knownBelow domain.Position) (*contact.View, error)
	// Inputs are the facts that View folds; it opens nothing.
	Inputs(ctx context.Context, r access.Receipt, subject domain.ID, asOf time.Time, knownBelow domain.Position) ([]contact.Recorded, error)
	// History lists facts in order from a position, or the newest first below one, 0 at
	// the beginning, at most limit; next is 0 at the end.
	History(ctx context.Context, r access.Receipt, subject domain.ID, from domain.Position, newest bool, limit int) (items []contact.Item, next domain.Position, err error)
	// Consents is History of consent.* and notice.served only, with their proofs.
	Consents(ctx context.Context, r access.Receipt, subject domain.ID, from domain.Position, newest bool, limit int) (items []contact.Item, next domain.Position, err error)
	Event(ctx context.Context, r access.Receipt, event domain.ID) (*contact.Item, error)
	// Copy writes a copy of article 15 or 20. An error after the first byte
	// leaves it incomplete.
	Copy(ctx context.Context, r access.Receipt, q CopyRequest, w io.Writer) error
}

// Labels opens the labels of accounts, in order; "" where there is none.
type Labels interface {
	Labels(ctx context.Context, r access.Receipt, of []accounts.Account) ([]string, error)
	// Networks are those that tokens are kept to; nil for tokens that are kept to none.
	Networks(ctx context.Context, r access.Receipt, of []accounts.Grant) ([][]netip.Prefix, error)
}

// Filter selects audit rows; zero members select all. To is exclusive. The last line
// is of accesses alone.
type Filter struct {
	Type, Purpose            string
	Without                  string // a type that is left out
	Subject, Account, Source domain.ID
	From, To                 time.Time
	Reason, Action           string
	WithoutCase              bool            // for which no ticket was given
	MinCount                 int64           // of so many persons or more
	Since, Before            domain.Position // recorded in [Since, Before); Before 0: no end
	Nothing                  bool            // nothing was known at the end: nothing matches
	Newest                   bool            // the newest first
}

// DifferenceFilter selects what was recorded at positions in [From, To), and of the
// persons whom it is about those to whom one of the Types happened, all if none is
// given.
type DifferenceFilter struct {
	From, To domain.Position
	Types    []string
}

// BurstFilter selects times at which an account had read more than Over persons within
// a Window.
type BurstFilter struct {
	Account  domain.ID
	Reason   string
	From, To time.Time
	Over     int64
	Window   time.Duration
}

// Audit reads the audit dataset.
type Audit interface {
	Events(ctx context.Context, f Filter, page Page) (Found[AuditEvent], error)
	Accesses(ctx context.Context, f Filter, page Page) (Found[AuditAccess], error)
	Summary(ctx context.Context, f Filter) (*AuditSummary, error)
	// Deeds are the events that an account caused and the accesses it made; of f the
	// type and the times count.
	Deeds(ctx context.Context, account domain.ID, f Filter, page Page) (Found[AuditDeed], error)
	Difference(ctx context.Context, f DifferenceFilter, page Page) (Found[AuditDifference], error)
	DifferenceCounts(ctx context.Context, f DifferenceFilter) (map[string]int64, error)
	Bursts(ctx context.Context, f BurstFilter, page Page) (Found[AuditBurst], error)
	// Hours counts the accesses of a filter's account, reason and times, by account, hour
	// of the day and day of the week; the accounts that made most come first.
	Hours(ctx context.Context, f Filter) (*AuditHours, error)
}

// Quarantine holds inputs that could not be taken in.
type Quarantine interface {
	List(ctx context.Context, page Page) (items []QuarantineItem, next string, err error)
	// Waiting counts those that are held still, at most most.
	Waiting(ctx context.Context, most int) (int, error)
	// Item describes one, or ErrNotFound.
	Item(ctx context.Context, item domain.ID) (*QuarantineItem, error)
	// Raw opens it, for those who have the receipt of the access.
	Raw(ctx context.Context, r access.Receipt, item domain.ID) ([]byte, error)
	Repair(ctx context.Context, actor, item domain.ID, raw []byte) (ledger.Result, error)
	// Discard closes an item for a reason of ledger.DiscardReasons.
	Discard(ctx context.Context, actor, item domain.ID, reason string) (domain.Position, error)
}

// Operations tells the operator what people should look at.
type Operations interface {
	Duplicates(ctx context.Context, page Page) (Found[DuplicateGroup], error)
}
