package app

import (
	"context"
	"maps"
	"math"
	"slices"

	httpapi "greffe/api/http"
	"greffe/eventstore/access"
	"greffe/eventstore/eraser"
)

// Foresee implements httpapi.Erasures.
func (e erasures) Foresee(ctx context.Context, r access.Receipt, o httpapi.ErasureOrder) (*httpapi.ErasurePreview, error) {
	if !r.Covers(o.Subject) {
		return nil, access.ErrNotCovered
	}
	f, err := e.a.Eraser.Foresee(ctx, eraser.Request{Subject: o.Subject, Classes: o.Classes})
	if err != nil {
		return nil, erasureError(err)
	}
	out := &httpapi.ErasurePreview{SubjectID: o.Subject, Persons: f.Persons, Whole: f.Plan.Whole, Opposition: f.Objects, Recipients: []string{}, NotHeld: []string{},
		Destroyed: []httpapi.ErasureClass{}, Kept: []httpapi.ErasureClass{}, Left: []httpapi.ErasureClass{}, Held: []httpapi.Held{}}
	x, err := e.extent(ctx, f.Persons, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	for _, code := range f.Told {
		if e.mayHold(code, x.sources) {
			out.Recipients = append(out.Recipients, code)
		} else {
			out.NotHeld = append(out.NotHeld, code)
		}
	}
	for _, k := range f.Plan.Kept {
		out.Kept = append(out.Kept, httpapi.ErasureClass{Class: k.Class, Parts: f.Parts[k.Class], Ground: k.Ground, Until: k.Until})
		delete(f.Parts, k.Class)
	}
	for _, class := range slices.Sorted(maps.Keys(f.Parts)) {
		x := httpapi.ErasureClass{Class: class, Parts: f.Parts[class]}
		if f.Plan.Whole || slices.Contains(f.Plan.Classes, class) {
			out.Destroyed = append(out.Destroyed, x)
		} else {
			out.Left = append(out.Left, x)
		}
	}
	for _, h := range f.Held {
		found, err := e.Held(ctx, httpapi.HeldFilter{Subject: h.Subject}, httpapi.Page{Limit: 100})
		if err != nil {
			return nil, err
		}
		out.Held = append(out.Held, found.Items...)
	}
	return out, nil
}
