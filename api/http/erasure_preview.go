package httpapi

import (
	"context"
	"strings"

	"greffe/domain"
	"greffe/eventstore/access"
)

// ErasurePreview is what an erasure would do if it were ordered now. It is decided as the
// order is.
type ErasurePreview struct {
	SubjectID  domain.ID      `json:"subject_id"`
	Persons    []domain.ID    `json:"persons" doc:"Contacts that are the person, by a merge: they go with it."`
	Whole      bool           `json:"whole" doc:"The person would be erased: nothing more could be recorded about it."`
	Destroyed  []ErasureClass `json:"destroyed" doc:"Classes of which something would be destroyed."`
	Kept       []ErasureClass `json:"kept" doc:"Classes that the law lets the controller keep (art. 17(3))."`
	Left       []ErasureClass `json:"left" doc:"Classes that nobody asked to destroy."`
	Held       []Held         `json:"held" doc:"What forbids it: holds and restrictions that stand. The order would be refused."`
	Opposition bool           `json:"opposition" doc:"Somebody objected: the opposition list keeps a token of each address, so that the objection outlives the erasure (art. 21(3))."`
	Recipients []string       `json:"recipients" doc:"Who would be told (art. 19), by the policy's codes."`
	NotHeld    []string       `json:"not_held" doc:"Recipients that never sent the ledger anything of the person under an id of theirs: there is nothing to tell them of."`
}

// ErasureClass is a class of data and how much there is of it.
type ErasureClass struct {
	Class  string      `json:"class"`
	Parts  int64       `json:"parts" doc:"Sealed parts, one an event and class."`
	Ground string      `json:"ground,omitempty" doc:"Why it is kept, by article."`
	Until  domain.Time `json:"until,omitzero" doc:"Until when; absent: as long as what it is kept for goes on, or not kept."`
}

// ErasurePreviewQuery asks what an erasure would do.
type ErasurePreviewQuery struct {
	ID      domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Classes string    `query:"classes" doc:"Retention classes to destroy, apart by commas; absent: everything that art. 17(3) does not let the controller keep, by the policy."`
}

func (q *ErasurePreviewQuery) classes() []string {
	return strings.FieldsFunc(q.Classes, func(r rune) bool { return r == ',' })
}

func previewErasure() endpoint {
	return opening(func(ctx context.Context, a *API, c *Call, in *ErasurePreviewQuery) (access.Reading, error) {
		if err := checkErasure(c.rules, Grounds()[0], in.classes()); err != nil {
			return access.Reading{}, err
		}
		below, err := a.knownBelow(ctx, "")
		if err != nil {
			return access.Reading{}, err
		}
		r, err := a.aboutPerson(ctx, c, "read", in.ID, below)
		r.Categories = []string{"requests"} // no word of the person's leaves: what there is of it, and what stands against
		return r, err
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ErasurePreviewQuery) (*ErasurePreview, error) {
		return a.services.Erasures.Foresee(ctx, r, ErasureOrder{Subject: in.ID, Classes: in.classes()})
	})
}
