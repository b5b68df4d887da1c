package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

var (
	// ErrHead: not a checkpoint in its one form.
	ErrHead = errors.New("not a checkpoint")
	// ErrSignature: a checkpoint that the key did not sign, or not under this origin.
	ErrSignature = errors.New("the checkpoint is not signed by this key")
)

// Head is what a log commits to: the first Size facts have this root. As text it is
// the body of a C2SP checkpoint (c2sp.org/tlog-checkpoint): origin, size, and root in
// base64, a line each.
type Head struct {
	Origin string // names one history; a signed root for a size is the only one under it
	Size   uint64
	Root   Hash
}

// Text is the body of the checkpoint.
func (h Head) Text() string {
	return h.Origin + "\n" + strconv.FormatUint(h.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(h.Root[:]) + "\n"
}

// ParseHead reads what Text writes and nothing else. The error is ErrHead.
func ParseHead(text string) (Head, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 {
		return Head{}, fmt.Errorf("%w: it has not three lines", ErrHead)
	}
	h := Head{Origin: lines[0]}
	var err error
	if h.Size, err = strconv.ParseUint(lines[1], 10, 63); err != nil {
		return Head{}, fmt.Errorf("%w: its second line is no size", ErrHead)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || copy(h.Root[:], root) != len(root) || len(root) != len(h.Root) {
		return Head{}, fmt.Errorf("%w: its third line is no root", ErrHead)
	}
	if h.Origin == "" || h.Text() != text {
		return Head{}, fmt.Errorf("%w: it is not in its one form", ErrHead)
	}
	return h, nil
}

// algEd25519 is the signature type of Ed25519 keys in signed notes.
const algEd25519 = 1

// NewSigner signs under an origin with the Ed25519 key of a seed of 32 bytes.
func NewSigner(origin string, seed []byte) (note.Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("a signing key is made of %d bytes", ed25519.SeedSize)
	}
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, keyHash(origin, public),
		base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, seed...))))
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return s, nil
}

// keyHash identifies a key under a name (c2sp.org/signed-note).
func keyHash(name string, key ed25519.PublicKey) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"+string(rune(algEd25519))), key...))
	return binary.BigEndian.Uint32(sum[:])
}

// VerifierKey is the text by which verifiers know a key under an origin:
// ORIGIN+HASH+BASE64 (c2sp.org/signed-note). note.NewVerifier reads it.
func VerifierKey(origin string, public ed25519.PublicKey) string {
	return fmt.Sprintf("%s+%08x+%s", origin, keyHash(origin, public),
		base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, public...)))
}

// PublicKey is the key in a verifier key.
func PublicKey(vkey string) (ed25519.PublicKey, error) {
	if _, err := note.NewVerifier(vkey); err != nil {
		return nil, fmt.Errorf("verifier key: %w", err)
	}
	_, rest, _ := strings.Cut(vkey, "+")
	_, key, _ := strings.Cut(rest, "+") // base64 may have a plus of its own
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(b) != 1+ed25519.PublicKeySize || b[0] != algEd25519 {
		return nil, errors.New("verifier key: not an Ed25519 key")
	}
	return b[1:], nil
}

// SignHead writes a checkpoint: the head as a note signed under its origin.
func SignHead(h Head, s note.Signer) ([]byte, error) {
	if s.Name() != h.Origin {
		return nil, fmt.Errorf("%w: the key is of another origin", ErrSignature)
	}
	return SignText(h.Text(), s)
}

// OpenHead reads a checkpoint that was signed by this key under its own origin. Each
// byte counts: a checkpoint has one form. Errors are ErrHead and ErrSignature.
func OpenHead(signed []byte, v note.Verifier) (Head, error) {
	text, err := OpenText(signed, v)
	if err != nil {
		return Head{}, err
	}
	h, err := ParseHead(text)
	if err != nil {
		return Head{}, err
	}
	if h.Origin != v.Name() {
		return Head{}, fmt.Errorf("%w: it is of another origin", ErrSignature)
	}
	return h, nil
}

// SignText signs a statement as a note.
func SignText(text string, s note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, s)
}

// OpenText is the text of a note that this key alone signed. Each byte counts: the
// note has the form that SignText writes. The error is ErrSignature.
func OpenText(signed []byte, v note.Verifier) (string, error) {
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return "", fmt.Errorf("%w alone", ErrSignature)
	}
	sig, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || n.Text+"\n— "+n.Sigs[0].Name+" "+base64.StdEncoding.EncodeToString(sig)+"\n" != string(signed) {
		return "", fmt.Errorf("%w in its one form", ErrSignature)
	}
	return n.Text, nil
}
