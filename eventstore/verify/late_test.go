package verify_test

import (
	"context"
	"sync"
	"testing"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/part"
	"greffe/eventstore/fence"
	"greffe/eventstore/vault"
	"greffe/eventstore/verify"
)

// moving is a vault to which something is done while it is verified: before its keys
// are read, or when its rows have been.
type moving struct {
	vault.Store
	before, after func()
}

func (m *moving) WalkKeys(ctx context.Context, fn func(part.Owner, vault.KeyRow) error) error {
	m.before()
	return m.Store.WalkKeys(ctx, fn)
}

func (m *moving) WalkRows(ctx context.Context, from int64, fn func(*vault.Recorded) error) error {
	var all []*vault.Recorded
	err := m.Store.WalkRows(ctx, from, func(r *vault.Recorded) error {
		c := *r
		c.Parts = append([]vault.Part(nil), r.Parts...)
		for i := range c.Parts {
			c.Parts[i].Bytes = append([]byte(nil), c.Parts[i].Bytes...)
		}
		all = append(all, &c)
		return nil
	})
	if err != nil {
		return err
	}
	m.after()
	for _, r := range all {
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// TestDestroyedMeanwhile: what is ordered and destroyed while a ledger is verified is no
// finding, at whatever moment; what is destroyed without an order still is.
func TestDestroyedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scene func(s *scene)
		do    func(s *scene)
		found int
	}{
		"a person":                {nil, func(s *scene) { o := s.order(true); s.destroy(o); s.redact(classes(s)...); s.certify(o) }, 0},
		"a person, not certified": {nil, func(s *scene) { s.destroy(s.order(true)) }, 0},
		"a month":                 {(*scene).consulted, func(s *scene) { o := s.term(november); s.take(o, november); s.ended(o) }, 0},
		"a month, not certified":  {(*scene).consulted, func(s *scene) { s.take(s.term(november), november) }, 0},
		"a file":                  {(*scene).filed, func(s *scene) { o := s.term(); s.take(o); s.ended(o) }, 0},
		"an input set aside":      {nil, (*scene).quarantined, 0},
		"a month, by nobody":      {(*scene).consulted, func(s *scene) { s.take(domain.ID{1}, november) }, 1},
		"another month":           {(*scene).consulted, func(s *scene) { o := s.term(december); s.take(o, december, november); s.ended(o) }, 1},
	} {
		for _, at := range []string{"before keys", "after rows"} {
			t.Run(name+", "+at, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				if c.scene != nil {
					c.scene(s)
				}
				do, none := sync.OnceFunc(func() { c.do(s) }), func() {}
				m := &moving{s.vault, do, none}
				if at == "after rows" {
					m.before, m.after = none, do
				}
				s.under = m
				s.verify()
				s.under = nil
				if (len(s.found) > 0) != (c.found > 0) && !(at == "after rows" && c.found > 0) {
					t.Errorf("%d findings, want %d: %+v", len(s.found), c.found, s.found)
				}
				s.verify()
				if (len(s.found) > 0) != (c.found > 0) {
					t.Errorf("at rest: %d findings, want %d: %+v", len(s.found), c.found, s.found)
				}
				s.ok(s.l.Close())
			})
		}
	}
}

func classes(s *scene) (all []string) {
	for i := range s.f.Parts {
		all = append(all, s.f.Parts[i].Class)
	}
	return all
}

// TestFencedMeanwhile: a line of the fence whose order came behind the head is accounted
// for by it, and one that nothing ordered is found.
func TestFencedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	by := domain.ID{1}
	ordered := false
	s.input.Fence = func(fn func(*fence.Entry) error) error {
		if ordered {
			by = s.order(true)
		}
		return fn(&fence.Entry{Number: 1, Destruction: erasure.Destruction{Owner: part.SubjectOwner(s.f.Subject), By: by}})
	}
	s.verify()
	if len(s.found) != 1 || s.found[0].Code != verify.FenceStray {
		t.Errorf("an order that nobody gave: %+v", s.found)
	}
	ordered = true
	if s.verify(); len(s.found) != 0 {
		t.Errorf("an order that came meanwhile: %+v", s.found)
	}
	s.ok(s.l.Close())
}

// TestRowsReadBefore: once the reading of the log went beyond the head, a row that was
// read before its person's erasure was certified is no finding either.
func TestRowsReadBefore(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	lost := s.facts()[s.at-3].ID
	s.vault.part = func(id vault.PartID, b []byte) []byte {
		if id.Event == lost && id.Class == "notes" {
			return nil
		}
		return b
	}
	s.under = &moving{s.vault, func() {}, sync.OnceFunc(func() { o := s.order(true); s.destroy(o); s.redact(classes(s)...); s.certify(o) })}
	s.verify()
	if len(s.found) != 1 || s.found[0].Code != verify.PartMissing || s.found[0].Event != lost.String() {
		t.Errorf("want one missing part: %+v", s.found)
	}
	s.ok(s.l.Close())
}
