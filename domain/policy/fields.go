package policy

import (
	"iter"
	"slices"
)

// Level is how much of a value is shown. The greater shows more.
type Level uint8

// The levels of disclosure.
const (
	Hidden Level = iota // not at all
	Masked              // so that it can be recognised by who knows it, and used by nobody else
	Clear
)

// String is the level's code.
func (l Level) String() string { return [...]string{"hidden", "masked", "clear"}[l] }

// FieldGroup is a set of declared fields that roles are given or kept from together.
type FieldGroup struct {
	Code string
	Label
	Fields []string // as declared, patterns included
}

// Portfolio is a set of contacts that some accounts look after. Contacts name it in
// their field portfolio.
type Portfolio struct {
	Code string
	Label
}

// FieldGroups lists them in the order of the text.
func (p *Policy) FieldGroups() []FieldGroup {
	out := slices.Clone(p.groups)
	for i := range out {
		out[i].Fields = slices.Clone(out[i].Fields)
	}
	return out
}

// GroupFields are the declared fields of a group, patterns included; none of one that
// the text does not have.
func (p *Policy) GroupFields(group string) iter.Seq[string] {
	return func(yield func(string) bool) {
		i, ok := p.groupAt[group]
		if !ok {
			return
		}
		for _, path := range p.groups[i].Fields {
			if !yield(path) {
				return
			}
		}
	}
}

// HasFieldGroup reports a group's code.
func (p *Policy) HasFieldGroup(code string) bool { return has(p.groupAt, code) }

// FieldGroup finds the group that a path is of, if any.
func (p *Policy) FieldGroup(path string) (code string, ok bool) {
	f, ok := p.Field(path)
	if !ok {
		return "", false
	}
	i, ok := p.groupOf[f.Path]
	if !ok {
		return "", false
	}
	return p.groups[i].Code, true
}

// Portfolio reports a portfolio's code.
func (p *Policy) Portfolio(code string) bool { return has(p.folioAt, code) }

// Portfolios lists them in the order of the text.
func (p *Policy) Portfolios() []Portfolio { return slices.Clone(p.folios) }

// Shows is how much a role is shown of a value of a class at a path, of contacts that
// it is not kept from. A path in no group is shown as its class is.
func (p *Policy) Shows(role, class, path string) Level {
	if !p.Sees(role, class) {
		return Hidden
	}
	if len(p.levels) == 0 {
		return Clear
	}
	group, ok := p.FieldGroup(path)
	if !ok {
		return Clear
	}
	return p.ShowsGroup(role, group)
}

// ShowsGroup is how much a role is shown of a field group, of classes that it sees.
func (p *Policy) ShowsGroup(role, group string) Level {
	if l, ok := p.levels[grant{role, group}]; ok {
		return l
	}
	return Clear
}

// OnRequest reports whether a role may be shown a field group in clear that it is shown
// masked, where it asks with a reason.
func (p *Policy) OnRequest(role, group string) bool {
	i, ok := p.roleAt[role]
	return ok && slices.Contains(p.roles[i].OnRequest, group)
}

// KeptFor lists the purposes for which the text keeps contacts of a kind: those of the
// retention rules that name it.
func (p *Policy) KeptFor(kind string) (purposes []string) {
	for i := range p.durations {
		if d := &p.durations[i]; slices.Contains(d.Kinds, kind) && !slices.Contains(purposes, d.Purpose) {
			purposes = append(purposes, d.Purpose)
		}
	}
	return purposes
}

// Reach is what keeps a role to some contacts: purposes, if there are any, and its
// own portfolios. The list is the policy's: it is not to be changed.
func (p *Policy) Reach(role string) (purposes []string, own, ok bool) {
	i, ok := p.roleAt[role]
	if !ok {
		return nil, false, false
	}
	return p.roles[i].Purposes, p.roles[i].Own, true
}
