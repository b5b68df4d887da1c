package screening

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"greffe/domain/token"
)

// Address is one address as it is looked for: by its digests, of a clear one by both.
type Address struct {
	Normal string // "" of a digest
	SHA256 [sha256.Size]byte
	MD5    [md5.Size]byte
}

// Read takes the address out of a record; code is "" or why it cannot be read.
func (f Format) Read(rec []byte, a *Ask, scratch []byte) (out Address, code string) {
	cell := rec
	if f.Separator != 0 {
		var ok bool
		if cell, ok = Cell(rec, f.Separator, f.Column, scratch); !ok {
			return out, AddressMissing
		}
	}
	if cell = bytes.TrimSpace(cell); len(cell) == 0 {
		return out, AddressMissing
	}
	switch a.Input {
	case SHA256:
		return out, digits(out.SHA256[:], cell)
	case MD5:
		return out, digits(out.MD5[:], cell)
	}
	if out.Normal = normal(a.Kind, string(cell)); out.Normal == "" {
		return out, AddressUnreadable
	}
	b := []byte(out.Normal)
	out.SHA256, out.MD5 = sha256.Sum256(b), md5.Sum(b)
	return out, ""
}

// normal is the form under which an address is known, "" of what is none. A phone
// number out of the ranges in use is an address all the same.
func normal(kind token.Kind, s string) (n string) {
	if kind == token.KindEmail {
		n, _ = token.Email(s)
	} else {
		n, _ = token.Phone(s, "FR")
	}
	if strings.HasPrefix(n, token.Marker) {
		return ""
	}
	return n
}

func digits(to, hexadecimal []byte) (code string) {
	if len(hexadecimal) != hex.EncodedLen(len(to)) {
		return DigestInvalid
	}
	if _, err := hex.Decode(to, hexadecimal); err != nil {
		return DigestInvalid
	}
	return ""
}
