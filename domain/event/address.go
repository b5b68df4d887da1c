package event

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// address takes the addresses of somebody not known, whatever their form: an
// invalid number still enters the opposition list, and what stands under a name
// that is not ours, or under none, is told apart by its at sign.
func (u *reading) address(f *field, val jsontext.Value) {
	if val.Kind() == '{' {
		if !whole(val, func(name, v []byte) { u.addresses(string(unquote(name)), v) }) {
			u.bad("field_invalid", f.path)
		}
	} else {
		u.warn(f.path, "field_invalid")
		u.addresses("", val)
	}
	for _, kind := range []string{"email", "phone"} {
		u.sealAddresses(kind)
	}
}

func (u *reading) addresses(kind string, val jsontext.Value) {
	s := string(val)
	switch val.Kind() {
	case '[':
		if !elements(val, func(v []byte) { u.addresses(kind, v) }) {
			u.bad("field_invalid", "address")
		}
		return
	case '"':
		s = string(unquote(val))
	case '0': // a number whose sender forgot the quotes
		u.warn("address", "field_invalid")
	case 'n':
		return
	default:
		u.bad("field_invalid", "address")
		return
	}
	if kind != "email" && kind != "phone" {
		u.warn("address", "unknown_field")
		if kind = "phone"; strings.Contains(s, "@") {
			kind = "email"
		}
	}
	if s = strings.TrimSpace(s); s == "" || len(s) > maxName || len(u.d.Addresses) >= maxAddresses {
		u.bad("field_invalid", "address")
		return
	}
	u.d.Addresses = append(u.d.Addresses, Address{kind, s})
}

// sealAddresses seals what was found: a string, or an array of several.
func (u *reading) sealAddresses(kind string) {
	var list []byte
	n := 0
	for _, a := range u.d.Addresses {
		if a.Kind == kind {
			if n++; n > 1 {
				list = append(list, ',')
			}
			list, _ = jsontext.AppendQuote(list, a.Value)
		}
	}
	if n > 1 {
		list = slices.Concat([]byte{'['}, list, []byte{']'})
	}
	if n > 0 {
		u.d.Fields = append(u.d.Fields, Field{Path: "opposition.address." + kind, Value: list})
	}
}
