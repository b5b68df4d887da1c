package fence

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/part"
)

func TestRefusesWhatIsNoDestruction(t *testing.T) {
	t.Parallel()
	f := opened(t, filepath.Join(t.TempDir(), "fence"))
	for name, change := range map[string]func(d *erasure.Destruction){
		"no owner":              func(d *erasure.Destruction) { d.Owner = part.Owner{} },
		"an owner without id":   func(d *erasure.Destruction) { d.Owner.ID = domain.ID{} },
		"no order":              func(d *erasure.Destruction) { d.By = domain.ID{} },
		"no time":               func(d *erasure.Destruction) { d.At = domain.Time{} },
		"all the ledger's keys": func(d *erasure.Destruction) { d.Owner = part.LedgerOwner() },
		"a quoted class":        func(d *erasure.Destruction) { d.Keys = []erasure.ClassEpoch{{Class: `a","b`, Epoch: "whole"}} },
		"no epoch":              func(d *erasure.Destruction) { d.Keys = []erasure.ClassEpoch{{Class: "notes"}} },
		"a part of no event":    func(d *erasure.Destruction) { d.Redacted = []erasure.Redaction{{Class: "notes"}} },
		"too much":              func(d *erasure.Destruction) { d.Redacted = make([]erasure.Redaction, maxNames+1) },
	} {
		d := whole(1)
		change(&d)
		if err := f.Append([]erasure.Destruction{whole(2), d}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f.Mark().Number != 0 {
		t.Error("something of a refused call was written")
	}
	if err := errors.Join(f.Append(nil), f.Append([]erasure.Destruction{whole(1)})); err != nil || f.Mark().Number != 1 {
		t.Errorf("after refusals: %v", err)
	}
}

// failing is a file whose writes or syncs fail from now on.
type failing struct {
	disk
	write, sync, cut error
	syncs            int
}

func (f *failing) Truncate(size int64) error {
	if f.cut != nil {
		return f.cut
	}
	return f.disk.Truncate(size)
}

func (f *failing) WriteAt(b []byte, at int64) (int, error) {
	if f.write != nil {
		n, _ := f.disk.WriteAt(b[:len(b)/2], at)
		return n, f.write
	}
	return f.disk.WriteAt(b, at)
}

func (f *failing) Sync() error {
	f.syncs++
	return errors.Join(f.disk.Sync(), f.sync)
}

// TestFailedWrite: after a failed write or sync nothing is taken until the fence
// is opened again, with what was acknowledged.
func TestFailedWrite(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, bad := range map[string]*failing{"write": {write: boom}, "sync": {sync: boom}} {
		dir := filled(t, 1)
		f := opened(t, dir)
		bad.disk, f.file = f.file, bad
		if err := f.Append([]erasure.Destruction{whole(2)}); !errors.Is(err, boom) || !errors.Is(err, ErrFailed) {
			t.Errorf("%s: %v", name, err)
		}
		bad.write, bad.sync = nil, nil
		if err := f.Append([]erasure.Destruction{whole(2)}); !errors.Is(err, ErrFailed) || f.Mark().Number != 1 {
			t.Errorf("%s, after it: %v", name, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err := f.Append([]erasure.Destruction{whole(2)}); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		again := opened(t, dir)
		if n := again.Mark().Number; n < 1 || n > 2 {
			t.Errorf("%s: %d records", name, n)
		}
		if err := again.Append([]erasure.Destruction{whole(2)}); err != nil {
			t.Error(err)
		}
	}
}

// TestOneSync: a batch larger than one write costs one sync, and stays whole.
func TestOneSync(t *testing.T) {
	t.Parallel()
	f := opened(t, filepath.Join(t.TempDir(), "fence"))
	counted := &failing{disk: f.file}
	f.file = counted
	batch := make([]erasure.Destruction, 20_000)
	for i := range batch {
		batch[i] = whole(1)
		batch[i].Position = domain.Position(i)
	}
	start := time.Now()
	if err := f.Append(batch); err != nil || counted.syncs != 1 {
		t.Errorf("%d syncs, %v", counted.syncs, err)
	}
	appended := time.Since(start)
	seen := 0
	start = time.Now()
	if err := f.Walk(19_990, func(e *Entry) error { seen++; return nil }); err != nil || seen != 10 {
		t.Errorf("%d records from 19,990: %v", seen, err)
	}
	t.Logf("20,000 records: %v to append, %v to check", appended, time.Since(start))
	stop := errors.New("stop")
	if err := f.Walk(0, func(*Entry) error { return stop }); err != stop {
		t.Errorf("fn's error: %v", err)
	}
}

// TestReadBeside: a fence can be read while it grows, always whole.
func TestReadBeside(t *testing.T) {
	t.Parallel()
	dir := filled(t, 1)
	f := opened(t, dir)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if err := f.Append([]erasure.Destruction{whole(3), whole(4)}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for last := int64(0); last < 100; {
				mark, err := Read(dir, ledgerID, secret, nil)
				if err != nil || mark.Number < last {
					t.Errorf("%d after %d: %v", mark.Number, last, err)
					return
				}
				last = mark.Number
			}
		})
	}
	wg.Wait()
}
