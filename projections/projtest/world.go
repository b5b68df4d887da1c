package projtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
)

// World makes facts of a company's daily life from a seed: valid facts of every
// type, people with a few sources, late and repeated changes, shared addresses,
// merges, erasures whole and in part, gaps in producers' sequences. It also plays
// the vault (Tokens) and the opener of access events (Subjects) for the facts it
// made. The same seed and the same calls give the same facts.
type World struct {
	rng      *rand.Rand
	people   []domain.ID
	sources  []domain.ID
	accounts []domain.ID
	known    int // people that have appeared
	now      time.Time
	seq      map[domain.ID]int64
	merged   [][2]domain.ID
	erased   map[domain.ID]bool // nothing upstream is recorded about these
	orders   []*event.Fact      // not carried out yet
	marks    []*event.Fact      // restrictions and holds
	staged   map[domain.ID]bool // of the orders
	run      domain.ID          // the last of retention
	said     []*event.Fact      // facts with parts of people
	files    map[casefile.Desk][]domain.ID

	mu       sync.Mutex
	tokens   map[domain.ID][]byte
	owners   map[domain.ID]domain.ID // of tokens, by event
	doomed   []domain.ID             // events whose tokens the vault is to destroy
	accesses map[domain.ID]access
}

type access struct {
	account  domain.ID
	subjects []domain.ID
}

// ErrForeign: the world did not make this fact.
var ErrForeign = errors.New("not a fact of this world")

// NewWorld holds up to people persons.
func NewWorld(seed uint64, people int) *World {
	w := &World{rng: rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15)), now: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC),
		seq: map[domain.ID]int64{}, tokens: map[domain.ID][]byte{}, accesses: map[domain.ID]access{},
		staged: map[domain.ID]bool{}, files: map[casefile.Desk][]domain.ID{}, erased: map[domain.ID]bool{}, owners: map[domain.ID]domain.ID{}}
	for range people {
		w.people = append(w.people, w.id())
	}
	for range 4 {
		w.sources = append(w.sources, w.id())
	}
	for range 12 {
		w.accounts = append(w.accounts, w.id())
	}
	return w
}

// id is a version 8 id of random bytes.
func (w *World) id() domain.ID {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], w.rng.Uint64())
	binary.BigEndian.PutUint64(b[8:], w.rng.Uint64())
	return domain.DeriveID(b[:])
}

func pick[T any](w *World, from ...T) T { return from[w.rng.IntN(len(from))] }

// chance is true p times of a hundred.
func (w *World) chance(p int) bool { return w.rng.IntN(100) < p }

// common is what a day is made of; rare types come by turns.
var common = [...]event.Type{event.InteractionRecorded, event.InteractionRecorded, event.InteractionRecorded, event.InteractionRecorded,
	event.InteractionRecorded, event.ContactCreated, event.ContactCreated, event.ContactChanged, event.ContactChanged,
	event.ConsentGranted, event.ConsentWithdrawn, event.AccessRecorded, event.AccessRecorded, event.InvoiceIssued}

// Types lists the types of daily business; Commands has the others.
func Types() []event.Type {
	return []event.Type{event.ContactCreated, event.ContactChanged, event.ContactMerged, event.ContactUnmerged, event.ContactRekeyed,
		event.ContactDeleted, event.InteractionRecorded, event.ContractStarted, event.ContractChanged, event.ContractEnded,
		event.InvoiceIssued, event.RecruitmentClosed, event.NoticeServed, event.ConsentRequested, event.ConsentGranted,
		event.ConsentRefused, event.ConsentWithdrawn, event.OppositionRegistered, event.AccessRecorded, event.RequestReceived,
		event.PersonDeceased, event.RestrictionPlaced, event.IngestQuarantined, event.IngestReleased, event.PolicyPublished,
		event.ExportProduced, event.AccountCreated, event.AccountDisabled, event.AccountTokenMade, event.AccountTokenEnded,
		event.ProducerRegistered}
}

// Commands lists the ledger's own types that are about people's rights and the
// ledger itself.
func Commands() []event.Type {
	return []event.Type{event.NoticePublished, event.ConsentExpired, event.OppositionLifted, event.OppositionListed, event.HoldPlaced,
		event.HoldReleased, event.RestrictionLifted, event.ErasureOrdered, event.ErasureStaged, event.ErasureContested, event.SubjectErased,
		event.PartRedacted, event.NotificationSent, event.NotificationTaken, event.ScreeningPerformed, event.RecheckPerformed,
		event.KeyRotated, event.RestorePerformed, event.RestoreConfirmed, event.InspectionOpened, event.InspectionClosed,
		event.RequestVerified, event.RequestAnswered, event.RequestClosed, event.ActivityRecorded, event.ActivityEnded, event.DPIAScreened,
		event.BreachOpened, event.BreachNotified, event.BreachClosed, event.ReviewPlanned, event.ReviewClosed,
		event.RetentionRun, event.RetentionArchived, event.RetentionAsked, event.RetentionGeneralised, event.RetentionDestroyed,
		event.HoldReviewed, event.MinimisationAudited, event.StatisticsReleased}
}

