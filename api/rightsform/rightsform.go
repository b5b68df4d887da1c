// Package rightsform makes the public form by which anybody asks for their rights
// (art. 12(2), 15 to 22 GDPR): no account, no script, no document.
//
// Promised: a page is plain HTML with the style sheet of the public pages, works
// without scripts, by keyboard and read aloud, in French and English; what was wrong
// is said at the top and at its field, and what was written is not lost. Assumed: what
// is given was bounded by the caller. Nothing is kept, so a crash leaves nothing.
package rightsform

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"greffe/api/page"
	"greffe/domain/rights"
)

//go:embed form.html
var source string

// Kind is what a page says.
type Kind string

// The kinds.
const (
	Ask      Kind = "ask"      // the form, empty or with what was wrong
	Received Kind = "received" // with the number to keep
	Later    Kind = "later"    // nothing was recorded; try again
)

// The names of the form's fields. Trap is one that people do not see.
const (
	Right     = "right"
	Requester = "requester"
	Name      = "name"
	Email     = "email"
	Phone     = "phone"
	Address   = "address"
	Customer  = "customer_number"
	Agent     = "agent"
	Message   = "message"
	Once      = "once"
	Trap      = "website"
)

// MaxMessage bounds the message that the form takes, in bytes.
const MaxMessage = 8 << 10

// View is what a page is made of.
type View struct {
	Kind    Kind
	Lang    string // fr or en
	Company string
	Contact string            // e-mail for questions of data protection; may be empty
	Values  map[string]string // by field: what was written
	Wrong   []string          // fields to look at again
	Once    string            // so that a form sent twice is one request
	Number  string            // Received
	Due     time.Time         // Received: the last day, in UTC of Paris's midnight
	InForce bool              // Received: the objection is in effect
}

// Option is one choice.
type Option struct {
	Code, Label string
	Checked     bool
}

// Problem is one thing to look at again.
type Problem struct{ Field, Text string }

type view struct {
	View
	W        words
	Other    string
	Style    string
	Rights   []Option
	As       []Option
	Problems []Problem
	Max      int
}

// HTML renders a page.
func HTML(v View) ([]byte, error) {
	if v.Lang != "fr" {
		v.Lang = "en"
	}
	w := wordsIn(v.Lang)
	x := view{View: v, W: w, Other: map[string]string{"fr": "en", "en": "fr"}[v.Lang], Style: page.StylePath, Max: MaxMessage}
	for _, r := range Offered() {
		x.Rights = append(x.Rights, Option{string(r), w.Rights[r], v.Values[Right] == string(r)})
	}
	for _, r := range AsWhom() {
		x.As = append(x.As, Option{string(r), w.As[r], v.Values[Requester] == string(r)})
	}
	for _, f := range v.Wrong {
		x.Problems = append(x.Problems, Problem{f, w.Problems[f]})
	}
	t, err := template.New("form").Parse(source)
	if err != nil {
		return nil, fmt.Errorf("form of rights: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, x); err != nil {
		return nil, fmt.Errorf("form of rights: %w", err)
	}
	return b.Bytes(), nil
}

// Offered are the rights that the form offers, in its order.
func Offered() []rights.Right {
	return []rights.Right{rights.Objection, rights.Access, rights.Rectification, rights.Erasure, rights.Restriction, rights.Portability,
		rights.ConsentWithdrawal, rights.ObjectionProcessing, rights.AutomatedDecision, rights.PostMortem, rights.Other}
}

// AsWhom are the requesters that the form offers.
func AsWhom() []rights.Requester {
	return []rights.Requester{rights.InPerson, rights.Proxy, rights.Guardian, rights.Heir}
}

// input is one field of the form.
type input struct {
	Name, Label, Hint, Type, Auto string
	Text, Problem, Described      string
	Max, Rows                     int
}

// Input is a field with what was written in it and what is wrong with it.
func (v view) Input(name, label, hint, kind, auto string) input {
	in := input{Name: name, Label: label, Hint: hint, Type: kind, Auto: auto, Text: v.Values[name], Max: 300, Rows: 3}
	switch name {
	case Message:
		in.Max, in.Rows = MaxMessage, 6
	case Address:
		in.Max = 1000
	}
	var by []string
	if hint != "" {
		by = append(by, name+"-hint")
	}
	if v.Bad(name) {
		in.Problem, by = v.W.Problems[name], append(by, name+"-problem")
	}
	in.Described = strings.Join(by, " ")
	return in
}

// Value is what was written in a field.
func (v view) Value(field string) string { return v.Values[field] }

// Bad reports a field to look at again.
func (v view) Bad(field string) bool { return slices.Contains(v.Wrong, field) }

// Problem is what is said at a field.
func (v view) Problem(field string) string { return v.W.Problems[field] }

// Until is the last day as the page writes it.
func (v view) Until() string {
	if v.Lang == "fr" {
		day := fmt.Sprint(v.Due.Day())
		if v.Due.Day() == 1 {
			day = "1er"
		}
		return fmt.Sprintf("%s %s %d", day, months[v.Due.Month()-1], v.Due.Year())
	}
	return v.Due.Format("2 January 2006")
}

// Stamp is the day for machines.
func (v view) Stamp() string { return v.Due.Format(time.DateOnly) }

var months = [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
