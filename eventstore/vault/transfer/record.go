package transfer

import (
	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// Record is one piece of a vault: a State, Meta, FenceLine, Key, Link, Hold, Batch or
// Row. A stream has one State, before all else; each Batch comes before its Rows,
// batches by number, rows by index; otherwise the order is free.
type Record interface {
	kind() Kind
	size() int // bytes, about
}

// Kind counts records that are of one kind.
type Kind int

// The kinds, in the order in which summaries name them.
const (
	Rows Kind = iota
	Batches
	Links
	Holds
	Keys
	Metas
	FenceLines
	States
	kinds
)

func (k Kind) String() string {
	return [...]string{"rows", "batches", "links", "holds", "keys", "metas", "fence lines", "states"}[k]
}

// State is what a vault has once.
type State struct {
	Generation int             // of the tokens
	End        domain.Position // as of Store.End
	Next       int64           // above the number of every batch there ever was
}

// Meta is a small named value.
type Meta struct {
	Name  string
	Value []byte
}

// FenceLine is a line of the fence's relay.
type FenceLine struct {
	Number int64
	Line   []byte
}

// Key is an owner's key row, or the mark that it was destroyed.
type Key struct {
	Owner part.Owner
	vault.KeyRow
}

// Link and Hold are those of the port.
type (
	Link vault.Link
	Hold vault.Hold
)

// Batch is a prepared batch with at least one row. Base is where it is in the log or,
// while Pending, where it was planned.
type Batch struct {
	Number  int64
	Base    domain.Position
	Rows    int
	Pending bool
}

// Row is a batch's row. Its Fact is empty unless the batch is pending; parts, tokens
// and body MAC that were destroyed are left out.
type Row struct {
	Number int64 // of the batch
	Index  int
	vault.Row
}

func (State) kind() Kind     { return States }
func (Meta) kind() Kind      { return Metas }
func (FenceLine) kind() Kind { return FenceLines }
func (Key) kind() Kind       { return Keys }
func (Link) kind() Kind      { return Links }
func (Hold) kind() Kind      { return Holds }
func (Batch) kind() Kind     { return Batches }
func (Row) kind() Kind       { return Rows }

const overhead = 64 // bytes that a record takes beside its slices

func (State) size() int       { return overhead }
func (r Meta) size() int      { return overhead + len(r.Value) }
func (r FenceLine) size() int { return overhead + len(r.Line) }
func (r Key) size() int       { return overhead + len(r.Wrapped) }
func (Link) size() int        { return overhead }
func (Hold) size() int        { return overhead }
func (Batch) size() int       { return overhead }

func (r Row) size() int {
	n := 2*overhead + len(r.Fact) + len(r.BodyMAC) + len(r.Tokens)
	for i := range r.Parts {
		n += overhead + len(r.Parts[i].Bytes)
	}
	return n
}
