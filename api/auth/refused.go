package auth

import (
	"greffe/api/problem"
	"greffe/domain"
)

// Refused is the refusal of a caller whose account is known: its credential was
// genuine, and has ended.
type Refused struct {
	Account domain.ID
	Problem *problem.Error
}

func (r *Refused) Error() string { return r.Problem.Error() }

// Unwrap gives the problem, which is all that the caller is told.
func (r *Refused) Unwrap() error { return r.Problem }
