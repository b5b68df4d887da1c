// Package inspection puts together what an inspector is handed: the tables, texts,
// proofs, workbook and report of a bundle (domain/bundle), from the log, its signed tree
// and the read models.
//
// Promised: table events holds every fact of the period, without a gap; every other
// table of facts is made in the same pass over the log, so that they agree. Persons
// are uuids; the opposition list is keyed for this inspection; what is shown in clear
// is that of the persons drawn, each chunk of them after its access is durable. Memory
// is flat whatever the number of facts. Assumed: the access to the bundle was recorded
// before Write is called, and the read models have applied every fact of the period.
// A crash leaves no manifest, and without one nothing is a bundle.
package inspection

import (
	"context"
	"iter"
	"time"

	"greffe/domain"
	"greffe/domain/completeness"
	"greffe/domain/event"
	mission "greffe/domain/inspection"
	"greffe/domain/opposition"
	"greffe/domain/policy"
	"greffe/domain/proof"
	"greffe/projections/audit"
	"greffe/projections/crm"
)

// Log reads facts; eventstore.Log is one.
type Log interface {
	Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error
}

// Prover is the signed tree over the facts.
type Prover interface {
	// Covering is a head that was shown, of at least size facts, with its signed note.
	Covering(ctx context.Context, size uint64) (head proof.Head, note []byte, err error)
	Tile(ctx context.Context, t proof.Tile) ([]byte, error)
	Inclusion(ctx context.Context, index, size uint64) ([]proof.Hash, error)
	// Records gives every record of the heads stream, in order.
	Records(ctx context.Context, fn func(r *proof.Record) error) error
	// Anchors are those of heads of at least size facts, the earliest first.
	Anchors(ctx context.Context, size uint64) ([]proof.Anchor, error)
	// VKey is the verifier key of the heads; Sign signs bytes with it (raw Ed25519).
	VKey() string
	Sign(message []byte) ([]byte, error)
}

// Sources is where everything comes from. All are needed.
type Sources struct {
	Ledger domain.ID
	Log    Log
	Prover Prover
	Now    func() time.Time

	// Accesses are the rows of [from, to), in order.
	Accesses func(ctx context.Context, from, to domain.Position) iter.Seq2[audit.Access, error]
	// Oppositions gives the list as it stands, entry by entry, OppositionTokens under
	// which addresses they bind: each keyed for the inspection already.
	Oppositions      func(ctx context.Context, fn func(e *OppositionEntry) error) error
	OppositionTokens func(ctx context.Context, fn func(k opposition.Keyed, entry domain.ID) error) error
	Notices          func(ctx context.Context, fn func(n *Notice) error) error
	Policies         func(ctx context.Context, fn func(p *Policy) error) error
	Accounts         func(ctx context.Context, fn func(a *Account) error) error
	// Counts are all contacts by kind and year, now.
	Counts    func(ctx context.Context) ([]crm.Count, error)
	Producers func(ctx context.Context) ([]Producer, error)
	// Persons lists everybody, some at a time: after is 0 at first, next 0 at the end.
	Persons func(ctx context.Context, after int64, limit int) (ids []domain.ID, next int64, err error)
	// FactsOf are the facts about a person below to, in order.
	FactsOf func(ctx context.Context, person domain.ID, to domain.Position, fn func(p domain.Position, raw []byte, f *event.Fact) error) error
	// Open records the access to persons, at most 1,000, and gives what of their facts
	// in [0, to) may be shown, in clear.
	Open func(ctx context.Context, persons []domain.ID, to domain.Position, fn func(c *Clear) error) error
}

// OppositionEntry is one objection, or one part of an imported list.
type OppositionEntry struct {
	Event    domain.ID
	Position domain.Position
	Time     time.Time
	Recorded time.Time
	Origin   string
	Subject  domain.ID
	List     domain.ID
	opposition.Scope
	Addresses int64     // of an imported list's part
	Single    int64     // of them, lifted one by one
	Lifted    time.Time // zero: it stands
	Reason    string    // of the lift
}

// Notice is a published text.
type Notice struct {
	Notice                       domain.ID
	ID, Version, Language, Text  string
	Purposes                     []string
	EffectiveFrom, PublishedTime time.Time
	Position                     domain.Position
}

// Policy is a published policy.
type Policy struct {
	Version  int64
	Position domain.Position
	Recorded time.Time
	Source   []byte
	Rules    *policy.Policy // nil: the source is of a form that is no longer read
}

// Account is an account with one of its tokens.
type Account struct {
	Account, Token                     domain.ID
	Roles                              []string
	Bootstrap, Disabled, ActFor        bool
	Created, Made, Expires, TokenEnded time.Time
	DefaultReason                      string
}

// Producer is a system that sends events.
type Producer struct {
	Source      domain.ID
	Name        string
	Facts       int64  // recorded of it
	First, Last *int64 // sequence numbers; nil if it does not number
	Late        int64
	Gaps        []completeness.Gap
}

// Clear is one value of a person drawn, in clear.
type Clear struct {
	Subject  domain.ID
	Event    domain.ID
	Position domain.Position
	Type     event.Type
	Field    string
	Value    string // text, or JSON of anything else
	Gone     string // class whose part was destroyed; then there is no value
}

// Order is what to put together.
type Order struct {
	*mission.Inspection
	From, To domain.Position // what was recorded in the period
	Language string          // fr or en
	Samples  bool            // the persons drawn in clear
	Progress func(done, total int64)
}
