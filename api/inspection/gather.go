package inspection

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"greffe/api/inspection/workbook"
	"greffe/domain"
	"greffe/domain/bundle"
	mission "greffe/domain/inspection"
)

// Done says what was written, before its signature is.
type Done struct {
	Manifest []byte
	Files    []bundle.FileInfo
	Figures  *Figures
}

// gathering is a bundle on its way.
type gathering struct {
	sources *Sources
	order   *Order
	figures *Figures
	w       *bundle.Writer
	note    []byte // the signed checkpoint
	size    uint64 // of its tree
	root    string // of it, hexadecimal
	drawn   []domain.ID
	book    *workbook.Book    // until it is written
	tabs    map[string]string // sheet of a table
}

// Write writes the bundle of an order into a sink. seal is called with everything
// known, before the manifest, and with it the bundle's worth, leaves; its error leaves
// nothing.
func Write(ctx context.Context, s *Sources, o *Order, sink bundle.Sink, seal func(Done) error) error {
	g := &gathering{sources: s, order: o, figures: newFigures()}
	head, note, err := s.Prover.Covering(ctx, uint64(o.To))
	if err != nil {
		return errors.Join(fmt.Errorf("signed head of the bundle: %w", err), sink.Discard())
	}
	g.size, g.note, g.root = head.Size, note, hex.EncodeToString(head.Root[:])
	g.w, err = bundle.NewWriter(sink, bundle.Header{Ledger: s.Ledger, Inspection: o.ID, Made: domain.NewTime(s.Now()), From: o.From, To: o.To,
		Checkpoint: note, VKey: s.Prover.VKey(), Requester: o.Requester, Reference: o.Reference, Language: o.Language})
	if err != nil {
		return err
	}
	if err := g.all(ctx); err != nil {
		err = errors.Join(fmt.Errorf("bundle: %w", err), g.w.Abort())
		if g.book != nil {
			err = errors.Join(err, g.book.Discard())
		}
		return err
	}
	return g.w.Close(func(manifest []byte) ([]byte, error) {
		m, err := bundle.ParseManifest(manifest)
		if err != nil {
			return nil, err
		}
		for _, t := range m.Tables {
			g.figures.Rows += t.Rows
		}
		g.figures.Files = int64(len(m.Files))
		if err := seal(Done{Manifest: manifest, Files: m.Files, Figures: g.figures}); err != nil {
			return nil, err
		}
		return s.Prover.Sign(manifest)
	})
}

// step is one part of a bundle, with the section that asks for it; "" is always in.
type step struct {
	section mission.Section
	do      func(ctx context.Context) error
}

func (g *gathering) all(ctx context.Context) error {
	if err := g.newBook(); err != nil {
		return err
	}
	for _, s := range []step{
		{"", g.facts},
		{"", g.tree},
		{mission.Accesses, g.accesses},
		{mission.Consents, g.notices},
		{mission.Opposition, g.opposition},
		{mission.Counts, g.counts},
		{mission.Policies, g.policies},
		{mission.Habilitation, g.accounts},
		{mission.Producers, g.producers},
		{mission.Consents, g.proofs},
		{"", g.samples},
		{"", g.workbook},
		{"", g.report},
	} {
		if s.section != "" && !g.order.Covers(s.section) {
			continue
		}
		if err := s.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// table opens a table for people; rows are given to add, and end closes it.
func (g *gathering) table(name string, columns []bundle.Column) (add func(...bundle.Value) error, end func() error, err error) {
	r, err := g.register(name, columns)
	if err != nil {
		return nil, nil, err
	}
	return func(row ...bundle.Value) error { return r.Append(row) }, r.Close, nil
}

// file writes a whole file.
func (g *gathering) file(path, media string, b []byte) error {
	f, err := g.w.File(path, media)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// sizeOf is the size that a signed checkpoint's second line says.
func sizeOf(checkpoint []byte) string {
	lines := strings.SplitN(string(checkpoint), "\n", 3)
	if len(lines) < 3 {
		return ""
	}
	return lines[1]
}
