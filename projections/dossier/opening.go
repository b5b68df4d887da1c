package dossier

import (
	"context"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/access"
)

// erased is an ErasedError if the whole person was erased.
func (d *Dossiers) erased(ctx context.Context, subject domain.ID) error {
	by, at, erased, err := d.index.Erased(ctx, subject)
	if err == nil && erased {
		err = &ErasedError{By: by, At: domain.NewTime(at)}
	}
	return err
}

// outlives are the facts about an erased person that still say something of those
// merged with it: that they are merged, and what protects the person. Nothing else
// of it is shown, and none of its values hides one of theirs.
func outlives(t event.Type) bool {
	switch t {
	case event.OppositionRegistered, event.OppositionLifted, event.RestrictionPlaced, event.RestrictionLifted, event.PersonDeceased,
		event.ContactMerged, event.ContactUnmerged:
		return true
	}
	return false
}

// open fills in the personal values of facts, as the receipt shows them, and which
// event destroyed those that are gone. What was ordered to be destroyed is not opened,
// whether it is already or not.
func (d *Dossiers) open(ctx context.Context, receipt access.Receipt, recs []contact.Recorded) error {
	gone, err := d.destructions(ctx, recs)
	if err != nil {
		return err
	}
	for len(recs) > 0 {
		n := min(len(recs), page)
		if err := d.openPage(ctx, receipt, recs[:n], gone); err != nil {
			return err
		}
		recs = recs[n:]
	}
	return nil
}

// destructions reads what was destroyed of the persons that records are about.
func (d *Dossiers) destructions(ctx context.Context, recs []contact.Recorded) (map[domain.ID][]contact.Destruction, error) {
	out := map[domain.ID][]contact.Destruction{}
	for i := range recs {
		s := recs[i].Fact.Subject
		if _, known := out[s]; known || s.IsZero() {
			continue
		}
		out[s] = nil
		places, err := d.index.Destructions(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, p := range places {
			f, err := d.fact(ctx, p)
			if err != nil {
				return nil, err
			}
			if x, ok := contact.DestructionOf(p, f); ok {
				out[s] = append(out[s], x)
			}
		}
	}
	return out, nil
}

func (d *Dossiers) openPage(ctx context.Context, receipt access.Receipt, recs []contact.Recorded, gone map[domain.ID][]contact.Destruction) error {
	facts := make([]*event.Fact, len(recs))
	lost := make([]map[string]domain.ID, len(recs)) // by class, which event destroyed it
	doomed := map[*event.PartRef]bool{}
	for i := range recs {
		f := recs[i].Fact
		facts[i], lost[i] = f, map[string]domain.ID{}
		for j := range f.Parts {
			ref := &f.Parts[j]
			if by, ok := destroyer(gone[f.Subject], &recs[i], ref, false); ok {
				lost[i][ref.Class], doomed[ref] = by, true
			}
		}
	}
	opened, err := d.reader.Open(ctx, receipt, facts, func(ref *event.PartRef) bool {
		return !doomed[ref]
	})
	if err != nil {
		return err
	}
	for i := range opened {
		for j := range opened[i].Gone {
			ref := &opened[i].Gone[j]
			if by, ok := destroyer(gone[facts[i].Subject], &recs[i], ref, true); ok {
				lost[i][ref.Class] = by
			}
		}
		recs[i].Fields, recs[i].Masked = opened[i].Fields, opened[i].Masked
		if recs[i].Gone, err = pathsOf(d, &recs[i], lost[i]); err != nil {
			return err
		}
		if recs[i].Archived, err = pathsOf(d, &recs[i], archived(opened[i].Archived)); err != nil {
			return err
		}
	}
	return nil
}

// destroyer is the first event that destroyed, or ordered to destroy, a part; with
// done also what says that an order was carried out.
func destroyer(all []contact.Destruction, r *contact.Recorded, ref *event.PartRef, done bool) (by domain.ID, ok bool) {
	if ref.Owner != part.SubjectOwner(r.Fact.Subject) {
		return by, false
	}
	for i := range all {
		if x := &all[i]; (done || !x.Done) && x.Hits(r.Position, r.Fact.ID, ref.Class, ref.Epoch) {
			return x.By, true
		}
	}
	return by, false
}

// archived says since when classes are.
func archived(parts []access.Archived) map[string]domain.Time {
	if len(parts) == 0 {
		return nil
	}
	out := map[string]domain.Time{}
	for _, p := range parts {
		out[p.Class] = p.Since
	}
	return out
}

// pathsOf says which of a fact's fields lay in parts that were not opened, with what is
// said of the part's class.
func pathsOf[V any](d *Dossiers, r *contact.Recorded, said map[string]V) (map[string]V, error) {
	if len(said) == 0 {
		return nil, nil
	}
	out := map[string]V{}
	for _, path := range r.Fact.Fields {
		if slices.ContainsFunc(r.Fields, func(f event.Field) bool { return under(f.Path, path) }) {
			continue
		}
		class, err := d.classOf(r.Fact, path)
		if err != nil {
			return nil, err
		}
		if v, ok := said[class]; ok {
			out[path] = v
		}
	}
	return out, nil
}

// under reports whether a field is the one that a fact names, perhaps by a
// pattern such as custom.*
func under(path, named string) bool {
	prefix, pattern := strings.CutSuffix(named, "*")
	return path == named || pattern && strings.HasPrefix(path, prefix)
}

// classOf is the class of the part that a fact's field lies in, "" if it is not
// known.
func (d *Dossiers) classOf(f *event.Fact, path string) (string, error) {
	if len(f.Parts) == 1 {
		return f.Parts[0].Class, nil
	}
	return d.class(f.Policy, path)
}
