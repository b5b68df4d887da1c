package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fields reads the mapping of paths. Only custom.* fields are a company's own;
// all others must be paths of the catalogue, which the catalogue checks by use.
func (r *reader) fields(p *Policy, o *object) {
	p.fieldAt, p.patternAt = map[string]int{}, map[string]int{}
	n := o.get("fields", true)
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.add(n, "fields", "write a mapping of field paths")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !isPath(k.Value) {
			r.add(k, "fields", "write a path: lower-case names joined by dots, at most %d bytes, perhaps ending in .*", maxPath)
			continue
		}
		f := r.field(k.Value, v)
		at, key := p.fieldAt, f.Path
		if prefix, ok := strings.CutSuffix(f.Path, ".*"); ok {
			at, key = p.patternAt, prefix
		}
		if has(at, key) {
			r.add(k, "fields."+f.Path, "keep only one of these equal paths")
		}
		at[key] = len(p.fields)
		p.fields = append(p.fields, f)
	}
	r.orderFields(p)
}

func (r *reader) field(path string, n *yaml.Node) Field {
	o := r.object(n, "fields."+path, "class", "kind", "free_text", "allow", "justification")
	f := Field{Path: path, Class: o.oneOf("class", true, ClassCodes()), Kind: o.oneOf("kind", false, fieldKinds()),
		FreeText: o.flag("free_text", false), allow: o.someOf("allow", false, allowable()), Justification: o.may("justification")}
	if f.Kind == "" {
		f.Kind = "text"
	}
	switch {
	case f.FreeText && f.Kind != "text":
		r.add(n, o.path, "give free_text only to fields of kind text")
	case len(f.allow) > 0 && f.Justification == "":
		r.add(o.at["allow"], o.path, "add a justification for what this field allows")
	case slices.Contains(f.allow, RuleSpecialCategory) && f.FreeText && f.Class != "requests":
		r.add(o.at["allow"], o.path, "declare a field of its own for data of art. 9 with explicit consent; only a person's own request may hold it in free text (art. 9(2)(f))")
	}
	return f
}

// orderFields sorts by path and renews the indexes.
func (r *reader) orderFields(p *Policy) {
	slices.SortStableFunc(p.fields, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	for i, f := range p.fields {
		if prefix, ok := strings.CutSuffix(f.Path, ".*"); ok {
			p.patternAt[prefix] = i
		} else {
			p.fieldAt[f.Path] = i
		}
	}
}

// isPath accepts names of letters, digits and "_" joined by dots; the last may
// be "*" when another stands before it.
func isPath(s string) bool {
	if len(s) > maxPath {
		return false
	}
	names := strings.Split(s, ".")
	for i, name := range names {
		if name == "*" && i > 0 && i == len(names)-1 {
			continue
		}
		if !isCode(name) {
			return false
		}
	}
	return true
}
