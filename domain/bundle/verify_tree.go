package bundle

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"greffe/domain/proof"
)

const hashBytes = len(proof.Hash{})

// tile reads the widest tile there is of the signed tree at t's place, cut to t's
// width; ok is false if it is missing or not as signed, which is told elsewhere.
func (v *verifier) tile(t proof.Tile) (_ []byte, ok bool, err error) {
	width := uint64(t.Width)
	wide := t
	wide.Width = int(min((uint64(v.r.Size)>>(8*t.Level))-t.Index*proof.TileWidth, proof.TileWidth))
	path := wide.Path()
	if !v.intact[path] || v.entries[path].Bytes != int64(wide.Width*hashBytes) {
		return nil, false, nil
	}
	b, err := v.read(path)
	if err != nil {
		return nil, false, err
	}
	return b[:int(width)*hashBytes], true, nil
}

var errNoTile = errors.New("no such tile")

// reader is a proof.TileReader of the bundle's tiles.
func (v *verifier) reader(t proof.Tile) ([]byte, error) {
	b, ok, err := v.tile(t)
	if err == nil && !ok {
		err = errNoTile
	}
	return b, err
}

// leaves reads leaves in order, a tile at a time.
type leaves struct {
	v     *verifier
	index uint64 // of the tile, plus one
	tile  []byte
}

// at gives the leaf; ok is false where the tile is missing, which is told already.
func (l *leaves) at(i uint64) (h proof.Hash, ok bool, err error) {
	if n := i/proof.TileWidth + 1; n != l.index {
		t := proof.Tile{Index: n - 1}
		t.Width = int(min(uint64(l.v.r.Size)-t.Index*proof.TileWidth, proof.TileWidth))
		b, ok, err := l.v.tile(t)
		if err != nil {
			return h, false, err
		}
		l.index, l.tile = n, b
		if !ok {
			l.tile = nil
		}
	}
	at := int(i%proof.TileWidth) * hashBytes
	if at+hashBytes > len(l.tile) {
		return h, false, nil
	}
	return proof.Hash(l.tile[at : at+hashBytes]), true, nil
}

// tree recomputes every tile from the leaves, the roots of all heads on the way,
// and the signed root at the end.
func (v *verifier) tree() error {
	head := v.m.head
	if !v.allTiles(head.Size) {
		return nil
	}
	heads, err := v.newHeads()
	if err != nil {
		return err
	}
	w := &walk{v: v, heads: heads}
	err = w.leaves(head)
	return errors.Join(err, heads.close())
}

// allTiles says whether every tile of the tree is there as signed, and names what
// is missing and what is there beside them.
func (v *verifier) allTiles(size uint64) bool {
	whole := true
	of := map[string]bool{}
	for t := range proof.TilesOf(size) {
		p := t.Path()
		of[p] = true
		if v.entries[p] == nil && !v.listed(p) {
			v.r.add(Finding{Code: CodeMissing, File: p})
		}
		whole = whole && v.intact[p]
	}
	for i := range v.m.Files {
		if p := v.m.Files[i].Path; strings.HasPrefix(p, tilesDir) && !of[p] {
			v.r.add(Finding{Code: CodeTile, File: p})
		}
	}
	return whole
}

func (v *verifier) listed(path string) bool {
	return slices.ContainsFunc(v.m.Files, func(f FileInfo) bool { return f.Path == path })
}

// walk adds leaves to a frontier and to the tiles above.
type walk struct {
	v     *verifier
	heads *heads
	f     proof.Frontier
	above [][]proof.Hash // by level; the first is of level 1
	count []uint64       // tiles finished, by level
}

func (w *walk) leaves(head proof.Head) error {
	l := leaves{v: w.v}
	for i := range head.Size {
		if err := w.heads.upTo(&w.f); err != nil {
			return err
		}
		h, ok, err := l.at(i)
		if err != nil {
			return err
		}
		if !ok { // of another length than its place says
			t := proof.Tile{Index: i / proof.TileWidth, Width: int(min(head.Size-i/proof.TileWidth*proof.TileWidth, proof.TileWidth))}
			w.v.r.add(Finding{Code: CodeTile, File: t.Path()})
			return nil
		}
		w.f.Add(h)
		if i%proof.TileWidth == 0 {
			w.v.r.Checked.Tiles++
		}
		if (i+1)%proof.TileWidth == 0 {
			if err := w.push(1, rootOf(l.tile)); err != nil {
				return err
			}
		}
	}
	if err := w.heads.upTo(&w.f); err != nil {
		return err
	}
	for i := range w.above {
		if err := w.check(i + 1); err != nil {
			return err
		}
	}
	if w.f.Root() != head.Root {
		w.v.r.add(Finding{Code: CodeRoot, File: checkpointPath})
	}
	return w.heads.rest()
}

