package verify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
)

// headPage is how many records of the heads stream are read at a time.
const headPage = 256

// lineage is the heads under one origin, in the order of the stream, which is that of
// their sizes.
type lineage struct {
	origin   string
	verifier note.Verifier
	first    uint64 // size of its first head
	from, to domain.Position
	met      bool
	until    uint64 // heads of at most this size agree with the log

	page []headAt // read and not compared
	last uint64   // size of the head before
}

type headAt struct {
	at   domain.Position
	head proof.Head
	note []byte
}

// heads compares signed heads with the tree while it grows.
type heads struct {
	r        *run
	lineages []*lineage
	anchors  map[uint64][]domain.Position // by the size of their checkpoint
	copied   *headAt
	newest   uint64 // size of the last head of the stream
	ends     domain.Position
}

// openHeads reads the stream once: which origins there are, and where, and the anchors.
func (r *run) openHeads(ctx context.Context) (*heads, error) {
	h := &heads{r: r, anchors: map[uint64][]domain.Position{}}
	for _, origin := range r.Origins {
		v, err := verifierOf(origin, r.Public)
		if err != nil {
			return nil, err
		}
		h.lineages = append(h.lineages, &lineage{origin: origin, verifier: v})
	}
	if r.Heads == nil {
		for _, l := range h.lineages {
			l.until = ^uint64(0)
		}
		h.outside()
		return h, nil
	}
	end, err := r.Heads.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.survey(ctx, end); err != nil {
		return nil, err
	}
	for i, l := range h.lineages {
		l.until = ^uint64(0)
		for j, next := range h.lineages[i+1:] {
			if next.met {
				l.until = h.endBefore(next.first)
				break
			}
			if at, ok := h.begun(i + j + 2); ok {
				l.until = at
				break
			}
		}
	}
	h.outside()
	return h, nil
}

func verifierOf(origin string, public ed25519.PublicKey) (note.Verifier, error) {
	v, err := note.NewVerifier(proof.VerifierKey(origin, public))
	if err != nil {
		return nil, fmt.Errorf("key of the heads of %s: %w", origin, err)
	}
	return v, nil
}

// endBefore is where the history ended that a later one with a first head of this size
// goes on from: at the last restore below it.
func (h *heads) endBefore(first uint64) (end uint64) {
	for _, r := range h.r.told.restores {
		if uint64(r.at) < first {
			end = uint64(r.at)
		}
	}
	return end
}

// begun is where the history of a lineage begins that has signed nothing yet: at the
// restore that says so.
func (h *heads) begun(lineage int) (at uint64, ok bool) {
	for _, r := range h.r.told.restores {
		if r.lineage == int64(lineage) {
			return uint64(r.at), true
		}
	}
	return 0, false
}

// restoredSince tells of a restore that came behind so many facts: it may have put back
// a stream of heads that is older than they are.
func (h *heads) restoredSince(size uint64) bool {
	return slices.ContainsFunc(h.r.told.restores, func(r restore) bool { return uint64(r.at) >= size })
}

func (h *heads) survey(ctx context.Context, end domain.Position) error {
	h.ends = end
	return h.read(ctx, 0, end, func(at domain.Position, rec *proof.Record) {
		if rec.Anchor != nil {
			h.anchors[rec.Anchor.Size] = append(h.anchors[rec.Anchor.Size], at)
			return
		}
		head, err := peek(rec.Checkpoint)
		l := h.of(head.Origin)
		if err != nil || l == nil {
			h.altered(at, "It is no checkpoint of this ledger.")
			return
		}
		if !l.met {
			l.met, l.first, l.from = true, head.Size, at
		}
		l.to = at + 1
		h.newest = max(h.newest, head.Size)
	})
}

