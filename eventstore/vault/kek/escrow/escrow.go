// Package escrow divides the key of a key file into shares on paper, of which some
// number together, and no fewer, give it back.
//
// It promises: fewer shares than the threshold say nothing of the key (Shamir, over
// GF(2^8), each byte of the secret the constant of a random polynomial); a misread
// character is found, with its line; shares of different divisions, altered ones, or
// too few never make a key. It assumes a cryptographic random source. It keeps nothing.
//
// A share is
//
//	version(1)=1 ‖ set(4) ‖ threshold(1) ‖ number(1) ‖ len(1) ‖ key name ‖ y(40) ‖ check(4)
//
// where set is random for each division, number is the share's x, y are the polynomials'
// values at x for key(32) ‖ SHA-256("greffe/escrow/1" ‖ set ‖ key name ‖ key)[:8], and
// check begins the SHA-256 of all before. On paper it is lines of 15 bytes: 24
// characters of Crockford's base 32 and a check word of five letters, which stand for
// the first 16 bits of SHA-256(line number ‖ bytes).
package escrow

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

const (
	version   = 1
	keyLen    = 32
	secretLen = keyLen + 8
	headLen   = 8 // up to the name
	checkLen  = 4
	maxName   = 64
	info      = "greffe/escrow/1"
)

var (
	// ErrShare: the text is not a share, or was misread beyond what a line's word finds.
	ErrShare = errors.New("this is not a share of a key; type all of its lines again")
	// ErrForeign: the shares are of different divisions of a key.
	ErrForeign = errors.New("the shares are not of one division: look at the set printed on each")
	// ErrTooFew: the threshold is not reached.
	ErrTooFew = errors.New("more shares are needed")
	// ErrCombined: the shares fit each other and make no key; one was altered.
	ErrCombined = errors.New("these shares make no key: one of them is not what was printed")
	// ErrNumbers: there cannot be such a division.
	ErrNumbers = errors.New("give 2 to 16 shares, and a threshold from 2 to their number")
)

// Share is one share. It is a secret.
type Share struct {
	Set       [4]byte
	Threshold int
	Number    int
	Key       string // the key's name
	y         [secretLen]byte
}

// Digest commits to the share: the SHA-256 of its bytes, of which the 320 bits of y are random
// to whoever has fewer shares than the threshold. It is no secret.
func (s *Share) Digest() [sha256.Size]byte {
	b := s.encode()
	defer clear(b)
	return sha256.Sum256(b)
}

// Name is the division as it is printed on each of its shares.
func (s *Share) Name() string { return fmt.Sprintf("%X", s.Set) }

// Clear forgets the share's secret.
func (s *Share) Clear() { clear(s.y[:]) }

// Split divides a key.
func Split(name string, key []byte, shares, threshold int, random io.Reader) ([]Share, error) {
	if shares < 2 || shares > 16 || threshold < 2 || threshold > shares {
		return nil, ErrNumbers
	}
	if len(key) != keyLen || name == "" || len(name) > maxName {
		return nil, errors.New("divide a key: it is not one of a key file")
	}
	out := make([]Share, shares)
	for i := range out {
		out[i] = Share{Threshold: threshold, Number: i + 1, Key: name}
	}
	if _, err := io.ReadFull(random, out[0].Set[:]); err != nil {
		return nil, fmt.Errorf("divide a key: random bytes: %w", err)
	}
	secret := secretOf(out[0].Set, name, key)
	defer clear(secret)
	poly := make([]byte, threshold)
	defer clear(poly)
	for b := range secret {
		if _, err := io.ReadFull(random, poly[1:]); err != nil {
			return nil, fmt.Errorf("divide a key: random bytes: %w", err)
		}
		poly[0] = secret[b]
		for i := range out {
			out[i].Set = out[0].Set
			out[i].y[b] = eval(poly, byte(out[i].Number))
		}
	}
	return out, nil
}

func secretOf(set [4]byte, name string, key []byte) []byte {
	h := sha256.New()
	h.Write([]byte(info))
	h.Write(set[:])
	h.Write([]byte(name))
	h.Write(key)
	return append(bytes.Clone(key), h.Sum(nil)[:secretLen-keyLen]...)
}

// Combine gives the key's name and the key back. Shares beyond the threshold are
// checked too; the same one twice counts once.
func Combine(shares []Share) (name string, key []byte, err error) {
	byNumber := map[int]*Share{}
	for i := range shares {
		s := &shares[i]
		first := &shares[0]
		if s.Set != first.Set || s.Threshold != first.Threshold || s.Key != first.Key {
			return "", nil, ErrForeign
		}
		if was := byNumber[s.Number]; was != nil && was.y != s.y {
			return "", nil, ErrCombined
		}
		byNumber[s.Number] = s
	}
	if len(shares) == 0 || len(byNumber) < shares[0].Threshold {
		return "", nil, ErrTooFew
	}
	var xs []byte
	var ys [][secretLen]byte
	for n, s := range byNumber {
		xs, ys = append(xs, byte(n)), append(ys, s.y)
	}
	secret := interpolate(xs, ys)
	for i := range ys {
		clear(ys[i][:])
	}
	name, key = shares[0].Key, secret[:keyLen]
	want := secretOf(shares[0].Set, name, key)
	defer clear(want)
	if !bytes.Equal(want, secret) {
		clear(secret)
		return "", nil, ErrCombined
	}
	return name, key, nil
}

// interpolate is the polynomials' value at 0.
func interpolate(xs []byte, ys [][secretLen]byte) []byte {
	out := make([]byte, secretLen)
	for i := range xs {
		weight := byte(1)
		for j := range xs {
			if i != j {
				weight = mul(weight, mul(xs[j], inverse(xs[i]^xs[j])))
			}
		}
		for b := range out {
			out[b] ^= mul(weight, ys[i][b])
		}
	}
	return out
}

func eval(poly []byte, x byte) (y byte) {
	for i := len(poly) - 1; i >= 0; i-- {
		y = mul(y, x) ^ poly[i]
	}
	return y
}

// mul multiplies in GF(2^8) modulo x^8+x^4+x^3+x+1, in the same time for all values.
func mul(a, b byte) (p byte) {
	for range 8 {
		p ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return p
}

// inverse is a^254.
func inverse(a byte) byte {
	out := byte(1)
	for range 254 {
		out = mul(out, a)
	}
	return out
}
