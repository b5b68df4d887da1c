package sqlfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"greffe/domain"
	"greffe/projections"
)

const (
	scrubTries   = 20
	scrubWait    = 25 * time.Millisecond // for readers, each time
	waitForLocks = "PRAGMA busy_timeout=5000"
)

// ErrPinned: a reader kept the write-ahead log from being emptied. What was wiped
// is gone from the tables, but traces are left in the log; ask again.
var ErrPinned = errors.New("a long reading keeps the write-ahead log; traces may be left in it")

// Scrub returns nil once what the facts below below overwrote or deleted is in no
// write-ahead log any more: that is copied into the file, synced and cut to
// nothing. Callers at the same time share one such checkpoint, and one that comes
// after it for the same facts pays nothing. Writes wait meanwhile: some
// milliseconds, or the time to write at most 32 MiB after a lot was applied.
// Readers that go on for half a second make it ErrPinned.
func (f *File) Scrub(ctx context.Context, below domain.Position) error {
	for try := 1; ; try++ {
		err := f.scrub(below)
		if !errors.Is(err, ErrPinned) || try == scrubTries {
			return err
		}
		select {
		case <-time.After(scrubWait):
		case <-ctx.Done():
			return errors.Join(ErrPinned, ctx.Err())
		}
	}
}

func (f *File) scrub(below domain.Position) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.tx == nil:
		return ErrClosed
	case f.scrubbed >= below && f.scrubbed > 0:
		return nil
	case f.at < below:
		return fmt.Errorf("scrub %s: the facts below %d are not applied", f.schema.Name, below)
	}
	if err := f.truncate(); err != nil {
		return fmt.Errorf("scrub %s: %w", f.schema.Name, err)
	}
	f.scrubbed = f.at
	return nil
}

// truncate empties the write-ahead log, or is ErrPinned if a reader needs it.
func (f *File) truncate() error {
	if err := f.tx.script("PRAGMA busy_timeout=0"); err != nil {
		return err
	}
	busy, _, err := f.tx.Int("PRAGMA wal_checkpoint(TRUNCATE)")
	if err := errors.Join(err, f.tx.script(waitForLocks)); err != nil {
		return projections.NoRoom(err)
	}
	if info, err := os.Stat(f.path + "-wal"); busy != 0 || err == nil && info.Size() > 0 {
		return ErrPinned
	}
	return nil
}
