package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/memory"
	"greffe/eventstore/migrate"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/vault/transfer"
)

var errStop = errors.New("stop")

// stopping is a target's vault whose imports stop.
type stopping struct {
	*sqlite.Store
	begin, write, commit, commits error
	reads                         error
}

func (s *stopping) Import(ctx context.Context) (transfer.Writer, error) {
	if s.begin != nil {
		return nil, s.begin
	}
	w, err := s.Store.Import(ctx)
	return &stoppingWriter{w, s}, err
}

func (s *stopping) Snapshot(ctx context.Context) (transfer.Reader, error) {
	if s.reads != nil {
		return nil, s.reads
	}
	return s.Store.Snapshot(ctx)
}

type stoppingWriter struct {
	transfer.Writer
	s *stopping
}

func (w *stoppingWriter) Write(ctx context.Context, records []transfer.Record) error {
	if err := w.Writer.Write(ctx, records); err != nil {
		return err
	}
	return w.s.write
}

func (w *stoppingWriter) Commit(ctx context.Context) error {
	if w.s.commit != nil {
		return w.s.commit
	}
	return errors.Join(w.Writer.Commit(ctx), w.s.commits)
}

// TestResumes stops a migration at each of its steps: nothing opens on what is there,
// and the next run goes on to the same end.
func TestResumes(t *testing.T) {
	t.Parallel()
	nth := func(n int) func(domain.Position, [][]byte) error {
		return func(domain.Position, [][]byte) error {
			if n--; n < 0 {
				return errStop
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		log     memory.Faults
		vault   stopping
		resumed int // facts, at least
		opens   bool
	}{
		"before anything":              {vault: stopping{begin: errStop}, opens: true},
		"at the first append":          {log: memory.Faults{Lost: nth(0)}},
		"at the first append, kept":    {log: memory.Faults{Kept: nth(0)}, resumed: 1},
		"at a later append":            {log: memory.Faults{Lost: nth(1)}, resumed: 1},
		"in the vault":                 {vault: stopping{write: errStop}, resumed: 5000},
		"at the end of the vault":      {vault: stopping{commit: errStop}, resumed: 5000},
		"at its end, kept":             {vault: stopping{commits: errStop}, resumed: 5000, opens: true},
		"when the vault is read again": {vault: stopping{reads: errStop}, resumed: 5000, opens: true},
		"when the log is read again": {log: memory.Faults{Read: func(p domain.Position) error {
			if p == 4999 {
				return errStop
			}
			return nil
		}}, resumed: 5000, opens: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, to := longSource(t), newTarget(t, "memory")
			l := to.log.(*memory.Log)
			l.Inject(c.log)
			broken := c.vault
			broken.Store = to.vault
			if _, err := migrate.Run(t.Context(), s.from(), migrate.To{Log: l, Vault: &broken, Pause: 1}, nil); !errors.Is(err, errStop) {
				t.Fatalf("%v", err)
			}
			l.Inject(memory.Faults{})
			if _, err := to.vault.Meta(t.Context(), "name"); errors.Is(err, transfer.ErrPartial) == c.opens {
				t.Errorf("the vault answers %v", err)
			}
			report, err := migrate.Run(t.Context(), s.from(), to.to(), nil)
			if err != nil || int(report.Resumed) < c.resumed {
				t.Fatalf("%+v %v", report, err)
			}
			want, root := facts(t, s.log)
			got, same := facts(t, to.log)
			if root != same || report.Root != root || len(got) != len(want) {
				t.Errorf("%d facts, want %d, or others", len(got), len(want))
			}
		})
	}
}

// longSource is no ledger's: so many facts that they take several appends, and a vault
// that knows some of them.
func longSource(t *testing.T) *source {
	t.Helper()
	s := &source{log: memory.New(), vault: openVault(t)}
	b := &vault.Batch{}
	for at := domain.Position(0); at < 5000; at += 500 {
		var all [][]byte
		for i := range domain.Position(500) {
			all = append(all, fmt.Appendf(nil, "%0400d", at+i))
		}
		if err := s.log.Append(t.Context(), at, all); err != nil {
			t.Fatal(err)
		}
		b.Rows = append(b.Rows, vault.Row{Event: domain.ID{byte(at / 500), 1}, Fact: all[0]})
	}
	if _, err := s.vault.Prepare(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestUnreachable: a log that cannot be reached for a while is waited for, whether the
// append was kept or not, and its facts stand once.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{false, true} {
		s, to := longSource(t), newTarget(t, "memory")
		calls := 0
		fault := func(domain.Position, [][]byte) error {
			if calls++; calls%3 != 0 {
				return fmt.Errorf("lost: %w", eventstore.ErrUnavailable)
			}
			return nil
		}
		l := to.log.(*memory.Log)
		if kept {
			l.Inject(memory.Faults{Kept: fault})
		} else {
			l.Inject(memory.Faults{Lost: fault})
		}
		report, err := migrate.Run(t.Context(), s.from(), to.to(), nil)
		if err != nil || report.Position != 5000 || calls < 3 {
			t.Errorf("kept %v: %+v %v after %d calls", kept, report, err, calls)
		}
	}
	s, to := longSource(t), newTarget(t, "memory")
	to.log.(*memory.Log).Inject(memory.Faults{Lost: func(domain.Position, [][]byte) error { return eventstore.ErrUnavailable }})
	if _, err := migrate.Run(t.Context(), s.from(), to.to(), nil); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("for ever: %v", err)
	}
}

