package httpapi

import (
	"context"
	"net/http"
)

// Waiting counts what waits for somebody like the caller, where telling how much it is
// by its list would be an access to the persons on it. What the caller's roles may not
// list is absent.
type Waiting struct {
	Quarantine *WaitingCount `json:"quarantine,omitempty" doc:"Inputs set aside that are held still."`
	Watch      *WaitingCount `json:"watch,omitempty" doc:"Open alerts about unusual reads."`
	Due        *WaitingCount `json:"due,omitempty" doc:"Persons of whom something is past its term, or announced."`
}

// WaitingCount is how much waits.
type WaitingCount struct {
	Count int  `json:"count"`
	More  bool `json:"more" doc:"It is at least so much."`
}

// mostWaiting bounds what is counted.
const mostWaiting = 100

// getWaiting names nobody and gives nobody's id, so it is no access.
func getWaiting() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*Waiting, error) {
		out := &Waiting{}
		for _, one := range []struct {
			permission string
			into       **WaitingCount
			count      func(context.Context, int) (int, error)
		}{
			{"quarantine.read", &out.Quarantine, a.services.Quarantine.Waiting},
			{"watch.read", &out.Watch, a.services.Watch.Waiting},
			{"retention.read", &out.Due, a.services.Retention.Waiting},
		} {
			if c.principal.May(c.rules, one.permission) != nil {
				continue
			}
			n, err := one.count(ctx, mostWaiting+1)
			if err != nil {
				return nil, err
			}
			*one.into = &WaitingCount{Count: min(n, mostWaiting), More: n > mostWaiting}
		}
		return out, nil
	})
}