// push adds the hash of a full tile to the level above it.
func (w *walk) push(level int, h proof.Hash) error {
	if len(w.above) < level {
		w.above, w.count = append(w.above, nil), append(w.count, 0)
	}
	w.above[level-1] = append(w.above[level-1], h)
	if len(w.above[level-1]) < proof.TileWidth {
		return nil
	}
	var f proof.Frontier
	for _, h := range w.above[level-1] {
		f.Add(h)
	}
	if err := w.check(level); err != nil {
		return err
	}
	w.above[level-1] = w.above[level-1][:0]
	w.count[level-1]++
	return w.push(level+1, f.Root())
}

// check holds the tile at the end of a level to what was recomputed.
func (w *walk) check(level int) error {
	want := bytesOf(w.above[level-1])
	if len(want) == 0 {
		return nil
	}
	t := proof.Tile{Level: level, Index: w.count[level-1], Width: len(want) / hashBytes}
	got, ok, err := w.v.tile(t)
	if err != nil {
		return err
	}
	w.v.r.Checked.Tiles++
	if !ok || string(got) != string(want) {
		w.v.r.add(Finding{Code: CodeTile, File: t.Path()})
	}
	return nil
}

func bytesOf(hs []proof.Hash) []byte {
	b := make([]byte, 0, len(hs)*hashBytes)
	for i := range hs {
		b = append(b, hs[i][:]...)
	}
	return b
}

func rootOf(tile []byte) proof.Hash {
	var f proof.Frontier
	for ; len(tile) > 0; tile = tile[hashBytes:] {
		f.Add(proof.Hash(tile[:hashBytes]))
	}
	return f.Root()
}

// maxRecord is longer than any line of heads.ndjson.
const maxRecord = 128 << 10

// heads reads the heads in order, while the tree grows beside.
type heads struct {
	v      *verifier
	lines  *lineReader // nil without heads.ndjson
	next   *proof.Head // of this tree's origin; nil at the end
	last   uint64
	wanted map[uint64][]digest // sizes with anchors
}

func (v *verifier) newHeads() (*heads, error) {
	h := &heads{v: v}
	if !v.intact[HeadsPath] {
		return h, nil
	}
	var err error
	if h.wanted, err = v.anchored(); err != nil {
		return nil, err
	}
	if h.lines, err = v.lines(HeadsPath, maxRecord); err != nil {
		return nil, err
	}
	return h, h.advance()
}

func (h *heads) finding(c Code) {
	h.v.r.add(Finding{Code: c, File: HeadsPath, Row: h.lines.row})
}

// advance reads on to the next head of this tree's origin.
func (h *heads) advance() error {
	h.next = nil
	for h.next == nil {
		line, err := h.lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, errLine) {
			h.finding(CodeHead)
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", HeadsPath, err)
		}
		h.record(line)
	}
	return nil
}

func (h *heads) record(line []byte) {
	r, err := proof.DecodeRecord(line)
	if err != nil {
		h.finding(CodeHead)
		return
	}
	if r.Anchor != nil {
		h.anchor(r.Anchor)
		return
	}
	head, err := h.v.openHead(r.Checkpoint)
	if err != nil {
		h.finding(CodeHead)
		return
	}
	h.note(head.Size, r.Checkpoint)
	if head.Origin != h.v.origin() {
		h.v.r.Checked.Older++
		return
	}
	if head.Size < h.last {
		h.finding(CodeHead)
		return
	}
	h.next, h.last = &head, head.Size
}

// upTo checks every head of the frontier's size.
func (h *heads) upTo(f *proof.Frontier) error {
	for h.next != nil && h.next.Size == f.Size() {
		h.v.r.Checked.Heads++
		if f.Root() != h.next.Root {
			h.finding(CodeHead)
		}
		if err := h.advance(); err != nil {
			return err
		}
	}
	return nil
}

// rest: heads beyond the signed checkpoint cannot be checked, so none may stand there.
func (h *heads) rest() error {
	for h.next != nil {
		h.finding(CodeHead)
		if err := h.advance(); err != nil {
			return err
		}
	}
	return nil
}

func (h *heads) close() error {
	if h.lines == nil {
		return nil
	}
	return h.lines.in.Close()
}