// TestRefuses: a target that holds something else is named, and left as it is.
func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		put func(s *source, to *target) error
		at  domain.Position
	}{
		"another fact": {func(_ *source, to *target) error { return to.log.Append(t.Context(), 0, [][]byte{[]byte("other")}) }, 0},
		"another later fact": {func(s *source, to *target) error {
			all, _ := facts(t, s.log)
			all[4700] = append(all[4700], 'x')
			return errors.Join(to.log.Append(t.Context(), 0, all[:2000]), to.log.Append(t.Context(), 2000, all[2000:4000]), to.log.Append(t.Context(), 4000, all[4000:]))
		}, 4700},
		"more facts": {func(s *source, to *target) error {
			all, _ := facts(t, s.log)
			return errors.Join(to.log.Append(t.Context(), 0, all[:2000]), to.log.Append(t.Context(), 2000, all[2000:4000]),
				to.log.Append(t.Context(), 4000, append(all[4000:], []byte("more"))))
		}, 5000},
		"a vault in use": {func(_ *source, to *target) error { return to.vault.SetMeta(t.Context(), "name", nil) }, 0},
		"another vault, and all facts": {func(s *source, to *target) error {
			all, _ := facts(t, s.log)
			return errors.Join(to.log.Append(t.Context(), 0, all[:2000]), to.log.Append(t.Context(), 2000, all[2000:4000]),
				to.log.Append(t.Context(), 4000, all[4000:]), to.vault.SetMeta(t.Context(), "name", nil))
		}, 5000},
	} {
		s, to := longSource(t), newTarget(t, "memory")
		if err := c.put(s, to); err != nil {
			t.Fatal(err)
		}
		before, root := facts(t, to.log)
		var other *migrate.OtherError
		if _, err := migrate.Run(t.Context(), s.from(), to.to(), nil); !errors.As(err, &other) || !errors.Is(err, migrate.ErrOther) || other.Position != c.at {
			t.Errorf("%s: %v", name, err)
		}
		if after, same := facts(t, to.log); same != root || len(after) != len(before) {
			t.Errorf("%s: the log was written to", name)
		}
		if _, err := to.vault.Meta(t.Context(), "name"); err != nil {
			t.Errorf("%s: the vault was touched: %v", name, err)
		}
	}
}

