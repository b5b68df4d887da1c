package link

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// ErrLink: the text is no link of this ledger, or its time is over. Which of the
// two is not told, so that a page cannot tell it either.
var ErrLink = errors.New("not a link that can be used")

// ErrInvalid: what was to be sealed makes no link.
var ErrInvalid = errors.New("these values make no link")

// Kind is what a link does.
type Kind byte

// The kinds.
const (
	OptOut  Kind = 1 // withdraw and object
	Confirm Kind = 2 // grant what was requested
)

// Link is what a token says.
type Link struct {
	Kind       Kind
	Subject    domain.ID
	Controller string   // code of the policy
	Purpose    string   // code; "" for every purpose, of OptOut only
	Channels   []string // sorted as in policy.ChannelCodes; none: every channel
	Expires    time.Time

	Request  domain.ID // Confirm: the consent.requested event
	Notice   domain.ID // Confirm: the notice it named, if any
	TextHeld bool      // Confirm: the request itself holds the notice's text
}

const (
	version  = 1
	nonceLen = 12
	maxText  = 1024 // characters of a token that are looked at
	fixed    = 1 + 5 + 1 + 1 + 16
	flagText = 1
)

// Key seals and opens. It holds keys; printing it shows none.
type Key struct {
	seal  cipher.AEAD
	nonce []byte
}

// NewKey derives the keys from a secret of at least 32 bytes.
func NewKey(secret []byte) (*Key, error) {
	if len(secret) < sha256.Size {
		return nil, errors.New("link key: a secret of 32 bytes is needed")
	}
	k, err := hkdf.Key(sha256.New, secret, nil, "greffe/link/1/seal", 32)
	if err != nil {
		return nil, fmt.Errorf("link key: %w", err)
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, fmt.Errorf("link key: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("link key: %w", err)
	}
	n, err := hkdf.Key(sha256.New, secret, nil, "greffe/link/1/nonce", 32)
	if err != nil {
		return nil, fmt.Errorf("link key: %w", err)
	}
	return &Key{gcm, n}, nil
}

// String and GoString keep keys out of logs.
func (*Key) String() string { return "link key" }

// GoString is String.
func (k *Key) GoString() string { return k.String() }

// Seal makes the token of l; ErrInvalid says that l makes no link.
func (k *Key) Seal(l Link) (string, error) {
	plain, err := l.append(make([]byte, 0, 96))
	if err != nil {
		return "", err
	}
	m := hmac.New(sha256.New, k.nonce)
	m.Write(plain)
	nonce := m.Sum(nil)[:nonceLen]
	out := append([]byte{version}, nonce...)
	return base64.RawURLEncoding.EncodeToString(k.seal.Seal(out, nonce, plain, out[:1])), nil
}

// Open reads a token, as of now. The error is ErrLink.
func (k *Key) Open(text string, now time.Time) (Link, error) {
	if len(text) > maxText {
		return Link{}, ErrLink
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(b)) != len(text) || len(b) < 1+nonceLen || b[0] != version {
		return Link{}, ErrLink
	}
	plain, err := k.seal.Open(nil, b[1:1+nonceLen], b[1+nonceLen:], b[:1])
	if err != nil {
		return Link{}, ErrLink
	}
	l, ok := read(plain)
	if !ok || !now.Before(l.Expires) {
		return Link{}, ErrLink
	}
	return l, nil
}

func (l *Link) append(b []byte) ([]byte, error) {
	mask, ok := maskOf(l.Channels)
	seconds := l.Expires.Unix()
	confirm := l.Kind == Confirm && l.Purpose != "" && !l.Request.IsZero()
	optOut := l.Kind == OptOut && l.Request.IsZero() && l.Notice.IsZero() && !l.TextHeld
	if !ok || !confirm && !optOut || l.Subject.IsZero() || seconds <= 0 || seconds >= 1<<40 ||
		l.Purpose != "" && !event.IsCode(l.Purpose) || !event.IsCode(l.Controller) {
		return nil, ErrInvalid
	}
	b = append(b, byte(l.Kind), byte(seconds>>32), byte(seconds>>24), byte(seconds>>16), byte(seconds>>8), byte(seconds), mask)
	flags := byte(0)
	if l.TextHeld {
		flags = flagText
	}
	b = append(append(b, flags), l.Subject[:]...)
	b = append(append(b, byte(len(l.Purpose))), l.Purpose...)
	b = append(append(b, byte(len(l.Controller))), l.Controller...)
	if l.Kind == Confirm {
		b = append(append(b, l.Request[:]...), l.Notice[:]...)
	}
	return b, nil
}

// read reads what append wrote; it is authenticated, so only another version of
// this program can make it fail.
func read(b []byte) (l Link, ok bool) {
	if len(b) < fixed {
		return Link{}, false
	}
	l.Kind, l.Channels, l.TextHeld = Kind(b[0]), channelsOf(b[6]), b[7]&flagText != 0
	l.Expires = time.Unix(int64(b[1])<<32|int64(b[2])<<24|int64(b[3])<<16|int64(b[4])<<8|int64(b[5]), 0).UTC()
	l.Subject = domain.ID(b[8:fixed])
	rest := b[fixed:]
	if l.Purpose, rest, ok = cut(rest); !ok {
		return Link{}, false
	}
	if l.Controller, rest, ok = cut(rest); !ok {
		return Link{}, false
	}
	switch {
	case l.Kind == OptOut && len(rest) == 0:
		return l, true
	case l.Kind == Confirm && len(rest) == 32:
		l.Request, l.Notice = domain.ID(rest[:16]), domain.ID(rest[16:])
		return l, true
	}
	return Link{}, false
}

func cut(b []byte) (s string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}

func maskOf(channels []string) (mask byte, ok bool) {
	for _, c := range channels {
		i := slices.Index(policy.ChannelCodes(), c)
		if i < 0 {
			return 0, false
		}
		mask |= 1 << i
	}
	return mask, true
}

func channelsOf(mask byte) (out []string) {
	for i, c := range policy.ChannelCodes() {
		if mask&(1<<i) != 0 {
			out = append(out, c)
		}
	}
	return out
}
