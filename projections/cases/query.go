package cases

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
)

// Filter chooses files of one desk; zero values choose all.
type Filter struct {
	Desk     casefile.Desk
	Kind     string
	Status   string // a word of the desk
	Standing string // casefile.Open: not closed; casefile.Closed; "": both
	Mark     string
	Subject  domain.ID
	Assignee domain.ID
	DueBy    time.Time // due, and not later than this
	From, To time.Time // opened from, and before
	ByDue    bool      // the first due first, those that nothing is due of last; else as they were opened
	Cursor   domain.Position
	// CursorDue is, with ByDue, when the file at Cursor is due, the zero time if nothing
	// is; nil: the list begins with its first.
	CursorDue *time.Time
	Limit     int
}

func (f *Filter) where() (text string, args []any) {
	cond := []string{"desk=?", "position>=?"}
	args = []any{string(f.Desk), int64(f.Cursor)}
	if f.ByDue {
		from := []any{false, int64(0), int64(0)}
		if f.CursorDue != nil {
			from = []any{f.CursorDue.IsZero(), micros(*f.CursorDue), int64(f.Cursor)}
		}
		cond[1], args = "(due=0,due,position)>=(?,?,?)", append([]any{string(f.Desk)}, from...)
	}
	add := func(c string, a ...any) { cond, args = append(cond, c), append(args, a...) }
	for _, x := range [][2]string{{"kind", f.Kind}, {"status", f.Status}} {
		if x[1] != "" {
			add(x[0]+"=?", x[1])
		}
	}
	switch f.Standing {
	case casefile.Open:
		add("closed=0")
	case casefile.Closed:
		add("closed<>0")
	}
	if f.Mark != "" {
		add("instr(' '||marks||' ',?)>0", " "+f.Mark+" ")
	}
	if !f.Subject.IsZero() {
		add("subject<>"+nobody+" AND subject=?", f.Subject[:])
	}
	if !f.Assignee.IsZero() {
		add("assignee=?", f.Assignee[:])
	}
	if !f.DueBy.IsZero() {
		add("due<>0 AND due<=?", micros(f.DueBy))
	}
	if !f.From.IsZero() {
		add("opened>=?", micros(f.From))
	}
	if !f.To.IsZero() {
		add("opened<?", micros(f.To))
	}
	return strings.Join(cond, " AND "), args
}

// List gives files in the order in which they were opened, or by when they are due.
func (s *Store) List(ctx context.Context, f Filter) ([]casefile.Summary, error) {
	where, args := f.where()
	limit := f.Limit
	if limit <= 0 {
		limit = math.MaxInt32
	}
	order := "position"
	if f.ByDue {
		order = "due=0,due,position"
	}
	return s.files(ctx, "SELECT "+columns+" FROM file WHERE "+where+" ORDER BY "+order+" LIMIT ?", append(args, limit)...)
}

// Count counts them, by status.
func (s *Store) Count(ctx context.Context, f Filter) (map[string]int64, error) {
	where, args := f.where()
	rows, err := s.file.Rows(ctx, "SELECT status,count(*) FROM file WHERE "+where+" GROUP BY status", args...)
	if err != nil {
		return nil, fmt.Errorf("count files: %w", err)
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var status string
		var n int64
		if err := rows.Scan(&status, &n); err != nil {
			return nil, fmt.Errorf("count files: %w", err)
		}
		out[status] = n
	}
	return out, rows.Err()
}

// Due gives the files of all desks of which something is due by then, the most
// urgent first, at most limit.
func (s *Store) Due(ctx context.Context, by time.Time, limit int) ([]casefile.Summary, error) {
	return s.files(ctx, "SELECT "+columns+" FROM file WHERE due<>0 AND due<=? ORDER BY due,position LIMIT ?", micros(by), limit)
}

// ClosedBefore gives a desk's files that were closed before then, from a time on and
// after a file, the first closed first, at most limit.
func (s *Store) ClosedBefore(ctx context.Context, desk casefile.Desk, before time.Time, from time.Time, after domain.Position, limit int) ([]casefile.Summary, error) {
	return s.files(ctx, "SELECT "+columns+" FROM file WHERE desk=? AND closed<>0 AND closed<? AND (closed>? OR closed=? AND position>?) ORDER BY closed,position LIMIT ?",
		string(desk), micros(before), micros(from), micros(from), int64(after), limit)
}

// nobody is who files are about that are about no person: the index of subjects leaves
// them out, and is used by what says so.
const nobody = "x'00000000000000000000000000000000'"

// Of gives the files about a person, of every desk.
func (s *Store) Of(ctx context.Context, subject domain.ID) ([]casefile.Summary, error) {
	return s.files(ctx, "SELECT "+columns+" FROM file WHERE subject=? AND subject<>"+nobody+" ORDER BY position", subject[:])
}

// Get is one file, with the positions of its steps in order; ErrUnknown.
func (s *Store) Get(ctx context.Context, desk casefile.Desk, id domain.ID) (*casefile.Summary, []domain.Position, error) {
	all, err := s.files(ctx, getFile, id[:])
	if err != nil {
		return nil, nil, err
	}
	if len(all) == 0 || all[0].Desk != desk {
		return nil, nil, ErrUnknown
	}
	rows, err := s.file.Rows(ctx, "SELECT position FROM step WHERE file=? ORDER BY position", id[:])
	if err != nil {
		return nil, nil, fmt.Errorf("steps of a file: %w", err)
	}
	defer rows.Close()
	var steps []domain.Position
	for rows.Next() {
		var p int64
		if err := rows.Scan(&p); err != nil {
			return nil, nil, fmt.Errorf("steps of a file: %w", err)
		}
		steps = append(steps, domain.Position(p))
	}
	return &all[0], steps, rows.Err()
}

func (s *Store) files(ctx context.Context, query string, args ...any) ([]casefile.Summary, error) {
	rows, err := s.file.Rows(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	defer rows.Close()
	var out []casefile.Summary
	row, into := make([]any, 14), make([]any, 14)
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("files: %w", err)
		}
		var sum casefile.Summary
		if err := scan(&sum, row); err != nil {
			return nil, err
		}
		out = append(out, sum)
	}
	return out, rows.Err()
}
