package completeness

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/completeness"
)

// ErrUnknown: nothing came of this source.
var ErrUnknown = errors.New("nothing came of this source")

// Producer is what a source has sent.
type Producer struct {
	Source   domain.ID
	Events   int64           // recorded
	SetAside int64           // inputs that went to quarantine
	Position domain.Position // of its last fact
	Numbers  *completeness.Numbering
	Habit    *completeness.Habit
}

// Producers calls fn with each source after a given one, by id, until fn says no.
func (s *Store) Producers(ctx context.Context, after domain.ID, fn func(Producer) (more bool)) error {
	rows, err := s.file.Rows(ctx, "SELECT source,events,aside,position,state FROM producer WHERE source>? ORDER BY source", after[:])
	if err != nil {
		return fmt.Errorf("producers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scan(rows.Scan)
		if err != nil {
			return fmt.Errorf("producers: %w", err)
		}
		if !fn(p) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("producers: %w", err)
	}
	return nil
}

// Producer is one source, or ErrUnknown.
func (s *Store) Producer(ctx context.Context, source domain.ID) (Producer, error) {
	p, err := scan(func(into ...any) error {
		return s.file.Row(ctx, "SELECT source,events,aside,position,state FROM producer WHERE source=?", []any{source[:]}, into...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrUnknown
	}
	if err != nil {
		return Producer{}, fmt.Errorf("producer: %w", err)
	}
	return p, nil
}

func scan(row func(into ...any) error) (p Producer, err error) {
	var id, state []byte
	if err := row(&id, &p.Events, &p.SetAside, &p.Position, &state); err != nil {
		return p, err
	}
	p.Source = domain.ID(id)
	p.Numbers, p.Habit, err = completeness.ParseState(state)
	return p, err
}

// Day is what a source sent on one day (UTC, by recording).
type Day struct {
	Date             time.Time // its beginning
	Events, SetAside int64
	Numbered         bool
	Lowest, Highest  int64 // numbers that came that day
	completeness.Change

	number int64
}

// Days lists the days of [from, to), those without anything too. The caller bounds
// how many.
func (s *Store) Days(ctx context.Context, source domain.ID, from, to time.Time) ([]Day, error) {
	first, last := dayOf(from), dayOf(to.Add(24*time.Hour-1))
	out := make([]Day, max(last-first, 0))
	for i := range out {
		out[i].number = first + int64(i)
		out[i].Date = time.Unix(out[i].number*86_400, 0).UTC()
	}
	rows, err := s.file.Rows(ctx, "SELECT day,events,aside,lowest,highest,opened,closed,missing,recovered FROM day WHERE source=? AND day>=? AND day<?",
		source[:], first, last)
	if err != nil {
		return nil, fmt.Errorf("days of a producer: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d Day
		var lowest, highest sql.NullInt64
		if err := rows.Scan(&d.number, &d.Events, &d.SetAside, &lowest, &highest, &d.Opened, &d.Closed, &d.Missing, &d.Recovered); err != nil {
			return nil, fmt.Errorf("days of a producer: %w", err)
		}
		d.Numbered, d.Lowest, d.Highest = lowest.Valid, lowest.Int64, highest.Int64
		d.Date = out[d.number-first].Date
		out[d.number-first] = d
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("days of a producer: %w", err)
	}
	return out, nil
}

// Span is the positions [From, To).
type Span struct{ From, To domain.Position }

// Spans calls fn with the stretches of [from, to) in which facts of the source may
// stand, in order; none stands outside of them.
func (s *Store) Spans(ctx context.Context, source domain.ID, from, to domain.Position, fn func(Span) error) error {
	const some = 1000
	for from < to {
		rows, err := s.file.Rows(ctx, "SELECT n FROM block WHERE source=? AND n>=? AND n<? ORDER BY n LIMIT ?",
			source[:], int64(from>>blockBits), int64((to-1)>>blockBits)+1, some)
		if err != nil {
			return fmt.Errorf("where a producer's facts are: %w", err)
		}
		spans, err := spansOf(rows, from, to)
		if err != nil {
			return fmt.Errorf("where a producer's facts are: %w", err)
		}
		for _, x := range spans {
			if err := fn(x); err != nil {
				return err
			}
		}
		if len(spans) < some {
			return nil
		}
		from = spans[len(spans)-1].To
	}
	return nil
}

func spansOf(rows *sql.Rows, from, to domain.Position) (out []Span, err error) {
	defer rows.Close()
	for rows.Next() {
		var n domain.Position
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, Span{max(from, n<<blockBits), min(to, (n+1)<<blockBits)})
	}
	return out, rows.Err()
}

// Gone is a range of offsets that a Kafka partition lost before they were read:
// [From, To), or, if the topic was made anew, all from From on. The fact at
// Position has the topic's name, sealed.
type Gone struct {
	Position  domain.Position
	Partition int
	From, To  int64
	Reason    string
}

// Gone lists at most limit of them from a position on, in order.
func (s *Store) Gone(ctx context.Context, from domain.Position, limit int) (out []Gone, err error) {
	rows, err := s.file.Rows(ctx, "SELECT position,part,lo,hi,reason FROM gone WHERE position>=? ORDER BY position LIMIT ?", int64(from), limit)
	if err != nil {
		return nil, fmt.Errorf("messages that were gone: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var g Gone
		if err := rows.Scan(&g.Position, &g.Partition, &g.From, &g.To, &g.Reason); err != nil {
			return nil, fmt.Errorf("messages that were gone: %w", err)
		}
		out = append(out, g)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("messages that were gone: %w", err)
	}
	return out, nil
}
