package backup

import (
	"context"
	"time"

	"greffe/domain"
	"greffe/eventstore"
)

// restTimes is how many times as long as it worked a copy rests while others
// record: it may take a fifth of the time.
const (
	restTimes   = 4
	longestRest = time.Second
)

// pace leaves the machine to who records meanwhile.
type pace struct {
	log  eventstore.Log
	last domain.Position // the log's head at the last rest
	from time.Time       // the end of it
}

func newPace(ctx context.Context, log eventstore.Log) (*pace, error) {
	head, err := log.Head(ctx)
	return &pace{log, head, time.Now()}, err
}

// rest returns at once if nothing was recorded since the last.
func (p *pace) rest(ctx context.Context) error {
	head, err := p.log.Head(ctx)
	if err != nil {
		return err
	}
	if head != p.last {
		timer := time.NewTimer(min(restTimes*time.Since(p.from), longestRest))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.last, p.from = head, time.Now()
	return nil
}
