package decisions

import (
	"context"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// bounceAfter is for how long a message is tried before it comes back (RFC 5321
// §4.5.4.1: four to five days).
const bounceAfter = 5 * 24 * time.Hour

// sendings leaves out the bounces of messages whose sending was told as well, so
// that a message counts once.
func (c *rechecking) sendings(ctx context.Context) error {
	kept := c.made[:0]
	for _, m := range c.made {
		if m.Fact.Codes.String("kind") == "bounce" {
			told, err := c.sent(ctx, &m)
			if err != nil {
				return fmt.Errorf("sending of a message that came back: %w", err)
			}
			if told {
				continue
			}
		}
		kept = append(kept, m)
	}
	c.made = kept
	return nil
}

// sent looks for the sending of a message that came back: one that was told
// delivered is not it, nor one of another reference or campaign.
func (c *rechecking) sent(ctx context.Context, bounce *Made) (bool, error) {
	const page = 500
	at := bounce.Query.At
	from, _, err := c.ticks.clock.Recorded(ctx, at.Add(-bounceAfter))
	if err != nil {
		return false, err
	}
	for {
		places, err := c.ticks.clock.Positions(ctx, bounce.Fact.Subject, from, c.calls, page)
		if err != nil {
			return false, err
		}
		for _, p := range places {
			found := false
			err := c.ticks.log.Read(ctx, p, p+1, func(_ domain.Position, b []byte) error {
				f, err := event.DecodeFact(b)
				if err != nil {
					return fmt.Errorf("fact at position %d: %w", p, err)
				}
				q, ok := queryOf(f)
				found = ok && f.Codes.String("kind") == "sent" && f.Codes.String("outcome") != "delivered" && q.Channel == bounce.Query.Channel &&
					!q.At.After(at) && at.Sub(q.At) <= bounceAfter
				return nil
			})
			if found && err == nil {
				found, err = c.same(ctx, p, bounce.Position)
			}
			if err != nil || found {
				return found, err
			}
			from = p + 1
		}
		if len(places) < page {
			return false, nil
		}
	}
}

// same reports whether two facts may be of one message: of one reference if both
// tell theirs, else of one campaign if both do.
func (c *rechecking) same(ctx context.Context, a, b domain.Position) (bool, error) {
	paths := []string{"interaction.reference", "interaction.campaign"}
	got, err := c.d.Opener.Open(ctx, []domain.Position{min(a, b), max(a, b)}, paths)
	if err != nil || len(got) != 2 {
		return false, err
	}
	for _, path := range paths {
		one, other := got[0].at(path), got[1].at(path)
		if one != "" && other != "" {
			return one == other, nil
		}
	}
	return true, nil
}

// at is the value at a path as it stands; "" if there is none.
func (o *Opened) at(path string) string {
	for _, f := range o.Fields {
		if f.Path == path {
			return string(f.Value)
		}
	}
	return ""
}