// TestRefusesSource: nothing is moved of a source that is empty, damaged, or recorded
// into, and nothing is said to be moved.
func TestRefusesSource(t *testing.T) {
	t.Parallel()
	empty := &source{log: memory.New(), vault: openVault(t)}
	if _, err := migrate.Run(t.Context(), empty.from(), newTarget(t, "memory").to(), nil); !errors.Is(err, migrate.ErrNothing) {
		t.Errorf("empty: %v", err)
	}
	shorter := longSource(t)
	if err := shorter.vault.Done(t.Context(), []vault.Settled{{Number: 1, Base: 4999}}); err != nil {
		t.Fatal(err)
	}
	to := newTarget(t, "memory")
	if _, err := migrate.Run(t.Context(), shorter.from(), to.to(), nil); !errors.Is(err, migrate.ErrDiverged) {
		t.Errorf("a log that is shorter than the vault knows: %v", err)
	}
	if _, err := to.vault.Meta(t.Context(), "name"); !errors.Is(err, transfer.ErrPartial) {
		t.Errorf("its copy opens: %v", err)
	}
	for name, write := range map[string]func(s *source) error{
		"its log":   func(s *source) error { return s.log.Append(t.Context(), 5000, [][]byte{[]byte("new")}) },
		"its vault": func(s *source) error { return s.vault.SetMeta(t.Context(), "name", nil) },
	} {
		for _, step := range []string{"copy log", "copy vault"} {
			s, once := longSource(t), false
			_, err := migrate.Run(t.Context(), s.from(), newTarget(t, "memory").to(), func(at string, _, _ int64) {
				if at == step && !once {
					once = true
					if err := write(s); err != nil {
						t.Error(err)
					}
				}
			})
			if !errors.Is(err, migrate.ErrMoved) {
				t.Errorf("%s was written to in step %q: %v", name, step, err)
			}
		}
	}
}

// TestTargetThatLoses: a target that does not keep what it was given is found out.
func TestTargetThatLoses(t *testing.T) {
	t.Parallel()
	s, to := longSource(t), newTarget(t, "memory")
	if _, err := migrate.Run(t.Context(), s.from(), migrate.To{Log: altering{to.log}, Vault: to.vault}, nil); !errors.Is(err, migrate.ErrOther) {
		t.Errorf("a log that alters: %v", err)
	}
	s, to = longSource(t), newTarget(t, "memory")
	if _, err := migrate.Run(t.Context(), s.from(), migrate.To{Log: short{to.log}, Vault: to.vault}, nil); !errors.Is(err, migrate.ErrOther) {
		t.Errorf("a log that is read short: %v", err)
	}
	s, to = longSource(t), newTarget(t, "memory")
	if _, err := migrate.Run(t.Context(), s.from(), migrate.To{Log: to.log, Vault: losing{to.vault}}, nil); !errors.Is(err, migrate.ErrOther) {
		t.Errorf("a vault that loses: %v", err)
	}
}

type altering struct{ eventstore.Log }

func (a altering) Append(ctx context.Context, base domain.Position, all [][]byte) error {
	all[len(all)/2][0] ^= 1
	return a.Log.Append(ctx, base, all)
}

type short struct{ eventstore.Log }

func (s short) Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	return s.Log.Read(ctx, from, max(from, to-1), fn)
}

type losing struct{ *sqlite.Store }

func (l losing) Import(ctx context.Context) (transfer.Writer, error) {
	w, err := l.Store.Import(ctx)
	return losingWriter{w}, err
}

type losingWriter struct{ transfer.Writer }

func (w losingWriter) Write(ctx context.Context, records []transfer.Record) error {
	for i, r := range records {
		if row, ok := r.(transfer.Row); ok && row.Index == 3 {
			row.Owner.ID[0] ^= 1
			records[i] = row
		}
	}
	return w.Writer.Write(ctx, records)
}
