package policy

import (
	"go.yaml.in/yaml/v3"

	"greffe/domain/approval"
)

// maxOver bounds how many persons one account may erase within a day on its own.
const maxOver = 1_000_000

// Approval says that an act takes two persons.
type Approval struct {
	Act string // of approval.Acts
	// Over is how many persons one account may, alone and within 24 hours, order to erase
	// (mass_erasure) or be shown before it reads on in lists (bulk_export).
	Over int
}

// Approval finds what the policy asks for an act; ok is false if one person is enough,
// as everywhere when the text says nothing.
func (p *Policy) Approval(act string) (a Approval, ok bool) {
	for _, x := range p.approvals {
		if x.Act == act {
			return x, true
		}
	}
	return Approval{}, false
}

// Approvals lists what takes two persons, in the order of the text.
func (p *Policy) Approvals() []Approval { return append([]Approval(nil), p.approvals...) }

func (r *reader) approvals(p *Policy, o *object) {
	var known []string
	for _, a := range approval.Acts() {
		known = append(known, string(a))
	}
	o.each("approvals", false, func(n *yaml.Node, path string) {
		c := r.object(n, path, "act", "over")
		x := Approval{Act: c.oneOf("act", true, known)}
		_, twice := p.Approval(x.Act)
		switch {
		case twice:
			r.add(n, path, "keep only one entry for each act")
		case x.Act == string(approval.MassErasure):
			x.Over = c.number("over", 0, maxOver)
		case x.Act == string(approval.BulkExport):
			if x.Over = approval.BulkAlone; c.at["over"] != nil {
				x.Over = c.number("over", 0, maxOver)
			}
		case c.at["over"] != nil:
			r.add(c.at["over"], join(path, "over"), "remove this: only mass_erasure and bulk_export are counted")
		}
		p.approvals = append(p.approvals, x)
	})
}
