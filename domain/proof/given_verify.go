package proof

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/proof/stamp"
)

var (
	// ErrOpened: a disclosed part that is not the one the fact commits to, or that its
	// key does not open.
	ErrOpened = errors.New("the disclosed part is not the fact's")
	// ErrAnchor: an anchor that is not of this checkpoint, or does not hold.
	ErrAnchor = errors.New("the anchor is not of this checkpoint")
)

// Proved is what a Given proves.
type Proved struct {
	Fact   *event.Fact
	Head   Head          // the fact was in the log when this was signed
	Fields []event.Field // of the part that was opened; nil if none was
	Stamps []Stamped     // one for each anchor, in their order
}

// Stamped is what an anchor says. Whether its authority may be trusted is for the
// reader, who knows whom to trust, to ask: Stamp.TrustedBy.
type Stamped struct {
	Kind  string
	At    domain.Time
	Stamp *stamp.Stamp // nil: a kind that this program does not know and cannot check
}

// Verify checks the whole proof: path from the fact to the root, signature of the head
// by v's key under v's origin, that anchors are of exactly this checkpoint and hold by
// themselves, and that what is opened is what the fact commits to. Errors are ErrPath,
// ErrHead, ErrSignature, ErrAnchor, ErrOpened and those of event.DecodeFact.
func (g *Given) Verify(v note.Verifier) (*Proved, error) {
	head, err := OpenHead(g.Checkpoint, v)
	if err != nil {
		return nil, err
	}
	if err := CheckInclusion(g.Path, g.Index, head.Size, LeafHash(g.Fact), head.Root); err != nil {
		return nil, err
	}
	f, err := event.DecodeFact(g.Fact)
	if err != nil {
		return nil, fmt.Errorf("proved fact: %w", err)
	}
	p := &Proved{Fact: f, Head: head}
	for i := range g.Anchors {
		s, err := g.Anchors[i].Over(g.Checkpoint, head.Size)
		if err != nil {
			return nil, fmt.Errorf("anchor %d: %w", i+1, err)
		}
		p.Stamps = append(p.Stamps, Stamped{g.Anchors[i].Kind, g.Anchors[i].At, s})
	}
	if g.Opened != nil {
		if p.Fields, err = g.Opened.fields(f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Over checks that a is of exactly these bytes of a signed head of size facts, and
// holds by itself. The stamp is nil for a kind this program does not know, such as a
// witness's, of which nothing but the size is checked. The error is ErrAnchor.
func (a *Anchor) Over(checkpoint []byte, size uint64) (*stamp.Stamp, error) {
	if a.Size != size {
		return nil, fmt.Errorf("%w: it is of another size", ErrAnchor)
	}
	if a.Kind != AnchorRFC3161 {
		return nil, nil
	}
	s, err := stamp.Parse(a.Token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnchor, err)
	}
	if s.Imprint != sha256.Sum256(checkpoint) {
		return nil, fmt.Errorf("%w: it stamps other bytes", ErrAnchor)
	}
	if !domain.NewTime(s.Time).Equal(a.At.Time) {
		return nil, fmt.Errorf("%w: it is of another time", ErrAnchor)
	}
	return s, nil
}

// fields opens the part for the fact that commits to it.
func (o *Opened) fields(f *event.Fact) ([]event.Field, error) {
	commitment := part.Commit(o.Part)
	at := slices.IndexFunc(f.Parts, func(r event.PartRef) bool { return r.Class == o.Class && r.Commitment == commitment })
	if at < 0 {
		return nil, fmt.Errorf("%w: the fact does not commit to it", ErrOpened)
	}
	if id, err := part.ReadKeyID(o.Part); err != nil || id != f.Parts[at].KeyID() {
		return nil, fmt.Errorf("%w: it is sealed for another owner, class or epoch", ErrOpened)
	}
	plain, err := part.OpenWith(o.Key, part.Event{ID: f.ID, Type: string(f.Type)}, o.Part)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOpened, err)
	}
	fields, err := event.ParsePlaintext(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOpened, err)
	}
	return fields, nil
}
