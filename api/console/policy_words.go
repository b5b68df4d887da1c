package console

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// policyGroup is what a version changes in one part of the policy, in words.
type policyGroup struct {
	Title, Means string // means: what follows from it for people
	Changes      []policyChange
}

type policyChange struct {
	Kind           badge
	About, What    string // such as a purpose, and what of it; what is "" if it says all
	Path, Old, New string
}

// policyParts are the parts of a policy that have words of their own, the weightiest for
// people first.
func policyParts() []string {
	return []string{"approvals", "roles", "retention", "erasure", "purposes", "recipients", "contactability", "fields", "field_groups", "classes", "guard", "watch", "access", "reasons", "bounds", "anchors", "channels", "controllers"}
}

// policyChanges tells what differs between two versions, by part.
func (w *words) policyChanges(changes []value) []policyGroup {
	var out []policyGroup
	for _, c := range changes {
		path := policyPath(c.text("path"))
		i := slices.IndexFunc(out, func(g policyGroup) bool { return g.Title == w.policyPart(path[0].name) })
		if i < 0 {
			i = len(out)
			out = append(out, policyGroup{Title: w.policyPart(path[0].name), Means: w.texts["policy_means_"+path[0].name]})
		}
		out[i].Changes = append(out[i].Changes, w.policyChange(path, c))
	}
	rank := func(g policyGroup) int {
		for n, part := range policyParts() {
			if w.policyPart(part) == g.Title {
				return n
			}
		}
		return len(policyParts())
	}
	slices.SortStableFunc(out, func(a, b policyGroup) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

func (w *words) policyPart(name string) string {
	if s, ok := w.texts["policy_part_"+name]; ok {
		return s
	}
	return w.label(name)
}

// segment is one step of a path: a name, and of a list the item by what it is known.
type segment struct {
	name, item string
	listed     bool
}

// policyPath reads a path such as roles[admin].permissions[policy.read].
func policyPath(s string) []segment {
	var out []segment
	for s != "" {
		end := strings.IndexAny(s, ".[")
		if end < 0 {
			return append(out, segment{name: s})
		}
		seg := segment{name: s[:end]}
		if s = s[end:]; s[0] == '[' {
			to := strings.IndexByte(s, ']')
			if to < 0 {
				return append(out, segment{name: seg.name + s})
			}
			seg.item, seg.listed, s = s[1:to], true, s[to+1:]
		}
		s = strings.TrimPrefix(s, ".")
		out = append(out, seg)
	}
	if len(out) == 0 {
		out = append(out, segment{})
	}
	return out
}

func (w *words) policyChange(path []segment, c value) policyChange {
	out := policyChange{Path: c.text("path")}
	was, is := c.text("old"), c.text("new")
	end := path[len(path)-1]
	var what []string
	for i, s := range path {
		if i > 0 && s.name != "" {
			what = append(what, w.label(s.name))
		}
		if s.listed && (was == "listed" || is == "listed") && i == len(path)-1 {
			continue
		}
		if s.listed && i == 0 {
			out.About = w.policyItem(s.name, s.item)
		} else if s.listed {
			what = append(what, w.policyItem(s.name, s.item))
		}
	}
	if path[0].name == "fields" && !path[0].listed && len(path) > 1 { // fields.person.given_name.class
		out.About = w.label(path[len(path)-2].name)
		what = []string{w.label(end.name)}
	}
	if out.What = strings.Join(what, " › "); path[0].name == "approvals" && end.name == "act" {
		out.What, was, is = "", w.two(was), w.two(is)
	}
	switch {
	case was == "listed" || is == "listed":
		out.Kind = badge{"good", w.t("policy_added")}
		named := w.policyItem(end.name, end.item)
		if is == "listed" {
			out.Old, out.New = "", named
		} else {
			out.Kind, out.Old = badge{"stop", w.t("policy_removed")}, named
		}
	case was == "":
		out.Kind, out.New = badge{"good", w.t("policy_added")}, w.policyValue(end.name, is)
	case is == "":
		out.Kind, out.Old = badge{"stop", w.t("policy_removed")}, w.policyValue(end.name, was)
	default:
		out.Kind, out.Old, out.New = badge{"warn", w.t("policy_changed")}, w.policyValue(end.name, was), w.policyValue(end.name, is)
	}
	return out
}

// two says that an act takes two persons, where the policy names it.
func (w *words) two(act string) string {
	if act == "" {
		return ""
	}
	return w.t("policy_two")
}

// policyItem names an item of a list: by the policy's own word, or, of a term, by what it
// is about.
func (w *words) policyItem(list, item string) string {
	switch list {
	case "permissions":
		return w.code("permission", item)
	case "approvals":
		return w.code("act", item)
	case "recipients":
		return w.code("recipient_code", item)
	}
	for _, field := range []string{list, strings.TrimSuffix(list, "s")} {
		if s := w.code(field, item); s != item {
			return s
		}
	}
	if !strings.ContainsAny(item, " +") {
		return item
	}
	var parts []string
	for token := range strings.FieldsSeq(item) {
		var all []string
		for one := range strings.SplitSeq(token, "+") {
			all = append(all, w.anyCode(one))
		}
		parts = append(parts, strings.Join(all, ", "))
	}
	return strings.Join(parts, " · ")
}

// anyCode names a code of one of the fields that name terms.
func (w *words) anyCode(code string) string {
	for _, field := range []string{"class", "purpose", "phase", "kinds", "kind", "condition"} {
		if s := w.code(field, code); s != code {
			return s
		}
	}
	return code
}

// span is an ISO 8601 length of one unit, as terms have.
var span = regexp.MustCompile(`^P(\d{1,4})([YMWD])$`)

func (w *words) policyValue(name, s string) string {
	switch s {
	case "true":
		return w.t("yes")
	case "false":
		return w.t("no")
	}
	if length, ok := w.length(s); ok {
		return length
	}
	return w.code(name, s)
}

// length is an ISO 8601 length in words; false of any other text.
func (w *words) length(s string) (string, bool) {
	m := span.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	n, unit := m[1], map[string]string{"Y": "year", "M": "month", "W": "week", "D": "day"}[m[2]]
	return n + " " + w.say("unit_"+unit, "n", n), true
}
