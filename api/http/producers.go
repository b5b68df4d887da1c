package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"greffe/api/problem"
	"greffe/domain"
)

// Producers says whether what the sources sent is all there.
type Producers interface {
	List(ctx context.Context, page Page) (items []Producer, next string, err error)
	// Days lists the days of [from, to), or ErrNotFound for a source of which nothing
	// came.
	Days(ctx context.Context, source domain.ID, from, to time.Time) ([]ProducerDay, error)
	// Statement signs what was recorded of a source in [from, to), or ErrNotFound.
	Statement(ctx context.Context, source domain.ID, from, to time.Time) (*ProducerStatement, error)
	Kafka(ctx context.Context) (*KafkaCoverage, error)
}

// Producer is what one source has sent.
type Producer struct {
	ID           domain.ID       `json:"id" doc:"The ledger's id of the source."`
	Name         string          `json:"name,omitempty" doc:"As the source calls itself."`
	Events       int64           `json:"events" doc:"Recorded."`
	SetAside     int64           `json:"set_aside" doc:"Inputs that went to quarantine, repaired ones included."`
	LastRecorded *time.Time      `json:"last_recorded,omitempty"`
	Position     domain.Position `json:"position" doc:"Of its last event or quarantined input."`
	First        *int64          `json:"first,omitempty" doc:"Lowest sequence number since it last began to number; absent if it does not."`
	Last         *int64          `json:"last,omitempty" doc:"Highest sequence number since then."`
	Count        int64           `json:"count" doc:"Distinct sequence numbers."`
	Late         int64           `json:"late" doc:"Of them, those that came after a higher one."`
	Repeats      int64           `json:"repeats" doc:"Sequence numbers sent again with another event; they do not count."`
	Restarts     int64           `json:"restarts" doc:"Times it began to number anew, which is no gap."`
	Missing      int64           `json:"missing" doc:"Sequence numbers that did not come; those of inputs in quarantine are among them until they are repaired."`
	Gaps         []Gap           `json:"gaps" doc:"Where they are missing; at most 1,000 ranges, the newest."`
	MoreGaps     int64           `json:"more_gaps,omitzero" doc:"Ranges beyond these."`
	Silence      Silence         `json:"silence"`
}

// Gap is a range of sequence numbers, both ends included.
type Gap struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
	Run  int64 `json:"run,omitzero" doc:"Which numbering, if the source began anew: the second is 2."`
}

// Silence says whether a source is silent beyond its habit.
type Silence struct {
	State    string     `json:"state" enum:"unknown,within_habit,silent" doc:"unknown: on fewer than six days of the last eight weeks, or over less than three weeks, something came."`
	Since    *time.Time `json:"since,omitempty" doc:"When something came last."`
	Expected *time.Time `json:"expected_by,omitempty" doc:"Its longest silence of eight weeks that began in this hour of the week, an eighth of that (at least two hours) and public holidays later. Absent while the habit is unknown."`
}

// ProducersQuery asks for a page of producers.
type ProducersQuery struct{ Paging }

// Date is a day, as YYYY-MM-DD.
type Date struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Date) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil || t.Year() < 1970 || t.Year() > 9000 {
		return errText
	}
	d.Time = t
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Date) MarshalText() ([]byte, error) { return d.AppendFormat(nil, time.DateOnly), nil }

// ProducerDaysQuery asks for days of a source.
type ProducerDaysQuery struct {
	Source domain.ID `path:"source" doc:"The source, by the ledger's id."`
	From   Date      `query:"from" doc:"First day (YYYY-MM-DD, UTC); 29 days before the last one if absent."`
	To     Date      `query:"to" doc:"Day after the last one; tomorrow if absent. At most 400 days."`
}

// ProducerDay is what a source sent on one day (UTC, by recording); days without
// anything are there too.
type ProducerDay struct {
	Date       string `json:"date"`
	Events     int64  `json:"events"`
	SetAside   int64  `json:"set_aside"`
	First      *int64 `json:"first,omitempty" doc:"Lowest sequence number that came."`
	Last       *int64 `json:"last,omitempty" doc:"Highest sequence number that came."`
	GapsOpened int64  `json:"gaps_opened" doc:"Ranges that turned out missing; one that is split counts."`
	GapsClosed int64  `json:"gaps_closed" doc:"Ranges that came completely."`
	Missing    int64  `json:"missing" doc:"Numbers that turned out missing."`
	Recovered  int64  `json:"recovered" doc:"Missing numbers that came."`
}

// ProducerStatementQuery asks for a statement.
type ProducerStatementQuery struct {
	Source domain.ID `path:"source" doc:"The source, by the ledger's id."`
	From   time.Time `query:"from" doc:"Beginning of the period, by recording (RFC 3339)."`
	To     time.Time `query:"to" doc:"Its end (RFC 3339), exclusive; a minute ago or earlier, since what is being recorded now still belongs to now."`
}

// ProducerStatement is a signed statement and what it says.
type ProducerStatement struct {
	Note     string          `json:"note" doc:"The signed statement (c2sp.org/signed-note), as it is checked."`
	Source   domain.ID       `json:"source"`
	From     time.Time       `json:"from"`
	To       time.Time       `json:"to"`
	First    domain.Position `json:"first_position" doc:"The period's facts stand from here"`
	Next     domain.Position `json:"next_position" doc:"to before here."`
	Events   int64           `json:"events" doc:"Of the source in them; may be 0."`
	SetAside int64           `json:"set_aside"`
	Lowest   *int64          `json:"first,omitempty" doc:"Lowest sequence number."`
	Highest  *int64          `json:"last,omitempty" doc:"Highest sequence number."`
	Gaps     int64           `json:"gaps" doc:"Ranges missing among the period's own numbers."`
	Missing  int64           `json:"missing"`
	Restarts int64           `json:"restarts"`
	Size     domain.Position `json:"size" doc:"Of the signed head that covers the period."`
}

