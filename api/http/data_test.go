package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections"
	"greffe/projections/accounts"
)

// testJournal is the real journal behind a switch.
type testJournal struct {
	Journal
	mu       sync.Mutex
	fail     func(ctx context.Context) error
	readings []access.Reading
	receipts int
}

func (j *testJournal) Record(ctx context.Context, r access.Reading) (access.Receipt, error) {
	j.mu.Lock()
	fail := j.fail
	j.mu.Unlock()
	if fail != nil {
		if err := fail(ctx); err != nil {
			return access.Receipt{}, err
		}
	}
	receipt, err := j.Journal.Record(ctx, r)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		j.readings, j.receipts = append(j.readings, r), j.receipts+1
	}
	return receipt, err
}

func (j *testJournal) set(fail func(context.Context) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = fail
}

func (j *testJournal) all() []access.Reading {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]access.Reading(nil), j.readings...)
}

// testNode waits by the real runner, unless it is told to be late or halted.
type testNode struct {
	runner *projections.Runner
	mu     sync.Mutex
	halted error
	ready  error
}

func (n *testNode) set(halted, ready error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.halted, n.ready = halted, ready
}

func (n *testNode) current(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.halted
}

// Current is at once.
func (n *testNode) Current(context.Context) error { return nil }

func (n *testNode) WaitFor(ctx context.Context, p domain.Position) error {
	return n.runner.WaitFor(ctx, p)
}

// Ready is what the test set.
func (n *testNode) Ready(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ready
}

var errNoReceipt = errors.New("opened without a receipt")

// testData stands in for the read models: it knows one person and answers with
// marked data, only against a receipt that covers the person.
type testData struct {
	ledger  *ledger.Ledger
	journal *testJournal
	mu      sync.Mutex
	now     switches
}

// switches say how testData behaves, and what it saw.
type switches struct {
	fail   error // answered by everything
	panics bool
	found  int // rows that lists have; 3 if 0
	copied string
	sought []token.Token
	asker  domain.ID // of the approval; person if zero
}

func (d *testData) set(change func(*switches)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.now)
}

