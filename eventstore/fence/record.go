package fence

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
	"strings"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/part"
)

// Hash is the SHA-256 of a line.
type Hash [sha256.Size]byte

// Entry is one line: what was destroyed, and its place in the chain.
type Entry struct {
	erasure.Destruction
	Number int64 // from 1
	Hash   Hash
}

// Mark says how far a fence goes. The zero Mark is an empty fence's.
type Mark struct {
	Number   int64           // of the last record, 0 if there is none
	Hash     Hash            // of its line; zero if there is none
	Position domain.Position // of the event that ordered it
}

// maxNames bounds the keys and parts of one record, so that it is shorter than maxLine.
const maxNames = 1_000

const macMember = `,"mac":"`

// errForm reports a line that is not in canonical form.
var errForm = errors.New("not a record in canonical form")

// signer makes the MACs of lines. One goroutine at a time.
type signer struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newSigner(key []byte) *signer { return &signer{mac: hmac.New(sha256.New, key)} }

func (s *signer) sign(body []byte) []byte {
	s.mac.Reset()
	s.mac.Write(body)
	return s.mac.Sum(s.sum[:0])
}

// close ends the line that begins at b[start:] with its MAC.
func (s *signer) close(b []byte, start int) []byte {
	sum := s.sign(b[start:])
	b = append(b, macMember...)
	b = hex.AppendEncode(b, sum)
	return append(b, '"', '}')
}

// body returns the line without its MAC, or nil if the MAC is not right.
func (s *signer) body(line []byte) []byte {
	at := len(line) - len(macMember) - 2*sha256.Size - 2
	if at < 0 || string(line[at:at+len(macMember)]) != macMember || string(line[len(line)-2:]) != `"}` {
		return nil
	}
	var got [sha256.Size]byte
	if _, err := hex.Decode(got[:], line[at+len(macMember):len(line)-2]); err != nil || !hmac.Equal(got[:], s.sign(line[:at])) {
		return nil
	}
	return line[:at]
}

// Format is the version that the header says.
const Format = 1

func appendHeader(b []byte, s *signer, ledger domain.ID) []byte {
	start := len(b)
	b = append(b, `{"v":1,"fence":"`...)
	b = append(b, ledger.String()...)
	b = append(b, '"')
	return s.close(b, start)
}

// appendRecord appends the line of d, which valid has passed, without a line feed.
func appendRecord(b []byte, s *signer, n int64, before Hash, d *erasure.Destruction) []byte {
	start := len(b)
	b = append(b, `{"n":"`...)
	b = strconv.AppendInt(b, n, 10)
	b = append(b, `","before":"`...)
	b = hex.AppendEncode(b, before[:])
	b = append(b, `","owner":"`...)
	b = append(b, d.Owner.String()...)
	b = append(b, `","by":"`...)
	b = append(b, d.By.String()...)
	b = append(b, `","position":"`...)
	b = append(b, d.Position.String()...)
	b = append(b, `","at":"`...)
	b, _ = d.At.AppendText(b) // never fails
	b = append(b, '"')
	if len(d.Keys) > 0 {
		b = append(b, `,"keys":[`...)
		for i, k := range d.Keys {
			b = appendPair(b, i, k.Class, k.Epoch)
		}
		b = append(b, ']')
	}
	if d.Closed {
		b = append(b, `,"closed":true`...)
	}
	if len(d.Redacted) > 0 {
		b = append(b, `,"redacted":[`...)
		for i, r := range d.Redacted {
			b = appendPair(b, i, r.Event.String(), r.Class)
		}
		b = append(b, ']')
	}
	return s.close(b, start)
}

func appendPair(b []byte, i int, left, right string) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, left...)
	b = append(b, '/')
	b = append(b, right...)
	return append(b, '"')
}

// valid reports a destruction that cannot be written or that destroys nothing
// that can be named.
func valid(d *erasure.Destruction) error {
	if d.By.IsZero() || d.At.IsZero() || d.Owner.Kind < part.Subject || d.Owner.Kind > part.Case ||
		(d.Owner.Kind == part.Ledger) != d.Owner.ID.IsZero() || d.Owner.Kind == part.Ledger && len(d.Keys) == 0 && len(d.Redacted) == 0 {
		return errors.New("a destruction without owner, order or time, or of everything the ledger has")
	}
	if len(d.Keys)+len(d.Redacted) > maxNames {
		return errors.New("a destruction of more keys and parts than one record names")
	}
	for _, k := range d.Keys {
		if !word(k.Class) || !word(k.Epoch) {
			return errors.New("a class key whose name cannot be written")
		}
	}
	for _, r := range d.Redacted {
		if r.Event.IsZero() || !word(r.Class) {
			return errors.New("a part whose name cannot be written")
		}
	}
	return nil
}

