package httpapi

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"greffe/api/ingest"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/ledger"
)

// Ingest takes other systems' records: the mappings there are, and the record
// path behind them.
type Ingest interface {
	ingest.Recorder
	List() []ingest.Info
	Find(name string) (*ingest.Mapping, bool)
}

const (
	maxIngestBytes = 4 << 20
	mediaForm      = "application/x-www-form-urlencoded"
	mediaPlainCSV  = "text/csv"
	mediaPlainText = "text/plain"
	mediaBytes     = "application/octet-stream"
)

func ingestRoutes() []Route {
	return []Route{
		{http.MethodGet, "/v1/ingest", "producers.read", "The mappings of other systems' records, and what each expects",
			Limits{Timeout: 30 * time.Second, Rate: RateRead}, false, listMappings(), nil},
		{http.MethodPost, "/v1/ingest/{mapping}", "events.write", "Record what another system sends, in its own shape; signed, by Basic, or by token",
			Limits{Body: maxIngestBytes, Timeout: time.Minute, Rate: RateIngest}, false, postIngest(),
			[]problem.Code{problem.SignatureInvalid, problem.Busy, problem.StateUnknown, problem.StorageFull, problem.TooManyEvents, problem.SourceForbidden, problem.TypeForbidden}},
	}
}

func listMappings() endpoint {
	return plain(http.StatusOK, func(_ context.Context, a *API, c *Call, _ *struct{}) (*List[ingest.Info], error) {
		items := slices.Clone(a.services.Ingest.List())
		for i := range items {
			if problem.Language(c.r) == "fr" {
				items[i].About = cmp.Or(items[i].AboutFR, items[i].About)
			}
		}
		return &List[ingest.Info]{Items: items}, nil
	})
}

// IngestInput says by which mapping a body is read.
type IngestInput struct {
	Mapping string `path:"mapping" doc:"Name of a mapping; GET /v1/ingest lists them."`
	Source  string `query:"source" doc:"Source of the events, where it is not the mapping's own: that and more behind a slash, such as brevo/fr."`
}

// IngestResult answers one record, in input order.
type IngestResult struct {
	ID      string        `json:"id" doc:"Of the record: the sender's own, else a digest."`
	Status  string        `json:"status" enum:"quarantined,conflict,forbidden,recorded,erased,duplicate,ignored" doc:"The most notable of what became of it."`
	Ignored string        `json:"ignored,omitempty" doc:"Why the mapping leaves it out."`
	Events  []EventResult `json:"events,omitempty"`
	Aside   *EventResult  `json:"aside,omitempty" doc:"Set if the record itself is in quarantine, and why; what protects people was recorded all the same."`
}

// IngestCounts counts records by status.
type IngestCounts struct {
	Records     int `json:"records"`
	Recorded    int `json:"recorded"`
	Duplicates  int `json:"duplicates"`
	Quarantined int `json:"quarantined"`
	Conflicts   int `json:"conflicts"`
	Erased      int `json:"erased" doc:"About somebody who was erased; nothing was stored."`
	Forbidden   int `json:"forbidden" doc:"Of which the token may not send something; the rest was recorded."`
	Ignored     int `json:"ignored" doc:"Left out by the mapping, with its reason."`
}

// IngestResults is the answer. It is given only when everything is durable.
type IngestResults struct {
	Results  []IngestResult  `json:"results"`
	Counts   IngestCounts    `json:"counts"`
	Position domain.Position `json:"position"`
}

func postIngest() endpoint {
	e := plain(http.StatusOK, ingestRecords)
	e.takes = []string{mediaJSON, mediaNDJSON, mediaPlainCSV, mediaForm, mediaPlainText, mediaBytes}
	e.out = typeOf[IngestResults]()
	e.sender = true
	return e
}

