package casefile

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// FieldError names what of a step is missing or cannot be. Of the value it says
// nothing.
type FieldError struct {
	Field   string
	Missing bool
}

func (e *FieldError) Error() string {
	if e.Missing {
		return "a step needs " + e.Field
	}
	return e.Field + " of a step is not valid"
}

// StateError: a step cannot be taken now, since something else lacks.
type StateError struct{ Lacks string }

func (e *StateError) Error() string { return "the file does not allow this step yet: " + e.Lacks }

// MaxWords bounds one text of a step, in bytes.
const MaxWords = 8000

// Words bounds a text of a step.
func Words(field, s string, needed bool) error {
	switch {
	case len(s) > MaxWords, !utf8.ValidString(s), strings.ContainsRune(s, 0):
		return &FieldError{Field: field}
	case needed && strings.TrimSpace(s) == "":
		return &FieldError{field, true}
	}
	return nil
}

// OneOf wants a code of a list.
func OneOf(field, s string, known []string) error {
	switch {
	case s == "":
		return &FieldError{field, true}
	case !slices.Contains(known, s):
		return &FieldError{Field: field}
	}
	return nil
}

// Between wants a time in [from, now], of 25 May 2018 at the earliest, from when on the
// GDPR applies.
func Between(field string, t, from, now time.Time) error {
	switch {
	case t.IsZero():
		return &FieldError{field, true}
	case t.After(now), t.Before(from), t.Before(time.Date(2018, 5, 25, 0, 0, 0, 0, time.UTC)):
		return &FieldError{Field: field}
	}
	return nil
}

// First is the first error there is.
func First(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// StillOpen is a StateError for a file that was closed.
func StillOpen(s *Summary) error {
	if !s.Closed.IsZero() {
		return &StateError{Lacks: "open"}
	}
	return nil
}
