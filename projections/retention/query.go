package retention

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"greffe/domain"
	"greffe/domain/retention"
	"greffe/projections/internal/sqlfile"
)

const (
	pageRows  = 1000 // rows read at a time
	lookers   = 2    // persons looked at side by side
	chunkRows = 5000 // persons whose days are worked out in one transaction
	listDue   = "SELECT ref,next,data FROM clock WHERE next<=? AND (next,ref)>(?,?) ORDER BY next,ref LIMIT ?"
	listAll   = "SELECT ref,0,data FROM clock WHERE ref>? ORDER BY ref LIMIT ?"
)

// Person is somebody of whom something is due or announced.
type Person struct {
	Subjects []domain.ID       // the one that exits name, then those merged with it
	Clocks   *retention.Clocks // of all of them
	Due      []retention.Exit
	Ahead    []retention.Exit
}

type stored struct {
	ref, next int64
	data      []byte
}

// Due gives up to limit persons of whom something is due or announced at now, those
// who wait longest first, after a cursor ("" at first), with the cursor to go on from
// ("" at the end). Whoever has nothing due any more when its turn comes is left out.
func (s *Store) Due(ctx context.Context, now time.Time, after string, limit int) (people []Person, next string, err error) {
	at, err := readCursor(after)
	if err != nil {
		return nil, "", err
	}
	rules, err := s.renew(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("what is due: %w", err)
	}
	for len(people) < limit {
		size := min(pageRows, limit-len(people))
		page, err := s.rows(ctx, listDue, dayOf(now), at.next, at.ref, size)
		if err != nil {
			return nil, "", fmt.Errorf("what is due: %w", err)
		}
		found, err := s.people(ctx, page, rules, now)
		if err != nil {
			return nil, "", fmt.Errorf("what is due: %w", err)
		}
		for _, p := range found {
			if p != nil && len(p.Due)+len(p.Ahead) > 0 {
				people = append(people, *p)
			}
		}
		if len(page) < size {
			return people, "", nil
		}
		at = page[size-1]
	}
	return people, at.cursor(), nil
}

// Walk calls fn for everybody of whom anything is held, in order of first appearance,
// merged contacts once, with what is due and announced at now. It holds a page in
// memory, and no transaction between two calls.
func (s *Store) Walk(ctx context.Context, now time.Time, fn func(*Person) error) error {
	rules, _, err := s.Rules(ctx)
	if err == nil {
		err = s.settled(ctx)
	}
	if err != nil {
		return fmt.Errorf("walk the clocks: %w", err)
	}
	for at := int64(-1); ; {
		page, err := s.rows(ctx, listAll, at, pageRows)
		if err != nil {
			return fmt.Errorf("walk the clocks: %w", err)
		}
		found, err := s.people(ctx, page, rules, now)
		if err != nil {
			return fmt.Errorf("walk the clocks: %w", err)
		}
		for _, p := range found {
			if p == nil {
				continue
			}
			if err := fn(p); err != nil {
				return err
			}
		}
		if len(page) < pageRows {
			return nil
		}
		at = page[pageRows-1].ref
	}
}

// Clocks are those of a person, with all that is merged with it; ErrUnknown.
func (s *Store) Clocks(ctx context.Context, subject domain.ID) (*retention.Clocks, error) {
	if err := s.settled(ctx); err != nil {
		return nil, fmt.Errorf("clocks of subject %s: %w", subject, err)
	}
	var r stored
	err := s.file.Row(ctx, "SELECT c.ref,c.data FROM subject s JOIN clock c ON c.ref=s.ref WHERE s.value=?", []any{subject[:]}, &r.ref, &r.data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrUnknown
	}
	var refs []int64
	if err == nil {
		refs, err = s.connected(ctx, &r)
	}
	var c *retention.Clocks
	if err == nil {
		c, err = s.whole(ctx, &r, refs)
	}
	if err != nil {
		return nil, fmt.Errorf("clocks of subject %s: %w", subject, err)
	}
	c.Subject = subject
	return c, nil
}

