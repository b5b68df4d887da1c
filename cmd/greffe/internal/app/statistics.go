package app

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/statistics"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/audit"
)

// statisticsDesk releases counts of people that say nothing of one.
type statisticsDesk struct{ a *App }

const useStatistics = "statistics/released"

// released is what the log says of a release.
type released struct {
	at      domain.Position
	fact    *event.Fact
	earlier statistics.Earlier
	milli   int
}

// Concerned implements httpapi.Statistics.
func (d statisticsDesk) Concerned(ctx context.Context) (classes []string, persons int64, err error) {
	t, err := d.a.Index.Totals(ctx)
	return []string{"contact_details", "identity"}, t.Subjects, err
}

// releases lists every release, the first first.
func (d statisticsDesk) releases(ctx context.Context) (out []released, err error) {
	if err := d.a.upToDate(ctx, d.a.Audit.Name()); err != nil {
		return nil, err
	}
	const page = 1000
	for from := domain.Position(0); ; {
		n := 0
		for e, err := range d.a.Audit.Events(ctx, audit.Filter{Type: event.StatisticsReleased, Cursor: from, Limit: page}) {
			if err != nil {
				return nil, err
			}
			f, err := d.a.Dossier.At(ctx, e.Position)
			if err != nil {
				return nil, err
			}
			r := released{at: e.Position, fact: f, milli: int(f.Codes.Int("epsilon_milli"))}
			r.earlier = statistics.Earlier{Exact: r.milli == 0, Sensitive: statistics.Dimension(f.Codes.String("sensitive"))}
			for _, d := range f.Codes.Strings("by") {
				r.earlier.By = append(r.earlier.By, statistics.Dimension(d))
			}
			out, from = append(out, r), e.Position+1
			n++
		}
		if n < page {
			return out, nil
		}
	}
}

// recent are the releases of the 12 months before now, and what they spent.
func recent(all []released, now time.Time) (before []statistics.Earlier, spent int) {
	for _, r := range all {
		if r.fact.Recorded.After(now.AddDate(-1, 0, 0)) {
			before, spent = append(before, r.earlier), spent+r.milli
		}
	}
	return before, spent
}

