package backup

import (
	"context"
	"errors"
	"io"

	"greffe/domain"
	"greffe/eventstore/vault/transfer"
)

// Copied is a vault file that a transfer makes; *sqlite.Store is one.
type Copied interface {
	transfer.Target
	io.Closer // durable, and one file
}

// transferred copies a vault that is no file into one at path, and returns the position
// to which the log belongs to it. See the package's comment for why it is that.
func (s *Source) transferred(ctx context.Context, path string) (domain.Position, error) {
	head, err := s.Log.Head(ctx) // before the snapshot
	if err != nil {
		return 0, err
	}
	from, err := s.Transfer.Snapshot(ctx)
	if err != nil {
		return 0, err
	}
	copied, err := s.fill(ctx, path, from)
	if err := errors.Join(err, from.Close()); err != nil {
		return 0, err
	}
	return max(head, copied.State.End), nil
}

// fill makes the file.
func (s *Source) fill(ctx context.Context, path string, from transfer.Reader) (*transfer.Summary, error) {
	to, err := s.OpenVault(ctx, path)
	if err != nil {
		return nil, err
	}
	copied, err := transfer.CopyFrom(ctx, from, to, func(done, total int64) { s.Progress("vault", done, total) })
	return copied, errors.Join(err, to.Close())
}