// read gives the records that can be read; others are findings, once.
func (h *heads) read(ctx context.Context, from, to domain.Position, fn func(domain.Position, *proof.Record)) error {
	err := h.r.Heads.Read(ctx, from, to, func(at domain.Position, b []byte) error {
		rec, err := proof.DecodeRecord(b)
		if err != nil {
			h.altered(at, err.Error())
			return nil
		}
		fn(at, rec)
		return nil
	})
	var bad *eventstore.CorruptError
	if errors.As(err, &bad) {
		h.altered(bad.Position, bad.Error())
		return nil
	}
	return err
}

func (h *heads) altered(at domain.Position, detail string) {
	f := Finding{Code: HeadAltered, Where: "heads/" + at.String(), Detail: detail}
	if h.r.first(f.Where) {
		h.r.find(f)
	}
}

func (h *heads) of(origin string) *lineage {
	i := slices.IndexFunc(h.lineages, func(l *lineage) bool { return l.origin == origin })
	if i < 0 {
		return nil
	}
	return h.lineages[i]
}

// peek reads a checkpoint without asking who signed it.
func peek(checkpoint []byte) (proof.Head, error) {
	text, _, ok := bytes.Cut(checkpoint, []byte("\n\n"))
	if !ok {
		return proof.Head{}, proof.ErrHead
	}
	return proof.ParseHead(string(text) + "\n")
}

// outside reads the copy of a head that stands outside the data directory.
func (h *heads) outside() {
	if h.r.Copied == nil {
		return
	}
	bad := func(detail string) { h.r.find(Finding{Code: HeadAltered, Where: "copy/head", Detail: detail}) }
	rec, err := proof.DecodeRecord(bytes.TrimRight(h.r.Copied, "\n"))
	if err != nil || rec.Anchor != nil {
		bad("The copy of the head outside the data directory cannot be read.")
		return
	}
	head, err := peek(rec.Checkpoint)
	l := h.of(head.Origin)
	if err != nil || l == nil {
		bad("The copy of the head outside the data directory is no checkpoint of this ledger.")
		return
	}
	if _, err := proof.OpenHead(rec.Checkpoint, l.verifier); err != nil {
		bad("The copy of the head outside the data directory is not signed by this ledger's key.")
		return
	}
	if h.r.Heads == nil && l != h.lineages[len(h.lineages)-1] {
		return // nothing says where its history ended
	}
	if head.Size > l.until {
		return // of facts that a restore lost, and its own fact accounts for
	}
	if slices.ContainsFunc(h.r.told.restores, func(r restore) bool { return r.lostSize == int64(head.Size) && r.lostRoot == head.Root.String() }) {
		return // of a branch that a restore left, which its own fact names
	}
	if h.r.Heads != nil && head.Size > h.newest && !h.restoredSince(head.Size) {
		h.r.find(Finding{Code: HeadMissing, Position: domain.Position(h.newest), Where: "heads/" + h.ends.String(),
			Detail: fmt.Sprintf("A copy outside the data directory covers %d facts; the newest head of the stream covers %d: heads were cut off.", head.Size, h.newest)})
	}
	h.copied = &headAt{head: head}
}

// compare is called when the tree has grown to a size, with the next size it must stop
// at again.
func (h *heads) compare(ctx context.Context, tree *proof.Frontier) (next uint64, err error) {
	next = ^uint64(0)
	size := tree.Size()
	for _, l := range h.lineages {
		for {
			if err := l.fill(ctx, h); err != nil {
				return 0, err
			}
			if len(l.page) == 0 {
				break
			}
			x := l.page[0]
			if x.head.Size > size {
				if x.head.Size <= l.until {
					next = min(next, x.head.Size)
					break
				}
				if err := h.judge(ctx, l, &x, nil); err != nil { // signed, and of what is lost
					return 0, err
				}
			} else {
				root := tree.Root()
				if err := h.judge(ctx, l, &x, &root); err != nil {
					return 0, err
				}
			}
			l.page = l.page[1:]
		}
	}
	if c := h.copied; c != nil && c.head.Size >= size {
		if c.head.Size > size {
			return min(next, c.head.Size), nil
		}
		if tree.Root() != c.head.Root {
			h.r.find(Finding{Code: HeadForked, Position: domain.Position(size), Where: "copy/head",
				Detail: fmt.Sprintf("A head outside the data directory has another root for the first %d facts.", size)})
		}
		h.copied = nil
	}
	return next, nil
}

