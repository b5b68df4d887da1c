package verify

import (
	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// expired takes in what the end of a term destroyed that is no person's, or that it is
// done; a restore, whose log lacks the order, says both at once.
func (d *destructions) expired(p domain.Position, f *event.Fact) {
	if x, ok := ledger.Expired(p, f); ok {
		x.By = f.ID
		d.terms[f.ID] = x
		d.orders[f.ID] = ordered{at: p, time: x.At, owner: x.Owner}
		d.term(&x, goes)
		return
	}
	by := f.Codes.ID("order")
	x, known := d.terms[by]
	if !known && f.Codes.Bool("restored") {
		x, known = restoredTerm(p, f), true
		d.orders[by] = ordered{at: p, time: x.At, owner: x.Owner, lost: true}
	}
	if !known {
		return
	}
	o := d.orders[by]
	o.done = true
	d.orders[by] = o
	d.term(&x, gone)
	delete(d.terms, by)
}

// restoredTerm reads what a restore says in an order's stead.
func restoredTerm(p domain.Position, f *event.Fact) erasure.Destruction {
	x := erasure.Destruction{Owner: part.LedgerOwner(), By: f.Codes.ID("order"), Position: p, At: domain.NewTime(f.Codes.Time("ordered_at")),
		Keys: erasure.Named(f.Codes.Strings("epochs"))}
	if file := f.Codes.ID("case"); !file.IsZero() {
		x.Owner = part.CaseOwner(file)
	}
	return x
}

func (d *destructions) term(x *erasure.Destruction, is state) {
	if x.Owner.Kind == part.Case {
		d.files[x.Owner.ID] = max(d.files[x.Owner.ID], is)
		return
	}
	for _, k := range x.Keys {
		d.journal[k] = max(d.journal[k], is)
	}
}