// Release implements httpapi.Statistics. Nothing leaves before it is recorded that it
// was made, with what it spent.
func (d statisticsDesk) Release(ctx context.Context, r access.Receipt, actor domain.ID, o statistics.Order) (*httpapi.StatisticsRelease, error) {
	if r.Event().IsZero() {
		return nil, access.ErrNotCovered
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	now := d.a.cfg.Now()
	all, err := d.releases(ctx)
	if err != nil {
		return nil, err
	}
	before, spent := recent(all, now)
	left, err := statistics.Spend(spent, o.Milli)
	if err != nil {
		return nil, err
	}
	counter := statistics.NewCounter(o, now)
	head, err := d.a.countPeople(ctx, counter, o, now, nil)
	if err != nil {
		return nil, err
	}
	t, err := d.a.table(counter, o)
	if err != nil {
		return nil, err
	}
	out := shownRelease(t, statistics.Judge(t, before), now, head, left)
	return out, d.record(ctx, actor, uint64(len(all)), t, out)
}

// table makes what an order asks for of what was counted.
func (a *App) table(counter *statistics.Counter, o statistics.Order) (*statistics.Table, error) {
	if o.Milli == 0 {
		return counter.Exact(), nil
	}
	var failed error
	t, err := counter.Noisy(func() float64 { // of 53 random bits
		var b [8]byte
		if _, err := io.ReadFull(a.cfg.Rand, b[:]); err != nil {
			failed = fmt.Errorf("random numbers: %w", err)
		}
		return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
	})
	return t, errors.Join(err, failed)
}

func shownRelease(t *statistics.Table, answers []statistics.Answer, now time.Time, head domain.Position, left int) *httpapi.StatisticsRelease {
	out := &httpapi.StatisticsRelease{ReleasedAt: domain.NewTime(now).Time, Below: head, By: t.Order.By, Sensitive: t.Order.Sensitive, K: t.Order.K, EpsilonMilli: t.Order.Milli,
		BudgetLeftMilli: left, Levels: t.Levels, Cells: t.Cells, CellsLeftOut: t.Left, Anonymous: statistics.Anonymous(answers)}
	if t.Order.Sensitive != "" {
		out.L = t.Order.L
	}
	if out.Cells == nil {
		out.Cells = []statistics.Cell{}
	}
	for _, x := range answers {
		out.Tests = append(out.Tests, httpapi.StatisticsTest{Test: x.Test, Passed: x.Passed, Why: x.Why, FR: x.Why.Text("fr"), EN: x.Why.Text("en")})
	}
	out.Verdict = httpapi.Bilingual{FR: statistics.Verdict(answers, "fr"), EN: statistics.Verdict(answers, "en")}
	return out
}

// record writes that a release was made. Its id follows from how many there were: of
// two that looked at the same budget, one is refused.
func (d statisticsDesk) record(ctx context.Context, actor domain.ID, number uint64, t *statistics.Table, out *httpapi.StatisticsRelease) error {
	cells, err := json.Marshal(out.Cells, json.Deterministic(true))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(cells)
	out.CellsSHA256 = hex.EncodeToString(sum[:])
	codes := event.Codes{}.With("by", codesOf(t.Order.By)).With("k", int64(t.Order.K)).With("cells", int64(len(t.Cells))).With("left_out", int64(t.Left)).
		With("below", int64(out.Below)).With("sha256", out.CellsSHA256).With("anonymous", out.Anonymous)
	if t.Order.Sensitive != "" {
		codes = codes.With("sensitive", string(t.Order.Sensitive)).With("l", int64(t.Order.L))
	}
	if t.Order.Milli > 0 {
		codes = codes.With("epsilon_milli", int64(t.Order.Milli))
	}
	var failed []string
	for _, x := range out.Tests {
		if !x.Passed {
			failed = append(failed, string(x.Test)+"."+string(x.Why))
		}
	}
	if len(failed) > 0 {
		codes = codes.With("not_passed", failed)
	}
	id, err := d.a.Ledger.Derived(useStatistics, binary.BigEndian.AppendUint64(nil, number))
	if err != nil {
		return err
	}
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{{Type: event.StatisticsReleased, ID: id, Actor: actor, Codes: codes}})
	if errors.Is(err, ledger.ErrTaken) {
		err = fmt.Errorf("other statistics were released meanwhile; ask again: %w", httpapi.ErrConflict)
	}
	if err != nil {
		return err
	}
	out.ID, out.Position = w[0].Event, w[0].Position
	return nil
}

func codesOf[T ~string](l []T) []string {
	out := make([]string, len(l))
	for i, x := range l {
		out[i] = string(x)
	}
	return out
}

// List implements httpapi.Statistics.
func (d statisticsDesk) List(ctx context.Context) (*httpapi.StatisticsReleases, error) {
	all, err := d.releases(ctx)
	if err != nil {
		return nil, err
	}
	_, spent := recent(all, d.a.cfg.Now())
	out := &httpapi.StatisticsReleases{Items: []httpapi.StatisticsRecord{}, BudgetMilli: statistics.Budget, BudgetLeftMilli: max(0, statistics.Budget-spent)}
	for _, r := range all {
		c := r.fact.Codes
		out.Items = append(out.Items, httpapi.StatisticsRecord{ID: r.fact.ID, Position: r.at, ReleasedAt: r.fact.Recorded.Time, Actor: present(r.fact.Actor), By: r.earlier.By,
			Sensitive: r.earlier.Sensitive, K: int(c.Int("k")), L: int(c.Int("l")), EpsilonMilli: r.milli, Cells: c.Int("cells"), CellsSHA256: c.String("sha256"),
			Anonymous: c.Bool("anonymous"), NotPassed: c.Strings("not_passed")})
	}
	return out, nil
}

// Statistics releases statistics for the command line; reading says who looks and why.
func (a *App) Statistics(ctx context.Context, reading access.Reading, o statistics.Order) (*httpapi.StatisticsRelease, error) {
	d := statisticsDesk{a}
	classes, persons, err := d.Concerned(ctx)
	if err != nil {
		return nil, err
	}
	reading.Action, reading.Categories, reading.Count = "statistics", classes, persons
	r, err := a.Journal.Record(ctx, reading)
	if err != nil {
		return nil, err
	}
	return d.Release(ctx, r, reading.Account, o)
}

// ReleasedStatistics lists what was released.
func (a *App) ReleasedStatistics(ctx context.Context) (*httpapi.StatisticsReleases, error) {
	return statisticsDesk{a}.List(ctx)
}
