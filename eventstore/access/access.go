// Package access is the only way to personal data: what opens parts asks for a
// Receipt, and only the journal gives one, after the access is durable.
//
// It promises that no personal value leaves before its access event is in the
// log (design §2, promise 2; art. 5(2), 32; délib. CNIL 2021-122). It assumes
// that callers name the person behind a request, and that the Lens of a reading is
// the reader's own: it travels in the receipt, so that whatever opens parts shows what
// the reader may be shown and no more (domain/disclosure), whichever way it is asked. A crash after the receipt and
// before the answer leaves a recorded access that nobody saw: the safe side.
//
// Concurrent reads share the ledger's group commit, so a read costs no fsync of
// its own.
package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
)

// MaxSubjects bounds the subjects of one access event; longer answers are
// recorded and sent in chunks.
const MaxSubjects = 1000

var (
	// ErrNotRecorded: the access could not be made durable; no data may leave.
	ErrNotRecorded = errors.New("the access could not be recorded, so nothing is shown")
	// ErrNotCovered: the receipt is not for this person.
	ErrNotCovered = errors.New("the recorded access does not cover this person")
	// ErrArchived: the part is archived, and the access was not recorded for archives.
	ErrArchived = errors.New("the part is archived; ask for archives with the permission to read them")
	// ErrWithheld: not everything in the part is shown to who reads, so it does not leave as a whole.
	ErrWithheld = errors.New("not everything in the part is shown to who reads; ask for the fields instead")
	// ErrGone: the fact has no such part, or it was destroyed.
	ErrGone = seal.ErrGone
)

// Archived is a part that an access did not open, as it left the active base.
type Archived = seal.Archived

// Reading says who reads whom, and why.
type Reading struct {
	Account     domain.ID
	Human       string // who stands behind a service account; sealed
	Action      string // read, search, export, history
	Reason      string // a code of the policy
	Ticket      string // sealed
	Defaulted   bool   // the reason is the token's default, not given for this read
	Categories  []string
	Subjects    []domain.ID // at most MaxSubjects
	Count       int64       // people concerned; at least len(Subjects)
	Archived    bool        // also what is archived; the caller may
	QueryDigest []byte      // keyed digest of what was searched; sealed
	Revealed    []string    // field groups that the reader is otherwise shown masked, and here clear
	// Lens is what the reader is shown of them; the zero one nothing. It is not recorded.
	Lens disclosure.Lens
	// Complete says that what is made of the reading has to be whole, such as a copy of
	// art. 15: the HTTP adapter refuses it to who is not shown everything.
	Complete bool
}

// Receipt proves that an access is durable. Its zero value covers nobody.
type Receipt struct {
	event    domain.ID
	position domain.Position
	subjects []domain.ID
	archived bool
	lens     disclosure.Lens
}

// Lens is through what the reader sees.
func (r Receipt) Lens() disclosure.Lens { return r.lens }

// Within is the receipt for some classes alone.
func (r Receipt) Within(classes ...string) Receipt {
	r.lens = r.lens.Within(classes...)
	return r
}

// Event and Position say where the access stands in the log.
func (r Receipt) Event() domain.ID { return r.event }

// Position is where the access stands in the log.
func (r Receipt) Position() domain.Position { return r.position }

// Subjects are the persons for whom the access was recorded, in the order given.
func (r Receipt) Subjects() []domain.ID { return slices.Clone(r.subjects) }

// Covers reports whether the access was recorded for this person.
func (r Receipt) Covers(subject domain.ID) bool {
	return !r.event.IsZero() && slices.Contains(r.subjects, subject)
}

// Journal records accesses.
type Journal struct {
	ledger *ledger.Ledger
	now    func() time.Time
}

// New makes the journal of a ledger.
func New(l *ledger.Ledger, now func() time.Time) *Journal { return &Journal{l, now} }

// Record makes one access durable. Any error is ErrNotRecorded.
func (j *Journal) Record(ctx context.Context, r Reading) (Receipt, error) {
	if len(r.Subjects) > MaxSubjects {
		return Receipt{}, fmt.Errorf("%w (more than %d persons in one access)", ErrNotRecorded, MaxSubjects)
	}
	p, _ := j.ledger.Policy()
	if !p.HasReason(r.Reason) && r.Reason != event.ToDecide || !event.IsCode(r.Action) { // what is not a code may be anything
		return Receipt{}, fmt.Errorf("%w (its reason is no code of the policy, or its action no code)", ErrNotRecorded)
	}
	w, err := j.ledger.Write(ctx, []ledger.Own{own(p, j.now(), r)})
	if err != nil {
		return Receipt{}, errors.Join(ErrNotRecorded, err)
	}
	return Receipt{w[0].Event, w[0].Position, slices.Clone(r.Subjects), r.Archived, r.Lens}, nil
}

