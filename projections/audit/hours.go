package audit

import (
	"time"

	"greffe/domain"
)

// HoursFilter selects the accesses of the Time span, with the Reason, by the Account if
// it is given. Those that name no account here are not among them.
type HoursFilter struct {
	Account domain.ID
	Reason  string
	Time    Span
}

// Hour is what an account read within one hour of UTC.
type Hour struct {
	Account  domain.ID
	Start    time.Time // UTC
	Accesses int64
	Persons  int64 // counted again at each access
}
