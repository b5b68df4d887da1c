package minimise

import (
	"bytes"

	"greffe/domain/policy"
)

// speaks reports whether a value has what its name says: anything at all for a
// special category, a digit for a number.
func speaks(rule string, value, folded []byte) bool {
	if rule == policy.RuleSpecialCategory {
		switch string(value) {
		case "null", `""`, "[]", "{}":
			return false
		}
		return true
	}
	return bytes.ContainsAny(folded, "0123456789")
}

// plain reports that a value's members need no reading one by one.
func (f *field) plain(value []byte) bool {
	switch value[0] {
	case '[':
		return bytes.IndexByte(value, '{') < 0
	case '{':
		return f.members != nil && membersKnown(value, f.members)
	}
	return true
}

// membersKnown reports that value is one flat object of known names, as far as
// it can tell without parsing.
func membersKnown(value []byte, members map[string]bool) bool {
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '{', '\\', ' ', '\t', '\n', '\r':
			return false
		case '"':
			n := bytes.IndexByte(value[i+1:], '"')
			if n < 0 {
				return false
			}
			end := i + 1 + n
			if end+1 < len(value) && value[end+1] == ':' && !members[string(value[i+1:end])] {
				return false
			}
			if bytes.IndexByte(value[i+1:end], '\\') >= 0 {
				return false
			}
			i = end
		}
	}
	return true
}
