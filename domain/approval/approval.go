// Package approval says what takes two persons (contrôle à quatre yeux; guide CNIL de la
// sécurité 2024, fiches 5 and 17): who may agree to what, until when, and for how many
// uses.
//
// Promised: an approval is of one request to the letter, of the account that asked, and
// is used once; nobody agrees to what they asked themselves; what was not decided, or
// not used, in time is worth nothing. Assumed: facts come in the order of the log, and
// the ledger takes one decision and one use of each (their ids derive from the
// approval's). There is no I/O, so a crash leaves nothing.
package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// Act is what may take two persons. The policy says which do.
type Act string

// The acts.
const (
	MassErasure Act = "mass_erasure" // many persons within a day, by one account or one run
	BulkExport  Act = "bulk_export"  // many persons' data leave at once
	HoldRelease Act = "hold_release" // what forbade to destroy ends
	Grant       Act = "grant"        // an account, a token or other roles are given, or a way in made anew
)

// Acts are all of them.
func Acts() []Act { return []Act{MassErasure, BulkExport, HoldRelease, Grant} }

const (
	// Wait is how long a second person has to decide.
	Wait = 7 * 24 * time.Hour
	// Good is how long what was agreed to may be done.
	Good = 24 * time.Hour
	// Window is the time over which erasures and persons shown to one account are counted.
	Window = 24 * time.Hour
	// BulkAlone is how many persons an account may be shown alone in that time by lists,
	// where the policy asks for two and says no number.
	BulkAlone = 1000
)

// FieldRequest is the sealed field of approval.requested: Asked, as a JSON object.
const FieldRequest = "approval.request"

// FieldNote is the sealed field of approval.decided: words, a text.
const FieldNote = "approval.note"

// Asked is the request that a second person is shown.
type Asked struct {
	Method string `json:"method"`
	URI    string `json:"uri"`
	Body   string `json:"body,omitempty"`
}

// Digest binds an approval to a request: the SHA-256 of method, target and body, each
// behind its length.
func (a Asked) Digest() [32]byte {
	var b []byte
	for _, s := range []string{"greffe/approval/1", a.Method, a.URI, a.Body} {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
	}
	return sha256.Sum256(b)
}

// State is where an approval stands.
type State string

// The states.
const (
	Waiting State = "waiting"
	Granted State = "granted"
	Refused State = "refused"
	Used    State = "used"
	Expired State = "expired"
)

// States are all of them.
func States() []State { return []State{Waiting, Granted, Refused, Used, Expired} }

// Approval is one, as the facts tell of it.
type Approval struct {
	ID       domain.ID
	Position domain.Position
	Act      Act
	Account  domain.ID // who asked
	Digest   [32]byte
	Asked    time.Time
	Decider  domain.ID // zero: not decided
	Decided  time.Time
	Granted  bool
	Used     time.Time // zero: not used
}

// The reasons why something cannot be done with an approval.
var (
	ErrOwn       = errors.New("who asked cannot agree")
	ErrDecided   = errors.New("it was decided already")
	ErrExpired   = errors.New("it was not decided or not used in time")
	ErrUndecided = errors.New("it is not decided yet")
	ErrRefused   = errors.New("it was refused")
	ErrUsed      = errors.New("it was used already")
	ErrOther     = errors.New("it is of another request, or of another account")
	ErrFact      = errors.New("an approval fact makes no sense")
)

// State is where it stands at now.
func (a *Approval) State(now time.Time) State {
	switch {
	case !a.Used.IsZero():
		return Used
	case !a.Decided.IsZero() && !a.Granted:
		return Refused
	case !now.Before(a.Ends()):
		return Expired
	case !a.Decided.IsZero():
		return Granted
	}
	return Waiting
}

// Ends is when it is worth nothing any more.
func (a *Approval) Ends() time.Time {
	if a.Decided.IsZero() {
		return a.Asked.Add(Wait)
	}
	return a.Decided.Add(Good)
}

// MayDecide is nil if by may decide at now.
func (a *Approval) MayDecide(by domain.ID, now time.Time) error {
	switch s := a.State(now); {
	case by == a.Account:
		return ErrOwn
	case s == Expired:
		return ErrExpired
	case s != Waiting:
		return ErrDecided
	}
	return nil
}

// MayUse is nil if account may send the request of a digest by it at now.
func (a *Approval) MayUse(account domain.ID, digest [32]byte, now time.Time) error {
	if account != a.Account || digest != a.Digest {
		return ErrOther
	}
	return map[State]error{Waiting: ErrUndecided, Refused: ErrRefused, Used: ErrUsed, Expired: ErrExpired}[a.State(now)]
}

// RequestedCodes stand in approval.requested, whose id is the approval's.
func RequestedCodes(act Act, digest [32]byte) event.Codes {
	return event.Codes{}.With("act", string(act)).With("digest", hex.EncodeToString(digest[:]))
}

// DecidedCodes stand in approval.decided.
func DecidedCodes(id domain.ID, granted bool) event.Codes {
	return event.Codes{}.With("approval", id.String()).With("granted", granted)
}

// UsedCodes stand in approval.used.
func UsedCodes(id domain.ID) event.Codes { return event.Codes{}.With("approval", id.String()) }

// Requested reads approval.requested, or gives ErrFact.
func Requested(f *event.Fact, at domain.Position) (*Approval, error) {
	a := &Approval{ID: f.ID, Position: at, Act: Act(f.Codes.String("act")), Account: f.Actor, Asked: f.Recorded.Time}
	text := f.Codes.String("digest")
	if len(text) != hex.EncodedLen(len(a.Digest)) {
		return nil, fmt.Errorf("%w: its digest has %d letters", ErrFact, len(text))
	}
	if _, err := hex.Decode(a.Digest[:], []byte(text)); err != nil {
		return nil, fmt.Errorf("%w: its digest is none", ErrFact)
	}
	return a, nil
}

// Take folds approval.decided or approval.used in. Times are those at which the ledger
// recorded them.
func (a *Approval) Take(f *event.Fact) {
	switch f.Type {
	case event.ApprovalDecided:
		a.Decider, a.Decided, a.Granted = f.Actor, f.Recorded.Time, f.Codes.Bool("granted")
	case event.ApprovalUsed:
		a.Used = f.Recorded.Time
	}
}
