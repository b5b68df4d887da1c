package policy

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// unlisted is the code that a contact has in place of a portfolio that is not listed.
const unlisted = "unlisted"

// fieldGroups reads the sets of fields that roles may mask or hide. A field is of one
// group at most, so that each cell of the matrix has one answer.
func (r *reader) fieldGroups(p *Policy, o *object) {
	p.groupAt, p.groupOf = map[string]int{}, map[string]int{}
	o.each("field_groups", false, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "label", "fields")
		x := FieldGroup{Code: c.code("code"), Label: c.label("label")}
		c.each("fields", true, func(n *yaml.Node, path string) {
			switch _, taken := p.groupOf[n.Value]; {
			case n.Kind != yaml.ScalarNode || !slices.ContainsFunc(p.fields, func(f Field) bool { return f.Path == n.Value }):
				r.add(n, path, "write a path as it stands under fields")
			case taken:
				r.add(n, path, "keep this field in one group only")
			default:
				p.groupOf[n.Value] = len(p.groups)
				x.Fields = append(x.Fields, n.Value)
			}
		})
		c.listed(p.groupAt, x.Code, len(p.groups))
		p.groups = append(p.groups, x)
	})
}

func (r *reader) portfolios(p *Policy, o *object) {
	p.folioAt = map[string]int{}
	o.each("portfolios", false, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "label")
		x := Portfolio{Code: c.code("code"), Label: c.label("label")}
		if x.Code == unlisted {
			r.add(c.at["code"], join(path, "code"), "choose another code; this one stands for what is not listed")
		}
		c.listed(p.folioAt, x.Code, len(p.folios))
		p.folios = append(p.folios, x)
	})
}

// scope reads what keeps a role from contacts, and from fields of those it sees.
func (r *reader) scope(p *Policy, c *object, x *Role) {
	x.Purposes = c.someOf("purposes", false, keys(p.purposeAt))
	if n := c.get("purposes", false); n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.add(n, join(c.path, "purposes"), "list a purpose, or leave this key out; without it the role is for every purpose")
	}
	x.Own = c.oneOf("portfolio", false, []string{"all", "own"}) == "own"
	n := c.get("fields", false)
	if n == nil {
		return
	}
	if p.levels == nil {
		p.levels = map[grant]Level{}
	}
	f := r.object(n, join(c.path, "fields"), "masked", "hidden", "on_request")
	known := keys(p.groupAt)
	x.Masked, x.Hidden = f.someOf("masked", false, known), f.someOf("hidden", false, known)
	for _, g := range x.Masked {
		p.levels[grant{x.Code, g}] = Masked
	}
	for _, g := range x.Hidden {
		if slices.Contains(x.Masked, g) {
			r.add(f.at["hidden"], join(f.path, "hidden"), "keep %s in one of the two lists", g)
		}
		p.levels[grant{x.Code, g}] = Hidden
	}
	x.OnRequest = f.someOf("on_request", false, known)
	for _, g := range x.OnRequest {
		if !slices.Contains(x.Masked, g) {
			r.add(f.at["on_request"], join(f.path, "on_request"), "list %s under masked too; what is clear need not be asked for, what is hidden stays so", g)
		}
	}
}
