// Package page makes the public pages behind one-click links: a preference page
// to withdraw and object without an account (art. 7(3), 21 GDPR; RFC 8058), and
// the confirmation of a consent that was asked for.
//
// Promised: a page is plain HTML with one style sheet of its own, works without
// scripts, by keyboard and read aloud, and shows no address, name or id of the
// person: only what the policy calls the company, the purpose and the channels.
// Assumed: the texts given come from the policy in force. Nothing is kept, so a
// crash leaves nothing.
package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"time"
)

//go:embed page.html
var source string

//go:embed style.css
var style []byte

// Style is the sheet that every page asks for at StylePath.
func Style() []byte { return bytes.Clone(style) }

// StylePath is where the pages look for their style.
const StylePath = "/u/style.css"

// CSP allows the style sheet and the page's own form, and nothing else.
const CSP = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Kind is what a page says.
type Kind string

// The kinds.
const (
	Preferences Kind = "preferences" // choose what to stop
	Confirm     Kind = "confirm"     // say yes to what was asked
	Stopped     Kind = "stopped"     // a withdrawal and objection were recorded
	Confirmed   Kind = "confirmed"   // a consent was recorded
	Already     Kind = "already"     // the same confirmation was recorded before
	Nothing     Kind = "nothing"     // no link, an old one, or nobody known any more
	Later       Kind = "later"       // not recorded; try again
)

// Choice is one channel that can be stopped.
type Choice struct {
	Code, Label string
	Checked     bool
}

// View is what a page is made of.
type View struct {
	Kind    Kind
	Lang    string // fr or en
	Company string // the controller's name
	Contact string // its e-mail for questions of data protection; may be empty
	Purpose string // its label; "" for every purpose

	Choices  []Choice // Preferences
	Empty    bool     // Preferences: the form was sent without a choice
	Channels []string // labels; Confirm, Stopped, Confirmed; none: every channel
	ForCalls bool     // Confirm, Confirmed: calls are among them
	At       time.Time
	Receipt  string // event id of what was recorded
}

// view is View with its words.
type view struct {
	View
	W     words
	Other string // the other language
	Style string
}

// HTML renders a page.
func HTML(v View) ([]byte, error) {
	if v.Lang != "fr" {
		v.Lang = "en"
	}
	other := map[string]string{"fr": "en", "en": "fr"}[v.Lang]
	t, err := template.New("page").Parse(source)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, view{v, wordsIn(v.Lang), other, StylePath}); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// When is the instant as the page writes it, in the zone of the people that it is for.
func (v view) When() string {
	t, zone := v.At.UTC(), "UTC"
	if paris, err := time.LoadLocation("Europe/Paris"); err == nil {
		t, zone = v.At.In(paris), map[string]string{"fr": "heure de Paris", "en": "Paris time"}[v.Lang]
	}
	if v.Lang == "fr" {
		return fmt.Sprintf("%d %s %d à %s (%s)", t.Day(), months[t.Month()-1], t.Year(), t.Format("15:04:05"), zone)
	}
	return t.Format("2 January 2006 at 15:04:05") + " (" + zone + ")"
}

// Stamp is the instant for machines.
func (v view) Stamp() string { return v.At.UTC().Format(time.RFC3339) }

var months = [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