func own(p *policy.Policy, now time.Time, r Reading) ledger.Own {
	codes := event.Codes{}.With("action", r.Action).With("reason", r.Reason).
		With("count", max(r.Count, int64(len(r.Subjects))))
	if r.Defaulted {
		codes = codes.With("defaulted", true)
	}
	if r.Ticket != "" {
		codes = codes.With(event.Ticketed, true)
	}
	if r.Archived {
		codes = codes.With("archived", true)
	}
	if len(r.Categories) > 0 {
		codes = codes.With("categories", r.Categories)
	}
	if len(r.Revealed) > 0 {
		codes = codes.With(event.Revealed, r.Revealed)
	}
	fields := ledger.AccessFields(r.Account, r.Subjects)
	for _, f := range []struct{ path, value string }{
		{"access.human", r.Human}, {"access.ticket", r.Ticket}, {"access.query_digest", hex.EncodeToString(r.QueryDigest)},
	} {
		if f.value == "" {
			continue
		}
		if q, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(f.value, "\uFFFD")); err == nil {
			fields = append(fields, event.Field{Path: f.path, Value: q})
		}
	}
	return ledger.Own{
		Type: event.AccessRecorded, Time: now, Codes: codes,
		Parts: []ledger.PlainPart{{
			Key:    part.KeyID{Owner: part.LedgerOwner(), Class: "access", Epoch: p.Epoch("access", now)},
			Fields: fields,
		}},
	}
}

// Reader opens parts for those who have a receipt.
type Reader struct{ keys *seal.Keyring }

// NewReader reads what the ledger sealed.
func NewReader(l *ledger.Ledger) *Reader { return &Reader{l.Keyring()} }

// Open reads the parts of facts about persons whom the receipt covers, those that are
// archived only if it says so, and shows of them what the receipt's lens does: what it
// hides is left out, of what it masks there is a mask. want selects parts, nil all of
// them. Parts of the access journal are never opened here.
func (r *Reader) Open(ctx context.Context, receipt Receipt, facts []*event.Fact, want func(*event.PartRef) bool) ([]seal.Opened, error) {
	for _, f := range facts {
		if !receipt.Covers(f.Subject) {
			return nil, ErrNotCovered
		}
	}
	return r.open(ctx, receipt, facts, want)
}

// OpenFile is Open for the steps of a desk's file, some of which are about nobody known.
func (r *Reader) OpenFile(ctx context.Context, receipt Receipt, facts []*event.Fact) ([]seal.Opened, error) {
	for _, f := range facts {
		if receipt.event.IsZero() || !f.Subject.IsZero() && !receipt.Covers(f.Subject) {
			return nil, ErrNotCovered
		}
	}
	return r.open(ctx, receipt, facts, nil)
}

func (r *Reader) open(ctx context.Context, receipt Receipt, facts []*event.Fact, want func(*event.PartRef) bool) ([]seal.Opened, error) {
	open := r.keys.Open
	if receipt.archived {
		open = r.keys.OpenAll
	}
	shut := Shut(receipt.lens, facts)
	opened, err := open(ctx, facts, func(ref *event.PartRef) bool {
		return ref.Class != "access" && !shut[ref] && (want == nil || want(ref))
	})
	if err != nil {
		return nil, err
	}
	for i := range opened {
		Through(receipt.lens, facts[i], &opened[i])
	}
	return opened, nil
}

// Shut are the parts of facts of which a lens shows nothing.
func Shut(lens disclosure.Lens, facts []*event.Fact) map[*event.PartRef]bool {
	shut := map[*event.PartRef]bool{}
	for _, f := range facts {
		for i := range f.Parts {
			if ref := &f.Parts[i]; !lens.Class(f.Subject, ref.Class) {
				shut[ref] = true
			}
		}
	}
	return shut
}

// Through leaves of what was opened of a fact what a lens shows.
func Through(lens disclosure.Lens, f *event.Fact, o *seal.Opened) {
	kept := o.Fields[:0:0]
	for i, x := range o.Fields {
		shown, level := lens.Field(f.Subject, o.Class(i), x)
		switch level {
		case policy.Hidden:
			continue
		case policy.Masked:
			if o.Masked == nil {
				o.Masked = map[string]string{}
			}
			tells := sha256.Sum256(x.Value)
			o.Masked[x.Path] = string(tells[:])
		}
		kept = append(kept, shown)
	}
	o.Fields = kept
}

// Disclose gives one part of a fact about a person whom the receipt covers, with the
// key that opens it, for a proof. Errors are ErrNotCovered and those of
// seal.Keyring.Disclose, ErrWithheld and ErrArchived; parts of the access journal are seal.ErrGone here.
func (r *Reader) Disclose(ctx context.Context, receipt Receipt, f *event.Fact, class string) (*seal.Disclosed, error) {
	switch {
	case !receipt.Covers(f.Subject):
		return nil, ErrNotCovered
	case class == "access":
		return nil, seal.ErrGone
	case !receipt.lens.Full(f.Subject, class):
		return nil, ErrWithheld
	case !receipt.archived:
		opened, err := r.keys.Open(ctx, []*event.Fact{f}, func(ref *event.PartRef) bool { return ref.Class == class })
		if err != nil {
			return nil, err
		}
		if len(opened[0].Archived) > 0 {
			return nil, ErrArchived
		}
	}
	return r.keys.Disclose(ctx, f, class)
}
