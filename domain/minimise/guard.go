package minimise

import (
	"slices"
	"strings"

	"greffe/domain/event"
	"greffe/domain/policy"
)

// RuleUnreadable holds a value that is not JSON, or nested beyond reason.
const RuleUnreadable = "unreadable"

// How a path that no policy declares is told of. It is never echoed.
const (
	unknownCustom = "custom.*"
	unknownPath   = "unknown"
)

// Guard reads fields by one policy. It never changes and may be used by any
// number of goroutines.
type Guard struct {
	policy  *policy.Policy
	limits  policy.Guard
	fields  map[string]*field // by declared path
	words   *words
	names   *words
	context struct{ income, cvv, card, nir uint8 } // lists of words that tell of numbers
}

// field is what the guard needs of a declared field.
type field struct {
	path     string
	words    bool            // words tell of numbers in it
	free     bool            // words of art. 9, 10 and insults may not stand in it
	off      []string        // rules that do not hold
	members  map[string]bool // of an object; nil when any name may stand
	named    string          // rule that its name alone calls for
	declared policy.Field
}

// New prepares a guard; it costs some milliseconds, so keep it per policy.
func New(p *policy.Policy) *Guard {
	g := &Guard{policy: p, limits: p.Guard(), fields: map[string]*field{}}
	g.words = newWords(policy.WordLists(), g.limits.Words)
	g.names = newWords([]string{policy.RuleNIR, policy.RuleCVV, policy.RuleIncome, policy.RuleSpecialCategory}, g.limits.Names)
	list := func(name string) uint8 { return uint8(slices.Index(g.words.lists, name)) }
	g.context.income, g.context.cvv = list("income"), list("cvv")
	g.context.card, g.context.nir = list("card"), list("nir")
	for _, f := range p.Fields() {
		g.fields[f.Path] = g.compile(f)
	}
	return g
}

func (g *Guard) compile(f policy.Field) *field {
	c := &field{path: f.Path, words: f.Kind == "text" || f.Kind == "object", free: f.FreeText, named: g.nameRule(f.Path), declared: f}
	for rule := range g.limits.Actions {
		if f.Allows(rule) {
			c.off = append(c.off, rule)
		}
	}
	if !g.holds(c, c.named) {
		c.named = ""
	}
	prefix := f.Path + "."
	for _, x := range g.policy.Fields() {
		if name, ok := strings.CutPrefix(x.Path, prefix); ok {
			if name == "*" {
				c.members = nil
				break
			}
			if c.members == nil {
				c.members = map[string]bool{}
			}
			name, _, _ = strings.Cut(name, ".")
			c.members[name] = true
		}
	}
	return c
}

// holds reports whether a rule is on and not lifted for this field.
func (g *Guard) holds(f *field, rule string) bool {
	return g.limits.Actions[rule] != "" && !slices.Contains(f.off, rule)
}

// nameRule finds what the name of a field says of its values.
func (g *Guard) nameRule(name string) string {
	var spaced []byte
	for i, c := range []byte(name) {
		if c >= 'A' && c <= 'Z' && i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
			spaced = append(spaced, ' ')
		}
		spaced = append(spaced, c)
	}
	b, _ := fold(nil, nil, spaced, false)
	if m := g.names.find(b, nil); len(m) > 0 {
		return g.names.lists[m[0].list]
	}
	return ""
}

// Apply judges the fields of one event. kept is what may be stored, in the same
// order; warnings say what was left out or altered; hold is what the policy or an
// unreadable value wants a person to see first: the event goes to quarantine
// unless it is of a kind that never does, and then kept applies, which leaves the
// held values out.
func (g *Guard) Apply(fields []event.Field) (kept []event.Field, warnings, hold []event.Warning) {
	var space [1024]byte
	same := 0
	for same < len(fields) && g.clean(g.find(fields[same].Path), fields[same].Value, space[:0]) {
		same++
	}
	if same == len(fields) {
		return fields, nil, nil
	}
	kept = append(make([]event.Field, 0, len(fields)), fields[:same]...)
	for _, in := range fields[same:] {
		f := g.find(in.Path)
		if g.clean(f, in.Value, space[:0]) {
			kept = append(kept, in)
			continue
		}
		v := g.judge(f, in)
		warnings = report(warnings, v.field, v.warn)
		hold = report(hold, v.field, v.hold)
		if !v.drop {
			kept = append(kept, event.Field{Path: in.Path, Value: v.value})
		}
	}
	return kept, warnings, hold
}

// find is the declared field a path means, or nil.
func (g *Guard) find(path string) *field {
	if f, ok := g.fields[path]; ok && !strings.HasSuffix(path, "*") {
		return f
	}
	if f, ok := g.policy.Field(path); ok {
		return g.fields[f.Path]
	}
	return nil
}

// report adds each (field, rule) once.
func report(to []event.Warning, field string, rules []string) []event.Warning {
	for _, rule := range rules {
		if w := (event.Warning{Field: field, Rule: rule}); !slices.Contains(to, w) {
			to = append(to, w)
		}
	}
	return to
}

// clean reports that a value can stand as it is. It reads JSON without parsing
// it: quotes and brackets part texts, and a \\u escape is left to judge.
func (g *Guard) clean(f *field, value, space []byte) bool {
	if f == nil || len(value) == 0 || !f.plain(value) {
		return false
	}
	b, escaped := fold(space, nil, value, true)
	if escaped || f.named != "" && speaks(f.named, value, b) {
		return false
	}
	var store [4]finding
	return len(g.read(f, b, store[:0])) == 0
}

// read finds everything in folded signs that a rule may have to do with.
func (g *Guard) read(f *field, b []byte, found []finding) []finding {
	var store [8]mark
	marks := store[:0]
	if f.words || f.free {
		marks = g.words.find(b, marks)
	}
	found = numbers(b, context{marks, g.context.card, g.context.nir}, found)
	n := len(found)
	for _, m := range marks {
		if x, ok := g.meaning(f, b, m); ok && !covered(found[:n], x.from) {
			found = append(found, x)
		}
	}
	return found
}

// meaning turns a phrase into a finding: itself, or the number it tells of.
func (g *Guard) meaning(f *field, b []byte, m mark) (finding, bool) {
	switch m.list {
	case g.context.income:
		return g.income(b, m.from, m.to)
	case g.context.cvv:
		return cvv(b, m.from, m.to, g.limits.CVVDistance)
	case g.context.card, g.context.nir:
		return finding{}, false
	}
	rule := policy.RuleSpecialCategory
	if g.words.lists[m.list] == policy.RuleAbusive {
		rule = policy.RuleAbusive
	}
	return finding{rule: rule, from: m.from, to: m.to}, f.free
}
