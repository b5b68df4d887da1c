package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/inspection"
	"greffe/eventstore/access"
)

// Inspections opens the ledger to an authority (contrôle de la CNIL). Whatever
// opens something sealed asks for the receipt of the access.
type Inspections interface {
	// Open records that an inspection begins; o was checked.
	Open(ctx context.Context, actor domain.ID, o inspection.Opening) (*OpenedInspection, error)
	// List lists them, the first opened first.
	List(ctx context.Context, r access.Receipt, page Page) (items []inspection.Inspection, next string, err error)
	// Get is one, or ErrNotFound.
	Get(ctx context.Context, r access.Receipt, id domain.ID) (*inspection.Inspection, error)
	// Standing is nil while one is open, ErrConflict once it is closed, or
	// ErrNotFound. It opens nothing.
	Standing(ctx context.Context, id domain.ID) error
	// Close records that one has ended; remark is sealed.
	Close(ctx context.Context, actor, id domain.ID, remark string) (*ClosedInspection, error)
	// Consulted lists what was read and copied under one.
	Consulted(ctx context.Context, r access.Receipt, id domain.ID, page Page) (*Consulted, error)
	// People counts those of whom the ledger knows something.
	People(ctx context.Context) (int64, error)
	// Bundle writes the bundle as a zip. Of what it opens besides, it records the
	// access by q.Record first. An error after the first byte leaves it void.
	Bundle(ctx context.Context, r access.Receipt, q BundleRequest, w io.Writer) error
	// OppositionKey is the file by which addresses can be looked for in a bundle.
	OppositionKey(ctx context.Context, r access.Receipt, actor, id domain.ID) ([]byte, error)
	InspectionSearch
}

// BundleRequest asks for a bundle.
type BundleRequest struct {
	Inspection domain.ID
	Actor      domain.ID
	Language   string   // fr or en
	Samples    bool     // the persons drawn, as who asks is shown them
	Classes    []string // that may be shown of them, for the record
	// Record makes an access durable, by who asks and for the same reason.
	Record func(ctx context.Context, r access.Reading) (access.Receipt, error)
}

// InspectionInput opens an inspection.
type InspectionInput struct {
	Scope     []inspection.Section `json:"scope,omitempty" doc:"What is asked for: accesses, consents, opposition, screenings, decisions, requests, retention, erasures, register, breaches, counts, policies, habilitations, producers; all if absent."`
	Modes     []inspection.Mode    `json:"modes" doc:"on_site (sur place), online (en ligne), documents (sur pièces), hearing (audition)."`
	From      time.Time            `json:"from" doc:"The period begins with what was recorded at this instant."`
	To        time.Time            `json:"to,omitzero" doc:"And ends before this one; now if absent."`
	Due       time.Time            `json:"due,omitzero" doc:"Until when to answer; 8 days from now if absent."`
	Samples   int                  `json:"samples,omitempty" doc:"Persons to draw for individual proofs, by the inspection's id alone: 0 to 1,000."`
	Requester string               `json:"requester" doc:"The authority and its agents; sealed. At most 200 bytes."`
	Reference string               `json:"reference" doc:"Of the decision or mission order; sealed. At most 200 bytes."`
	Object    string               `json:"object,omitempty" doc:"What it is about, in words; sealed. At most 2,000 bytes."`
}

// OpenedInspection answers an opening.
type OpenedInspection struct {
	ID       domain.ID       `json:"id"`
	Position domain.Position `json:"position"`
	Due      time.Time       `json:"due"`
}

// ClosedInspection answers a closing.
type ClosedInspection struct {
	ID       domain.ID       `json:"id"`
	EventID  domain.ID       `json:"event_id"`
	Position domain.Position `json:"position"`
	KeyGiven bool            `json:"opposition_key_given" doc:"The key of the opposition tokens was handed out: rotate the peppers now (greffe keys rotate-peppers)."`
}