// Next makes the next fact.
func (w *World) Next() *event.Fact {
	t := common[w.rng.IntN(len(common))]
	switch {
	case w.chance(12):
		t = pick(w, Types()...)
	case w.chance(7):
		t = pick(w, Commands()...)
	case w.chance(7):
		t = pick(w, event.ErasureOrdered, event.SubjectErased, event.PartRedacted)
	}
	return w.Fact(t)
}

// Fact makes a fact of type t.
func (w *World) Fact(t event.Type) *event.Fact {
	w.now = w.now.Add(time.Duration(w.rng.IntN(90_000)) * time.Millisecond)
	f := &event.Fact{ID: w.id(), Type: t, Recorded: domain.NewTime(w.now), Policy: 1 + int64(w.rng.IntN(3))}
	f.Time = domain.NewTime(w.now.Add(-time.Duration(w.rng.IntN(3000)) * time.Millisecond))
	switch {
	case w.chance(4): // an old event imported late
		f.Time = domain.NewTime(w.now.AddDate(0, 0, -w.rng.IntN(1200)))
	case w.chance(5): // equal times
		f.Time = domain.NewTime(w.now.Truncate(time.Hour))
	}
	if t.Upstream() {
		w.upstream(f)
	} else {
		w.own(f)
	}
	if !f.Subject.IsZero() && len(f.Parts) > 0 {
		w.said = append(w.said, f)
	}
	return f
}

func (w *World) upstream(f *event.Fact) {
	f.Source = pick(w, w.sources...)
	f.Controller = pick(w, "acme", "acme", "acme-retail")
	if w.chance(60) {
		f.Actor = pick(w, w.accounts...)
	}
	if w.chance(70) {
		w.seq[f.Source]++
		switch {
		case w.chance(2):
			w.seq[f.Source] += int64(1 + w.rng.IntN(5))
		case w.chance(2) && w.seq[f.Source] > 10:
			n := w.seq[f.Source] - int64(w.rng.IntN(10))
			f.Sequence = &n
		}
		if f.Sequence == nil {
			n := w.seq[f.Source]
			f.Sequence = &n
		}
	}
	if w.chance(3) {
		f.Warnings = []event.Warning{{Field: "notes", Rule: pick(w, "nir", "card", "unknown_field")}}
	}
	f.Subject = w.person(f.Type == event.ContactCreated)
	w.describe(f)
}

// person is somebody known, or with fresh somebody new while there is one.
func (w *World) person(fresh bool) domain.ID {
	if w.known == 0 || fresh && w.known < len(w.people) && w.chance(85) {
		w.known++
		return w.people[w.known-1]
	}
	from := w.rng.IntN(w.known)
	for i := range w.known {
		if p := w.people[(from+i)%w.known]; !w.erased[p] {
			return p
		}
	}
	id := w.id() // all were erased: somebody comes back as another
	w.people = append(w.people, id)
	w.people[w.known], w.people[len(w.people)-1] = id, w.people[w.known]
	w.known++
	return id
}

func (w *World) parts(f *event.Fact, owner part.Owner, classes ...string) {
	for _, c := range classes {
		p := event.PartRef{Owner: owner, Class: c, Epoch: part.EpochWhole}
		binary.BigEndian.PutUint64(p.Commitment[:], w.rng.Uint64())
		f.Parts = append(f.Parts, p)
	}
}

// index gives f's event tokens, as the vault keeps them.
func (w *World) index(f *event.Fact, entries ...token.Entry) {
	b, err := token.Pack(entries)
	if err != nil {
		panic(fmt.Sprintf("projtest: %v", err))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[f.ID] = b
	w.owners[f.ID] = f.Subject
}

// address is a token of a small street, so that people share some.
func (w *World) address(k token.Kind, field token.Field) token.Entry {
	e := token.Entry{Kind: k, Field: field}
	n := w.rng.Uint64N(uint64(4 * len(w.people)))
	e.Token[0] = k[0]
	binary.BigEndian.PutUint64(e.Token[1:], n*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(e.Token[24:], n)
	return e
}

// Bytes makes the next n facts in their stored form.
func (w *World) Bytes(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = Encode(w.Next())
	}
	return out
}

// Encode writes f as the log keeps it. It panics on a fact that is not valid.
func Encode(f *event.Fact) []byte {
	b, err := event.AppendFact(nil, f)
	if err != nil {
		panic(fmt.Sprintf("projtest: %v", err))
	}
	return b
}

// Tokens gives the packed tokens of events in their order, nil where there are
// none, as vault.Store does.
func (w *World) Tokens(_ context.Context, events []domain.ID) ([][]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([][]byte, len(events))
	for i, id := range events {
		out[i] = w.tokens[id]
	}
	return out, nil
}

// Subjects opens an access event.
func (w *World) Subjects(_ context.Context, f *event.Fact) (domain.ID, []domain.ID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.accesses[f.ID]
	if !ok {
		return domain.ID{}, nil, ErrForeign
	}
	return a.account, slices.Clone(a.subjects), nil
}
