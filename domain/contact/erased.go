package contact

import (
	"errors"
	"slices"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
)

// ErrErased: the person was erased (art. 17). Nothing is shown but that.
var ErrErased = errors.New("the person was erased")

// ErasedError says which event ordered the erasure, and when.
type ErasedError struct {
	By domain.ID
	At domain.Time
}

func (e *ErasedError) Error() string {
	return "the person was erased by event " + e.By.String() + " on " + domain.FormatTime(e.At.Time)
}

// Is makes errors.Is(err, ErrErased) true.
func (e *ErasedError) Is(target error) bool { return target == ErrErased }

// Destruction is what one fact says was destroyed of its subject.
type Destruction struct {
	By       domain.ID       // the order: erasure.ordered, or what a restored ledger has in its stead
	Position domain.Position // of the fact that says so
	At       domain.Time
	Done     bool // it says that an order was carried out, not that there is one
	// Whole: the person was erased; what Kept lists stays. Else only Classes went, and
	// of those that Epochs names the keys it names.
	Whole         bool
	Classes, Kept []string
	Epochs        []erasure.ClassEpoch
	Event         domain.ID // not zero: only the part of Classes[0] of this event
}

// DestructionOf reads one from a fact; ok is false if it tells of none.
func DestructionOf(p domain.Position, f *event.Fact) (d Destruction, ok bool) {
	d = Destruction{By: f.ID, Position: p, At: f.Time, Whole: f.Codes.Bool("whole"), Classes: f.Codes.Strings("classes"),
		Kept: f.Codes.Strings("kept"), Epochs: erasure.Named(f.Codes.Strings("epochs")), Event: f.Codes.ID("event")}
	switch f.Type {
	case event.ErasureOrdered:
		return d, true
	case event.SubjectErased:
		if f.Codes.Bool("restored") { // the order was lost with what the copy lacks
			return d, true
		}
	case event.PartRedacted:
		d.Whole, d.Classes = false, []string{f.Codes.String("class")}
	default:
		return Destruction{}, false
	}
	d.Done = true
	if order := f.Codes.ID("order"); !order.IsZero() {
		d.By = order
	}
	return d, true
}

// Hits reports whether a part that lies in an event at a position, under a class key,
// was destroyed.
func (d *Destruction) Hits(p domain.Position, id domain.ID, class, epoch string) bool {
	switch {
	case p >= d.Position:
		return false
	case !d.Event.IsZero():
		return id == d.Event && slices.Contains(d.Classes, class)
	case d.Whole:
		return !slices.Contains(d.Kept, class)
	}
	return erasure.Takes(d.Classes, d.Epochs, class, epoch)
}

// Indexed reports whether the search tokens of the person went too: they do with
// its name and its addresses.
func (d *Destruction) Indexed() bool {
	return d.Whole || d.Event.IsZero() && (slices.Contains(d.Classes, ClassIdentity) || slices.Contains(d.Classes, ClassContactDetails))
}

// The retention classes that search tokens are made of.
const (
	ClassIdentity       = "identity"
	ClassContactDetails = "contact_details"
)
