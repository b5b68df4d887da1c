package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	rules "greffe/domain/watch"
	"greffe/projections"
)

// ErrBehind: the meter has not read yet what was in the log when it began.
var ErrBehind = errors.New("the watch over reads has not caught up with the log yet")

// Sealed is what an access or refusal keeps sealed. A zero account is one that is
// gone, or that there never was.
type Sealed struct {
	Account domain.ID
	Persons []domain.ID
}

// Config is what a Meter needs; all of it.
type Config struct {
	// Open opens the parts of facts, one for each; what cannot be read is zero.
	Open   func(ctx context.Context, facts []*event.Fact) ([]Sealed, error)
	Policy func() policy.Watch
	// Roles are an account's now; false for accounts of other systems.
	Roles func(account domain.ID) ([]string, bool)
	Zone  func(name string) *time.Location
	// Name gives the id of the alert of a finding: the same for the same account, rule,
	// window and level, on every node.
	Name func(f *rules.Finding) (domain.ID, error)
	// Begin says where to read from, and up to where before answering.
	Begin func(ctx context.Context) (from, to domain.Position, err error)
	Now   func() time.Time
}

const (
	maxPending = 10_000
	// recent is how old a finding may be that is still said: others were said by the
	// node that ran then, under the policy of the time.
	recent = 25 * time.Hour
)

// Pending is a finding that no alert tells of yet.
type Pending struct {
	ID domain.ID // of the alert to come
	rules.Finding
}

// Meter counts reads. Make it with NewMeter; a Runner drives it like a projection.
type Meter struct {
	cfg Config

	mu      sync.Mutex
	state   *rules.State
	begun   bool
	next    domain.Position
	target  domain.Position
	ready   chan struct{} // closed once next reached target
	pending map[domain.ID]rules.Finding
	lost    int64 // findings beyond maxPending
	news    chan struct{}
}

var _ projections.Projection = (*Meter)(nil)

// NewMeter makes a meter that has read nothing.
func NewMeter(cfg Config) *Meter {
	return &Meter{cfg: cfg, pending: map[domain.ID]rules.Finding{}, ready: make(chan struct{}), news: make(chan struct{}, 1)}
}

// Name implements projections.Projection.
func (m *Meter) Name() string { return "meter" }

// Checkpoint implements projections.Projection: where its first reading begins, then
// where it is.
func (m *Meter) Checkpoint(ctx context.Context) (domain.Position, error) {
	m.mu.Lock()
	begun, next := m.begun, m.next
	m.mu.Unlock()
	if begun {
		return next, nil
	}
	from, to, err := m.cfg.Begin(ctx)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun, m.next, m.target = true, from, to
	m.state = rules.New(m.cfg.Zone(m.cfg.Policy().Hours.TimeZone))
	m.reached()
	return from, nil
}

func (m *Meter) reached() {
	if m.next < m.target {
		return
	}
	select {
	case <-m.ready:
	default:
		close(m.ready)
	}
}

// Apply implements projections.Projection.
func (m *Meter) Apply(ctx context.Context, facts []projections.Fact) error {
	at, err := m.Checkpoint(ctx)
	if err != nil {
		return err
	}
	fresh, err := projections.Fresh(at, facts)
	if err != nil || len(fresh) == 0 {
		return err
	}
	var sealed []*event.Fact
	for i := range fresh {
		if t := fresh[i].Type; t == event.AccessRecorded || t == event.AccessDenied {
			sealed = append(sealed, fresh[i].Fact)
		}
	}
	var opened []Sealed
	if len(sealed) > 0 {
		if opened, err = m.cfg.Open(ctx, sealed); err != nil {
			return fmt.Errorf("open accesses: %w", err)
		}
	}
	watch := m.cfg.Policy()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range fresh {
		f := fresh[i].Fact
		switch f.Type {
		case event.AccessRecorded, event.AccessDenied:
			err = errors.Join(err, m.count(f, opened[0], &watch))
			opened = opened[1:]
		case event.WatchAlerted:
			delete(m.pending, f.ID)
		}
	}
	m.next = fresh[len(fresh)-1].Position + 1
	m.reached()
	return err
}