func (s *Store) rows(ctx context.Context, query string, args ...any) ([]stored, error) {
	rows, err := s.file.Rows(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]stored, 0, pageRows)
	for rows.Next() {
		var r stored
		if err := rows.Scan(&r.ref, &r.next, &r.data); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// people looks at the rows of a page, side by side; nil for each row that person
// leaves out.
func (s *Store) people(ctx context.Context, page []stored, rules *retention.Rules, now time.Time) ([]*Person, error) {
	out := make([]*Person, len(page))
	workers, inner := errgroup.WithContext(ctx)
	for first := range lookers {
		workers.Go(func() (err error) {
			for i := first; i < len(page); i += lookers {
				if out[i], err = s.person(inner, &page[i], rules, now); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return out, workers.Wait()
}

// person looks at a row; nil if another row stands for the person, or nothing is held.
func (s *Store) person(ctx context.Context, r *stored, rules *retention.Rules, now time.Time) (*Person, error) {
	refs, err := s.connected(ctx, r)
	if err != nil || refs[0] != r.ref {
		return nil, err
	}
	c, err := s.whole(ctx, r, refs)
	if err != nil || len(c.Parts) == 0 {
		return nil, err
	}
	p := &Person{Subjects: []domain.ID{c.Subject}, Clocks: c}
	p.Due, p.Ahead = rules.Look(c, now)
	for _, ref := range refs[1:] {
		var id []byte
		if err := s.file.Row(ctx, "SELECT value FROM subject WHERE ref=?", []any{ref}, &id); err != nil {
			return nil, err
		}
		p.Subjects = append(p.Subjects, domain.ID(id))
	}
	return p, nil
}

// connected lists the rows that are one person with r, the first of them first.
func (s *Store) connected(ctx context.Context, r *stored) ([]int64, error) {
	if !retention.Linked(r.data) {
		return []int64{r.ref}, nil
	}
	return connected(r.ref, func(ref int64) (next []int64, err error) {
		rows, err := s.file.Rows(ctx, edges, ref)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var n int64
			if err := rows.Scan(&n); err != nil {
				return nil, err
			}
			next = append(next, n)
		}
		return next, rows.Err()
	})
}

// whole gives the clocks of the rows of one person, of which r is one.
func (s *Store) whole(ctx context.Context, r *stored, refs []int64) (c *retention.Clocks, err error) {
	for _, ref := range refs {
		data := r.data
		if ref != r.ref {
			if err := s.file.Row(ctx, "SELECT data FROM clock WHERE ref=?", []any{ref}, &data); err != nil {
				return nil, err
			}
		}
		of, err := retention.Decode(data)
		if err != nil {
			return nil, err
		}
		c = joined(c, of)
	}
	return c, nil
}

// renew brings the rows up to the present, works out the days of all if the policy
// changed since they were, and gives the rules in force.
func (s *Store) renew(ctx context.Context) (*retention.Rules, error) {
	if err := s.settled(ctx); err != nil {
		return nil, err
	}
	for {
		version, upto := int64(0), int64(0)
		if err := s.file.Row(ctx, getMark, nil, &version, &upto); err != nil {
			return nil, err
		}
		rules, err := s.of(version)
		if err != nil || upto == done {
			return rules, err
		}
		if err := s.renewSome(ctx, version, rules); err != nil {
			return nil, fmt.Errorf("days of the new policy: %w", err)
		}
	}
}

func (s *Store) renewSome(ctx context.Context, version int64, rules *retention.Rules) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.kept(s.file.Update(ctx, func(tx *sqlfile.Tx) error { return s.chunk(tx, version, rules) }))
}

// chunk works out the days of the next persons, unless the policy changed meanwhile or
// another did.
func (s *Store) chunk(tx *sqlfile.Tx, version int64, rules *retention.Rules) error {
	if err := s.settle(tx); err != nil {
		return err
	}
	now, upto, err := mark(tx)
	if err != nil || now != version || upto == done {
		return err
	}
	var refs []int64
	if err := tx.Query("SELECT ref FROM clock WHERE ref>? ORDER BY ref LIMIT ?", refsInto(&refs), upto, int64(chunkRows)); err != nil {
		return err
	}
	b := settling{tx: tx, memory: &s.memory, rules: rules, days: map[int64]int64{}, byRef: map[int64]*entry{}}
	for _, ref := range refs {
		if err := b.again(ref); err != nil {
			return err
		}
		upto = ref
	}
	if len(refs) < chunkRows {
		upto = done
	}
	if err := b.others(); err != nil {
		return err
	}
	_, err = tx.Exec(setMark, version, upto)
	return err
}

func (r stored) cursor() string {
	return strconv.FormatInt(r.next, 36) + "." + strconv.FormatInt(r.ref, 36)
}

func readCursor(s string) (r stored, err error) {
	if s == "" {
		return stored{next: -1 << 62}, nil
	}
	day, ref, ok := strings.Cut(s, ".")
	if r.next, err = strconv.ParseInt(day, 36, 64); ok && err == nil {
		r.ref, err = strconv.ParseInt(ref, 36, 64)
	}
	if !ok || err != nil {
		return stored{}, ErrCursor
	}
	return r, nil
}
