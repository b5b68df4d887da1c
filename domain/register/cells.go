package register

import "strings"

// Members of an item stand apart by a bar, items by a line. A bar, a backslash or a line
// within a member is written with a backslash before it.

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "\n", `\n`).Replace(s)
}

// item writes the members of one item, without the empty ones at its end.
func item(members []*string) string {
	last := len(members)
	for last > 1 && *members[last-1] == "" {
		last--
	}
	out := make([]string, last)
	for i := range out {
		out[i] = escape(*members[i])
	}
	return strings.Join(out, " | ")
}

// scan reads one; what is more than there are members stays with the last.
func scan(line string, members []*string) {
	var b strings.Builder
	n := 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			if i++; line[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(line[i])
			}
		case c == '|' && n < len(members)-1:
			*members[n] = strings.TrimSpace(b.String())
			b.Reset()
			n++
		default:
			b.WriteByte(c)
		}
	}
	*members[n] = strings.TrimSpace(b.String())
}

// lines are the items of a cell.
func lines(cell string) (out []string) {
	for l := range strings.SplitSeq(cell, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func join(list []string) string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = item([]*string{&list[i]})
	}
	return strings.Join(out, "\n")
}

func split(cell string) (out []string) {
	for _, l := range lines(cell) {
		var s string
		scan(l, []*string{&s})
		out = append(out, s)
	}
	return out
}

// find is the item of a list that has a key, nil if there is none.
func find[T any](list *[]T, key func(*T) *string, k string) *T {
	for i := range *list {
		if *key(&(*list)[i]) == k {
			return &(*list)[i]
		}
	}
	return nil
}

// made is find for an item that is there afterwards.
func made[T any](list *[]T, key func(*T) *string, k string) *T {
	if x := find(list, key, k); x != nil {
		return x
	}
	var x T
	*key(&x) = k
	*list = append(*list, x)
	return &(*list)[len(*list)-1]
}

// memberOf reads and writes one member of the item that has a key; an empty cell makes
// no item.
func memberOf[T any](of func(e *Entry) *[]T, key func(*T) *string, k string, member func(*T) *string) (get func(e *Entry) string, set func(e *Entry, s string)) {
	return func(e *Entry) string {
			if x := find(of(e), key, k); x != nil {
				return *member(x)
			}
			return ""
		}, func(e *Entry, s string) {
			if s = strings.TrimSpace(s); s != "" {
				*member(made(of(e), key, k)) = s
			}
		}
}

// Changed names the columns in which two entries differ, in their order.
func Changed(a, b *Entry) (names []string) {
	for _, c := range Columns(b.Role) {
		if c.Cell(a) != c.Cell(b) {
			names = append(names, c.Name)
		}
	}
	return names
}
