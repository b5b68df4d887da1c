// Package problem turns errors into answers: RFC 9457 problem details with a
// stable code, a title in French or English, and a sentence that says what to do.
//
// It promises: one table holds every code this API answers with, its HTTP status
// and its words; an answer never holds a value of the request, nor the text of
// the error that caused it (that goes to the log, where errors hold no personal
// data either). An error that nobody classified is answered as internal, 500.
//
// The members beyond RFC 9457 are code, request_id, and where they apply field
// (a name of the contract), permission, and problems (lines of a policy text).
// The package holds no state, so a crash leaves nothing.
package problem
