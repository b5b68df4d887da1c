package event

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
)

// Vocabulary is what the policy in force knows.
type Vocabulary interface {
	Controller(code string) bool
	DefaultController() string
	Purpose(code string) bool
	Channel(code string) bool
	HasReason(code string) bool
	HasClass(code string) bool
	HasField(path string) bool
	Portfolio(code string) bool
}

// Clock is the ledger's instant of reception and how far ahead of it a
// producer's clock may be.
type Clock struct {
	Now  time.Time
	Skew time.Duration
}

// Ref names a contact in its upstream's own terms.
type Ref struct{ Source, Subject string }

// Address is an e-mail address or a phone number as it was sent.
type Address struct{ Kind, Value string } // Kind: email or phone

// Draft is an event that the catalogue understood: what may be clear, what must
// be sealed (not yet seen by the guard), and whom it names besides its subject.
type Draft struct {
	Controller string
	Time       domain.Time
	Codes      Codes
	Fields     []Field // sorted by path, unique
	Unset      []string
	Lacks      []string
	Warnings   []Warning
	Link       *Ref      // contact.merged, unmerged: into; contact.rekeyed: to
	Subjects   []Ref     // access.recorded
	Addresses  []Address // opposition.registered of somebody not known
}

// maxSubjects bounds the subjects one access event names (design §4).
const maxSubjects = 1000

// maxAddresses bounds the addresses one opposition.registered names.
const maxAddresses = 100

// Understand reads in by the catalogue and the policy's vocabulary. Protective
// types are never refused for their content: what cannot be read is left out
// with a warning, and the rest applies in its widest reading.
func Understand(in *Incoming, v Vocabulary, c Clock) (*Draft, *Refusal) {
	s := catalogue[in.Type]
	if s == nil {
		if in.Type.Known() {
			return nil, refuse("type_reserved", "type")
		}
		return nil, refuse("type_unknown", "type")
	}
	u := &reading{in: in, v: v, shape: s, lenient: in.Type.Protective(), d: new(Draft)}
	u.d.Fields, u.d.Codes = make([]Field, 0, 16), make(Codes, 0, 8)
	u.seen, u.path = make([]string, 0, 32), make([]byte, 0, 64)
	u.envelope(c)
	if u.refusal == nil {
		u.data()
	}
	if u.refusal == nil {
		u.finish()
	}
	if u.refusal != nil {
		return nil, u.refusal
	}
	return u.d, nil
}

// reading is one event on its way through the catalogue.
type reading struct {
	in      *Incoming
	v       Vocabulary
	shape   *shape
	lenient bool
	d       *Draft
	refusal *Refusal
	seen    []string
	path    []byte // of the member at hand; a scratch buffer
}

// bad refuses the event, or, where it protects the person, warns and goes on.
func (u *reading) bad(code, path string) {
	if u.lenient {
		u.warn(path, code)
		return
	}
	if u.refusal == nil {
		u.refusal = refuse(code, path)
	}
}

func (u *reading) warn(path, rule string) {
	u.d.Warnings = append(u.d.Warnings, Warning{Field: path, Rule: rule})
}

func (u *reading) envelope(c Clock) {
	in, d := u.in, u.d
	d.Warnings = slices.Clone(in.Flaws)
	d.Time = domain.NewTime(in.Time)
	switch {
	case in.Time.IsZero() && !u.lenient:
		u.bad("time_missing", "time")
	case in.Time.IsZero():
		if !slices.ContainsFunc(in.Flaws, func(w Warning) bool { return w.Field == "time" }) {
			u.warn("time", "time_missing")
		}
		d.Time = domain.NewTime(c.Now)
	case in.Time.After(c.Now.Add(c.Skew)):
		u.bad("time_ahead", "time")
		d.Time = domain.NewTime(c.Now)
	}
	d.Controller = in.Controller
	if d.Controller == "" {
		d.Controller = u.v.DefaultController()
	} else if !u.v.Controller(d.Controller) {
		u.bad("controller_unknown", "controller")
		d.Controller = "*" // every controller of the ledger
	}
	if in.Subject == "" && !u.shape.noSubject && u.refusal == nil {
		u.refusal = refuse("subject_missing", "subject")
	}
	if in.Extensions > 0 {
		u.warn("extensions", "unknown_field")
	}
}

func (u *reading) data() {
	if u.in.Data.Kind() != '{' {
		if u.shape.dataNeeded || u.in.Data != nil && u.in.Data.Kind() != 'n' {
			u.bad("data_missing", "data")
		}
		return
	}
	u.object(u.shape, "", u.in.Data)
}