// InspectionItem is one inspection.
type InspectionItem struct {
	ID        domain.ID            `json:"id"`
	State     string               `json:"state" enum:"open,overdue,closed"`
	Opened    time.Time            `json:"opened"`
	Due       time.Time            `json:"due"`
	Closed    time.Time            `json:"closed,omitzero"`
	From      time.Time            `json:"from"`
	To        time.Time            `json:"to"`
	Modes     []inspection.Mode    `json:"modes"`
	Scope     []inspection.Section `json:"scope,omitempty" doc:"Absent: everything."`
	Samples   int                  `json:"samples"`
	Requester string               `json:"requester,omitempty" doc:"Absent once destroyed at its term, as the two below."`
	Reference string               `json:"reference,omitempty"`
	Object    string               `json:"object,omitempty"`
	Guests    *InspectionGuests    `json:"guests,omitempty" doc:"Of one inspection: how many were invited to it."`
}

// InspectionGuests counts the guests of an inspection, whom it does not name.
type InspectionGuests struct {
	Invited int `json:"invited" doc:"In all, those whose accounts have ended too."`
	Came    int `json:"came" doc:"Of those, who chose their factors and can sign in, or could."`
}

// Consulted is what was read and copied under an inspection, for the procès-verbal
// and its inventory (loi 78-17 art. 19; décret 2019-536).
type Consulted struct {
	Items     []ConsultedItem  `json:"items"`
	Next      string           `json:"next,omitempty" doc:"Give this as cursor to read on."`
	Documents []CopiedDocument `json:"documents,omitempty" doc:"With the first page: bundles and key files that were handed out."`
}

// ConsultedItem is one access made for the inspection.
type ConsultedItem struct {
	EventID    domain.ID       `json:"event_id"`
	Position   domain.Position `json:"position"`
	Time       time.Time       `json:"time"`
	Account    *domain.ID      `json:"account,omitempty" doc:"Absent: the operator of the machine."`
	Human      string          `json:"human,omitempty" doc:"Who stood behind the account."`
	Action     string          `json:"action"`
	Categories []string        `json:"categories,omitempty"`
	Count      int64           `json:"count" doc:"Persons concerned."`
}

// CopiedDocument is something that was handed out.
type CopiedDocument struct {
	EventID  domain.ID       `json:"event_id" doc:"The fact export.produced."`
	Position domain.Position `json:"position"`
	Time     time.Time       `json:"time"`
	Kind     string          `json:"kind" enum:"bundle,opposition_key,search,log_key,verifier"`
	SHA256   string          `json:"sha256,omitempty" doc:"Of the bundle's manifest, or of the file."`
	Rows     int64           `json:"rows" doc:"In all tables, or hits."`
	Count    int64           `json:"files" doc:"Files of the bundle, tiles among them."`
	Files    []CopiedFile    `json:"inventory,omitempty" doc:"Without the tiles of the tree."`
}

// CopiedFile is one file of a bundle.
type CopiedFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// InspectionQuery names an inspection.
type InspectionQuery struct {
	ID domain.ID `path:"id" doc:"The inspection."`
}

// InspectionsQuery asks for a page of them.
type InspectionsQuery struct{ Paging }

// ConsultedQuery asks for a page of what was consulted.
type ConsultedQuery struct {
	ID domain.ID `path:"id" doc:"The inspection."`
	Paging
}

type inspectionBody struct{ Body InspectionInput }

// closeInspectionBody ends one.
type closeInspectionBody struct {
	ID   domain.ID `path:"id" doc:"The inspection."`
	Body struct {
		Remark string `json:"remark,omitempty" doc:"Words; sealed. At most 2,000 bytes."`
	}
}

func inspectionRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	change := Limits{Body: 64 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	stream := Limits{Timeout: time.Minute, Rate: RateSearch}
	search := Limits{Body: 64 << 10, Timeout: time.Minute, Rate: RateSearch}
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, "/v1/inspections", "inspections.read", "Inspections, open and closed", read, false, listInspections().of(Nobodys), nil},
		{post, "/v1/inspections", "inspections.write", "Open an inspection: scope, period, who asks, until when", change, true, openInspection(), writing()},
		{get, "/v1/inspections/{id}", "inspections.read", "One inspection", read, false, getInspection(), nil},
		{post, "/v1/inspections/{id}/close", "inspections.write", "Close an inspection", change, true, closeInspection(), writing()},
		{get, "/v1/inspections/{id}/consulted", "inspections.read", "What was consulted and copied, for the procès-verbal", read, false, getConsulted(), nil},
		{get, "/v1/inspections/{id}/bundle", "inspections.bundle", "The bundle: opens offline, checked without trusting us", stream, false, getBundle().of(Many), writing()},
		{get, "/v1/inspections/{id}/opposition-key", "inspections.key", "The key by which addresses are looked for in a bundle's opposition list", read, false, getOppositionKey().of(Nobodys), writing()},
		{post, "/v1/inspections/{id}/search", "inspections.search", "Look for words in comments", search, false, searchComments().of(Many), writing()},
	}
}

