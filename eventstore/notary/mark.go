package notary

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/proof"
)

const (
	markName    = "mark"
	markVersion = 1
	// markEvery is how long tiles wait for their fsync: by then most systems have
	// written them back, so that it costs the log's own fsyncs little.
	markEvery = 30 * time.Second
	// parting bounds the tiles that are synced when the notary ends.
	parting = 1024
)

// mark is what need not be looked at again at opening: the facts whose tiles are
// durable and that a head shown covers, and the records of the heads stream before
// Last, which is a head's. It is derived.
type mark struct {
	V        int             `json:"v"`
	Origin   string          `json:"origin"`
	Size     uint64          `json:"size,string"`
	First    domain.Position `json:"first"` // head of the origin
	Last     domain.Position `json:"last"`
	HeadSize uint64          `json:"head_size,string"` // of the head at Last
	Anchors  []anchorAt      `json:"anchors"`          // between First and Last
}

// known is the heads stream before the record at Last.
func (m *mark) known() known {
	return known{next: m.Last, begun: true, first: m.First, last: m.Last, size: m.HeadSize, anchors: m.Anchors}
}

// inOrder says that a mark's places can be those of a stream of head records.
func (m *mark) inOrder(head domain.Position) bool {
	after := m.First
	for _, a := range m.Anchors {
		if a.Pos <= after || a.Pos >= m.Last {
			return false
		}
		after = a.Pos
	}
	return m.V != 0 && m.First <= m.Last && m.Last < head
}

func (n *Notary) markPath() string { return filepath.Join(n.cfg.Dir, markName) }

// readMark is the mark, or a zero one if there is none that is of use.
func (n *Notary) readMark() mark {
	var m mark
	b, err := os.ReadFile(n.markPath())
	if errors.Is(err, fs.ErrNotExist) {
		return m
	}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil || m.V != markVersion || m.Origin != n.cfg.Origin {
		n.cfg.Logger.Warn("notary: the tiles' mark is of no use; all tiles are compared with the log")
		return mark{}
	}
	return m
}

// keep makes tiles durable in the background, one markEvery after they were written,
// and moves the mark.
func (n *Notary) keep(ctx context.Context) error {
	var marked []byte
	size := n.edge().size
	written := n.tiles.drain()
	for {
		pause(ctx, markEvery)
		last := ctx.Err() != nil
		nextSize := n.edge().size // before drain: tiles are written before the tree has them
		next := n.tiles.drain()
		if last {
			size, written = nextSize, append(written, next...)
			if len(written) > parting {
				return nil
			}
		}
		if len(written) > 0 {
			if err := n.tiles.sync(written); err != nil {
				return err
			}
		}
		b, err := n.markOf(size)
		if err == nil && b != nil && !bytes.Equal(b, marked) {
			err = replaceFile(n.markPath(), b, true)
		}
		if err != nil {
			return fmt.Errorf("write the tiles' mark: %w", err)
		}
		if last {
			return nil
		}
		marked, written, size = b, next, nextSize
	}
}

// markOf is the mark's bytes when the tiles of size facts are durable, nil before the
// first head.
func (n *Notary) markOf(size uint64) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.latest == nil || !n.known.begun {
		return nil, nil
	}
	k := &n.known
	early, _ := slices.BinarySearchFunc(k.anchors, k.last, func(a anchorAt, p domain.Position) int { return cmp.Compare(a.Pos, p) })
	return json.Marshal(&mark{
		V: markVersion, Origin: n.cfg.Origin, Size: min(size, n.latest.Size) &^ (proof.TileWidth - 1),
		First: k.first, Last: k.last, HeadSize: k.size, Anchors: k.anchors[:early],
	})
}
