// Package part is the sealed, deletable half of an event: bytes, keys and
// commitments, as functions of their arguments.
//
// A part holds the personal values of one event that share a retention class.
// It is stored outside the log and can be destroyed; the log keeps only its
// commitment. Destroying the key makes it unreadable; destroying the part makes
// its commitment a salted hash of nothing that is left. Disclosing one part
// means disclosing its K_part, which opens no other.
//
// Layout, all integers one byte:
//
//	version(1)=1 ‖ key id ‖ key check(32) ‖ salt(32) ‖ nonce(12) ‖ AES-256-GCM ciphertext ‖ tag(16)
//	key id     = owner kind(1) ‖ owner uuid(16) ‖ len(class)(1) ‖ class ‖ len(epoch)(1) ‖ epoch
//	K_part     = HKDF-SHA256(secret K, no salt, info "greffe/part/1" ‖ event id(16) ‖ class), 32 bytes
//	key check  = SHA-256("greffe/kc/1" ‖ K_part)
//	AAD        = "greffe/aad/1" ‖ event id(16) ‖ len(type)(1) ‖ type ‖ everything before the nonce
//	commitment = SHA-256("greffe/commit/1" ‖ part)
//
// The key check makes the ciphertext commit to its key (GCM alone does not).
package part

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"greffe/domain"
)

const (
	version   = 1
	saltLen   = 32
	nonceLen  = 12
	tagLen    = 16
	checkLen  = sha256.Size
	maxType   = 255
	infoPart  = "greffe/part/1"
	infoCheck = "greffe/kc/1"
	infoAAD   = "greffe/aad/1"
	infoComm  = "greffe/commit/1"
)

var (
	// ErrFormat: the bytes are not a part of a version this program knows.
	ErrFormat = errors.New("not a part of a known version")
	// ErrKey: the key is not the one the part was sealed with.
	ErrKey = errors.New("the key does not open this part")
	// ErrTampered: the part, or the event it is read for, was altered.
	ErrTampered = errors.New("the part or its event was altered")
)

// Key is a class key or a K_part: 32 random or derived bytes.
type Key [32]byte

// String and GoString keep keys out of logs.
func (Key) String() string { return "key" }

// GoString is String.
func (k Key) GoString() string { return k.String() }

// Event is what a part is bound to besides its key id.
type Event struct {
	ID   domain.ID
	Type string // at most 255 bytes; Seal refuses more
}

// Random is what sealing one part consumes. Fill it from a cryptographic source.
type Random struct {
	Salt  [saltLen]byte
	Nonce [nonceLen]byte
}

// Commitment is SHA-256 over a whole part.
type Commitment [sha256.Size]byte

// Commit computes a part's commitment.
func Commit(part []byte) Commitment {
	h := sha256.New()
	h.Write([]byte(infoComm))
	h.Write(part)
	var c Commitment
	h.Sum(c[:0])
	return c
}

// DeriveKey computes K_part of class key k for one event and class. It is HKDF
// (RFC 5869) for one block, written out: a part costs a derivation, and the
// library's allocates a dozen times.
func DeriveKey(k Key, event domain.ID, class string) Key {
	var salt [sha256.Size]byte // RFC 5869 §2.2: as many zeros as the hash has bytes
	pseudorandom := mac(&salt, k[:])
	var buf [sha256.BlockSize]byte
	info := append(buf[:0], infoPart...)
	info = append(info, event[:]...)
	info = append(info, class...)
	return mac(&pseudorandom, append(info, 1))
}

// mac is HMAC-SHA-256 (RFC 2104) of a short message.
func mac(key *[sha256.Size]byte, message []byte) [sha256.Size]byte {
	const inner, outer = 0x36, 0x5c
	var buf [3 * sha256.BlockSize]byte
	b := buf[:sha256.BlockSize]
	for i := range b {
		b[i] = inner
		if i < len(key) {
			b[i] ^= key[i]
		}
	}
	sum := sha256.Sum256(append(b, message...))
	for i := range b {
		b[i] ^= inner ^ outer
	}
	return sha256.Sum256(append(b, sum[:]...))
}

// Seal makes a part of plain under class key k.
func Seal(k Key, id KeyID, ev Event, r *Random, plain []byte) ([]byte, error) {
	if err := id.Validate(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if len(ev.Type) > maxType {
		return nil, fmt.Errorf("seal: type must have at most %d bytes", maxType)
	}
	kp := DeriveKey(k, ev.ID, id.Class)
	out := make([]byte, 0, 1+id.size()+checkLen+saltLen+nonceLen+len(plain)+tagLen)
	out = append(out, version)
	out = id.append(out)
	check := keyCheck(kp)
	out = append(out, check[:]...)
	out = append(out, r.Salt[:]...)
	aad := additional(ev, out)
	out = append(out, r.Nonce[:]...)
	return gcm(kp).Seal(out, r.Nonce[:], plain, aad), nil
}

// Open returns the plaintext of a part sealed under class key k for ev.
func Open(k Key, ev Event, part []byte) ([]byte, error) {
	id, _, err := parse(part)
	if err != nil {
		return nil, err
	}
	return OpenWith(DeriveKey(k, ev.ID, id.Class), ev, part)
}

// OpenWith opens a part by its own K_part, the only key a proof discloses.
func OpenWith(kp Key, ev Event, part []byte) ([]byte, error) {
	_, head, err := parse(part)
	if err != nil {
		return nil, err
	}
	check := keyCheck(kp)
	stored := part[head-saltLen-checkLen : head-saltLen]
	if subtle.ConstantTimeCompare(check[:], stored) != 1 {
		return nil, ErrKey
	}
	nonce := part[head : head+nonceLen]
	plain, err := gcm(kp).Open(nil, nonce, part[head+nonceLen:], additional(ev, part[:head]))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// ReadKeyID tells which key a part needs.
func ReadKeyID(part []byte) (KeyID, error) {
	id, _, err := parse(part)
	return id, err
}

// parse returns the key id and the offset of the nonce.
func parse(part []byte) (KeyID, int, error) {
	if len(part) == 0 || part[0] != version {
		return KeyID{}, 0, ErrFormat
	}
	id, n, err := readKeyID(part[1:])
	if err != nil {
		return KeyID{}, 0, err
	}
	head := 1 + n + checkLen + saltLen
	if len(part) < head+nonceLen+tagLen {
		return KeyID{}, 0, ErrFormat
	}
	return id, head, nil
}

func additional(ev Event, head []byte) []byte {
	aad := make([]byte, 0, len(infoAAD)+17+len(ev.Type)+len(head))
	aad = append(aad, infoAAD...)
	aad = append(aad, ev.ID[:]...)
	aad = append(aad, byte(len(ev.Type)))
	aad = append(aad, ev.Type...)
	return append(aad, head...)
}

func keyCheck(kp Key) [sha256.Size]byte {
	var b [len(infoCheck) + len(kp)]byte
	copy(b[:], infoCheck)
	copy(b[len(infoCheck):], kp[:])
	return sha256.Sum256(b[:])
}

func gcm(k Key) cipher.AEAD {
	block, err := aes.NewCipher(k[:])
	if err != nil { // only for wrong key lengths, which the type excludes
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}
