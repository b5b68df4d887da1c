package checker

import "time"

// warning is how long after a deadline its miss may stay unsaid.
const warning = 26 * time.Hour

// request is a rights request (art. 12(3)).
type request struct {
	at            int64
	subject       string
	received, due time.Time
	extended      bool // a letter of it went out inside the month
	asked         bool // an extension was decided
	done, warned  time.Time
}

// desk takes in a step of a request.
func (c *check) desk(f *fact) {
	if f.Type == "request.received" {
		received := or(f.Said.ReceivedAt, f.Time)
		c.requests[f.ID] = &request{at: f.at, subject: f.Subject, received: received, due: deadline(received, 1)}
		c.report.Requests++
		return
	}
	r := c.requests[f.Said.Case]
	if r == nil {
		return
	}
	switch f.Type {
	case "request.extended":
		r.asked = !f.Recorded.After(r.due)
	case "request.dispatched":
		sent := or(f.Said.SentAt, f.Time)
		switch {
		case f.Said.Of == "extension" && r.asked && !r.extended && sent.Before(r.due):
			r.extended, r.due = true, deadline(r.received, 3)
		case (f.Said.Of == "answer" || f.Said.Of == "refusal") && r.done.IsZero():
			r.done = sent
		}
	case "request.withdrawn":
		r.done = f.Time
	case "request.reminded":
		if f.Said.Threshold == "overdue" && r.warned.IsZero() && !f.Recorded.Before(r.due) {
			r.warned = f.Recorded
		}
	}
}

// inTime judges every request, at the end.
func (c *check) inTime(now time.Time) {
	for _, r := range c.requests {
		end := or(r.done, now)
		if end.Before(r.due) {
			continue
		}
		c.report.Late++
		if by := r.due.Add(warning); end.After(by) && (r.warned.IsZero() || r.warned.After(by)) {
			c.find(Request, r.at, r.subject, "a request was due on "+r.due.Add(-time.Second).Format(time.DateOnly)+" and nobody was told that it is late")
		}
	}
}
