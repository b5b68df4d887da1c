package verify

import (
	"context"
	"encoding/hex"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// The kinds of ids that links must lead to.
const (
	ofSubject byte = iota
	ofAccount
	ofSource
)

// linkedIDs are the ids that facts name and that some link must lead to.
type linkedIDs struct {
	ids  *table
	full domain.Position // from here on facts were left out for want of room; 0: none
}

const (
	wanted uint32 = iota
	met
)

// want notes whom a fact names.
func (w *linkedIDs) want(p domain.Position, f *event.Fact) {
	if f.Source.IsZero() || w.full > 0 {
		return
	}
	ok := true
	put := func(kind byte, id domain.ID) {
		if id.IsZero() {
			return
		}
		if _, there := w.ids.get(kind, id); !there {
			ok = w.ids.put(kind, id, wanted) && ok
		}
	}
	put(ofSource, f.Source)
	put(ofSubject, f.Subject)
	if f.Type == event.AccountCreated && f.Codes.String("kind") == "upstream" {
		put(ofAccount, f.Actor)
	}
	if !ok {
		w.full = p
	}
}

// links checks the MAC of every link, and that whoever a fact names is linked. People
// beyond what one walk has room for are looked at in further ones.
func (r *run) links(ctx context.Context, head domain.Position) error {
	first := true
	for {
		err := r.Vault.WalkLinks(ctx, func(l vault.Link) error {
			if first {
				r.sum.Links++
				if r.MACs != nil && l.MAC != r.MACs.Link(l.Token, l.ID) {
					r.find(Finding{Code: LinkAltered, Where: where("link", brief(l.Token)), Detail: "The link's MAC is not right: token, id or MAC was altered, or the ledger did not make it."})
				}
			}
			for _, kind := range []byte{ofSubject, ofAccount, ofSource} {
				if val, ok := r.linked.ids.get(kind, l.ID); ok && val == wanted {
					r.linked.ids.put(kind, l.ID, met)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := r.unlinked(ctx, head); err != nil {
			return err
		}
		from := r.linked.full
		if from == 0 {
			return nil
		}
		first = false
		r.linked = &linkedIDs{ids: newTable()}
		if err := r.Log.Read(ctx, from, head, func(p domain.Position, b []byte) error {
			if f, err := event.DecodeFact(b); err == nil {
				r.linked.want(p, f)
			}
			return nil
		}); err != nil {
			return err
		}
	}
}

// unlinked names the first fact of everybody whom no link leads to.
func (r *run) unlinked(ctx context.Context, head domain.Position) error {
	missing := false
	for i, fp := range r.linked.ids.fps {
		missing = missing || fp != 0 && r.linked.ids.vals[i] == wanted
	}
	if !missing {
		return nil
	}
	return r.Log.Read(ctx, 0, head, func(p domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err != nil || f.Source.IsZero() {
			return nil
		}
		for kind, id := range map[byte]domain.ID{ofSubject: f.Subject, ofSource: f.Source, ofAccount: f.Actor} {
			if val, ok := r.linked.ids.get(kind, id); ok && val == wanted {
				r.linked.ids.put(kind, id, met)
				r.find(Finding{Code: LinkMissing, Position: p, Event: f.ID.String(), Where: where("link", "→"+id.String()),
					Detail: "No link leads to whom this fact names: the same upstream name would be taken for somebody new."})
			}
		}
		return nil
	})
}

// holds compares quarantine markers, and notes of erasures, with the facts, both ways.
func (r *run) holds(ctx context.Context) error {
	want := r.told.markers()
	err := r.Vault.WalkHolds(ctx, func(h vault.Hold) error {
		r.sum.Holds++
		f := Finding{Where: where("hold", brief(h.Token))}
		_, known := want[h.ID]
		if !known { // set aside since
			if _, err := r.later(ctx); err != nil {
				return err
			}
			_, known = r.told.markers()[h.ID]
		}
		switch {
		case r.MACs != nil && h.MAC != r.MACs.Hold(h.Token, h.ID):
			f.Code, f.Detail = HoldAltered, "The marker's MAC is not right: token, id or MAC was altered, or the ledger did not make it."
		case !known:
			f.Code, f.Event, f.Detail = HoldStray, h.ID.String(), "The marker is of an input that is not in quarantine any more, and of nothing else that facts tell."
		default:
			want[h.ID] = true
			return nil
		}
		r.find(f)
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := r.later(ctx); err != nil {
		return err
	}
	still := r.told.markers()
	for id, met := range want {
		if _, wanted := still[id]; wanted && !met {
			r.find(Finding{Code: HoldMissing, Position: r.told.held[id].at, Event: id.String(), Where: where("hold", "→"+id.String()),
				Detail: "An input in quarantine, or a note of an erasure, has no marker: the same input would be set aside again."})
		}
	}
	return nil
}

// markers are the ids that markers must name, and whether one was met: not yet.
func (d *destructions) markers() map[domain.ID]bool {
	ids := make(map[domain.ID]bool, len(d.held)+len(d.notes))
	for id := range d.held {
		ids[id] = false
	}
	for _, id := range d.notes {
		ids[id] = false
	}
	return ids
}

// brief is the beginning of a token, enough to find its row.
func brief(t token.Token) string { return hex.EncodeToString(t[:4]) }