// count folds one access or refusal in. Campaigns and dialers ask of thousands whether
// they may be contacted, and are shown nothing: that is recorded, and not watched.
func (m *Meter) count(f *event.Fact, s Sealed, watch *policy.Watch) error {
	if s.Account.IsZero() || f.Codes.String("action") == event.Decides {
		return nil
	}
	roles, _ := m.cfg.Roles(s.Account)
	limits := watch.Limits(roles)
	var found []rules.Finding
	if f.Type == event.AccessDenied {
		found = m.state.Refused(rules.Refusal{Account: s.Account, At: f.Recorded.Time, Count: f.Codes.Int("count")}, limits)
	} else {
		if f.Source.IsZero() {
			m.state.Show(s.Account, f.Recorded.Time, max(f.Codes.Int("count"), int64(len(s.Persons))))
		}
		found = m.state.Read(rules.Read{Account: s.Account, At: f.Recorded.Time, Persons: s.Persons, Count: f.Codes.Int("count"),
			Opens: !f.Source.IsZero() || Opens(f.Codes.String("action")), Reason: f.Codes.String("reason"),
			Ticketed: f.Codes.Bool(event.Ticketed), Defaulted: f.Codes.Bool("defaulted")}, limits, watch.Hours)
	}
	for i := range found {
		if m.cfg.Now().Sub(found[i].At) > recent {
			continue
		}
		id, err := m.cfg.Name(&found[i])
		if err != nil {
			return err
		}
		m.find(id, found[i])
	}
	return nil
}

func (m *Meter) find(id domain.ID, f rules.Finding) {
	if len(m.pending) >= maxPending {
		m.lost++
		return
	}
	m.pending[id] = f
	select {
	case m.news <- struct{}{}:
	default:
	}
}

// Opens reports an action of the ledger's own that shows data of the persons it is
// about; the others give ids or counts alone. The bundle of an inspection is about
// everybody and shows nobody: the persons drawn into it in clear are recorded by
// themselves, by name, as an export.
func Opens(action string) bool {
	return !slices.Contains([]string{"search", "audit", "accesses", "notify", "request", "statistics", "watch", event.Bundles, event.Decides}, action)
}

// Reset implements projections.Projection.
func (m *Meter) Reset(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun, m.next, m.target, m.state = false, 0, 0, nil
	m.pending, m.ready = map[domain.ID]rules.Finding{}, make(chan struct{})
	return nil
}

// Dump implements projections.Projection; nothing is stored.
func (m *Meter) Dump(_ context.Context, w io.Writer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := fmt.Fprintf(w, "# checkpoint\tposition\n%d\n", m.next)
	return err
}

// Room says whether an account may read these persons now; if not, how long it has to
// wait for a new window. ErrBehind if ctx ends before the meter can tell.
func (m *Meter) Room(ctx context.Context, r rules.Read, l policy.WatchLimits) (wait time.Duration, ok bool, err error) {
	m.mu.Lock()
	ready := m.ready
	m.mu.Unlock()
	select {
	case <-ready:
	case <-ctx.Done():
		return 0, false, ErrBehind
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state == nil {
		return 0, false, ErrBehind
	}
	wait, ok = m.state.Room(r, l)
	return wait, ok, nil
}

// Shown is how many persons an account was shown lately, as rules.State has it. ErrBehind
// if ctx ends before the meter can tell.
func (m *Meter) Shown(ctx context.Context, account domain.ID) (int64, error) {
	m.mu.Lock()
	ready := m.ready
	m.mu.Unlock()
	select {
	case <-ready:
	case <-ctx.Done():
		return 0, ErrBehind
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state == nil {
		return 0, ErrBehind
	}
	return m.state.Shown(account, m.cfg.Now()), nil
}

// Pending lists what no alert tells of yet, the oldest first, and how many findings
// were left out because there were too many at once.
func (m *Meter) Pending() (out []Pending, lost int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, f := range m.pending {
		out = append(out, Pending{id, f})
	}
	slices.SortFunc(out, func(a, b Pending) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return slices.Compare(a.ID[:], b.ID[:])
	})
	return out, m.lost
}

// Told says that the alert of a finding stands in the log.
func (m *Meter) Told(id domain.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pending, id)
}

// News is sent to when something was found.
func (m *Meter) News() <-chan struct{} { return m.news }
