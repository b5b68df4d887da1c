package notary

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"greffe/domain/proof"
)

// copyName is the file in Config.Copies: one record, as the heads stream has it.
const copyName = "head"

// errCopyWrite: the copy was not written; it is tried again.
var errCopyWrite = errors.New("not copied")

func (n *Notary) copyPath() string { return filepath.Join(n.cfg.Copies, copyName) }

// readCopy reads the last head shown by this lineage from outside the data; nil if
// there is none, or one of an older lineage, which binds nothing any more.
func (n *Notary) readCopy() (*shown, error) {
	if n.cfg.Copies == "" {
		return nil, nil
	}
	b, err := os.ReadFile(n.copyPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var r *proof.Record
	if err == nil {
		r, err = proof.DecodeRecord(b)
	}
	if err == nil && r.Anchor != nil {
		err = proof.ErrHead
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w; put the right file back, or move this one away to go on without it",
			ErrCopy, n.copyPath(), err)
	}
	h, err := n.verify(r.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.copyPath(), err)
	}
	if h.Origin != n.cfg.Origin {
		return nil, nil
	}
	return &shown{Signed: Signed{h, r.Checkpoint, r.At}, record: b}, nil
}

// writeCopy makes s the copy outside, durably, unless a later head of the lineage is
// there already.
func (n *Notary) writeCopy(s *shown) error {
	if n.cfg.Copies == "" {
		return nil
	}
	b, err := os.ReadFile(n.copyPath())
	if err == nil && bytes.Equal(b, s.record) {
		return nil
	}
	if r, err := proof.DecodeRecord(b); err == nil {
		if h, err := n.peek(r.Checkpoint); err == nil && h.Origin == s.Origin && h.Size > s.Size {
			return nil
		}
	}
	if err = os.MkdirAll(n.cfg.Copies, 0o700); err == nil {
		err = replaceFile(n.copyPath(), s.record, true)
	}
	if err != nil {
		return fmt.Errorf("%w: %w: %w", ErrCopy, errCopyWrite, err)
	}
	return nil
}
