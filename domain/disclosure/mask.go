package disclosure

import (
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// veil stands for what a mask leaves out. Its length says nothing.
const veil = "•••"

// Field is what is shown of a value at a path: the field as it is or masked. A value
// that is an object is shown member by member, those of a group of their own as that
// group is.
func (l *Lens) Field(subject domain.ID, class string, f event.Field) (event.Field, policy.Level) {
	level := l.Level(subject, class, f.Path)
	if l.whole || l.only != nil || jsontext.Value(f.Value).Kind() != '{' {
		if level == policy.Masked {
			f.Value = Mask(l.kind(f.Path), f.Value)
		}
		return f, level
	}
	v, least, any := l.object(subject, class, f.Path, f.Value, level)
	if !any {
		return f, level
	}
	f.Value = v
	return f, least
}

func (l *Lens) kind(path string) string {
	f, ok := l.rules.Field(path)
	if !ok {
		return "text"
	}
	return f.Kind
}

// object is what is shown of an object; the level is the least of those of its members,
// but at least Masked if anything is shown, and any says that it has members.
func (l *Lens) object(subject domain.ID, class, path string, v jsontext.Value, above policy.Level) (jsontext.Value, policy.Level, bool) {
	var members map[string]jsontext.Value
	if json.Unmarshal(v, &members) != nil || len(members) == 0 {
		return nil, above, false
	}
	least, shown := policy.Clear, map[string]jsontext.Value{}
	for name, x := range members {
		at, level := path+"."+name, above
		if _, grouped := l.rules.FieldGroup(at); grouped {
			level = l.Level(subject, class, at)
		}
		if x.Kind() == '{' {
			if inner, has, any := l.object(subject, class, at, x, level); any {
				x, level = inner, has
			}
		} else if level == policy.Masked {
			x = Mask(l.kind(at), x)
		}
		least = min(least, level)
		if level != policy.Hidden {
			shown[name] = x
		}
	}
	if len(shown) == 0 {
		return nil, policy.Hidden, true
	}
	out, err := json.Marshal(shown, json.Deterministic(true))
	if err != nil {
		return nil, policy.Hidden, true
	}
	return out, max(least, policy.Masked), true
}

// Mask is what is shown of a value instead of it, by the kind of its field: of an
// e-mail address j•••@d•••.fr, of a phone number its last two digits, of a name the
// initials, of a date the year, of an amount its power of ten; of everything else, and
// of what is not of its kind, that there is something. A list keeps its length, null
// stays null.
func Mask(kind string, v jsontext.Value) jsontext.Value {
	switch v.Kind() {
	case 'n':
		return v
	case '[':
		var list []jsontext.Value
		if json.Unmarshal(v, &list) != nil {
			return quoted(veil)
		}
		for i := range list {
			list[i] = Mask(kind, list[i])
		}
		return marshalled(list)
	case '{':
		var members map[string]jsontext.Value
		if json.Unmarshal(v, &members) != nil {
			return quoted(veil)
		}
		for name := range members {
			members[name] = Mask("text", members[name])
		}
		return marshalled(members)
	case '0':
		if kind == "amount" {
			return quoted(maskAmount(string(v)))
		}
		return quoted(veil)
	case '"':
		var s string
		if json.Unmarshal(v, &s) == nil {
			return quoted(maskText(kind, s))
		}
	}
	return quoted(veil)
}

func quoted(s string) jsontext.Value {
	b, _ := jsontext.AppendQuote(nil, s) // of valid UTF-8
	return b
}

func marshalled(v any) jsontext.Value {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return quoted(veil)
	}
	return b
}

func maskText(kind, s string) string {
	switch kind {
	case "email":
		return maskEmail(s)
	case "phone":
		return maskPhone(s)
	case "name":
		return maskName(s)
	case "date":
		return maskDate(s)
	case "amount":
		return maskAmount(s)
	}
	return veil
}

func maskEmail(s string) string {
	at := strings.LastIndexByte(s, '@')
	dot := strings.LastIndexByte(s, '.')
	if at < 1 || dot < at+2 || dot == len(s)-1 || strings.ContainsFunc(s, unicode.IsSpace) {
		return veil
	}
	return first(s[:at]) + veil + "@" + first(s[at+1:]) + veil + s[dot:]
}

func first(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

func maskPhone(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if len(digits) < 8 {
		return veil
	}
	return veil + digits[len(digits)-2:]
}

func maskName(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
	if len(words) == 0 || len(words) > 6 {
		return veil
	}
	var out []string
	for _, w := range words {
		out = append(out, first(w)+".")
	}
	return strings.Join(out, " ")
}

func maskDate(s string) string {
	if len(s) < 5 || s[4] != '-' {
		return veil
	}
	for _, c := range []byte(s[:4]) {
		if c < '0' || c > '9' {
			return veil
		}
	}
	return s[:4]
}

// maskAmount is the power of ten that an amount lies in, in its own unit: 12000 is
// 10000–99999.
func maskAmount(s string) string {
	f, ok := new(big.Float).SetString(s)
	if !ok || f.IsInf() || f.Sign() < 0 || f.MantExp(nil) > 64 {
		return veil
	}
	whole, _ := f.Int(nil)
	digits := len(whole.String())
	if whole.Sign() == 0 {
		return "0–9"
	}
	least := "1" + strings.Repeat("0", digits-1)
	if digits == 1 {
		least = "0"
	}
	return least + "–" + strings.Repeat("9", digits)
}
