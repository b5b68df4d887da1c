package escrow

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

const lineLen = 15 // bytes

var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// LineError names the line that was misread.
type LineError struct{ Line int }

func (e *LineError) Error() string {
	return fmt.Sprintf("line %d was misread: its check word is of other characters; read it again", e.Line)
}

// encode is the share as bytes.
func (s *Share) encode() []byte {
	b := append([]byte{version}, s.Set[:]...)
	b = append(b, byte(s.Threshold), byte(s.Number), byte(len(s.Key)))
	b = append(append(b, s.Key...), s.y[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:checkLen]...)
}

// Lines are the share as it is printed: groups of six characters and the check word.
func (s *Share) Lines() (out []string) {
	b := s.encode()
	defer clear(b)
	for i := 0; i < len(b); i += lineLen {
		part := b[i:min(i+lineLen, len(b))]
		text := crockford.EncodeToString(part)
		var groups []string
		for j := 0; j < len(text); j += 6 {
			groups = append(groups, text[j:min(j+6, len(text))])
		}
		out = append(out, strings.Join(append(groups, checkWord(i/lineLen+1, part)), " "))
	}
	return out
}

// Compact is the share in one word, for a QR code.
func (s *Share) Compact() string {
	b := s.encode()
	defer clear(b)
	return "GREFFE1:" + crockford.EncodeToString(b)
}

// checkWord is five letters, consonants and vowels in turn, for 16 bits.
func checkWord(line int, part []byte) string {
	sum := sha256.Sum256(append([]byte{byte(line)}, part...))
	n := uint16(sum[0])<<8 | uint16(sum[1])
	const consonants, vowels = "bdfghjklmnprstvz", "aiou"
	return string([]byte{consonants[n>>12], vowels[n>>10&3], consonants[n>>6&15], vowels[n>>4&3], consonants[n&15]})
}

// Parse reads a share: its lines, or what its QR code says. Small letters, spaces,
// hyphens, and O, I, L for 0 and 1 are understood. LineError names a line whose check
// word is of other characters.
func Parse(text string) (s Share, err error) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(strings.ToUpper(text), "GREFFE1:"); ok {
		b, err := decode(rest)
		if err != nil {
			return s, ErrShare
		}
		return parse(b)
	}
	var all []byte
	defer clear(all)
	n := 0
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		n++
		part, err := decode(strings.Join(fields[:len(fields)-1], ""))
		if err != nil || checkWord(n, part) != strings.ToLower(fields[len(fields)-1]) {
			return s, &LineError{n}
		}
		all = append(all, part...)
	}
	return parse(all)
}

func decode(text string) ([]byte, error) {
	text = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "", " ", "").Replace(strings.ToUpper(text))
	b, err := crockford.DecodeString(text)
	if err == nil && crockford.EncodeToString(b) != text { // bits beyond the last byte
		return nil, ErrShare
	}
	return b, err
}

func parse(b []byte) (s Share, err error) {
	if len(b) < headLen+1+secretLen+checkLen || b[0] != version {
		return s, ErrShare
	}
	body := b[:len(b)-checkLen]
	sum := sha256.Sum256(body)
	n := int(b[headLen-1])
	if !bytes.Equal(sum[:checkLen], b[len(body):]) || len(body) != headLen+n+secretLen || n == 0 || n > maxName {
		return s, ErrShare
	}
	s = Share{Set: [4]byte(b[1:5]), Threshold: int(b[5]), Number: int(b[6]), Key: string(b[headLen : headLen+n]), y: [secretLen]byte(body[headLen+n:])}
	if s.Threshold < 2 || s.Threshold > 16 || s.Number < 1 || s.Number > 16 {
		return Share{}, ErrShare
	}
	return s, nil
}
