package verify

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/fence"
)

// FenceState is what the vault remembers of the fence: how far it went, and up to where
// a restore carried it out, whose orders the log need not have.
type FenceState struct {
	Number   int64
	Hash     string // hex
	Replayed int64
}

// fence compares the fence with orders, both ways.
func (r *run) fence(ctx context.Context) error {
	if r.Fence == nil {
		return nil
	}
	fenced, certified := map[domain.ID]bool{}, r.certified()
	err := r.Fence(func(e *fence.Entry) error {
		r.sum.Fenced++
		fenced[e.By] = true
		return r.line(ctx, e)
	})
	var bad *fence.DamageError
	switch {
	case errors.As(err, &bad):
		r.find(Finding{Code: FenceAltered, Where: bad.File + ":" + strconv.FormatInt(bad.Line, 10), Detail: bad.Error()})
		return nil
	case errors.Is(err, fence.ErrMissing):
		if len(r.told.orders) > 0 || r.Fenced.Number > 0 {
			r.find(Finding{Code: FenceMissing, Where: "fence", Detail: err.Error()})
		}
		return nil
	case errors.Is(err, fence.ErrShort), errors.Is(err, fence.ErrOther):
		r.find(Finding{Code: FenceAltered, Where: "fence", Detail: err.Error()})
		return nil
	case err != nil:
		return err
	}
	if r.sum.Fenced < r.Fenced.Number {
		r.find(Finding{Code: FenceMissing, Where: "fence:" + strconv.FormatInt(r.sum.Fenced+1, 10),
			Detail: fmt.Sprintf("The fence ends at record %d, the vault knows it to go to %d: its end was cut off, or an older copy put in place.", r.sum.Fenced, r.Fenced.Number)})
	}
	for _, id := range certified {
		if o := r.told.orders[id]; !fenced[id] && o.at > r.told.fresh {
			r.find(Finding{Code: FenceMissing, Position: o.at, Event: id.String(), Where: "fence",
				Detail: "The erasure is certified, and the fence does not have it: a restored backup would bring the person back."})
		}
	}
	return nil
}

// certified are the orders that are done, before the fence is read: each has its line.
func (r *run) certified() (ids []domain.ID) {
	for id, o := range r.told.orders {
		if o.done {
			ids = append(ids, id)
		}
	}
	return ids
}

// line judges one record of the fence.
func (r *run) line(ctx context.Context, e *fence.Entry) error {
	at := "fence:" + strconv.FormatInt(e.Number, 10)
	if e.Number == r.Fenced.Number && hex.EncodeToString(e.Hash[:]) != r.Fenced.Hash {
		r.find(Finding{Code: FenceAltered, Where: at, Detail: "The vault knows another record of this number."})
	}
	for more := true; more; {
		o, ok := r.told.orders[e.By]
		if ok && o.of(e.Owner) || e.Number <= r.Fenced.Replayed {
			return nil
		}
		var err error
		if more, err = r.later(ctx); err != nil {
			return err
		}
	}
	r.find(Finding{Code: FenceStray, Position: e.Position, Event: e.By.String(), Where: at, Detail: "The fence has a destruction whose order the log does not have: the log was rolled back."})
	return nil
}

// of reports that an order may destroy what is an owner's: an erasure also takes what
// was set aside or staged about the person.
func (o *ordered) of(owner part.Owner) bool {
	switch {
	case o.owner.Kind != 0:
		return owner == o.owner
	case owner.Kind == part.Subject:
		return owner.ID == o.subject
	}
	return owner.Kind == part.Quarantine || owner.Kind == part.Delivery
}

// metas compares small values of the vault with facts.
func (r *run) metas(ctx context.Context) error {
	id, err := r.Vault.Meta(ctx, "ledger_id")
	if err != nil {
		return err
	}
	for _, origin := range r.Origins {
		if len(id) != len(domain.ID{}) || origin != "greffe/"+domain.ID(id).String() && !strings.HasPrefix(origin, "greffe/"+domain.ID(id).String()+"/") {
			r.find(Finding{Code: MetaAltered, Where: where("meta", "ledger_id"), Detail: "The ledger's id is not that of its signed heads."})
			break
		}
	}
	b, err := r.Vault.Meta(ctx, "policies")
	if err != nil || b == nil {
		return err
	}
	if !r.knows(string(b)) {
		r.find(Finding{Code: MetaAltered, Where: where("meta", "policies"), Detail: "The vault remembers other positions of published policies than the log has: another policy would be in force."})
	}
	return nil
}

// knows compares the positions of policies that the vault remembers: up to the first,
// these.
func (r *run) knows(text string) bool {
	var list []domain.Position
	for s := range strings.SplitSeq(text, ",") {
		p, err := domain.ParsePosition(s)
		if err != nil {
			return false
		}
		list = append(list, p)
	}
	n := 0
	for _, p := range r.told.policies {
		if p >= list[0] {
			break
		}
		if n++; n >= len(list) || list[n] != p {
			return false
		}
	}
	return n == len(list)-1
}
