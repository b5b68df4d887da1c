package rights

import (
	"errors"

	"greffe/domain/casefile"
)

// ErrFact: facts are no file of a request, or not one of this version.
var ErrFact = errors.New("the facts are no file of a request")

// FieldError and StateError are those of all desks; what a state lacks is an Obstacle.
type (
	FieldError = casefile.FieldError
	StateError = casefile.StateError
)

// Obstacle is what of a file's state stands in a step's way.
type Obstacle string

// The obstacles, each with what to do about it.
const (
	IsClosed      Obstacle = "closed"      // the file is closed: open another request
	NotVerified   Obstacle = "identity"    // verify who asks first
	NobodyKnown   Obstacle = "subject_id"  // say at the verification whom it is about, or answer nothing_held
	TasksOpen     Obstacle = "tasks"       // end the tasks that are open first
	Decided       Obstacle = "decision"    // it was answered or refused already
	NotDecided    Obstacle = "undecided"   // answer or refuse it first
	NotSent       Obstacle = "dispatch"    // record that the decision was sent first
	MonthOver     Obstacle = "month"       // the first month is over: it cannot be extended any more
	ExtendedOnce  Obstacle = "extension"   // it was extended already
	NotExtended   Obstacle = "not_decided" // decide the extension first
	NoSuchTask    Obstacle = "task"        // no such task is open
	IsHeld        Obstacle = "held"        // something is held about the person: answer with it
	TooManyInFile Obstacle = "steps"       // the file is full: close it and open another
)

func stands(o Obstacle) error      { return &StateError{Lacks: string(o)} }
func missing(field string) error   { return &FieldError{Field: field, Missing: true} }
func malformed(field string) error { return &FieldError{Field: field} }
