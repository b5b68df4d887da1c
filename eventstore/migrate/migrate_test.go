package migrate_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/embedded"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/migrate"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/vault/transfer"
	"greffe/eventstore/verify"
)

// plainKEK wraps with nothing: wrapping is vault/kek's own matter.
type plainKEK struct{}

func (plainKEK) ID() string { return "test" }
func (plainKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (plainKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func openLedger(t *testing.T, l eventstore.Log, v vault.Store) (*ledger.Ledger, error) {
	t.Helper()
	return ledger.Open(t.Context(), ledger.Config{Log: l, Vault: v, KEK: plainKEK{}, Now: func() time.Time { return noon }, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
}

func openVault(t *testing.T) *sqlite.Store {
	t.Helper()
	v, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func raw(id string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"crm/eu","type":"contact.created","subject":%q,"time":"2026-03-02T09:14:07Z",`+
		`"actor":"user:jdupont","data":{"kind":"prospect","person":{"given_name":"Anne","emails":["a@example.org"]},`+
		`"collection":{"channel":"web_form","collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"]}}}`, id, id)
}

// source is a ledger that was closed, and what it answered.
type source struct {
	log      *memory.Log
	vault    *sqlite.Store
	answered map[string]ledger.Result
	order    []string
}

// newSource records n events in groups, destroys one part and somebody who is not
// known, and leaves a batch that is prepared and not in the log.
func newSource(t *testing.T, n int) *source {
	t.Helper()
	s := &source{log: memory.New(), vault: openVault(t), answered: map[string]ledger.Result{}}
	l, err := openLedger(t, s.log, s.vault)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < n; i += 50 {
		var raws [][]byte
		for k := i; k < min(i+50, n); k++ {
			s.order = append(s.order, fmt.Sprint("e", k))
			raws = append(raws, raw(s.order[k]))
		}
		results, err := l.Record(t.Context(), raws)
		if err != nil {
			t.Fatal(err)
		}
		for k, r := range results {
			s.answered[s.order[i+k]] = r
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	head, _ := s.log.Head(t.Context())
	id := domain.ID{9, 15: 9}
	fact, err := event.AppendFact(nil, &event.Fact{ID: id, Type: event.ExportProduced, Time: domain.NewTime(noon), Recorded: domain.NewTime(noon)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.vault.Prepare(t.Context(), &vault.Batch{Base: head, Rows: []vault.Row{{Event: id, Fact: fact}}})
	err = errors.Join(err, s.vault.AppendFence(t.Context(), 1, [][]byte{[]byte("a line"), []byte("another")}),
		s.vault.Destroy(t.Context(), []vault.Doom{{Owner: part.SubjectOwner(domain.ID{77}), By: domain.ID{78}, At: 79}}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *source) from() migrate.From { return migrate.From{Log: s.log, Vault: s.vault.Still()} }

func facts(t *testing.T, l eventstore.Log) (all [][]byte, root string) {
	t.Helper()
	var tree proof.Frontier
	head, err := l.Head(t.Context())
	err = errors.Join(err, l.Read(t.Context(), 0, head, func(_ domain.Position, b []byte) error {
		all = append(all, bytes.Clone(b))
		tree.Add(proof.LeafHash(b))
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return all, tree.Root().String()
}

// target is where to, and how to open its log.
type target struct {
	log   eventstore.Log
	vault *sqlite.Store
}

func newTarget(t *testing.T, kind string) *target {
	t.Helper()
	to := &target{vault: openVault(t), log: memory.New()}
	if kind == "embedded" {
		var err error
		if to.log, err = embedded.Open(filepath.Join(t.TempDir(), "log"), embedded.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = to.log.Close() })
	return to
}

func (to *target) to() migrate.To { return migrate.To{Log: to.log, Vault: to.vault, Pause: 1} }

// is demands that the target is the source, and a ledger that goes on.
func (to *target) is(t *testing.T, s *source) {
	t.Helper()
	want, root := facts(t, s.log)
	got, same := facts(t, to.log)
	if root != same || len(got) != len(want) {
		t.Fatalf("%d facts, want %d, or others", len(got), len(want))
	}
	l, err := openLedger(t, to.log, to.vault)
	if err != nil {
		t.Fatal(err)
	}
	results, err := l.Record(t.Context(), [][]byte{raw(s.order[0]), raw(s.order[len(s.order)-1]), raw("later")})
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{s.order[0], s.order[len(s.order)-1]} {
		if was := s.answered[id]; results[i].Status != ledger.Duplicate || results[i].Position != was.Position || results[i].Event != was.Event {
			t.Errorf("%s is answered %+v, and was %+v", id, results[i], was)
		}
	}
	if err := l.Close(); err != nil || results[2].Status != ledger.Recorded || results[2].Position != domain.Position(len(want)+1) {
		t.Errorf("what comes after what was pending: %+v %v", results[2], err)
	}
	all, _ := facts(t, to.log)
	if f, err := event.DecodeFact(all[len(want)]); err != nil || f.Type != event.ExportProduced {
		t.Errorf("what was pending is not at position %d: %v", len(want), err)
	}
	ring, err := seal.OpenKeyring(t.Context(), to.vault, plainKEK{}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var found []verify.Finding
	sum, err := verify.Run(t.Context(), verify.Input{Log: to.log, Vault: to.vault, Keys: ring, MACs: l.MACs(), Report: func(f verify.Finding) {
		if f.Where != "vault/key/"+part.SubjectOwner(domain.ID{77}).String() { // whom no fact knows
			found = append(found, f)
		}
	}})
	if len(found) > 1 || len(found) == 1 && (found[0].Code != verify.RowAltered || found[0].Position != domain.Position(len(want))) {
		t.Errorf("%+v", found)
	}
	if err != nil || sum.Parts < int64(len(s.order)) {
		t.Errorf("%+v %v", sum, err)
	}
}

// TestRun moves a ledger between logs of two kinds and back.
func TestRun(t *testing.T) {
	t.Parallel()
	s := newSource(t, 300)
	to := newTarget(t, "embedded")
	steps := map[string]int64{}
	progress := func(step string, done, total int64) {
		if done < steps[step] && step != "verify vault" || done > total {
			t.Errorf("%s: %d of %d after %d", step, done, total, steps[step])
		}
		steps[step] = done
	}
	report, err := migrate.Run(t.Context(), s.from(), to.to(), progress)
	if err != nil {
		t.Fatal(err)
	}
	all, root := facts(t, s.log)
	if report.Position != domain.Position(len(all)) || report.Root != root || report.Resumed != 0 || report.Vault.Count[transfer.Rows] != int64(len(all)+1) ||
		report.Vault.Count[transfer.FenceLines] != 2 {
		t.Errorf("%+v, root %s", report, root)
	}
	if steps["copy log"] != int64(len(all)) || steps["verify log"] != int64(len(all)) || steps["copy vault"] != report.Vault.Records() {
		t.Errorf("progress %v", steps)
	}
	again, err := migrate.Run(t.Context(), s.from(), to.to(), nil)
	if err != nil || again.Root != root || again.Resumed != report.Position {
		t.Errorf("again: %+v %v", again, err)
	}
	back := newTarget(t, "memory")
	if report, err := migrate.Run(t.Context(), migrate.From{Log: to.log, Vault: to.vault}, back.to(), nil); err != nil || report.Root != root {
		t.Errorf("back: %+v %v", report, err)
	}
	back.is(t, s)
	to.is(t, s)
}
