package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"greffe/domain"
	"greffe/projections/accounts"
)

const (
	prefix       = "greffe_"
	secretBytes  = 32
	secretTokens = len(prefix) + 32 + 1 + 2*secretBytes
	maxToken     = 512
	minChosen    = 16 // characters of a token the operator chose
)

// newToken makes a token's text: 256 random bits behind its id.
func newToken(r io.Reader) (id domain.ID, text string, err error) {
	if id, err = domain.RandomID(r); err != nil {
		return domain.ID{}, "", fmt.Errorf("make token: %w", err)
	}
	var secret [secretBytes]byte
	if _, err = io.ReadFull(r, secret[:]); err != nil {
		return domain.ID{}, "", fmt.Errorf("make token: %w", err)
	}
	return id, prefix + hex.EncodeToString(id[:]) + "_" + hex.EncodeToString(secret[:]), nil
}

// random reports whether a text has the form of the tokens made here, so that
// it cannot be guessed.
func random(text string) bool {
	return len(text) == secretTokens && strings.HasPrefix(text, prefix) && text[len(prefix)+32] == '_'
}

func digest(text string) accounts.Digest { return sha256.Sum256([]byte(text)) }
