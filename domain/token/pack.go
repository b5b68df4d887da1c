package token

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Form says which of an address's tokens an entry holds.
type Form byte

// The forms. Search is the zero form: the token of the kind's own use.
const (
	FormSearch           Form = 0
	FormOppositionSHA256 Form = 1
	FormOppositionMD5    Form = 2
)

// Field says where in the event the identifier stood.
type Field byte

// The fields that are indexed.
const (
	FieldOther   Field = 0 // an address that is no field of a contact
	FieldEmails  Field = 1 // person.emails
	FieldPhones  Field = 2 // person.phones
	FieldName    Field = 3 // person.given_name and person.family_name together
	FieldAddress Field = 4 // address of opposition.registered
	fields             = 5
)

// Entry is one indexed identifier of an event.
type Entry struct {
	Kind  Kind
	Field Field
	Form  Form
	Token Token
}

// ErrPacked reports bytes that Pack did not write, or a version unknown here.
var ErrPacked = errors.New("not packed tokens of a known version")

const (
	packVersion = 1
	packHead    = 3
	packEntry   = 3 + len(Token{})
	maxEntries  = 1<<16 - 1
)

var kindCodes = [...]Kind{"", KindEmail, KindPhone, KindName}

func (k Kind) code() byte {
	for i, known := range kindCodes {
		if i > 0 && known == k {
			return byte(i)
		}
	}
	return 0
}

// Pack writes the tokens of one event, in the order given:
//
//	version(1)=1 ‖ count(2, big endian) ‖ count × ( kind(1) ‖ field(1) ‖ form(1) ‖ token(32) )
//
// kind is 1 e-mail, 2 phone, 3 name. No entries pack to nil. More than 65,535
// entries, or a kind, field or form unknown here, is an error.
func Pack(entries []Entry) ([]byte, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	if len(entries) > maxEntries {
		return nil, fmt.Errorf("pack tokens: %d entries are more than %d", len(entries), maxEntries)
	}
	b := make([]byte, 0, packHead+len(entries)*packEntry)
	b = append(b, packVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		code := e.Kind.code()
		if code == 0 || e.Field >= fields || e.Form > FormOppositionMD5 {
			return nil, fmt.Errorf("pack tokens: %w", ErrPacked)
		}
		b = append(b, code, byte(e.Field), byte(e.Form))
		b = append(b, e.Token[:]...)
	}
	return b, nil
}

// Use is whose pepper the entry's token was made with.
func (e *Entry) Use() Use {
	if e.Form != FormSearch {
		return UseOpposition
	}
	_, use, _ := e.Kind.lookup()
	return use
}

// Repack replaces every token of what Pack wrote, in place. ErrPacked leaves it
// as it was.
func Repack(b []byte, step func(Use, Token) Token) error {
	entries, err := Unpack(b)
	if err != nil {
		return err
	}
	for i := range entries {
		t := step(entries[i].Use(), entries[i].Token)
		copy(b[packHead+(i+1)*packEntry-len(t):], t[:])
	}
	return nil
}

// Unpack reads what Pack wrote and nothing else.
func Unpack(b []byte) ([]Entry, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) < packHead || b[0] != packVersion {
		return nil, ErrPacked
	}
	n := int(binary.BigEndian.Uint16(b[1:packHead]))
	if n == 0 || len(b) != packHead+n*packEntry {
		return nil, ErrPacked
	}
	entries := make([]Entry, n)
	for i := range entries {
		at := b[packHead+i*packEntry:]
		if at[0] == 0 || int(at[0]) >= len(kindCodes) || at[1] >= fields || at[2] > byte(FormOppositionMD5) {
			return nil, ErrPacked
		}
		entries[i] = Entry{Kind: kindCodes[at[0]], Field: Field(at[1]), Form: Form(at[2]), Token: Token(at[3:packEntry])}
	}
	return entries, nil
}
