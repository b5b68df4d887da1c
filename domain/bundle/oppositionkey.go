package bundle

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/domain/token"
)

// ErrOppositionKey: not an opposition key, or not signed by the ledger.
var ErrOppositionKey = errors.New("not an opposition key that this ledger signed")

// OppositionKey lets its holder check whether one address is in a bundle's
// opposition list, offline. Whoever has it can also try guesses (phone numbers
// can be enumerated), so it is given apart from the bundle, under its own
// permission. Its text, signed as a C2SP note by the ledger:
//
//	greffe/<ledger>/opposition-key@v1
//	inspection <uuid>
//	key <64 hex digits>           K, made for this inspection alone
//	pepper <64 hex digits>        P_opposition of the first root
//	pepper …                      of each later root, in order
//
// A list's token is HMAC-SHA256(K, T), T being the ledger's own token of the
// address (FORMATS.md §6): HMAC-SHA256(first pepper, kind ‖ 0x00 ‖ version ‖
// digest of the normal form), then HMAC-SHA256(next pepper, T) for each later one.
type OppositionKey struct {
	Ledger, Inspection domain.ID
	Key                [32]byte
	Peppers            [][32]byte // oldest first
}

// OppositionPepper is P_opposition of one root (FORMATS.md §6).
func OppositionPepper(root [32]byte) [32]byte {
	b, err := hkdf.Key(sha256.New, root[:], nil, "greffe/pepper/1"+token.UseOpposition.String(), sha256.Size)
	if err != nil { // only for lengths beyond 255 hashes, which 32 is not
		panic(err)
	}
	return [32]byte(b)
}

// String keeps keys out of logs.
func (k *OppositionKey) String() string { return "opposition key" }

// GoString is String.
func (k *OppositionKey) GoString() string { return k.String() }

func oppositionKeyTitle(ledger domain.ID) string {
	return "greffe/" + ledger.String() + "/opposition-key@v1"
}

// Text is what is signed, as a note.
func (k *OppositionKey) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\ninspection %s\nkey %x\n", oppositionKeyTitle(k.Ledger), k.Inspection, k.Key)
	for _, p := range k.Peppers {
		fmt.Fprintf(&b, "pepper %x\n", p)
	}
	return b.String()
}

// OpenOppositionKey reads a signed note of Text, for the bundle of header h.
func OpenOppositionKey(signed []byte, v note.Verifier, h *Header) (*OppositionKey, error) {
	text, err := proof.OpenText(signed, v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOppositionKey, err)
	}
	k := &OppositionKey{Ledger: h.Ledger, Inspection: h.Inspection}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		name, value, _ := strings.Cut(line, " ")
		switch b, err := hex.DecodeString(value); {
		case i < 2:
		case err != nil || len(b) != 32:
			return nil, ErrOppositionKey
		case i == 2:
			k.Key = [32]byte(b)
		case name == "pepper":
			k.Peppers = append(k.Peppers, [32]byte(b))
		}
	}
	if len(k.Peppers) == 0 || k.Text() != text {
		return nil, fmt.Errorf("%w, or it is of another inspection", ErrOppositionKey)
	}
	return k, nil
}

// Rekey makes the bundle's token of the ledger's own, of the newest generation.
func (k *OppositionKey) Rekey(t token.Token) token.Token { return token.Token(mac(k.Key[:], t[:])) }

// Tokens are those that the list may hold of an address's normal form: over its
// SHA-256 and over its MD5.
func (k *OppositionKey) Tokens(kind token.Kind, normalised string) (sha, md token.Token) {
	s, m := sha256.Sum256([]byte(normalised)), md5.Sum([]byte(normalised))
	return k.token(kind, s[:]), k.token(kind, m[:])
}

func (k *OppositionKey) token(kind token.Kind, digest []byte) token.Token {
	version := token.EmailVersion
	if kind == token.KindPhone {
		version = token.PhoneVersion
	}
	t := mac(k.Peppers[0][:], []byte(kind), []byte{0, version}, digest)
	for _, p := range k.Peppers[1:] {
		t = mac(p[:], t[:])
	}
	return k.Rekey(t)
}

func mac(key []byte, parts ...[]byte) (out [32]byte) {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(out[:0])
	return out
}
