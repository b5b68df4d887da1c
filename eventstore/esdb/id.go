package esdb

import (
	"crypto/sha256"
	"encoding/binary"

	"greffe/domain"
)

const (
	// eventType is every event's: an append's limit of 1 MiB counts types twice.
	eventType = "fact"
	idPrefix  = "greffe/esdb/1"
)

// EventID is the id of the event that holds a fact at a position: a UUIDv8 of
// SHA-256("greffe/esdb/1" ‖ position, 8 bytes big-endian ‖ fact).
func EventID(p domain.Position, fact []byte) domain.ID {
	h := sha256.New()
	var head [len(idPrefix) + 8]byte
	copy(head[:], idPrefix)
	binary.BigEndian.PutUint64(head[len(idPrefix):], uint64(p))
	h.Write(head[:])
	h.Write(fact)
	var sum [sha256.Size]byte
	return domain.DeriveID(h.Sum(sum[:0]))
}
