package vault

import (
	"context"

	"greffe/domain"
	"greffe/domain/part"
)

// Recorded is a row with its place. Its Fact is nil; what was destroyed is left out.
type Recorded struct {
	Number  int64 // of its batch
	Index   int   // in it
	Base    domain.Position
	Pending bool // as of Intake
	Row
}

// Position is where the fact is, or was planned.
func (r *Recorded) Position() domain.Position { return r.Base + domain.Position(r.Index) }

// Walker goes through a vault, for verification. Each method returns fn's error as it
// is and holds nothing while fn runs; memory is bounded. What is written meanwhile may
// or may not be seen. What fn gets is valid during the call. What goes by tokens
// (WalkRows, WalkLinks, WalkHolds) answers ErrRetoken as Links does.
type Walker interface {
	// WalkRows calls fn for each row of a batch numbered from or above, by number and
	// index.
	WalkRows(ctx context.Context, from int64, fn func(*Recorded) error) error
	WalkLinks(ctx context.Context, fn func(Link) error) error // in any order, each token once
	WalkHolds(ctx context.Context, fn func(Hold) error) error // in any order, each token once
	// WalkKeys calls fn for each owner that has a key row or is marked destroyed, once,
	// in any order.
	WalkKeys(ctx context.Context, fn func(part.Owner, KeyRow) error) error
	// SetMACs gives MACs to entries of before there were any: to rows, by number and
	// index, that have none, and to links and holds that are as given. Others are
	// passed over. It is one transaction: at most a few thousand in a call.
	SetMACs(ctx context.Context, m MACs) error
}

// MACs are those of entries that have none.
type MACs struct {
	Rows  []RowMAC
	Links []Link
	Holds []Hold
}

// RowMAC is a row's.
type RowMAC struct {
	Number int64
	Index  int
	MAC    MAC
}
