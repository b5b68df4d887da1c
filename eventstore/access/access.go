// Package access is the only way to personal data: what opens parts asks for a
// Receipt, and only the journal gives one, after the access is durable.
//
// It promises that no personal value leaves before its access event is in the
// log (design §2, promise 2; art. 5(2), 32; délib. CNIL 2021-122). It assumes
// that callers name the person behind a request. A crash after the receipt and
// before the answer leaves a recorded access that nobody saw: the safe side.
//
// Concurrent reads share the ledger's group commit, so a read costs no fsync of
// its own.
package access

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
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
)

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
	QueryDigest []byte      // keyed digest of what was searched; sealed
}

// Receipt proves that an access is durable. Its zero value covers nobody.
type Receipt struct {
	event    domain.ID
	position domain.Position
	subjects []domain.ID
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
	if !p.HasReason(r.Reason) || !event.IsCode(r.Action) { // what is not a code may be anything
		return Receipt{}, fmt.Errorf("%w (its reason is no code of the policy, or its action no code)", ErrNotRecorded)
	}
	w, err := j.ledger.Write(ctx, []ledger.Own{own(p, j.now(), r)})
	if err != nil {
		return Receipt{}, errors.Join(ErrNotRecorded, err)
	}
	return Receipt{w[0].Event, w[0].Position, slices.Clone(r.Subjects)}, nil
}

func own(p *policy.Policy, now time.Time, r Reading) ledger.Own {
	codes := event.Codes{}.With("action", r.Action).With("reason", r.Reason).
		With("count", max(r.Count, int64(len(r.Subjects))))
	if r.Defaulted {
		codes = codes.With("defaulted", true)
	}
	if len(r.Categories) > 0 {
		codes = codes.With("categories", r.Categories)
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

// Open reads the parts of facts about persons whom the receipt covers. want
// selects parts, nil all of them. Parts of the access journal are never opened here.
func (r *Reader) Open(ctx context.Context, receipt Receipt, facts []*event.Fact, want func(*event.PartRef) bool) ([]seal.Opened, error) {
	for _, f := range facts {
		if !receipt.Covers(f.Subject) {
			return nil, ErrNotCovered
		}
	}
	return r.keys.Open(ctx, facts, func(ref *event.PartRef) bool {
		return ref.Class != "access" && (want == nil || want(ref))
	})
}
