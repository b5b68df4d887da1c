package vault

import (
	"slices"

	"greffe/domain"
	"greffe/domain/part"
)

// ClassEpoch names one key of an owner.
type ClassEpoch struct{ Class, Epoch string }

// Doom is what Destroy is to destroy of one owner. Without Keys it is all: the
// key row, the parts of every class, body MACs and tokens; the owner is marked
// destroyed for ever, by the first doom that says so. With Keys it is the parts
// of those classes and epochs, with Indexed also the body MACs and tokens of the
// rows that lose a part, with Tokens those of all the owner's rows; the owner
// lives on.
type Doom struct {
	Owner part.Owner
	By    domain.ID // the fact that ordered it; kept with the mark
	At    int64     // µs UTC; kept with the mark
	Keys  []ClassEpoch
	// Row, with Keys, is the key row as it is to be, without the doomed keys;
	// ErrStale if Rev is not the row's. A row that says this already counts as
	// written, so that the same call can be repeated. Nil leaves the row alone: it
	// holds the doomed keys no more.
	Row     *KeyWrite
	Indexed bool
	Tokens  bool
}

// Whole dooms owners altogether, naming no fact: for owners nobody asks about
// later, such as closed quarantine items.
func Whole(owners ...part.Owner) []Doom {
	dooms := make([]Doom, len(owners))
	for i, o := range owners {
		dooms[i].Owner = o
	}
	return dooms
}

// All reports whether everything of the owner is doomed.
func (d *Doom) All() bool { return len(d.Keys) == 0 }

// Takes reports whether the part sealed with key is doomed.
func (d *Doom) Takes(key part.KeyID) bool {
	return key.Owner == d.Owner && (d.All() || slices.Contains(d.Keys, ClassEpoch{key.Class, key.Epoch}))
}

// TakesTokens reports whether the body MAC and tokens of a row of owner are; loses
// says whether the row has a doomed part.
func (d *Doom) TakesTokens(owner part.Owner, loses bool) bool {
	return owner == d.Owner && (d.All() || d.Tokens || d.Indexed && loses)
}

// CheckDooms is what every store demands before it begins: ErrDoom for a doom
// that would destroy more than it seems to, ErrStale for an owner whose row is to
// be written and who is named twice.
func CheckDooms(dooms []Doom) error {
	named := make(map[part.Owner]bool, len(dooms)) // whether with a row
	for i := range dooms {
		d := &dooms[i]
		if d.All() && (d.Row != nil || d.Tokens || d.Indexed) || d.Row != nil && d.Row.Owner != d.Owner {
			return ErrDoom
		}
		withRow, twice := named[d.Owner]
		if twice && (withRow || d.Row != nil) {
			return ErrStale
		}
		named[d.Owner] = d.Row != nil
	}
	return nil
}
