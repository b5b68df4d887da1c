package screening

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
)

// Digest is the SHA-256 of a whole file.
type Digest [32]byte

// Counts are of lines that hold something; of a CSV file, of its records. Lines is
// the sum of Allowed, of all Refused and of Unreadable.
type Counts struct {
	Lines, Allowed, Unreadable int64
	Blank                      int64            // not among Lines
	Refused                    map[string]int64 // by rule
	// Duplicates are lines whose address stood on a line before. AtLeast: so many
	// different ones came that not all could be remembered.
	Duplicates int64
	AtLeast    bool
}

// RefusedLines is the sum over all rules.
func (c *Counts) RefusedLines() (n int64) {
	for _, k := range c.Refused {
		n += k
	}
	return n
}

// Receipt says what one screening decided, and on what it rests. Every line was
// decided with everything known that stands below Position in the log, and with what
// had come below Through when its turn came.
type Receipt struct {
	Ledger domain.ID
	ID     domain.ID   // of the fact screening.performed
	Time   domain.Time // when it ended
	Ask
	Format
	Position, Through          domain.Position
	Policy                     int64 // version decided under
	Source, Cleansed, Rejected Digest
	Counts
}

// ErrReceipt: not a receipt of a screening in its one form.
var ErrReceipt = errors.New("not a receipt of a screening")

const (
	kindLine   = "/screening@v1"
	originRoot = "greffe/"
)

// Text is the statement that is signed: a line that names ledger and kind, then one
// "name value" a line.
func (r *Receipt) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s%s\nscreening %s\ntime %s\n", originRoot, r.Ledger, kindLine, r.ID, domain.FormatTime(r.Time.Time))
	for _, c := range r.Codes() {
		switch v := c.Value.(type) {
		case []string:
			for _, s := range v {
				fmt.Fprintf(&b, "%s %s\n", c.Name, s)
			}
		default:
			fmt.Fprintf(&b, "%s %v\n", c.Name, v)
		}
	}
	return b.String()
}

// ParseReceipt reads what Text writes and nothing else.
func ParseReceipt(text string) (*Receipt, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return nil, ErrReceipt
	}
	r := &Receipt{}
	var err [3]error
	ledger, ok := strings.CutPrefix(strings.TrimSuffix(lines[0], kindLine), originRoot)
	id, ok2 := strings.CutPrefix(lines[1], "screening ")
	at, ok3 := strings.CutPrefix(lines[2], "time ")
	r.Ledger, err[0] = domain.ParseID(ledger)
	r.ID, err[1] = domain.ParseID(id)
	when, err2 := domain.ParseTime(at)
	r.Time, err[2] = domain.NewTime(when), err2
	if !ok || !ok2 || !ok3 || errors.Join(err[:]...) != nil {
		return nil, ErrReceipt
	}
	var codes event.Codes
	for _, l := range lines[3 : len(lines)-1] {
		name, value, _ := strings.Cut(l, " ")
		codes = codes.With(name, codeOf(codes, name, value))
	}
	if err := r.read(codes); err != nil {
		return nil, err
	}
	if r.Text() != text {
		return nil, ErrReceipt
	}
	return r, nil
}

func codeOf(before event.Codes, name, value string) any {
	switch {
	case name == "rules":
		return append(slices.Clone(before.Strings(name)), value)
	case value == "true":
		return true
	case slices.Contains(numbers[:], name):
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return n
		}
	}
	return value
}

// Open reads a receipt that the key signed, in the name of the receipt's own ledger.
// Each byte counts. Errors are ErrReceipt and proof.ErrSignature.
func Open(signed []byte, v note.Verifier) (*Receipt, error) {
	text, err := proof.OpenText(signed, v)
	if err != nil {
		return nil, err
	}
	r, err := ParseReceipt(text)
	if err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(v.Name(), originRoot+r.Ledger.String()); !ok || name != "" && name[0] != '/' {
		return nil, fmt.Errorf("%w: the key is of another ledger", proof.ErrSignature)
	}
	return r, nil
}