// fill reads some more heads of a lineage.
func (l *lineage) fill(ctx context.Context, h *heads) error {
	for len(l.page) == 0 && l.from < l.to {
		to := min(l.from+headPage, l.to)
		err := h.read(ctx, l.from, to, func(at domain.Position, rec *proof.Record) {
			if head, err := peek(rec.Checkpoint); err == nil && head.Origin == l.origin {
				l.page = append(l.page, headAt{at, head, slices.Clone(rec.Checkpoint)})
			}
		})
		if err != nil {
			return err
		}
		l.from = to
	}
	return nil
}

// judge checks a head's signature, order and root; root nil: there is none to compare.
func (h *heads) judge(ctx context.Context, l *lineage, x *headAt, root *proof.Hash) error {
	h.r.sum.Heads++
	f := Finding{Position: domain.Position(x.head.Size), Where: "heads/" + x.at.String()}
	switch _, err := proof.OpenHead(x.note, l.verifier); {
	case err != nil:
		h.altered(x.at, "The head is not signed by this ledger's key in its one form.")
		return nil
	case x.head.Size < l.last:
		f.Code, f.Detail = HeadForked, "The head covers fewer facts than one before it."
		h.r.find(f)
		return nil
	case root != nil && x.head.Size <= l.until && *root != x.head.Root:
		f.Code = HeadForked
		f.Detail = fmt.Sprintf("A signed head has another root for the first %d facts: a fact below was altered, or two histories were signed.", x.head.Size)
		h.r.find(f)
	}
	l.last = x.head.Size
	return h.anchored(ctx, x)
}

// anchored checks the anchors of a head.
func (h *heads) anchored(ctx context.Context, x *headAt) error {
	at := h.anchors[x.head.Size]
	delete(h.anchors, x.head.Size)
	for _, p := range at {
		err := h.read(ctx, p, p+1, func(_ domain.Position, rec *proof.Record) {
			h.r.sum.Anchors++
			if h.r.Anchors == nil {
				return
			}
			if err := h.r.Anchors(ctx, *rec.Anchor, x.note); err != nil {
				h.r.find(Finding{Code: AnchorBad, Position: domain.Position(x.head.Size), Where: "heads/" + p.String(), Detail: err.Error()})
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// close looks at what covers more than the log has.
func (h *heads) close(ctx context.Context, tree *proof.Frontier) error {
	end := domain.Position(tree.Size())
	short := func(where string, covers uint64) {
		h.r.find(Finding{Code: LogShort, Position: end, Where: where,
			Detail: "The log ends at position " + end.String() + ", and a signed head covers " + strconv.FormatUint(covers, 10) + " facts: its end was cut off, or an older copy put in place."})
	}
	for _, l := range h.lineages {
		said := false
		for {
			if err := l.fill(ctx, h); err != nil {
				return err
			}
			if len(l.page) == 0 {
				break
			}
			x := l.page[0]
			l.page = l.page[1:]
			if !said {
				short("heads/"+x.at.String(), x.head.Size)
				said = true // all that follow are the same finding
			}
			if err := h.judge(ctx, l, &x, nil); err != nil {
				return err
			}
		}
	}
	if h.copied != nil {
		short("copy/head", h.copied.head.Size)
	}
	for size, at := range h.anchors {
		for _, p := range at {
			h.r.find(Finding{Code: AnchorBad, Position: domain.Position(size), Where: "heads/" + p.String(), Detail: "The anchor is of a head that the stream does not have."})
		}
	}
	return nil
}