// object walks the members of raw, which stands at prefix.
func (u *reading) object(s *shape, prefix string, raw jsontext.Value) {
	ok := whole(raw, func(name, val []byte) {
		if u.refusal == nil {
			u.path = append(append(u.path[:0], prefix...), unquote(name)...)
			u.member(s, val)
		}
	})
	if !ok {
		u.bad("field_invalid", "data")
	}
}

// member understands the value that stands at u.path.
func (u *reading) member(s *shape, val jsontext.Value) {
	kind := val.Kind()
	if f := s.byPath[string(u.path)]; f != nil {
		switch {
		case kind != 'n':
			u.take(f, val)
		case s.contact && u.in.Type == ContactChanged:
			u.unset(f.path)
		}
		return
	}
	below := s.objects[string(u.path)]
	own := s.contact && bytes.HasPrefix(u.path, []byte("custom.")) && IsCode(string(u.path))
	switch {
	case below != "" && kind == '{':
		u.object(s, below, val)
	case own && kind != 'n':
		u.seal(string(u.path), val)
	case own && u.in.Type == ContactChanged:
		u.unset(string(u.path))
	case kind != 'n' || u.in.Type == ContactChanged:
		u.warn("unknown", "unknown_field")
	}
}

// seal hands a value to the guard and, if it is kept, to a part.
func (u *reading) seal(path string, val jsontext.Value) {
	v, ok := canonical(val)
	if !ok {
		u.bad("field_invalid", "data")
		return
	}
	if !wellFormed(path, v) {
		u.bad("field_invalid", path)
		return
	}
	u.d.Fields = append(u.d.Fields, Field{Path: path, Value: v})
}

// unset notes that a contact field is empty from now on. A company's own field
// may be known by a pattern only; its name is then the upstream's and not ours
// to keep in clear, so the unset is sealed, as null under its path.
func (u *reading) unset(path string) {
	switch {
	case catalogue[ContactCreated].byPath[path] != nil:
		u.d.Unset = append(u.d.Unset, path)
	case strings.HasPrefix(path, "custom.") && IsCode(path) && u.v.HasField(path):
		u.d.Fields = append(u.d.Fields, Field{Path: path, Value: []byte("null")})
	default:
		u.warn("unknown", "unknown_field")
	}
}

// finish checks what is required, sorts, and judges a consent's proof.
func (u *reading) finish() {
	for i := range u.shape.fields {
		if f := &u.shape.fields[i]; f.required && !slices.Contains(u.seen, f.path) {
			u.bad("field_required", f.path)
		}
	}
	d := u.d
	slices.SortFunc(d.Fields, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	for i := 1; i < len(d.Fields); i++ {
		if d.Fields[i].Path == d.Fields[i-1].Path {
			u.bad("field_invalid", "data")
			d.Fields = slices.Delete(d.Fields, i, i+1)
			i--
		}
	}
	slices.Sort(d.Unset)
	d.Unset = slices.Compact(d.Unset)
	switch {
	case u.in.Type == ConsentGranted:
		u.proof()
	case u.in.Type == AccessRecorded && u.given("access.ticket"):
		u.set(Ticketed, true)
	}
	if u.in.Type == OppositionRegistered && u.in.Subject == "" && len(d.Addresses) == 0 {
		u.refusal = refuse("subject_missing", "subject")
	}
}

// Ticketed is the code of an access event that says that a ticket was given with the
// reason: which one is sealed. Facts recorded before it was written lack it.
const Ticketed = "ticketed"

// Reveals is the action of an access at which somebody was shown clear, on request, what
// the role is shown masked; its code Revealed names the policy's field groups.
const (
	Reveals  = "reveal"
	Revealed = "revealed"
)

// given reports a text that is not empty.
func (u *reading) given(path string) bool {
	return slices.ContainsFunc(u.d.Fields, func(f Field) bool { return f.Path == path && len(f.Value) > 2 && f.Value[0] == '"' })
}

// proof lists what a grant lacks to be provable (art. 7(1); CNIL v. EDF,
// SAN-2022-021: individual proof; CJEU C-673/17: no pre-ticked box). Consent is given
// by channel (CPCE L34-5; C. conso. L223-1): one that names none is for none.
func (u *reading) proof() {
	d := u.d
	if !u.given("consent.act") {
		d.Lacks = append(d.Lacks, "act")
	}
	if !u.given("consent.notice.text") {
		d.Lacks = append(d.Lacks, "notice")
	}
	if d.Codes.String("method") == "" {
		d.Lacks = append(d.Lacks, "method")
	}
	if d.Codes.Bool("prechecked") {
		d.Lacks = append(d.Lacks, "unticked_box")
	}
	if len(d.Codes.Strings("channels")) == 0 {
		d.Lacks = append(d.Lacks, "channels")
	}
	evidence := "proven"
	if len(d.Lacks) > 0 {
		evidence = "unproven"
	}
	d.Codes = d.Codes.With("evidence", evidence)
}
