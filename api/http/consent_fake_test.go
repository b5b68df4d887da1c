package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/link"
	"greffe/eventstore/access"
)

// testConsents stands in for the desks of notices, consents and links.
type testConsents struct {
	data *testData
	key  *link.Key

	mu        sync.Mutex
	notices   []Notice
	done      []string // what links recorded
	scopes    []OptOut
	confirmed int
	fail      error
	wanted    []LinkWanted
}

func newTestConsents(d *testData) *testConsents {
	key, err := link.NewKey(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		panic(err)
	}
	return &testConsents{data: d, key: key}
}

func (t *testConsents) failing(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fail = err
}

func (t *testConsents) recorded() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.done...)
}

func (t *testConsents) last() OptOut {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.scopes[len(t.scopes)-1]
}

// Publish and the other methods of Notices.
func (t *testConsents) Publish(_ context.Context, _ domain.ID, n NoticeInput) (*Notice, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := sha256.Sum256([]byte(n.Text))
	for i := range t.notices {
		if o := &t.notices[i]; o.ID == n.ID && o.Version == n.Version && o.Language == n.Language {
			if o.SHA256 != hex.EncodeToString(sum[:]) {
				return nil, false, ErrConflict
			}
			return o, false, nil
		}
	}
	t.notices = append(t.notices, Notice{ID: n.ID, Version: n.Version, Language: n.Language, SHA256: hex.EncodeToString(sum[:]),
		Purposes: n.Purposes, EffectiveFrom: n.EffectiveFrom, Position: 7})
	return &t.notices[len(t.notices)-1], true, nil
}

type fakeNotices struct{ *testConsents }

func (t fakeNotices) List(_ context.Context, f NoticeFilter, _ Page) ([]Notice, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Notice
	for _, n := range t.notices {
		if f.ID == "" || f.ID == n.ID {
			out = append(out, n)
		}
	}
	return out, "", t.fail
}

func (t fakeNotices) Get(_ context.Context, id, version, language string) (*Notice, error) {
	if id == "none" {
		return nil, ErrNotFound
	}
	return &Notice{ID: id, Version: version, Language: language, Text: "text"}, nil
}

func (t *testConsents) State(_ context.Context, r access.Receipt, s domain.ID, asOf time.Time, below domain.Position) ([]ConsentState, error) {
	return []ConsentState{{SubjectID: s, Controller: marker, Since: asOf, Evidence: []domain.ID{anEvent}, Position: below}}, t.data.check(r, person, merged)
}

func (t *testConsents) Unproven(context.Context) ([]UnprovenCount, error) {
	return []UnprovenCount{{Lacks: []string{"act"}, Grants: 3}, {Lacks: []string{"notice"}, Grants: 2}}, t.data.get().fail
}

func (t *testConsents) UnprovenGrants(_ context.Context, p Page) ([]UnprovenGrant, string, error) {
	found, err := rows(t.data, p, func(i int) UnprovenGrant { return UnprovenGrant{EventID: anEvent, Position: domain.Position(i)} },
		func(UnprovenGrant) domain.ID { return domain.ID{} })
	return found.Items, found.Next, err
}

func (t *testConsents) Make(_ context.Context, wanted []LinkWanted) ([]LinkMade, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted = append(t.wanted, wanted...)
	return make([]LinkMade, len(wanted)), nil
}

func (t *testConsents) Open(text string) (link.Link, error) { return t.key.Open(text, testNow) }

func (t *testConsents) OptOut(_ context.Context, l link.Link, scope OptOut) (Recorded, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		return Recorded{}, t.fail
	}
	t.done, t.scopes = append(t.done, "optout "+l.Purpose), append(t.scopes, scope)
	return Recorded{Event: anEvent, At: testNow}, nil
}

func (t *testConsents) Confirm(_ context.Context, l link.Link) (Recorded, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		return Recorded{}, t.fail
	}
	if t.confirmed++; t.confirmed > 1 {
		return Recorded{}, errors.Join(ErrConflict, errors.New("once"))
	}
	t.done = append(t.done, "confirm "+l.Purpose)
	return Recorded{Event: anEvent, At: testNow}, nil
}

// withConsents puts t behind the desks.
func withConsents(t *testConsents) func(*Config, *Services) {
	return func(c *Config, s *Services) {
		t.data = s.Audit.(*testData)
		s.Notices, s.Consents, s.Links = fakeNotices{t}, t, t
		c.Rates = map[Rate]float64{RateLinkPost: 1000}
	}
}
