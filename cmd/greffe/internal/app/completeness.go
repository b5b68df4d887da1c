package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	rules "greffe/domain/completeness"
	"greffe/domain/event"
	"greffe/projections/completeness"
)

// producerDesk says whether what the sources sent is all there.
type producerDesk struct{ a *App }

// maxGaps is how many gaps of a source one answer lists.
const maxGaps = 1000

// List implements httpapi.Producers.
func (d producerDesk) List(ctx context.Context, page httpapi.Page) (out []httpapi.Producer, next string, err error) {
	pages := d.a.pages("producers")
	from, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	names, err := d.a.sourceNames(ctx)
	if err != nil {
		return nil, "", err
	}
	now, n := d.a.cfg.Now(), uint64(0)
	err = d.a.Sent.Producers(ctx, domain.ID{}, func(p completeness.Producer) bool {
		if n++; n <= from {
			return true
		}
		if len(out) == page.Limit {
			next = pages.at(n - 1)
			return false
		}
		out = append(out, producerShown(p, names[p.Source], now))
		return true
	})
	if err == nil && n < from {
		err = httpapi.ErrCursor
	}
	return out, next, err
}

func producerShown(p completeness.Producer, name string, now time.Time) httpapi.Producer {
	n, s := p.Numbers, p.Habit.Silence(now)
	x := httpapi.Producer{ID: p.Source, Name: name, Events: p.Events, SetAside: p.SetAside, Position: p.Position, LastRecorded: &s.Since,
		Count: n.Count, Late: n.Late, Repeats: n.Repeats, Missing: n.Missing(), Silence: httpapi.Silence{State: string(s.State), Since: &s.Since}}
	if !s.Expected.IsZero() {
		x.Silence.Expected = &s.Expected
	}
	if !n.Counts() {
		return x
	}
	first, last := n.First(), n.Last()
	x.First, x.Last, x.Restarts = &first, &last, n.Runs()-1
	for _, g := range n.Gaps(maxGaps) {
		if x.Restarts == 0 {
			g.Run = 0
		}
		x.Gaps = append(x.Gaps, httpapi.Gap{From: g.From, To: g.To, Run: g.Run})
	}
	x.MoreGaps = n.Open() - int64(len(x.Gaps))
	return x
}

// heard is nil for a source of which something came.
func (d producerDesk) heard(ctx context.Context, source domain.ID) error {
	_, err := d.a.Sent.Producer(ctx, source)
	if errors.Is(err, completeness.ErrUnknown) {
		err = errors.Join(httpapi.ErrNotFound, err)
	}
	return err
}

// Days implements httpapi.Producers.
func (d producerDesk) Days(ctx context.Context, source domain.ID, from, to time.Time) ([]httpapi.ProducerDay, error) {
	if err := d.a.upToDate(ctx, d.a.Sent.Name()); err != nil {
		return nil, err
	}
	if err := d.heard(ctx, source); err != nil {
		return nil, err
	}
	days, err := d.a.Sent.Days(ctx, source, from, to)
	if err != nil {
		return nil, err
	}
	out := make([]httpapi.ProducerDay, len(days))
	for i := range days {
		x := &days[i]
		out[i] = httpapi.ProducerDay{Date: x.Date.Format(time.DateOnly), Events: x.Events, SetAside: x.SetAside,
			GapsOpened: x.Opened, GapsClosed: x.Closed, Missing: x.Missing, Recovered: x.Recovered}
		if x.Numbered {
			out[i].First, out[i].Last = &x.Lowest, &x.Highest
		}
	}
	return out, nil
}

// Statement implements httpapi.Producers. Facts are read where the source has some,
// so that an empty period costs nothing, and a full one a pass over it.
func (d producerDesk) Statement(ctx context.Context, source domain.ID, from, to time.Time) (*httpapi.ProducerStatement, error) {
	if err := d.a.upToDate(ctx, d.a.Sent.Name(), d.a.Index.Name()); err != nil {
		return nil, err
	}
	if err := d.heard(ctx, source); err != nil {
		return nil, err
	}
	s := &rules.Statement{Source: source, From: domain.NewTime(from), To: domain.NewTime(to), Made: domain.NewTime(d.a.cfg.Now())}
	var err error
	if s.Ledger, err = d.a.Ledger.ID(ctx); err != nil {
		return nil, err
	}
	if s.First, err = d.before(ctx, s.From); err != nil {
		return nil, err
	}
	if s.Next, err = d.before(ctx, s.To); err != nil {
		return nil, err
	}
	if s.Counts, err = d.counted(ctx, source, s.First, s.Next); err != nil {
		return nil, err
	}
	head, err := evidence(d).head(ctx, uint64(s.Next))
	if err != nil {
		return nil, err
	}
	s.Head = head.Head
	text := s.Text()
	if _, err := rules.ParseStatement(text); err != nil { // what nobody would accept is not signed
		return nil, err
	}
	note, err := d.a.Sign(text)
	if err != nil {
		return nil, err
	}
	return statementShown(s, note), nil
}

