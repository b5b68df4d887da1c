package domain

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// ID is a UUID of ours (RFC 9562). Version 8 ids are derived from a keyed MAC,
// version 4 ids are random. An ID never derives from personal data without a key.
type ID [16]byte

// ErrID reports text that is not a UUID in its canonical form.
var ErrID = errors.New("not a UUID in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")

// DeriveID makes a UUIDv8 of the first 16 bytes of mac: 122 bits of it remain.
// It panics if mac is shorter, which only a programming error can cause.
func DeriveID(mac []byte) ID {
	id := ID(mac[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// RandomID reads 16 bytes of r into a UUIDv4.
func RandomID(r io.Reader) (ID, error) {
	var id ID
	if _, err := io.ReadFull(r, id[:]); err != nil {
		return ID{}, fmt.Errorf("random id: %w", err)
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id, nil
}

// ParseID reads the canonical lower- or upper-case form and nothing else.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, ErrID
	}
	hexed := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(id[:], []byte(hexed)); err != nil {
		return ID{}, ErrID
	}
	return id, nil
}

// IsZero reports the absent id.
func (id ID) IsZero() bool { return id == ID{} }

// String is the canonical lower-case form.
func (id ID) String() string {
	return string(id.appendText(make([]byte, 0, 36)))
}

func (id ID) appendText(b []byte) []byte {
	for i, from := range [5]int{0, 4, 6, 8, 10} {
		if i > 0 {
			b = append(b, '-')
		}
		to := [5]int{4, 6, 8, 10, 16}[i]
		b = hex.AppendEncode(b, id[from:to])
	}
	return b
}

// MarshalText and UnmarshalText use the canonical form.
func (id ID) MarshalText() ([]byte, error) { return id.appendText(nil), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(b []byte) error {
	p, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = p
	return nil
}
