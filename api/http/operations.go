package httpapi

import (
	"context"
	"net/http"
	"time"

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

// Producer is what one source has sent.
type Producer struct {
	ID           domain.ID       `json:"id" doc:"The ledger's id of the source."`
	Name         string          `json:"name,omitempty" doc:"As the source calls itself."`
	Events       int64           `json:"events"`
	LastRecorded *time.Time      `json:"last_recorded,omitempty"`
	Position     domain.Position `json:"position" doc:"Of its last event."`
	First        *int64          `json:"first,omitempty" doc:"Lowest sequence number; absent if it does not count."`
	Last         *int64          `json:"last,omitempty" doc:"Highest sequence number."`
	Late         int64           `json:"late" doc:"Numbers that came after a higher one."`
	Gaps         []Gap           `json:"gaps" doc:"Sequence numbers not seen; at most 1,000 ranges, the highest."`
}

// Gap is a range of sequence numbers, both ends included.
type Gap struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// ProducersQuery asks for a page of producers.
type ProducersQuery struct{ Paging }

func listProducers() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *ProducersQuery) (*List[Producer], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		items, next, err := a.services.Operations.Producers(ctx, page)
		if err != nil {
			return nil, err
		}
		for i := range items {
			if items[i].Gaps == nil {
				items[i].Gaps = []Gap{}
			}
		}
		if items == nil {
			items = []Producer{}
		}
		return &List[Producer]{items, next}, nil
	})
}