// before is the position below which everything was recorded before an instant.
func (d producerDesk) before(ctx context.Context, at domain.Time) (domain.Position, error) {
	return d.a.Dossier.KnownAt(ctx, at.Add(-time.Microsecond))
}

// counted counts a source's facts in [from, to).
func (d producerDesk) counted(ctx context.Context, source domain.ID, from, to domain.Position) (rules.Counts, error) {
	t, name := rules.Tally{Source: source}, []byte(source.String())
	err := d.a.Sent.Spans(ctx, source, from, to, func(s completeness.Span) error {
		return d.a.log.Read(ctx, s.From, s.To, func(p domain.Position, b []byte) error {
			if !bytes.Contains(b, name) {
				return nil
			}
			f, err := event.DecodeFact(b)
			if err != nil {
				return fmt.Errorf("fact at %d: %w", p, err)
			}
			t.Add(f)
			return nil
		})
	})
	return t.Counts(), err
}

func statementShown(s *rules.Statement, note []byte) *httpapi.ProducerStatement {
	out := &httpapi.ProducerStatement{Note: string(note), Source: s.Source, From: s.From.Time, To: s.To.Time, First: s.First, Next: s.Next,
		Events: s.Events, SetAside: s.SetAside, Gaps: s.Gaps, Missing: s.Missing, Restarts: s.Restarts, Size: domain.Position(s.Head.Size)}
	if s.Numbered {
		out.Lowest, out.Highest = &s.Lowest, &s.Highest
	}
	return out
}

// maxLost is how many lost ranges of offsets one answer lists.
const maxLost = 1000

// lost is a range of offsets of a topic that was gone before it was read.
type lost struct {
	completeness.Gone
	topic    string
	recorded time.Time
}

// losses opens the names of topics that lost messages: names of systems.
func (a *App) losses(ctx context.Context) (out []lost, more bool, err error) {
	gone, err := a.Sent.Gone(ctx, 0, maxLost+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(gone) > maxLost; more {
		gone = gone[:maxLost]
	}
	for _, g := range gone {
		f, err := a.Dossier.At(ctx, g.Position)
		if err != nil {
			return nil, false, fmt.Errorf("kafka coverage: %w", err)
		}
		l := lost{Gone: g, recorded: f.Recorded.Time}
		if l.topic, err = a.opened(ctx, f, "kafka.topic"); err != nil {
			return nil, false, fmt.Errorf("kafka coverage: %w", err)
		}
		out = append(out, l)
	}
	return out, more, nil
}

// Kafka implements httpapi.Producers.
func (d producerDesk) Kafka(ctx context.Context) (*httpapi.KafkaCoverage, error) {
	out := new(httpapi.KafkaCoverage)
	if in := d.a.intake.Load(); in != nil {
		s := in.State()
		out.Takes, out.Group, out.Joined = true, s.Group, s.Joined
		for i := range s.Partitions {
			p := &s.Partitions[i]
			out.Partitions = append(out.Partitions, httpapi.KafkaPartition{Topic: p.Topic, Partition: p.Partition, Assigned: p.Assigned,
				Kept: offset(p.Start), Taken: offset(p.Position), Committed: offset(p.Committed), End: offset(p.End), Lag: offset(p.Lag)})
		}
	}
	all, more, err := d.a.losses(ctx)
	if err != nil {
		return nil, err
	}
	out.MoreLost = more
	for _, l := range all {
		i := slices.IndexFunc(out.Partitions, func(p httpapi.KafkaPartition) bool { return p.Topic == l.topic && p.Partition == l.Partition })
		if i < 0 {
			i = len(out.Partitions)
			out.Partitions = append(out.Partitions, httpapi.KafkaPartition{Topic: l.topic, Partition: l.Partition})
		}
		p := &out.Partitions[i]
		p.Lost = append(p.Lost, httpapi.KafkaLost{From: l.From, To: l.To, Reason: l.Reason, Position: l.Position})
	}
	return out, nil
}

// offset is absent where it is not known.
func offset(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}