// under notes the inspection as the ticket of the access, unless another was given.
func (c *Call) under(id domain.ID) {
	if c.reason.Ticket == "" {
		c.reason.Ticket = id.String()
	}
}

func openInspection() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *inspectionBody) (*OpenedInspection, error) {
		b := in.Body
		o := inspection.Opening{Scope: b.Scope, Modes: b.Modes, From: b.From, To: b.To, Due: b.Due, Samples: b.Samples,
			Requester: b.Requester, Reference: b.Reference, Object: b.Object}
		if err := o.Check(a.cfg.Now()); err != nil {
			return nil, fieldProblem(err)
		}
		return a.services.Inspections.Open(ctx, c.principal.Account, o)
	})
}

// fieldProblem names the field that an inspection's own check names.
func fieldProblem(err error) error {
	var field *inspection.FieldError
	switch {
	case !errors.As(err, &field):
		return err
	case field.Missing:
		return problem.At(problem.FieldRequired, field.Field)
	}
	return problem.At(problem.FieldInvalid, field.Field)
}

// listInspections opens who asked: an access like any other.
func listInspections() endpoint {
	return opening(func(context.Context, *API, *Call, *InspectionsQuery) (access.Reading, error) {
		return access.Reading{Action: "read", Categories: []string{"requests"}}, nil
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *InspectionsQuery) (*List[InspectionItem], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		items, next, err := a.services.Inspections.List(ctx, r, page)
		out := &List[InspectionItem]{Items: []InspectionItem{}, Next: next}
		for i := range items {
			out.Items = append(out.Items, inspectionItem(&items[i], a.cfg.Now()))
		}
		return out, err
	})
}

func getInspection() endpoint {
	return opening(func(_ context.Context, _ *API, c *Call, in *InspectionQuery) (access.Reading, error) {
		c.under(in.ID)
		return access.Reading{Action: "read", Categories: []string{"requests"}}, nil
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *InspectionQuery) (*InspectionItem, error) {
		i, err := a.services.Inspections.Get(ctx, r, in.ID)
		if err != nil {
			return nil, err
		}
		item := inspectionItem(i, a.cfg.Now())
		item.Guests = a.countGuests(in.ID)
		return &item, nil
	})
}

func inspectionItem(i *inspection.Inspection, now time.Time) InspectionItem {
	state := "open"
	switch {
	case !i.Closed.IsZero():
		state = "closed"
	case i.Overdue(now):
		state = "overdue"
	}
	return InspectionItem{ID: i.ID, State: state, Opened: i.Opened, Due: i.Due, Closed: i.Closed, From: i.From, To: i.To,
		Modes: i.Modes, Scope: i.Scope, Samples: i.Samples, Requester: i.Requester, Reference: i.Reference, Object: i.Object}
}

func closeInspection() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *closeInspectionBody) (*ClosedInspection, error) {
		if len(in.Body.Remark) > maxDetail {
			return nil, problem.At(problem.FieldInvalid, "remark")
		}
		return a.services.Inspections.Close(ctx, c.principal.Account, in.ID, in.Body.Remark)
	})
}

func getConsulted() endpoint {
	return opening(func(_ context.Context, _ *API, c *Call, in *ConsultedQuery) (access.Reading, error) {
		c.under(in.ID)
		return access.Reading{Action: "read", Categories: []string{"access"}}, nil
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ConsultedQuery) (*Consulted, error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		out, err := a.services.Inspections.Consulted(ctx, r, in.ID, page)
		if err == nil && out.Items == nil {
			out.Items = []ConsultedItem{}
		}
		return out, err
	})
}
