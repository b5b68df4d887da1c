// Package cursor writes and reads the opaque cursors of paged lists.
//
// A cursor says where the next page begins and for which query. It holds
// positions, a count and one of our own ids, nothing personal; the query, whose
// filters may be personal, is present only as a keyed MAC. It is bound to the
// query and to the key: it can be neither forged nor moved to another list.
//
//	text   = base64url without padding of
//	         version(1)=1 ‖ query tag(16) ‖ position(8) ‖ offset(8) ‖ id(16) ‖ mac(16)
//	query tag = HMAC-SHA256(key, "greffe/cursor/query/1" ‖ n × ( len(part)(4) ‖ part )), first 16 bytes
//	mac       = HMAC-SHA256(key, "greffe/cursor/1" ‖ everything before the mac), first 16 bytes
//
// Integers are big endian. Promised: what Seal wrote Open reads under the same
// key and query, also after a restart. A cursor does not expire; whoever lists
// decides whether its position is still one to go on from.
package cursor

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"greffe/domain"
)

const (
	version   = 1
	tagLen    = 16
	bodyLen   = 1 + tagLen + 8 + 8 + len(domain.ID{})
	cursorLen = bodyLen + tagLen
	infoMAC   = "greffe/cursor/1"
	infoQuery = "greffe/cursor/query/1"
)

var (
	// ErrNotCursor: the text is no cursor of this ledger, or was altered.
	ErrNotCursor = errors.New("not a cursor of this ledger")
	// ErrOtherQuery: a true cursor, of another list or of other filters.
	ErrOtherQuery = errors.New("the cursor belongs to another query")
)

var encoding = base64.RawURLEncoding.Strict()

// Key makes cursors of one ledger. Nodes that answer for it share it.
type Key [32]byte

// Query is a list and its filters, as a MAC under the key.
type Query [tagLen]byte

// At is where the next page begins; what each field means is the list's own.
type At struct {
	Position domain.Position // the last position seen, or the one the list is as of
	Offset   uint64
	ID       domain.ID // of ours, to break ties; zero if unused
}

// Query identifies a list and everything that selects or sorts its items: give
// the path first, then each filter's name and value, in a fixed order. The
// caller's rights belong in it if they change what is listed; the limit does not.
func (k Key) Query(parts ...string) Query {
	m := hmac.New(sha256.New, k[:])
	m.Write([]byte(infoQuery))
	var size [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(size[:], uint32(len(p)))
		m.Write(size[:])
		m.Write([]byte(p))
	}
	return Query(m.Sum(nil)[:tagLen])
}

// Seal writes a cursor.
func (k Key) Seal(q Query, at At) string {
	b := make([]byte, 0, cursorLen)
	b = append(b, version)
	b = append(b, q[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(at.Position))
	b = binary.BigEndian.AppendUint64(b, at.Offset)
	b = append(b, at.ID[:]...)
	b = append(b, k.mac(b)...)
	return encoding.EncodeToString(b)
}

// Open reads a cursor that Seal wrote for q.
func (k Key) Open(q Query, s string) (At, error) {
	if len(s) != encoding.EncodedLen(cursorLen) {
		return At{}, ErrNotCursor
	}
	b, err := encoding.DecodeString(s)
	if err != nil || len(b) != cursorLen || b[0] != version {
		return At{}, ErrNotCursor
	}
	if subtle.ConstantTimeCompare(k.mac(b[:bodyLen]), b[bodyLen:]) != 1 {
		return At{}, ErrNotCursor
	}
	if subtle.ConstantTimeCompare(q[:], b[1:1+tagLen]) != 1 {
		return At{}, ErrOtherQuery
	}
	rest := b[1+tagLen:]
	return At{
		Position: domain.Position(binary.BigEndian.Uint64(rest)),
		Offset:   binary.BigEndian.Uint64(rest[8:]),
		ID:       domain.ID(rest[16:32]),
	}, nil
}

// String and GoString keep the key out of logs.
func (k Key) String() string { return "cursor key" }

// GoString is String.
func (k Key) GoString() string { return k.String() }

func (k Key) mac(body []byte) []byte {
	m := hmac.New(sha256.New, k[:])
	m.Write([]byte(infoMAC))
	m.Write(body)
	return m.Sum(nil)[:tagLen]
}
