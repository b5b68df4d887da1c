package verify_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore"
	"greffe/eventstore/embedded"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/verify"
)

// plainKEK wraps with nothing: wrapping is another package's matter.
type plainKEK struct{}

func (plainKEK) ID() string { return "test" }
func (plainKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (plainKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

// damaged is a vault that shows what it holds otherwise than it is stored.
type damaged struct {
	vault.Store
	intake func(domain.ID, *vault.Intake)
	part   func(vault.PartID, []byte) []byte
	key    func(part.Owner, *vault.KeyRow)
	extra  domain.ID
}

func (d *damaged) Intake(ctx context.Context, ids []domain.ID) ([]vault.Intake, error) {
	all, err := d.Store.Intake(ctx, ids)
	for i := range all {
		if d.intake != nil {
			d.intake(ids[i], &all[i])
		}
	}
	return all, err
}

func (d *damaged) Parts(ctx context.Context, ids []vault.PartID) ([][]byte, error) {
	all, err := d.Store.Parts(ctx, ids)
	for i := range all {
		if d.part != nil {
			all[i] = d.part(ids[i], all[i])
		}
	}
	return all, err
}

func (d *damaged) Keys(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
	all, err := d.Store.Keys(ctx, owners)
	for i := range all {
		if d.key != nil {
			d.key(owners[i], &all[i])
		}
	}
	return all, err
}

func (d *damaged) WalkRows(ctx context.Context, from int64, fn func(*vault.Recorded) error) error {
	err := d.Store.WalkRows(ctx, from, func(r *vault.Recorded) error {
		in := vault.Intake{Found: true, Position: r.Position()}
		if d.intake != nil {
			d.intake(r.Event, &in)
		}
		if !in.Found {
			return nil
		}
		if r.Base = in.Position - domain.Position(r.Index); d.part != nil {
			var parts []vault.Part
			for _, p := range r.Parts {
				if p.Bytes = d.part(vault.PartID{Event: r.Event, Class: p.Key.Class}, p.Bytes); p.Bytes != nil {
					parts = append(parts, p)
				}
			}
			r.Parts = parts
		}
		return fn(r)
	})
	if err != nil || d.extra.IsZero() {
		return err
	}
	return fn(&vault.Recorded{Number: 1 << 30, Base: 1 << 30, Row: vault.Row{Event: d.extra}})
}

func (d *damaged) Check(ctx context.Context, fn func(*vault.DamageError)) error {
	return d.Store.(vault.Checker).Check(ctx, fn)
}

func (d *damaged) WalkKeys(ctx context.Context, fn func(part.Owner, vault.KeyRow) error) error {
	return d.Store.WalkKeys(ctx, func(o part.Owner, k vault.KeyRow) error {
		if d.key != nil {
			d.key(o, &k)
		}
		return fn(o, k)
	})
}

// world is a ledger's files after some events.
type world struct {
	t     testing.TB
	dir   string
	log   eventstore.Log
	vault *damaged
	macs  *seal.MACs
	under vault.Store  // in the vault's stead
	input verify.Input // what verify adds to
	sum   verify.Summary
	found []verify.Finding
}

const contacts = 30

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	log, v := w.open()
	l, err := ledger.Open(t.Context(), ledger.Config{Log: log, Vault: v, KEK: plainKEK{}, Now: func() time.Time { return now }, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	if err != nil {
		t.Fatal(err)
	}
	raws := make([][]byte, contacts)
	for i := range raws {
		raws[i] = fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"s","type":"contact.created","subject":"C-%d","time":"2026-03-02T09:14:07Z","data":{"kind":"client","person":{"given_name":"Anne"},"notes":"n%d"}}`, i, i, i)
	}
	if _, err := l.Record(t.Context(), raws); err != nil {
		t.Fatal(err)
	}
	w.macs = l.MACs()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	w.log, w.vault = log, &damaged{Store: v}
	t.Cleanup(func() { _ = w.log.Close(); _ = w.vault.Close() })
	return w
}

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func (w *world) open() (*embedded.Log, *sqlite.Store) {
	w.t.Helper()
	log, err := embedded.Open(filepath.Join(w.dir, "log"), embedded.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := sqlite.Open(w.t.Context(), filepath.Join(w.dir, "vault.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	return log, v
}

func (w *world) config() ledger.Config {
	return ledger.Config{Log: w.log, Vault: w.vault, KEK: plainKEK{}, Now: func() time.Time { return now }, Rand: rand.Reader, FirstPolicy: deploy.Policy()}
}

func (w *world) verify() {
	w.t.Helper()
	keys, err := seal.OpenKeyring(w.t.Context(), w.vault, plainKEK{}, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.found = nil
	in := w.input
	in.Log, in.Vault, in.Keys, in.MACs, in.Report = w.log, w.vault, keys, w.macs, func(f verify.Finding) { w.found = append(w.found, f) }
	if w.under != nil {
		in.Vault = w.under
	}
	w.sum, err = verify.Run(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	if int(w.sum.Findings) != len(w.found) {
		w.t.Errorf("the summary counts %d findings, %d were reported", w.sum.Findings, len(w.found))
	}
}

func (w *world) facts() (all []*event.Fact) {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	if err == nil {
		err = w.log.Read(w.t.Context(), 0, head, func(_ domain.Position, b []byte) error {
			f, err := event.DecodeFact(b)
			all = append(all, f)
			return err
		})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func size(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func flip(t *testing.T, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}
