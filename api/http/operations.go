package httpapi

import (
	"context"

	"greffe/domain"
	"greffe/eventstore/access"
)

// DuplicateGroup is several subjects that may be one person. Nothing is merged
// by itself.
type DuplicateGroup struct {
	Subjects []domain.ID `json:"subjects" doc:"Two or more, sharing it; at most 200."`
	Likeness string      `json:"likeness" enum:"probable,shared" doc:"probable: a name and an address alike; shared: an address alone, as families and offices do."`
	By       []string    `json:"by" doc:"What they all share: email, phone, name."`
}

// DuplicatesQuery asks for a page of possible duplicates.
type DuplicatesQuery struct{ Paging }

func listDuplicates() endpoint {
	return finding(access.Reading{Action: "search", Categories: []string{"contact_details"}}, func(ctx context.Context, a *API, _ *Call, _ *DuplicatesQuery, page Page) (Found[DuplicateGroup], error) {
		return a.services.Operations.Duplicates(ctx, page)
	})
}
