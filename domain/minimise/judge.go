package minimise

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain/event"
	"greffe/domain/policy"
)

const (
	maxDepth  = 32
	maxPasses = 8 // replacing one number can bring another within reach of a word
)

var errDepth = errors.New("nested too deep")

// verdict is what becomes of one field.
type verdict struct {
	field      string // as it may be told
	value      []byte
	drop       bool
	warn, hold []string // rules
}

// walk reads one value member by member and writes what may stand.
type walk struct {
	verdict
	g   *Guard
	f   *field
	out []byte
}

// judge decides on a value that is not clean at first sight.
func (g *Guard) judge(f *field, in event.Field) verdict {
	if f == nil {
		return g.unknown(in.Path)
	}
	w := walk{g: g, f: f, verdict: verdict{field: f.path, value: in.Value}}
	if f.named != "" {
		b, _ := fold(nil, nil, in.Value, false)
		if speaks(f.named, in.Value, b) {
			w.byName(f.named, f.path, in.Value, false)
			w.value = w.out
			return w.verdict
		}
	}
	dec := jsontext.NewDecoder(bytes.NewReader(in.Value))
	err := w.any(dec, f.members, 0)
	if err == nil && !w.drop {
		if _, end := dec.ReadToken(); end != io.EOF {
			err = cmp.Or(end, io.ErrUnexpectedEOF)
		}
	}
	switch {
	case err != nil:
		return verdict{field: f.path, drop: true, hold: []string{RuleUnreadable}}
	case len(w.warn) > 0:
		w.value = w.out
	}
	return w.verdict
}

// unknown is the verdict on a path that no policy declares.
func (g *Guard) unknown(path string) verdict {
	v := verdict{field: unknownPath, drop: true}
	if strings.HasPrefix(path, "custom.") {
		v.field = unknownCustom
	}
	switch g.limits.Actions[policy.RuleUnknownField] {
	case policy.ActionQuarantine:
		v.hold = []string{policy.RuleUnknownField}
	default: // a switched-off rule cannot keep what has no class, and so no key
		v.warn = []string{policy.RuleUnknownField}
	}
	return v
}

// apply notes a rule and returns its action; drop and quarantine end the field.
func (w *walk) apply(rule string) string {
	action := w.g.limits.Actions[rule]
	switch action {
	case policy.ActionQuarantine:
		w.hold, w.drop = append(w.hold, rule), true
	case policy.ActionDrop:
		w.warn, w.drop = append(w.warn, rule), true
	default:
		w.warn = append(w.warn, rule)
	}
	return action
}

// remove notes a rule that takes a member out of its object.
func (w *walk) remove(rule string) {
	if w.g.limits.Actions[rule] == policy.ActionQuarantine {
		w.hold, w.drop = append(w.hold, rule), true
		return
	}
	w.warn = append(w.warn, rule)
}

// any copies one JSON value. members are the names an object may have, nil for any.
func (w *walk) any(dec *jsontext.Decoder, members map[string]bool, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	switch dec.PeekKind() {
	case '{':
		return w.object(dec, members, depth)
	case '[':
		return w.array(dec, members, depth)
	case '"':
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		s, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return err
		}
		return w.text(v, s)
	case '0':
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		return w.text(v, v)
	default:
		v, err := dec.ReadValue()
		w.out = append(w.out, v...)
		return err
	}
}

func (w *walk) array(dec *jsontext.Decoder, members map[string]bool, depth int) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	w.out = append(w.out, '[')
	for n := 0; dec.PeekKind() != ']'; n++ {
		if n > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.any(dec, members, depth+1); err != nil || w.drop {
			return err
		}
	}
	w.out = append(w.out, ']')
	_, err := dec.ReadToken()
	return err
}

func (w *walk) object(dec *jsontext.Decoder, members map[string]bool, depth int) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	w.out = append(w.out, '{')
	for n := 0; dec.PeekKind() != '}'; {
		t, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name, before := t.String(), len(w.out)
		if n > 0 {
			w.out = append(w.out, ',')
		}
		if w.out, err = jsontext.AppendQuote(w.out, name); err != nil {
			return err
		}
		w.out = append(w.out, ':')
		kept, err := w.member(dec, name, members, depth)
		if err != nil || w.drop {
			return err
		}
		if !kept {
			w.out = w.out[:before]
			continue
		}
		n++
	}
	w.out = append(w.out, '}')
	_, err := dec.ReadToken()
	return err
}

