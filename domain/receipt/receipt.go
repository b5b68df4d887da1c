package receipt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
)

var (
	// ErrReceipt: not a receipt in its one form.
	ErrReceipt = errors.New("not a consent receipt in its one form")
	// ErrNewerReceipt: a receipt that a newer version of this program wrote.
	ErrNewerReceipt = errors.New("the consent receipt is newer than this program knows; upgrade")
	// ErrNoConsent: the proof is of no consent given, refused or withdrawn.
	ErrNoConsent = errors.New("the proof is of no consent")
	// ErrNotice: the proof of the notice is of another one than the consent names.
	ErrNotice = errors.New("the notice is another than the consent's")
)

// MaxBytes bounds a receipt.
const MaxBytes = 24 << 20

// Receipt is what one is made of, and all that reading one gives.
type Receipt struct {
	Consent *proof.Given // of the fact, with the part of class evidence if it is disclosed
	Notice  *proof.Given // of notice.published, if the consent names one; with its part: the text
	Terms   Terms
	Made    domain.Time
	// ErasedBy is the event that destroyed what was sealed: the person's erasure, or the
	// end of its time; zero if it was not destroyed. Only without a disclosed part.
	ErasedBy domain.ID
}

// Said is what a verified receipt says, for those who show it.
type Said struct {
	Consent *proof.Proved
	Notice  *proof.Proved // nil without one
	// ID, Version, Language and Text are the notice's, as far as a proof carries them;
	// SHA256 is the text's, in hexadecimal.
	NoticeID, NoticeVersion, NoticeLanguage, NoticeText, NoticeSHA256 string
	Proven                                                            bool // the consent itself, art. 7(1)
}

// Make writes the receipt, having checked its proofs with the ledger's key. Errors are
// ErrNoConsent, ErrNotice, ErrTerms, ErrReceipt and those of proof.Given.Verify.
func (r *Receipt) Make(v note.Verifier) ([]byte, error) {
	s, err := r.said(v)
	if err != nil {
		return nil, err
	}
	return r.write(s)
}

func (r *Receipt) write(s *Said) ([]byte, error) {
	form, err := r.form(s)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(form)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	value := jsontext.Value(b)
	// Numbers of the evidence stay as they are sealed.
	if err := value.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if len(value) > MaxBytes {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrReceipt, MaxBytes)
	}
	return value, nil
}

// Verify reads a receipt and makes it again from the proofs and terms in it; each byte
// must be the same. Errors are ErrReceipt, ErrNewerReceipt and those of Make.
func Verify(b []byte, v note.Verifier) (*Receipt, *Said, error) {
	r, err := Parse(b)
	if err != nil {
		return nil, nil, err
	}
	s, err := r.said(v)
	if err != nil {
		return nil, nil, err
	}
	again, err := r.write(s)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, nil, fmt.Errorf("%w: it says something else than its proof", ErrReceipt)
	}
	return r, s, nil
}

// Parse reads a receipt without checking anything that it says: see Verify. Errors are
// ErrReceipt and ErrNewerReceipt.
func Parse(b []byte) (*Receipt, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrReceipt, MaxBytes)
	}
	var head struct {
		Version int `json:"greffe:version"`
	}
	var f receiptForm
	switch {
	case json.Unmarshal(b, &head) != nil:
		return nil, ErrReceipt
	case head.Version > version:
		return nil, ErrNewerReceipt
	case json.Unmarshal(b, &f) != nil:
		return nil, ErrReceipt
	}
	r := &Receipt{Made: f.Created, Terms: f.Record.terms()}
	var err error
	if r.Consent, err = proof.ParseGiven(f.Proof); err != nil {
		return nil, fmt.Errorf("%w: its proof: %w", ErrReceipt, err)
	}
	if f.NoticeProof != nil {
		if r.Notice, err = proof.ParseGiven(f.NoticeProof); err != nil {
			return nil, fmt.Errorf("%w: its notice's proof: %w", ErrReceipt, err)
		}
	}
	if f.Record.ErasedBy != "" {
		if r.ErasedBy, err = domain.ParseID(strings.TrimPrefix(f.Record.ErasedBy, urn)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
		}
	}
	return r, nil
}

// said verifies the proofs and finds what they say.
func (r *Receipt) said(v note.Verifier) (*Said, error) {
	if r.Consent == nil || r.Made.IsZero() {
		return nil, fmt.Errorf("%w: it needs a proof and a time", ErrReceipt)
	}
	if r.Consent.Opened != nil && !r.ErasedBy.IsZero() {
		return nil, fmt.Errorf("%w: what is disclosed was not erased", ErrReceipt)
	}
	p, err := r.Consent.Verify(v)
	if err != nil {
		return nil, fmt.Errorf("proof of the consent: %w", err)
	}
	if !slices.Contains([]event.Type{event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn}, p.Fact.Type) {
		return nil, ErrNoConsent
	}
	if err := r.Terms.fit(p.Fact); err != nil {
		return nil, err
	}
	s := &Said{Consent: p}
	if r.Notice != nil {
		if s.Notice, err = r.Notice.Verify(v); err != nil {
			return nil, fmt.Errorf("proof of the notice: %w", err)
		}
	}
	return s, s.readNotice()
}