// word: class codes and epochs.
func word(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// reader reads canonical text from the left.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) text(want string) {
	if !r.has(want) {
		r.bad = true
	}
}

func (r *reader) has(want string) bool {
	rest, ok := bytes.CutPrefix(r.rest, []byte(want))
	r.rest = rest
	return ok
}

// quoted reads up to the next quotation mark, and it.
func (r *reader) quoted() string {
	s, rest, ok := bytes.Cut(r.rest, []byte{'"'})
	r.rest, r.bad = rest, r.bad || !ok
	return string(s)
}

// pairs reads a list that its name has opened.
func (r *reader) pairs(each func(left, right string) error) {
	for more := true; more && !r.bad; more = r.has(",") {
		r.text(`"`)
		left, right, _ := strings.Cut(r.quoted(), "/")
		r.bad = r.bad || each(left, right) != nil
	}
	r.text("]")
}

func parseHeader(body []byte) (domain.ID, error) {
	r := reader{rest: body}
	r.text(`{"v":1,"fence":"`)
	id, err := domain.ParseID(r.quoted())
	if err != nil || r.bad || len(r.rest) > 0 {
		return id, errForm
	}
	return id, nil
}

// parseRecord reads a line's body.
func parseRecord(body []byte) (n int64, before string, d erasure.Destruction, err error) {
	r := reader{rest: body}
	note := func(e error) { r.bad = r.bad || e != nil }
	r.text(`{"n":"`)
	n, e := strconv.ParseInt(r.quoted(), 10, 64)
	note(e)
	r.text(`,"before":"`)
	before = r.quoted()
	r.text(`,"owner":"`)
	d.Owner, e = part.ParseOwner(r.quoted())
	note(e)
	r.text(`,"by":"`)
	note(d.By.UnmarshalText([]byte(r.quoted())))
	r.text(`,"position":"`)
	note(d.Position.UnmarshalText([]byte(r.quoted())))
	r.text(`,"at":"`)
	note(d.At.UnmarshalText([]byte(r.quoted())))
	if r.has(`,"keys":[`) {
		r.pairs(func(class, epoch string) error {
			d.Keys = append(d.Keys, erasure.ClassEpoch{Class: class, Epoch: epoch})
			return nil
		})
	}
	d.Closed = r.has(`,"closed":true`)
	if r.has(`,"redacted":[`) {
		r.pairs(func(id, class string) error {
			event, err := domain.ParseID(id)
			d.Redacted = append(d.Redacted, erasure.Redaction{Event: event, Class: class})
			return err
		})
	}
	if r.bad || len(r.rest) > 0 || valid(&d) != nil {
		return 0, "", d, errForm
	}
	return n, before, d, nil
}

const headSize = 256

// encodeHead is the content of the head file for a fence that goes to m.
func encodeHead(s *signer, m Mark) []byte {
	b := append(make([]byte, 0, headSize), `{"n":"`...)
	b = strconv.AppendInt(b, m.Number, 10)
	b = append(b, `","hash":"`...)
	b = hex.AppendEncode(b, m.Hash[:])
	b = append(b, '"')
	b = s.close(b, 0)
	b = append(b, bytes.Repeat([]byte{' '}, headSize-1-len(b))...)
	return append(b, '\n')
}

// decodeHead reports ok false for a head that was torn or is none.
func decodeHead(s *signer, b []byte) (n int64, hash Hash, ok bool) {
	body := s.body(bytes.TrimRight(b, " \n"))
	if body == nil {
		return 0, hash, false
	}
	r := reader{rest: body}
	r.text(`{"n":"`)
	n, err := strconv.ParseInt(r.quoted(), 10, 64)
	r.text(`,"hash":"`)
	_, err2 := hex.Decode(hash[:], []byte(r.quoted()))
	return n, hash, err == nil && err2 == nil && !r.bad && len(r.rest) == 0
}