// KafkaCoverage says which messages this node's consumer group took in.
type KafkaCoverage struct {
	Takes      bool             `json:"takes" doc:"This node takes events from Kafka."`
	Group      string           `json:"group,omitempty"`
	Joined     bool             `json:"joined" doc:"It is a member of its consumer group now."`
	Partitions []KafkaPartition `json:"partitions" doc:"Those this node reads or has read, and those that lost messages."`
	MoreLost   bool             `json:"more_lost,omitzero" doc:"More than 1,000 ranges were lost; these are the first."`
}

// KafkaPartition is how far one partition was taken in. Offsets are absent where
// they are not known.
type KafkaPartition struct {
	Topic     string      `json:"topic"`
	Partition int         `json:"partition"`
	Assigned  bool        `json:"assigned" doc:"To this node, now; other nodes tell of theirs."`
	Kept      *int64      `json:"kept_from,omitempty" doc:"Oldest offset that the broker keeps."`
	Taken     *int64      `json:"taken_to,omitempty" doc:"Everything before it is durable here, or in quarantine, or was left out with a reason; but for what was lost."`
	Committed *int64      `json:"committed,omitempty" doc:"The same, as the group has told the broker."`
	End       *int64      `json:"end,omitempty" doc:"Offset of the next message to come."`
	Lag       *int64      `json:"lag,omitempty" doc:"Messages not committed yet."`
	Lost      []KafkaLost `json:"lost"`
}

// KafkaLost is a range of offsets whose messages were gone before they were read.
type KafkaLost struct {
	From     int64           `json:"from"`
	To       int64           `json:"to" doc:"Exclusive. recreated: where reading went on in the new topic."`
	Reason   string          `json:"reason" enum:"retention,recreated"`
	Position domain.Position `json:"position" doc:"Of the fact that says so."`
}

const (
	// maxDays is how many days one answer tells of.
	maxDays = 400
	// settled is how long ago a period must have ended: what is recorded has its time
	// before it has its position, and nodes' clocks differ.
	settled = time.Minute
)

func producerRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	recount := Limits{Timeout: time.Minute, Rate: RateSearch}
	get := http.MethodGet
	return []Route{
		{get, "/v1/producers", "producers.read", "What each source has sent, gaps in its numbering, silence beyond its habit", read, false, listProducers(), nil},
		{get, "/v1/producers/kafka", "producers.read", "Which offsets of Kafka were taken in, and which were lost", read, false, getKafkaCoverage(), nil},
		{get, "/v1/producers/{source}/days", "producers.read", "What a source sent, day by day, empty days too", read, false, listProducerDays(), nil},
		{get, "/v1/producers/{source}/statement", "producers.read", "Signed: how many events of a source were recorded in a period, none included", recount, false, getProducerStatement(), nil},
	}
}

func listProducers() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *ProducersQuery) (*List[Producer], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		items, next, err := a.services.Producers.List(ctx, page)
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

func getKafkaCoverage() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*KafkaCoverage, error) {
		k, err := a.services.Producers.Kafka(ctx)
		if err != nil {
			return nil, err
		}
		if k.Partitions == nil {
			k.Partitions = []KafkaPartition{}
		}
		for i := range k.Partitions {
			if k.Partitions[i].Lost == nil {
				k.Partitions[i].Lost = []KafkaLost{}
			}
		}
		return k, nil
	})
}

func listProducerDays() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *ProducerDaysQuery) (*List[ProducerDay], error) {
		const day = 24 * time.Hour
		if in.To.IsZero() {
			in.To.Time = a.cfg.Now().UTC().Truncate(day).Add(day)
		}
		if in.From.IsZero() {
			in.From.Time = in.To.Add(-30 * day)
		}
		if span := in.To.Sub(in.From.Time); span <= 0 || span > maxDays*day {
			return nil, problem.At(problem.ParameterInvalid, "to")
		}
		items, err := a.services.Producers.Days(ctx, in.Source, in.From.Time, in.To.Time)
		if err != nil {
			return nil, err
		}
		return &List[ProducerDay]{Items: items}, nil
	})
}

func getProducerStatement() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *ProducerStatementQuery) (answer, error) {
		now := a.cfg.Now()
		switch {
		case in.From.IsZero(), in.From.Nanosecond()%1000 != 0:
			return answer{}, problem.At(problem.ParameterInvalid, "from")
		case !in.From.Before(in.To), in.To.After(now.Add(-settled)), in.To.Nanosecond()%1000 != 0:
			return answer{}, problem.At(problem.ParameterInvalid, "to")
		}
		s, err := a.services.Producers.Statement(ctx, in.Source, in.From.UTC(), in.To.UTC())
		if err != nil {
			return answer{}, fmt.Errorf("statement: %w", err)
		}
		if strings.Contains(c.r.Header.Get("Accept"), mediaJSON) {
			return answer{status: http.StatusOK, body: s}, nil
		}
		return answer{status: http.StatusOK, bytes: []byte(s.Note), media: mediaText}, nil
	})
	e.gives = []string{mediaText, mediaJSON}
	return e
}
