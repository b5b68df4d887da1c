package domain

import (
	"errors"
	"strconv"
)

// Position is the dense place of a fact in the ledger: revision in the stream
// and leaf index in the tree, from 0. On the wire it is a decimal string,
// since JSON numbers lose integers beyond 2^53.
type Position uint64

// ErrPosition reports text that is not a decimal position.
var ErrPosition = errors.New("not a decimal position")

// ParsePosition reads the wire form.
func ParsePosition(s string) (Position, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || (len(s) > 1 && s[0] == '0') {
		return 0, ErrPosition
	}
	return Position(n), nil
}

// String is the wire form.
func (p Position) String() string { return strconv.FormatUint(uint64(p), 10) }

// MarshalText writes the wire form.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the wire form.
func (p *Position) UnmarshalText(b []byte) error {
	n, err := ParsePosition(string(b))
	if err != nil {
		return err
	}
	*p = n
	return nil
}
