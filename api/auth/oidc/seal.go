package oidc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
)

// begun is what a browser keeps, sealed, while its holder is at the provider, so
// that any node can end the sign-in.
type begun struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // of PKCE
	At       time.Time `json:"a"`
	Again    string    `json:"g,omitempty"` // the session that is confirmed anew
	Language string    `json:"l,omitempty"`
}

// pending is how long somebody may take at the provider.
const pending = 10 * time.Minute

const (
	sealInfo  = "greffe/oidc/begun/1"
	maxCookie = 2048
)

var errSecret = errors.New("the secret must have 32 bytes")

type sealer struct{ aead cipher.AEAD }

func newSealer(secret []byte) (sealer, error) {
	if len(secret) != 32 {
		return sealer{}, errSecret
	}
	key, err := hkdf.Key(sha256.New, secret, nil, sealInfo, 32)
	if err != nil {
		return sealer{}, fmt.Errorf("derive: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("derive: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead}, err
}

func (s sealer) seal(rand io.Reader, b begun) (string, error) {
	plain, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return "", fmt.Errorf("randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, []byte(sealInfo))), nil
}

func (s sealer) open(text string) (b begun, ok bool) {
	if len(text) > maxCookie {
		return b, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return b, false
	}
	plain, err := s.aead.Open(nil, raw[:s.aead.NonceSize()], raw[s.aead.NonceSize():], []byte(sealInfo))
	if err != nil {
		return b, false
	}
	return b, json.Unmarshal(plain, &b) == nil
}
