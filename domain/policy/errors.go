package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Error is one problem of a policy text.
type Error struct {
	Line, Column int    // from 1; 0 when the whole text is meant
	Path         string // such as "purposes[2].legal_bases"
	Message      string // a sentence that says what to do
}

func (e Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
	}
	return fmt.Sprintf("%d:%d: %s: %s", e.Line, e.Column, e.Path, e.Message)
}

// Errors is every problem Parse found, in the order of the text. Nothing of the
// text takes effect when there is one.
type Errors []Error

func (e Errors) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "policy refused, %d problem(s)", len(e))
	for _, x := range e {
		b.WriteString("\n  ")
		b.WriteString(x.Error())
	}
	return b.String()
}

func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return e
}
