package event

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
)

// take understands one field that the catalogue knows.
func (u *reading) take(f *field, val jsontext.Value) {
	u.seen = append(u.seen, f.path)
	switch f.kind {
	case sealed:
		u.seal(f.sealed, val)
	case enum, reason, purpose, channel, portfolio:
		u.code(f, val)
	case enums, purposes, channels, categories, slots:
		u.list(f, val)
	case flag:
		u.flag(f, val)
	case instant:
		u.instant(f, val)
	case count:
		u.count(f, val)
	case link:
		if r, ok := u.ref(f, val); ok {
			u.d.Link = &r
		}
	case linked:
		u.linked(f, val)
	case nested:
		if val.Kind() != '{' {
			u.bad("field_invalid", f.path)
			return
		}
		u.object(u.shape.inner, "", val)
	case unsets:
		u.unsets(f, val)
	case address:
		u.address(f, val)
	}
}

func (u *reading) set(name string, v any) { u.d.Codes = u.d.Codes.With(name, v) }

func (u *reading) code(f *field, val jsontext.Value) {
	s, ok := str(val)
	if !ok {
		u.bad("field_invalid", f.path)
		return
	}
	c, ok := u.known(f, s)
	switch {
	case ok:
		u.set(f.path, c)
	case f.kind == purpose:
		u.bad("purpose_unknown", f.path) // lenient: no purpose means every purpose
	case f.kind == channel:
		u.bad("channel_unknown", f.path)
	default:
		u.bad("field_invalid", f.path)
	}
}

// known maps s to the code that stands in the fact.
func (u *reading) known(f *field, s string) (string, bool) {
	var ok bool
	switch f.kind {
	case enum, enums:
		ok = slices.Contains(f.values, s)
	case purpose, purposes:
		ok = u.v.Purpose(s)
	case channel, channels:
		ok = u.v.Channel(s)
	case portfolio: // nobody's, rather than the one before
		if ok = u.v.Portfolio(s); !ok {
			u.warn(f.path, "unlisted_code")
			return Unlisted, true
		}
	case categories:
		ok = u.v.HasClass(s)
	case slots: // one that cannot be read opens no hour, which protects the person
		_, ok = ParseSlot(s)
	case reason:
		if ok = u.v.HasReason(s); !ok {
			u.warn(f.path, "unlisted_code")
			return Unlisted, true
		}
	}
	if !ok && f.fallback != "" {
		u.warn(f.path, "unlisted_code")
		return f.fallback, true
	}
	return s, ok
}

// list keeps what is known of a list of codes. One unknown channel of an
// objection or withdrawal widens it to every channel, which no list means.
func (u *reading) list(f *field, val jsontext.Value) {
	in, ok := texts(val)
	if !ok || len(in) > 100 {
		u.bad("field_invalid", f.path)
		return
	}
	out := make([]string, 0, len(in))
	for _, s := range in {
		c, ok := u.known(f, s)
		switch {
		case ok:
			out = append(out, c)
		case f.kind == channels:
			u.bad("channel_unknown", f.path)
			if u.lenient {
				return
			}
		case f.kind == purposes:
			u.bad("purpose_unknown", f.path)
		default:
			u.warn(f.path, "unlisted_code")
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	switch {
	case len(out) > 0:
		u.set(f.path, out)
	case f.kind == channels:
		u.bad("field_invalid", f.path) // no list means every channel, so an empty one must not
	}
}

func (u *reading) flag(f *field, val jsontext.Value) {
	switch val.Kind() {
	case 't':
		u.set(f.path, true)
	case 'f':
		u.set(f.path, false)
	default:
		u.bad("field_invalid", f.path)
	}
}

// instant takes RFC 3339, or a date, which means its first moment in UTC.
func (u *reading) instant(f *field, val jsontext.Value) {
	s, ok := str(val)
	if !ok {
		u.bad("field_invalid", f.path)
		return
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
	}
	if err != nil || t.Year() < 1900 || t.Year() > 9000 {
		u.bad("field_invalid", f.path)
		return
	}
	u.set(f.path, domain.FormatTime(t))
}

func (u *reading) count(f *field, val jsontext.Value) {
	var n int64
	if err := json.Unmarshal(val, &n); err != nil || n < 0 || n > maxSafeInt {
		u.bad("field_invalid", f.path)
		return
	}
	u.set(f.path, n)
}

func (u *reading) ref(f *field, val jsontext.Value) (Ref, bool) {
	var r struct {
		Source  string `json:"source"`
		Subject string `json:"subject"`
	}
	if err := json.Unmarshal(val, &r); err != nil || r.Subject == "" || len(r.Subject) > maxName || len(r.Source) > maxName {
		u.bad("field_invalid", f.path)
		return Ref{}, false
	}
	if r.Source == "" {
		r.Source = u.in.Source
	}
	return Ref(r), true
}

func (u *reading) linked(f *field, val jsontext.Value) {
	in, ok := texts(val)
	if !ok {
		u.bad("field_invalid", f.path)
		return
	}
	if u.d.Codes.Int("count") < int64(len(in)) {
		u.set("count", int64(len(in)))
	}
	if len(in) > maxSubjects {
		u.warn(f.path, "first_1000_kept")
		in = in[:maxSubjects]
	}
	for _, s := range in {
		if s == "" || len(s) > maxName {
			u.bad("field_invalid", f.path)
			return
		}
		u.d.Subjects = append(u.d.Subjects, Ref{u.in.Source, s})
	}
}

func (u *reading) unsets(f *field, val jsontext.Value) {
	in, ok := texts(val)
	if !ok || len(in) > 100 {
		u.bad("field_invalid", f.path)
		return
	}
	for _, p := range in {
		u.unset(p)
	}
}

func str(val jsontext.Value) (string, bool) {
	if val.Kind() != '"' {
		return "", false
	}
	return string(unquote(val)), true
}

// texts reads an array of strings.
func texts(val jsontext.Value) (l []string, ok bool) {
	all := true
	ok = elements(val, func(v []byte) {
		s, isText := str(v)
		all = all && isText
		l = append(l, s)
	})
	return l, ok && all
}

// wellFormed checks the form of the sealed fields that others rely on.
func wellFormed(path string, v jsontext.Value) bool {
	switch path {
	case "person.emails", "person.phones":
		n, all := 0, true
		ok := elements(v, func(e []byte) { n, all = n+1, all && e[0] == '"' })
		return ok && all && n <= 100
	case "person.postal_address":
		return v.Kind() == '{'
	case "person.given_name", "person.family_name", "person.birth_date", "person.language", "person.time_zone",
		"company.name", "company.siren", "company.role", "notes", "collection.origin":
		return v.Kind() == '"'
	}
	return true
}
