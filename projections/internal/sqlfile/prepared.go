package sqlfile

import (
	"context"
	"database/sql"
	"sync"
)

// prepared keeps the statements of queries, so that a short read does not pay
// for its compilation each time. Texts are constants of the projections, so
// there are few.
type prepared struct {
	mu sync.RWMutex
	by map[string]*sql.Stmt
}

func (p *prepared) get(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	p.mu.RLock()
	s := p.by[text]
	p.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.by[text]; s != nil {
		return s, nil
	}
	s, err := db.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	if p.by == nil {
		p.by = map[string]*sql.Stmt{}
	}
	p.by[text] = s
	return s, nil
}

// Rows runs a query whose text is a constant.
func (f *File) Rows(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := f.prepared.get(ctx, f.reads, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// Row scans the one row of a query whose text is a constant, or gives
// sql.ErrNoRows.
func (f *File) Row(ctx context.Context, text string, args []any, into ...any) error {
	s, err := f.prepared.get(ctx, f.reads, text)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(into...)
}