func (d *testData) get() switches {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

var (
	person   = domain.ID{0xa0, 6: 0x80, 8: 0x80}
	merged   = domain.ID{0xa1, 6: 0x80, 8: 0x80}
	anEvent  = domain.ID{0xe0, 6: 0x80, 8: 0x80}
	itemHeld = domain.ID{0xf0, 6: 0x80, 8: 0x80}
)

func (d *testData) check(r access.Receipt, who ...domain.ID) error {
	if d.get().panics {
		panic(marker)
	}
	for _, id := range who {
		if !r.Covers(id) {
			return errNoReceipt
		}
	}
	return d.get().fail
}

func (d *testData) Find(_ context.Context, t token.Token, kind SearchKind, p Page) (Found[Hit], error) {
	if d.get().panics {
		panic(marker)
	}
	d.set(func(s *switches) { s.sought = append(s.sought, t) })
	if kind == "" {
		return Found[Hit]{}, errors.New("no kind")
	}
	return rows(d, p, func(i int) Hit { return Hit{domain.ID{byte(i >> 8), byte(i), 6: 0x80}} }, func(h Hit) domain.ID { return h.SubjectID })
}

// rows are pages of made-up items; the cursor is the next index.
func rows[T any](d *testData, p Page, item func(int) T, subject func(T) domain.ID) (Found[T], error) {
	n, from := d.get().found, 0
	if n == 0 {
		n = 3
	}
	if p.Cursor != "" {
		if _, err := fmt.Sscanf(p.Cursor, "row%d", &from); err != nil {
			return Found[T]{}, ErrCursor
		}
	}
	var f Found[T]
	for i := from; i < min(from+p.Limit, n); i++ {
		f.Items = append(f.Items, item(i))
		f.Subjects = append(f.Subjects, subject(f.Items[len(f.Items)-1]))
	}
	if from+p.Limit < n {
		f.Next = fmt.Sprintf("row%d", from+p.Limit)
	}
	return f, d.get().fail
}

func (d *testData) Everybody(ctx context.Context, s domain.ID, p domain.Position) ([]domain.ID, error) {
	return d.Persons(ctx, s, p)
}

func (d *testData) Persons(_ context.Context, s domain.ID, _ domain.Position) ([]domain.ID, error) {
	if s != person {
		return nil, ErrNotFound
	}
	return []domain.ID{person, merged}, nil
}

func (d *testData) KnownAt(context.Context, time.Time) (domain.Position, error) { return 7, nil }

func (d *testData) SubjectOf(_ context.Context, e domain.ID) (domain.ID, error) {
	if e != anEvent {
		return domain.ID{}, ErrNotFound
	}
	return person, nil
}

func (d *testData) View(_ context.Context, r access.Receipt, s domain.ID, asOf time.Time, below domain.Position) (*contact.View, error) {
	v := &contact.View{SubjectID: s, AsOf: domain.NewTime(asOf), Kind: marker, Person: contact.Values{}, LastActivity: domain.ID{byte(below)}}
	for _, class := range []string{"identity", "evidence"} {
		if lens := r.Lens(); lens.Class(s, class) {
			v.Person[class] = jsontext.Value(`"` + marker + `"`)
		}
	}
	return v, d.check(r, person, merged)
}

func (d *testData) Inputs(_ context.Context, r access.Receipt, s domain.ID, asOf time.Time, below domain.Position) ([]contact.Recorded, error) {
	f := &event.Fact{ID: domain.ID{3, 6: 0x80, 8: 0x80}, Type: event.ContactCreated, Subject: s, Time: domain.NewTime(asOf)}
	return []contact.Recorded{{Position: below - 1, Fact: f}}, d.check(r, person, merged)
}

func (d *testData) History(_ context.Context, r access.Receipt, _ domain.ID, from domain.Position, _ bool, limit int) ([]contact.Item, domain.Position, error) {
	return []contact.Item{{Position: from, Controller: marker}}, from + domain.Position(limit), d.check(r, person, merged)
}

func (d *testData) Consents(ctx context.Context, r access.Receipt, s domain.ID, from domain.Position, newest bool, limit int) ([]contact.Item, domain.Position, error) {
	items, _, err := d.History(ctx, r, s, from, newest, limit)
	return items, 0, err
}

func (d *testData) Event(_ context.Context, r access.Receipt, e domain.ID) (*contact.Item, error) {
	return &contact.Item{ID: e, Controller: marker}, d.check(r, person)
}

func (d *testData) Copy(_ context.Context, r access.Receipt, q CopyRequest, w io.Writer) error {
	if err := d.check(r, person, merged); err != nil {
		return err
	}
	copied := fmt.Sprint(q.Article, q.Format, q.Lang)
	d.set(func(s *switches) { s.copied = copied })
	if _, err := io.WriteString(w, marker); err != nil {
		return err
	}
	if copied == "20csven" {
		return errors.New("the disk ended")
	}
	return nil
}

func (d *testData) Labels(_ context.Context, _ access.Receipt, of []accounts.Account) ([]string, error) {
	out := make([]string, len(of))
	for i := range out {
		out[i] = marker
	}
	return out, d.check(access.Receipt{})
}

func (d *testData) Networks(_ context.Context, _ access.Receipt, of []accounts.Grant) ([][]netip.Prefix, error) {
	out := make([][]netip.Prefix, len(of))
	for i, g := range of {
		if !g.Token.Words.IsZero() {
			out[i] = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		}
	}
	return out, d.check(access.Receipt{})
}

func (d *testData) Events(_ context.Context, f Filter, p Page) (Found[AuditEvent], error) {
	if d.get().panics {
		panic(marker)
	}
	return rows(d, p, func(i int) AuditEvent {
		return AuditEvent{Position: domain.Position(i), Type: marker, Controller: f.Type}
	}, func(e AuditEvent) domain.ID { return domain.ID{byte(e.Position >> 8), byte(e.Position), 6: 0x80} })
}

func (d *testData) Accesses(_ context.Context, _ Filter, p Page) (Found[AuditAccess], error) {
	if d.get().panics {
		panic(marker)
	}
	return rows(d, p, func(i int) AuditAccess {
		return AuditAccess{Position: domain.Position(i), Action: marker, Subjects: []domain.ID{person, merged}}
	}, func(AuditAccess) domain.ID { return person })
}

func (d *testData) Deeds(_ context.Context, account domain.ID, f Filter, p Page) (Found[AuditDeed], error) {
	if d.get().panics {
		panic(marker)
	}
	return rows(d, p, func(i int) AuditDeed {
		return AuditDeed{Position: domain.Position(i), Event: &AuditEvent{Account: &account, Type: f.Type}, Access: &AuditAccess{Action: marker, Subjects: []domain.ID{person}}}
	}, func(AuditDeed) domain.ID { return person })
}

func (d *testData) Difference(_ context.Context, f DifferenceFilter, p Page) (Found[AuditDifference], error) {
	if d.get().panics {
		panic(marker)
	}
	return rows(d, p, func(i int) AuditDifference {
		by := map[string]int64{marker: int64(f.To - f.From)}
		for _, t := range f.Types {
			by[t] = 1
		}
		return AuditDifference{SubjectID: domain.ID{byte(i >> 8), byte(i), 6: 0x80}, ByType: by}
	}, func(x AuditDifference) domain.ID { return x.SubjectID })
}

func (d *testData) DifferenceCounts(_ context.Context, f DifferenceFilter) (map[string]int64, error) {
	return map[string]int64{"contact.created": int64(f.From), "subject.erased": int64(f.To - f.From)}, d.check(access.Receipt{})
}

func (d *testData) Hours(_ context.Context, f Filter) (*AuditHours, error) {
	hours := make([]int64, 24)
	hours[9] = int64(len(f.Reason))
	return &AuditHours{Zone: "UTC", Items: []AccountHours{{Account: f.Account, Accesses: f.To.Sub(f.From).Milliseconds(), Days: []HoursOfDay{{Hours: hours}}}}}, d.check(access.Receipt{})
}

func (d *testData) Bursts(_ context.Context, f BurstFilter, p Page) (Found[AuditBurst], error) {
	if d.get().panics {
		panic(marker)
	}
	found, err := rows(d, p, func(i int) AuditBurst {
		return AuditBurst{Account: f.Account, From: f.From, To: f.To, Most: f.Over, Accesses: int64(f.Window / time.Hour), First: domain.Position(i)}
	}, func(AuditBurst) domain.ID { return domain.ID{} })
	found.Subjects = nil
	return found, err
}

func (d *testData) Summary(context.Context, Filter) (*AuditSummary, error) {
	return &AuditSummary{Events: 42}, d.check(access.Receipt{})
}

func (d *testData) List(_ context.Context, p Page) ([]QuarantineItem, string, error) {
	return []QuarantineItem{{ID: itemHeld, Reason: "type_unknown", SubjectID: &person, Type: marker}}, "", d.check(access.Receipt{})
}

func (d *testData) Waiting(_ context.Context, most int) (int, error) {
	return min(most, 3), d.check(access.Receipt{})
}

func (d *testData) Item(_ context.Context, id domain.ID) (*QuarantineItem, error) {
	if id != itemHeld {
		return nil, ErrNotFound
	}
	return &QuarantineItem{ID: id, Reason: "type_unknown", SubjectID: &person}, nil
}

func (d *testData) Raw(_ context.Context, r access.Receipt, _ domain.ID) ([]byte, error) {
	return []byte(`{"secret":"` + marker + `"}`), d.check(r, person)
}

func (d *testData) Repair(ctx context.Context, _, item domain.ID, raw []byte) (ledger.Result, error) {
	if item != itemHeld {
		return ledger.Result{}, ledger.ErrNotHeld
	}
	res, err := d.ledger.Record(ctx, [][]byte{raw})
	if err != nil {
		return ledger.Result{}, err
	}
	return res[0], nil
}

func (d *testData) Discard(_ context.Context, _, item domain.ID, reason string) (domain.Position, error) {
	if item != itemHeld || reason != "superseded" {
		return 0, ErrNotFound
	}
	return 9, d.get().fail
}

func (d *testData) Duplicates(_ context.Context, p Page) (Found[DuplicateGroup], error) {
	if d.get().panics {
		panic(marker)
	}
	return rows(d, p, func(int) DuplicateGroup {
		return DuplicateGroup{Subjects: []domain.ID{person, merged}, By: []string{marker}}
	}, func(DuplicateGroup) domain.ID { return person })
}
