package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Difference is one place in which two texts of a policy differ. Old or New is empty where
// the place is not there.
type Difference struct {
	Path string `json:"path"` // such as purposes[prospecting].legal_bases or fields.notes.class
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// Kind is added, removed or changed.
func (c Difference) Kind() string {
	switch {
	case c.Old == "":
		return "added"
	case c.New == "":
		return "removed"
	}
	return "changed"
}

// Diff tells what differs between two texts, by meaning: comments, order and layout
// are nothing. Items of a list are known by their code, rules of retention by what
// they are about. Lists of words say which came and which went. Sorted by path.
func Diff(old, new []byte) ([]Difference, error) {
	a, err := flat(old)
	if err != nil {
		return nil, fmt.Errorf("the older text: %w", err)
	}
	b, err := flat(new)
	if err != nil {
		return nil, fmt.Errorf("the newer text: %w", err)
	}
	var out []Difference
	for path, was := range a {
		if now := b[path]; now != was {
			out = append(out, Difference{path, was, now})
		}
	}
	for path, now := range b {
		if _, there := a[path]; !there {
			out = append(out, Difference{path, "", now})
		}
	}
	slices.SortFunc(out, func(x, y Difference) int { return cmp.Compare(x.Path, y.Path) })
	return out, nil
}

// flat is a text as its scalars by path.
func flat(source []byte) (map[string]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		return nil, err
	}
	out := map[string]string{}
	if len(doc.Content) > 0 {
		flatten(out, "", doc.Content[0])
	}
	return out, nil
}

func flatten(out map[string]string, path string, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			flatten(out, join(path, n.Content[i].Value), n.Content[i+1])
		}
	case yaml.SequenceNode:
		if !slices.ContainsFunc(n.Content, func(x *yaml.Node) bool { return x.Kind != yaml.ScalarNode }) {
			for _, x := range n.Content {
				out[path+"["+x.Value+"]"] = "listed"
			}
			return
		}
		names := map[string]int{}
		for _, x := range n.Content {
			name := nameOf(x)
			if names[name]++; names[name] > 1 {
				name += fmt.Sprintf(" (%d)", names[name])
			}
			flatten(out, path+"["+name+"]", x)
		}
	case yaml.AliasNode:
		flatten(out, path, n.Alias)
	case yaml.ScalarNode:
		if out[path] = n.Value; n.Value == "" {
			out[path] = `""`
		}
	}
}

// nameOf is by what an item of a list is known.
func nameOf(n *yaml.Node) string {
	var code string
	var parts []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key, x := n.Content[i].Value, n.Content[i+1]; key {
		case "code":
			code = x.Value
		case "act", "classes", "purpose", "phase", "kinds", "condition":
			parts = append(parts, words(x))
		}
	}
	if code != "" {
		return code
	}
	return strings.Join(parts, " ")
}

func words(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	var l []string
	for _, x := range n.Content {
		l = append(l, x.Value)
	}
	slices.Sort(l)
	return strings.Join(l, "+")
}