func ingestRecords(ctx context.Context, a *API, c *Call, in *IngestInput) (answer, error) {
	m, ok := a.services.Ingest.Find(in.Mapping)
	if !ok {
		return answer{}, problem.At(problem.NotFound, "mapping")
	}
	source, ok := m.SourceFor(in.Source)
	if !ok {
		return answer{}, problem.At(problem.ParameterInvalid, "source")
	}
	records, err := c.records(m)
	if err != nil {
		return answer{}, err
	}
	mapped := m.MapAll(ctx, records, source)
	barred, err := a.bar(c, mapped)
	if err != nil {
		return answer{}, err
	}
	outcomes, err := ingest.Take(ctx, a.services.Ingest, mapped)
	if err != nil {
		if p := problem.From(classify(err)); p.Code == problem.Internal || p.Code == problem.Timeout {
			err = &problem.Error{Code: problem.StateUnknown, Cause: err}
		}
		return answer{}, err
	}
	return a.ingested(ctx, c, outcomes, barred)
}

// records reads the body by the mapping's input, or by what the sender says it is.
func (c *Call) records(m *ingest.Mapping) ([]ingest.Record, error) {
	takes := []string{"", mediaJSON, mediaNDJSON, mediaForm, mediaPlainText, mediaBytes}
	if m.Info().Input == ingest.CSV {
		takes = []string{"", mediaPlainCSV, mediaPlainText, mediaBytes}
	}
	src, media, err := c.openBody(takes...)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	buffered := bufio.NewReader(src)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		return nil, problem.New(problem.BodyMissing)
	}
	form := map[string]ingest.Input{mediaJSON: ingest.JSON, mediaNDJSON: ingest.NDJSON, mediaForm: ingest.Form}[media]
	var out []ingest.Record
	for rec, err := range m.Records(buffered, form) {
		switch {
		case errors.Is(err, ingest.ErrRecordTooLong):
			return nil, problem.New(problem.BodyTooLarge)
		case errors.Is(err, ingest.ErrColumns):
			return nil, problem.At(problem.FieldRequired, "columns")
		case err != nil:
			return nil, bodyError(err)
		case len(out) == maxBatchEvents:
			return nil, problem.New(problem.TooManyEvents)
		}
		out = append(out, rec)
	}
	return out, nil
}

func (a *API) ingested(ctx context.Context, c *Call, outcomes []ingest.Outcome, barred barred) (answer, error) {
	out := IngestResults{Results: IngestResultsOf(outcomes), Counts: IngestCounts{Records: len(outcomes)}}
	var last *domain.Position
	for i := range out.Results {
		r := &out.Results[i]
		for j := range r.Events {
			a.metrics.events.WithLabelValues(string(r.Events[j].Status)).Inc()
		}
		if r.Aside != nil {
			a.metrics.events.WithLabelValues(string(r.Aside.Status)).Inc()
		}
		last = latest(last, r.Events)
	}
	barred.restore(out.Results)
	for i := range out.Results {
		out.Counts.Add(out.Results[i].Status)
	}
	if last == nil { // nothing new: everything there is, is below the head
		head, err := a.services.Ledger.Head(ctx)
		if err != nil {
			return answer{}, fmt.Errorf("head: %w", err)
		}
		head = max(head, 1) - 1
		last = &head
	}
	out.Position = *last
	return a.projected(ctx, c, out.Position, answer{status: http.StatusOK, body: out})
}

// IngestResultsOf is what outcomes say in an answer.
func IngestResultsOf(outcomes []ingest.Outcome) []IngestResult {
	out := make([]IngestResult, len(outcomes))
	for i := range outcomes {
		o := &outcomes[i]
		out[i] = IngestResult{ID: o.ID, Status: o.Status(), Ignored: o.Ignored}
		for j := range o.Events {
			out[i].Events = append(out[i].Events, resultOf(&o.Events[j]))
		}
		if o.Aside == nil {
			continue
		}
		aside := resultOf(o.Aside)
		if aside.Status == ledger.Quarantined {
			aside.Error.Message = "This record could not be read as a whole; it is in quarantine as it came. Correct the mapping or the record."
		}
		out[i].Aside = &aside
	}
	return out
}

// Add counts a record by its status.
func (n *IngestCounts) Add(status string) {
	switch ledger.Status(status) {
	case ledger.Recorded:
		n.Recorded++
	case ledger.Duplicate:
		n.Duplicates++
	case ledger.Quarantined:
		n.Quarantined++
	case ledger.Conflict:
		n.Conflicts++
	case ledger.Erased:
		n.Erased++
	case statusForbidden:
		n.Forbidden++
	default:
		n.Ignored++
	}
}
