package decisions

import (
	"context"
	"fmt"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/contactability"
	"greffe/projections"
)

// dialer is a source that sends calls on behalf of a controller.
type dialer struct {
	source     int64
	controller string
}

// maxTold bounds the dialers whose last hour is remembered.
const maxTold = 1 << 12

// news notes that a source told of a call in this hour of the ledger's clock.
func (b *batch) news(f *projections.Fact) error {
	n, _, err := b.s.sources.Bytes(b.tx, f.Source[:], false)
	if err != nil {
		return err
	}
	d, hour := dialer{n, f.Controller}, f.Recorded.Unix()/3600
	if last, ok := b.s.told[d]; ok && last == hour {
		return nil
	}
	if len(b.s.told) >= maxTold {
		clear(b.s.told)
	}
	b.s.told[d] = hour
	_, err = b.tx.Exec("INSERT OR IGNORE INTO news(source,controller,hour,position,recorded) VALUES(?,?,?,?,?)",
		n, f.Controller, hour, int64(f.Position), f.Recorded.UnixMicro())
	return err
}

// maxHours are the hours of news that tell a habit: 30 days.
const maxHours = 30 * 24

// silent is since when one of the dialers that call for a controller, or for
// somebody unsaid, has been silent beyond its habit at now, by the news below a
// position; zero if none is. soon is the next instant at which that changes.
func (s *Store) silent(ctx context.Context, controller string, below domain.Position, now time.Time, r *contactability.Rules) (since, soon time.Time, err error) {
	rows, err := s.file.Rows(ctx, "SELECT DISTINCT source,controller FROM news WHERE controller IN (?1,'',?2)", controller, consent.Any)
	if err != nil {
		return since, soon, fmt.Errorf("dialers: %w", err)
	}
	var all []dialer
	for rows.Next() {
		var d dialer
		if err := rows.Scan(&d.source, &d.controller); err != nil {
			return since, soon, fmt.Errorf("dialers: %w", err)
		}
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		return since, soon, fmt.Errorf("dialers: %w", err)
	}
	if err := rows.Close(); err != nil {
		return since, soon, fmt.Errorf("dialers: %w", err)
	}
	for _, d := range all {
		news, err := s.hours(ctx, d, below)
		if err != nil {
			return since, soon, err
		}
		at := r.SilentFrom(news)
		switch {
		case at.IsZero():
		case at.After(now):
			soon = earlier(soon, at)
		default:
			since = earlier(since, at)
		}
	}
	return since, soon, nil
}

// hours are the latest hours in which a dialer told of calls.
func (s *Store) hours(ctx context.Context, d dialer, below domain.Position) (l []time.Time, err error) {
	rows, err := s.file.Rows(ctx, "SELECT recorded FROM news WHERE source=? AND controller=? AND position<? ORDER BY hour DESC LIMIT ?",
		d.source, d.controller, clamp(below), maxHours)
	if err != nil {
		return nil, fmt.Errorf("news of a dialer: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		if err := rows.Scan(&at); err != nil {
			return nil, fmt.Errorf("news of a dialer: %w", err)
		}
		l = append(l, time.UnixMicro(at))
	}
	slices.Reverse(l)
	return l, rows.Err()
}

// earlier is the earlier of two instants; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
