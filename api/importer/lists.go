package importer

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func (u *reading) list(path string, l []string) {
	var out []string
	for _, s := range l {
		if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, s) }) {
			out = append(out, s)
		}
	}
	if len(out) > 100 {
		out = out[:100]
		u.warn(path, "first_100_kept")
	}
	if raw, err := json.Marshal(out); err == nil && len(out) > 0 {
		u.put(path, raw)
	}
}

func (u *reading) postalAddress() {
	if len(u.lines) == 0 && len(u.address) == 0 {
		return
	}
	nation := u.address["country"]
	if nation != "" {
		nation = country(nation)
	}
	var raw []byte
	add := func(name, v string) {
		if v != "" {
			raw = appendString(appendName(raw, name, len(raw) == 0), v)
		}
	}
	add("city", u.address["city"])
	add("country", nation)
	for i, l := range u.lines {
		if i == 0 {
			raw = append(appendName(raw, "lines", len(raw) == 0), '[')
		} else {
			raw = append(raw, ',')
		}
		raw = appendString(raw, l)
	}
	if len(u.lines) > 0 {
		raw = append(raw, ']')
	}
	add("postal_code", postalCode(u.address["postal_code"], nation))
	u.put(toAddress, jsontext.Value("{"+string(raw)+"}"))
}
