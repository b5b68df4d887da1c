package policy

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Policy is a parsed text. Its methods may be called concurrently; what they
// return may be kept, and changing it changes no policy.
type Policy struct {
	name         string
	controllers  []Controller
	purposes     []Purpose
	channels     []Channel
	classes      []Class
	roles        []Role
	reasons      []Reason
	fields       []Field
	durations    []Duration
	keeps        []Keep
	guard        Guard
	recipients   []Recipient
	bounds       Bounds
	reach        Contactability
	anchors      Anchors
	watch        Watch
	approvals    []Approval
	tokens       Tokens
	rightsReview int // months
	signIn       signIn
	groups       []FieldGroup
	folios       []Portfolio

	controllerAt, purposeAt, channelAt map[string]int
	classAt, roleAt, reasonAt, fieldAt map[string]int
	permits, sees                      map[grant]struct{}
	patternAt                          map[string]int // "a.b" for the pattern "a.b.*"
	recipientAt                        map[string]int
	groupAt, folioAt                   map[string]int
	groupOf                            map[string]int // declared path → its group
	levels                             map[grant]Level
}

type grant struct{ role, what string }

// Name is the policy's own name.
func (p *Policy) Name() string { return p.name }

// Controller reports a controller's code.
func (p *Policy) Controller(code string) bool { return has(p.controllerAt, code) }

// DefaultController is the code an event without controller means.
func (p *Policy) DefaultController() string { return p.controllers[0].Code }

// Controllers lists them, the default first.
func (p *Policy) Controllers() []Controller { return slices.Clone(p.controllers) }

// Purpose reports a purpose's code.
func (p *Policy) Purpose(code string) bool { return has(p.purposeAt, code) }

// Purposes lists them in the order of the text.
func (p *Policy) Purposes() []Purpose {
	out := slices.Clone(p.purposes)
	for i := range out {
		out[i].LegalBases = slices.Clone(out[i].LegalBases)
		out[i].Channels = slices.Clone(out[i].Channels)
	}
	return out
}

// Contactability are the company's choices; all of them off where the text says
// nothing.
func (p *Policy) Contactability() Contactability { return p.reach }

// Channel reports a channel's code.
func (p *Policy) Channel(code string) bool { return has(p.channelAt, code) }

// Channels lists them in the order of the text.
func (p *Policy) Channels() []Channel { return slices.Clone(p.channels) }

// Reason finds a reason for reading.
func (p *Policy) Reason(code string) (Reason, bool) {
	i, ok := p.reasonAt[code]
	if !ok {
		return Reason{}, false
	}
	return p.reasons[i], true
}

// HasReason reports a reason's code.
func (p *Policy) HasReason(code string) bool { return has(p.reasonAt, code) }

// Reasons lists them in the order of the text.
func (p *Policy) Reasons() []Reason { return slices.Clone(p.reasons) }

// Class finds a retention class.
func (p *Policy) Class(code string) (Class, bool) {
	i, ok := p.classAt[code]
	if !ok {
		return Class{}, false
	}
	return p.classes[i], true
}

// HasClass reports a class's code.
func (p *Policy) HasClass(code string) bool { return has(p.classAt, code) }

// Classes lists them in the order of the text.
func (p *Policy) Classes() []Class { return slices.Clone(p.classes) }

// Field finds what is declared for a path: the path itself, else the closest
// pattern above it ("a.b.*" before "a.*"). What is shown or logged of a field is
// the Path that is returned, as the path of an input may be anything.
func (p *Policy) Field(path string) (Field, bool) {
	if i, ok := p.fieldAt[path]; ok {
		return p.fields[i], true
	}
	if len(p.patternAt) == 0 || len(path) > maxPath {
		return Field{}, false
	}
	for at := strings.LastIndexByte(path, '.'); at > 0; at = strings.LastIndexByte(path[:at], '.') {
		if i, ok := p.patternAt[path[:at]]; ok {
			return p.fields[i], true
		}
	}
	return Field{}, false
}

// HasField reports whether a path is declared.
func (p *Policy) HasField(path string) bool {
	_, ok := p.Field(path)
	return ok
}

// Fields lists what is declared, patterns included, by path.
func (p *Policy) Fields() []Field { return slices.Clone(p.fields) }

// FieldsOf gives the paths that are declared in a class, in the order of the text.
func (p *Policy) FieldsOf(class string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range p.fields {
			if f := &p.fields[i]; f.Class == class && !yield(f.Path) {
				return
			}
		}
	}
}

// Epoch is the key epoch of a class at t, in UTC: "whole", "2026" or "2026-03".
// It is "" for a class the policy does not know, which no key id accepts.
func (p *Policy) Epoch(class string, t time.Time) string {
	i, ok := p.classAt[class]
	if !ok {
		return ""
	}
	switch p.classes[i].Epoch {
	case EpochYear:
		return t.UTC().Format("2006")
	case EpochMonth:
		return t.UTC().Format("2006-01")
	}
	return EpochWhole
}

// Permits reports whether a role has a permission.
func (p *Policy) Permits(role, permission string) bool {
	_, ok := p.permits[grant{role, permission}]
	return ok
}

// Sees reports whether a role may be shown a class.
func (p *Policy) Sees(role, class string) bool {
	_, ok := p.sees[grant{role, class}]
	return ok
}

// SeenBy lists the classes that any of the roles may be shown, in the order of the text.
func (p *Policy) SeenBy(roles []string) []string {
	var out []string
	for i := range p.classes {
		class := p.classes[i].Code
		if slices.ContainsFunc(roles, func(role string) bool { return p.Sees(role, class) }) {
			out = append(out, class)
		}
	}
	return out
}

// Role finds a role.
func (p *Policy) Role(code string) (Role, bool) {
	i, ok := p.roleAt[code]
	if !ok {
		return Role{}, false
	}
	return p.roles[i].clone(), true
}

// Roles lists them in the order of the text.
func (p *Policy) Roles() []Role {
	out := make([]Role, len(p.roles))
	for i, r := range p.roles {
		out[i] = r.clone()
	}
	return out
}

func (r Role) clone() Role {
	r.Permissions, r.Classes = slices.Clone(r.Permissions), slices.Clone(r.Classes)
	r.Purposes, r.Masked, r.Hidden = slices.Clone(r.Purposes), slices.Clone(r.Masked), slices.Clone(r.Hidden)
	r.OnRequest = slices.Clone(r.OnRequest)
	return r
}

// Durations lists the retention rules of a class, or all for "".
func (p *Policy) Durations(class string) []Duration {
	var out []Duration
	for _, d := range p.durations {
		if class == "" || d.Class == class {
			d.Kinds = slices.Clone(d.Kinds)
			out = append(out, d)
		}
	}
	return out
}

// Guard is the minimisation guard's part.
func (p *Policy) Guard() Guard {
	g := p.guard
	g.Actions, g.Bands = maps.Clone(g.Actions), slices.Clone(g.Bands)
	g.Words, g.Names = cloneLists(g.Words), cloneLists(g.Names)
	return g
}

// Bounds are the ledger's own limits.
func (p *Policy) Bounds() Bounds { return p.bounds }

func cloneLists(m map[string][]string) map[string][]string {
	out := make(map[string][]string, len(m))
	for k, v := range m {
		out[k] = slices.Clone(v)
	}
	return out
}

func has(m map[string]int, code string) bool {
	_, ok := m[code]
	return ok
}
