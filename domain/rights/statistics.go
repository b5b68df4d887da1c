package rights

import (
	"slices"
	"time"

	"greffe/domain/casefile"
)

// Count is how requests went, by numbers alone.
type Count struct {
	Received    int64 `json:"received"`
	Open        int64 `json:"open" doc:"The person has not been answered."`
	Overdue     int64 `json:"overdue" doc:"Open, and past its time."`
	Answered    int64 `json:"answered" doc:"And sent."`
	Refused     int64 `json:"refused" doc:"And sent."`
	Withdrawn   int64 `json:"withdrawn"`
	NothingHeld int64 `json:"nothing_held" doc:"Answered that nothing is held."`
	Partly      int64 `json:"partly" doc:"Answered, and refused in part."`
	Extended    int64 `json:"extended" doc:"By two further months, of which the person was told in time."`
	Late        int64 `json:"late" doc:"Answered or refused after its time."`
	MedianDays  int   `json:"median_days" doc:"From receipt until the person was told."`
	LongestDays int   `json:"longest_days"`

	days [maxDays + 1]int64
}

// maxDays bounds the delays that are told apart.
const maxDays = 400

// Statistics are what an authority asks of the requests of a period: how many of each
// right, and how long they took.
type Statistics struct {
	All     Count             `json:"all"`
	ByRight map[string]*Count `json:"by_right"`
}

// Add counts one request as it stands now.
func (t *Statistics) Add(s *casefile.Summary, now time.Time) {
	if t.ByRight == nil {
		t.ByRight = map[string]*Count{}
	}
	c := t.ByRight[s.Kind]
	if c == nil {
		c = new(Count)
		t.ByRight[s.Kind] = c
	}
	t.All.add(s, now)
	c.add(s, now)
}

func (c *Count) add(s *casefile.Summary, now time.Time) {
	c.Received++
	days, told := Days(s)
	switch {
	case told && s.Has(MarkRefused):
		c.Refused++
	case told:
		c.Answered++
	case s.Status == StatusWithdrawn:
		c.Withdrawn++
	default:
		c.Open++
	}
	for mark, n := range map[string]*int64{MarkNothingHeld: &c.NothingHeld, MarkPartly: &c.Partly, MarkExtended: &c.Extended, MarkLate: &c.Late} {
		if s.Has(mark) {
			*n++
		}
	}
	if s.Overdue(now) {
		c.Overdue++
	}
	if told {
		c.LongestDays = max(c.LongestDays, days)
		c.days[min(days, maxDays)]++
		c.MedianDays = c.median()
	}
}

// median is the lower one, in days.
func (c *Count) median() int {
	half := (c.Answered + c.Refused + 1) / 2
	return slices.IndexFunc(c.days[:], func(n int64) bool { half -= n; return half <= 0 })
}
