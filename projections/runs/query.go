package runs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// ErrUnknown: no such run.
var ErrUnknown = errors.New("no such run")

// Run is one of them.
type Run struct {
	ID       domain.ID
	Date     string // its day in Paris, 2006-01-02
	Position domain.Position
	Actor    domain.ID // who asked for it; zero: it came by its hour
	AsOf     time.Time
	Begun    time.Time
	Ended    time.Time // zero: it goes on, or was interrupted
	Report   domain.ID // the fact that says what it did; zero until then
	Reported domain.Position
	Counts   map[string]int64 // of the report
}

// Item is one thing that a run did to one person's data.
type Item struct {
	Position    domain.Position
	Event       domain.ID
	Subject     domain.ID // zero: the data is no person's
	Action      string
	Classes     []string
	Epochs      []string
	Rules       []string
	Due, At     time.Time
	Certificate domain.ID // zero: none is due, or it is not done
	Certified   domain.Position
}

// Ordered reports an action that is over only with a certificate.
func (i *Item) Ordered() bool {
	return i.Action == "erase" || i.Action == "destroy" && !i.Subject.IsZero()
}

const runColumns = "id,date,position,actor,as_of,begun,ended,report,reported,counts"

// Get is one run; ErrUnknown.
func (s *Store) Get(ctx context.Context, id domain.ID) (*Run, error) {
	all, err := s.runs(ctx, "SELECT "+runColumns+" FROM run WHERE id=?", id[:])
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrUnknown
	}
	return &all[0], nil
}

// List gives runs, the latest first, from below a position (0: all), at most limit.
func (s *Store) List(ctx context.Context, below domain.Position, limit int) ([]Run, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	return s.runs(ctx, "SELECT "+runColumns+" FROM run WHERE position<? ORDER BY position DESC LIMIT ?", int64(below), limit)
}

// Open gives the runs that were begun and not ended, the first begun first.
func (s *Store) Open(ctx context.Context) ([]Run, error) {
	return s.runs(ctx, "SELECT "+runColumns+" FROM run WHERE ended=0 ORDER BY position")
}

func (s *Store) runs(ctx context.Context, query string, args ...any) ([]Run, error) {
	rows, err := s.file.Rows(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	defer rows.Close()
	var out []Run
	for rows.Next() {
		var r Run
		var id, actor, report []byte
		var asOf, begun, ended, position, reported int64
		var counts string
		if err := rows.Scan(&id, &r.Date, &position, &actor, &asOf, &begun, &ended, &report, &reported, &counts); err != nil {
			return nil, fmt.Errorf("runs: %w", err)
		}
		copy(r.ID[:], id)
		copy(r.Actor[:], actor)
		copy(r.Report[:], report)
		r.Position, r.Reported = domain.Position(position), domain.Position(reported)
		r.AsOf, r.Begun, r.Ended = at(asOf), at(begun), at(ended)
		r.Counts = readCounts(counts)
		out = append(out, r)
	}
	return out, rows.Err()
}

const itemColumns = "position,event,subject,action,classes,epochs,rules,due,at,certificate,certified"

// Items gives what a run did, in order from a position, at most limit.
func (s *Store) Items(ctx context.Context, run domain.ID, from domain.Position, limit int) ([]Item, error) {
	return s.items(ctx, "SELECT "+itemColumns+" FROM item WHERE run=? AND position>=? ORDER BY position LIMIT ?", run[:], int64(from), limit)
}

// Of gives what all runs did about one person, in order.
func (s *Store) Of(ctx context.Context, subject domain.ID) ([]Item, error) {
	return s.items(ctx, "SELECT "+itemColumns+" FROM item WHERE subject=? ORDER BY position", subject[:])
}

func (s *Store) items(ctx context.Context, query string, args ...any) ([]Item, error) {
	rows, err := s.file.Rows(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("items of a run: %w", err)
	}
	defer rows.Close()
	var out []Item
	for rows.Next() {
		i, err := scanItem(rows)
		if err != nil {
			return nil, fmt.Errorf("items of a run: %w", err)
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

func scanItem(rows *sql.Rows) (i Item, err error) {
	var event, subject, certificate []byte
	var position, due, done, certified int64
	var classes, epochs, rules string
	err = rows.Scan(&position, &event, &subject, &i.Action, &classes, &epochs, &rules, &due, &done, &certificate, &certified)
	copy(i.Event[:], event)
	copy(i.Subject[:], subject)
	copy(i.Certificate[:], certificate)
	i.Position, i.Certified = domain.Position(position), domain.Position(certified)
	i.Classes, i.Epochs, i.Rules = strings.Fields(classes), strings.Fields(epochs), strings.Fields(rules)
	i.Due, i.At = at(due), at(done)
	return i, err
}

// Tally is how often a run did something, and how much of that is not certified yet.
type Tally struct{ Done, Pending int64 }

// Tallies counts what a run did, by action.
func (s *Store) Tallies(ctx context.Context, run domain.ID) (map[string]Tally, error) {
	const query = `SELECT action,count(*),sum(certificate=x'' AND (action='erase' OR action='destroy' AND subject<>x'00000000000000000000000000000000'))
		FROM item WHERE run=? GROUP BY action`
	rows, err := s.file.Rows(ctx, query, run[:])
	if err != nil {
		return nil, fmt.Errorf("tallies of a run: %w", err)
	}
	defer rows.Close()
	out := map[string]Tally{}
	for rows.Next() {
		var action string
		var t Tally
		if err := rows.Scan(&action, &t.Done, &t.Pending); err != nil {
			return nil, fmt.Errorf("tallies of a run: %w", err)
		}
		out[action] = t
	}
	return out, rows.Err()
}

// countsText keeps the numbers of a report.
func countsText(f *event.Fact) string {
	var b strings.Builder
	for _, c := range f.Codes {
		if n, ok := c.Value.(int64); ok {
			fmt.Fprintf(&b, "%s %d ", c.Name, n)
		}
	}
	return strings.TrimSpace(b.String())
}

func readCounts(text string) map[string]int64 {
	out := map[string]int64{}
	words := strings.Fields(text)
	for i := 0; i+1 < len(words); i += 2 {
		if n, err := strconv.ParseInt(words[i+1], 10, 64); err == nil {
			out[words[i]] = n
		}
	}
	return out
}

// micros is a time in microseconds, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func at(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
