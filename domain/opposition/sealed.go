package opposition

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"

	"greffe/domain/token"
)

// The sealed fields of the opposition list's own facts (opposition.listed,
// opposition.lifted, erasure.staged), and of an objection by an address.
const (
	FieldTokens     = "opposition.tokens"     // []string, each a Keyed
	FieldGeneration = "opposition.generation" // number of pepper roots the tokens went through, from 1
	FieldList       = "opposition.list"       // name of an imported list
	FieldDetail     = "opposition.detail"     // words of who lifted an entry
	FieldEmail      = "opposition.address.email"
	FieldPhone      = "opposition.address.phone"
)

// LiftReasons are the codes of why an entry ends. An objection to prospecting
// is absolute (art. 21(2)-(3)), so there is none for the controller's interest.
func LiftReasons() []string {
	return []string{"person_request", "recorded_by_mistake", "wrong_person", "address_reassigned", "court_order"}
}

// Keyed is an address as the list holds it: a token of the SHA-256 or of the
// MD5 digest of its normal form, never the address.
type Keyed struct {
	Kind  token.Kind
	Form  token.Form // FormOppositionSHA256 or FormOppositionMD5
	Token token.Token
}

// ErrKeyed reports text that is not a Keyed.
var ErrKeyed = errors.New("not a sealed token of the opposition list")

// String is "<kind>:<form>:<64 hex digits>", such as "email:sha256:…".
func (k Keyed) String() string {
	form := "sha256"
	if k.Form == token.FormOppositionMD5 {
		form = "md5"
	}
	return string(k.Kind) + ":" + form + ":" + hex.EncodeToString(k.Token[:])
}

// ParseKeyed reads what String writes.
func ParseKeyed(s string) (k Keyed, err error) {
	kind, rest, _ := strings.Cut(s, ":")
	form, digits, _ := strings.Cut(rest, ":")
	switch k.Kind = token.Kind(kind); k.Kind {
	case token.KindEmail, token.KindPhone:
	default:
		return Keyed{}, ErrKeyed
	}
	switch form {
	case "sha256":
		k.Form = token.FormOppositionSHA256
	case "md5":
		k.Form = token.FormOppositionMD5
	default:
		return Keyed{}, ErrKeyed
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(k.Token) || strings.ToLower(digits) != digits {
		return Keyed{}, ErrKeyed
	}
	k.Token = token.Token(b)
	return k, nil
}

// AppendKeyed writes the value of FieldTokens.
func AppendKeyed(dst []byte, list []Keyed) []byte {
	dst = append(dst, '[')
	for i, k := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, k.String()...)
		dst = append(dst, '"')
	}
	return append(dst, ']')
}

// ReadKeyed reads what AppendKeyed wrote.
func ReadKeyed(v []byte) ([]Keyed, error) {
	var texts []string
	if err := json.Unmarshal(v, &texts); err != nil {
		return nil, ErrKeyed
	}
	list := make([]Keyed, len(texts))
	for i, s := range texts {
		var err error
		if list[i], err = ParseKeyed(s); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Both is how an address whose normal form is known stands on the list: under
// either digest, one after the other.
func Both(kind token.Kind, o token.Opposed) [2]Keyed {
	return [2]Keyed{{kind, token.FormOppositionSHA256, o.SHA256}, {kind, token.FormOppositionMD5, o.MD5}}
}