// member copies the value of one name, or reads past it and reports false.
func (w *walk) member(dec *jsontext.Decoder, name string, members map[string]bool, depth int) (bool, error) {
	if members != nil && !members[name] {
		w.remove(policy.RuleUnknownField)
		return false, dec.SkipValue()
	}
	rule := w.g.nameRule(name)
	if members == nil {
		if r := w.inName(name); r != "" {
			w.remove(r)
			return false, dec.SkipValue()
		}
	}
	if rule == "" || !w.g.holds(w.f, rule) {
		return true, w.any(dec, nil, depth+1)
	}
	v, err := dec.ReadValue()
	if err != nil {
		return false, err
	}
	if b, _ := fold(nil, nil, v, false); !speaks(rule, v, b) {
		inner := jsontext.NewDecoder(bytes.NewReader(v.Clone()))
		return true, w.any(inner, nil, depth+1)
	}
	return w.byName(rule, name, v, true), nil
}

// inName finds a rule that the text of a freely chosen name breaks.
func (w *walk) inName(name string) string {
	b, _ := fold(nil, nil, []byte(name), false)
	for _, x := range w.g.read(w.f, b, nil) {
		if w.g.holds(w.f, x.rule) {
			return x.rule
		}
	}
	return ""
}

// byName writes what may stand of a value whose name says what it is, and
// reports false where a member goes altogether.
func (w *walk) byName(rule, name string, value []byte, member bool) bool {
	action := w.g.limits.Actions[rule]
	if member && action == policy.ActionDrop {
		w.remove(rule)
		return false
	}
	with := "***"
	if w.apply(rule) == policy.ActionGeneralise {
		if a, ok := namedAmount(name, value); ok {
			with = w.g.bandOf(a)
		}
	}
	w.out = append(w.out, '"')
	w.out = append(w.out, with...)
	w.out = append(w.out, '"')
	return true
}

// namedAmount reads the first amount of a value that is known to be an income.
func namedAmount(name string, value []byte) (amount, bool) {
	b, _ := fold(nil, nil, value, true)
	i := bytes.IndexAny(b, "0123456789")
	if i < 0 || value[0] == '{' || value[0] == '[' {
		return amount{}, false
	}
	a := readAmount(b, i)
	n, _ := fold(nil, nil, []byte(name), false)
	a.monthly = a.monthly || bytes.Contains(n, []byte("mensuel")) || bytes.Contains(n, []byte("month"))
	a.yearly = a.yearly || bytes.Contains(n, []byte("annu")) || bytes.Contains(n, []byte("year"))
	return a, a.euros < 1e9
}

// text copies a string or number, v as it stands and s its text, with what the
// rules mask taken out.
func (w *walk) text(v jsontext.Value, s []byte) error {
	changed := false
	var at []int32
	for range maxPasses {
		at = at[:0]
		b, _ := fold(nil, &at, s, false)
		found := slices.DeleteFunc(w.g.read(w.f, b, nil), func(x finding) bool { return !w.g.holds(w.f, x.rule) })
		if len(found) == 0 {
			return w.write(v, s, changed)
		}
		for i, x := range found {
			switch w.apply(x.rule) {
			case policy.ActionMask:
				if x.rule == policy.RuleIncome {
					found[i].with = ""
				}
			case policy.ActionDrop, policy.ActionQuarantine:
				return nil
			}
		}
		s, changed = replace(s, at, found), true
	}
	w.drop = true // it does not come to rest: nothing of it is worth a risk
	return nil
}

func (w *walk) write(v jsontext.Value, s []byte, changed bool) error {
	if !changed {
		w.out = append(w.out, v...)
		return nil
	}
	var err error
	w.out, err = jsontext.AppendQuote(w.out, s)
	return err
}

// replace puts each finding's mask in place of its signs, with the signs that
// leave no trace between them.
func replace(s []byte, at []int32, found []finding) []byte {
	slices.SortFunc(found, func(a, b finding) int { return a.from - b.from })
	out := make([]byte, 0, len(s))
	next := 0
	for _, x := range found {
		from, to := int(at[x.from]), len(s)
		if x.to < len(at) {
			to = int(at[x.to])
		}
		if from < next {
			continue
		}
		out = append(out, s[next:from]...)
		out = append(out, cmp.Or(x.with, "***")...)
		next = to
	}
	return append(out, s[next:]...)
}
