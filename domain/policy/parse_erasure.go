package policy

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// Keep is a class that an erasure leaves, because the law demands or allows it
// (art. 17(3)); how long is said by the class's durations.
type Keep struct {
	Class     string
	Ground    string // of Grounds
	Reference string
}

// KeepGrounds are the reasons of art. 17(3) to refuse an erasure in part.
func KeepGrounds() []string {
	return []string{"art17.3.a", "art17.3.b", "art17.3.c", "art17.3.d", "art17.3.e"}
}

// Keeps lists what an erasure leaves.
func (p *Policy) Keeps() []Keep { return slices.Clone(p.keeps) }

// erasure reads what erasures leave. Without the section they leave nothing but
// requests, which are the proof that they were answered.
func (r *reader) erasure(p *Policy, o *object) {
	n := o.get("erasure", false)
	if n == nil {
		p.keeps = []Keep{{"requests", "art17.3.e", "art. 12; C. civ. 2224"}}
		return
	}
	e := r.object(n, "erasure", "keep")
	e.each("keep", true, func(n *yaml.Node, path string) {
		k := r.object(n, path, "class", "ground", "reference")
		x := Keep{k.oneOf("class", true, ClassCodes()), k.oneOf("ground", true, KeepGrounds()), k.must("reference")}
		switch {
		case slices.ContainsFunc(p.keeps, func(y Keep) bool { return y.Class == x.Class }):
			r.add(n, path, "remove this; the class stands above already")
		case slices.Contains([]string{"identity", "contact_details"}, x.Class):
			r.add(n, path, "remove this; who keeps %s has erased nobody", x.Class)
		}
		p.keeps = append(p.keeps, x)
	})
	if len(r.errs) == 0 && !slices.ContainsFunc(p.keeps, func(k Keep) bool { return k.Class == "requests" }) {
		r.add(n, "erasure.keep", "add requests; they prove that the person was answered")
	}
}
