package httpapi

import (
	"context"
	"crypto/rand"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// aPerson is an account that is looked at, otherPerson one that is changed.
var aPerson, otherPerson = domain.ID{7, 7, 6: 0x40, 8: 0x80}, domain.ID{7, 8, 6: 0x40, 8: 0x80}

// aGuest is of anInspection; see makeGuest.
var aGuest = domain.ID{7, 9, 6: 0x40, 8: 0x80}

// people are the real ones, on the world's ledger.
func (w *world) people() *auth.People {
	var deciding sync.Mutex
	return &auth.People{
		Staff: w.store, Facts: w.ledger, Now: w.now, Rand: rand.Reader, Key: []byte("a key of the tests"), Once: w.ledger.Derived,
		WaitFor: func(ctx context.Context, p domain.Position) error { return w.node.runner.WaitFor(ctx, p) },
		Open:    w.openAccount,
		Alone: func(_ context.Context, work func(auth.Facts) error) error {
			deciding.Lock()
			defer deciding.Unlock()
			return work(w.ledger)
		},
		Rules: func() *policy.Policy {
			p, _ := w.ledger.Policy()
			return p
		},
	}
}

// openAccount opens a fact's part, found by walking the log.
func (w *world) openAccount(ctx context.Context, id domain.ID) ([]event.Field, error) {
	head, err := w.ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	var found *event.Fact
	err = w.log.Read(ctx, 0, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil && f.ID == id {
			found = f
		}
		return err
	})
	if err != nil || found == nil {
		return nil, err
	}
	opened, err := w.ledger.Keyring().Open(ctx, []*event.Fact{found}, nil)
	if err != nil {
		return nil, err
	}
	return opened[0].Fields, nil
}

type testStaff struct{ data *testData }

func (s testStaff) Names(_ context.Context, _ access.Receipt, of []accounts.Account) ([]StaffName, error) {
	out := make([]StaffName, len(of))
	for i := range of {
		out[i] = StaffName{marker, marker}
	}
	return out, s.data.check(access.Receipt{})
}

func (s testStaff) Origins(_ context.Context, _ access.Receipt, of []account.Session) ([]netip.Addr, error) {
	return make([]netip.Addr, len(of)), s.data.check(access.Receipt{})
}

// makePerson records both, aPerson with a session of a marked method.
func (w *world) makePerson() {
	w.t.Helper()
	of := event.Codes{}.With("account", aPerson.String())
	wrote, err := w.ledger.Write(w.t.Context(), []ledger.Own{
		{Type: event.AccountCreated, Actor: domain.ID{1}, Codes: slices.Clone(of).With("kind", "person").With("roles", []string{"agent"})},
		{Type: event.AccountCreated, Actor: domain.ID{1}, Codes: event.Codes{}.With("account", otherPerson.String()).With("kind", "person").With("roles", []string{"agent"})},
		{Type: event.AccountSessionStarted, Actor: aPerson, Codes: of.With("session", domain.ID{9, 6: 0x40, 8: 0x80}.String()).
			With("digest", strings.Repeat("ab", 32)).With("method", marker).With("factors", []string{"passkey"}).
			With("expires_at", domain.FormatTime(testNow.Add(1000*time.Hour)))},
	})
	must(w.t, err)
	must(w.t, w.node.runner.WaitFor(w.t.Context(), wrote[2].Position))
}

// makeGuest records a guest of an inspection with roles, once.
func (w *world) makeGuest(id, of domain.ID, roles ...string) {
	w.t.Helper()
	if _, known := w.store.Find(id); known {
		return
	}
	wrote, err := w.ledger.Write(w.t.Context(), []ledger.Own{{Type: event.AccountCreated, Actor: domain.ID{1},
		Codes: event.Codes{}.With("account", id.String()).With("kind", "guest").With("roles", roles).With("inspection", of.String()).
			With("expires_at", domain.FormatTime(testNow.Add(1000*time.Hour)))}})
	must(w.t, err)
	must(w.t, w.node.runner.WaitFor(w.t.Context(), wrote[0].Position))
}
