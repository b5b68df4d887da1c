package console

import (
	"context"
	"net/http"
)

// progress is how far something is that takes its time. A page shows it by the template
// "progress"; live.js follows Stream and keeps it up to date.
type progress struct {
	Stream string `json:"-"`              // its address, from which progressFrames come
	Here   string `json:"-"`              // the page, to look again without scripts
	Done   int64  `json:"done"`           // of Total; -1: nobody can tell
	Total  int64  `json:"total"`          // 0: nobody can tell
	Text   string `json:"text"`           // how far it is, in a sentence
	Ended  bool   `json:"ended"`          // it is done or failed; the page is loaded again
	Href   string `json:"href,omitempty"` // where to go once it ended; "": the same page
}

// Known reports that a share can be shown.
func (p progress) Known() bool { return p.Total > 0 && p.Done >= 0 }

// progressStream streams how far something is, as an event "progress" whenever that
// changed, until it ended.
func (c *Console) progressStream(look func(context.Context, *visit) (progress, error)) http.HandlerFunc {
	return c.live(func(ctx context.Context, v *visit) (follower, error) {
		first, err := look(ctx, v)
		if err != nil {
			return nil, err
		}
		var told *progress
		return func(ctx context.Context) ([]frame, error) {
			now := first
			if told != nil {
				var err error
				if now, err = look(ctx, v); err != nil {
					return nil, err
				}
			}
			if told != nil && *told == now {
				return nil, nil
			}
			told = &now
			return []frame{{event: "progress", data: now, last: now.Ended}}, nil
		}, nil
	})
}
