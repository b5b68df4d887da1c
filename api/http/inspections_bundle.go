package httpapi

import (
	"context"
	"net/http"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/access"
)

const mediaZIP = "application/zip"

// BundleQuery asks for a bundle.
type BundleQuery struct {
	ID       domain.ID `path:"id" doc:"The inspection."`
	Language string    `query:"language" doc:"Of what people read first: fr or en; by Accept-Language if absent."`
	Samples  bool      `query:"samples" doc:"Put the persons drawn into it, in clear; needs the permission inspections.samples."`
}

// getBundle streams the zip. The access to everybody in it, by their ids alone, is
// durable before its first byte; the persons drawn are recorded by name, chunk by
// chunk, before they are opened.
func getBundle() endpoint {
	e := opening(func(ctx context.Context, a *API, c *Call, in *BundleQuery) (access.Reading, error) {
		switch in.Language {
		case "":
			in.Language = problem.Language(c.r)
		case "fr", "en":
		default:
			return access.Reading{}, problem.At(problem.ParameterInvalid, "language")
		}
		if in.Samples {
			if err := c.principal.May(c.rules, "inspections.samples"); err != nil {
				return access.Reading{}, err
			}
		}
		if err := a.services.Inspections.Standing(ctx, in.ID); err != nil {
			return access.Reading{}, err
		}
		c.under(in.ID)
		n, err := a.services.Inspections.People(ctx)
		return access.Reading{Action: event.Bundles, Categories: []string{"access", "evidence", "opposition", "requests"}, Count: n}, err
	}, func(_ context.Context, a *API, _ *Call, receipt access.Receipt, in *BundleQuery) (answer, error) {
		return answer{
			media:  mediaZIP,
			header: map[string]string{"Content-Disposition": `attachment; filename="greffe-` + in.ID.String() + `.zip"`},
			stream: func(c *Call) error {
				q := BundleRequest{Inspection: in.ID, Actor: c.principal.Account, Language: in.Language, Samples: in.Samples,
					Classes: c.classes(), Record: a.recorder(c)}
				return a.services.Inspections.Bundle(c.r.Context(), receipt, q, &lasting{c})
			},
		}, nil
	})
	e.out, e.gives = nil, []string{mediaZIP}
	return e
}

// recorder records further accesses of one call.
func (a *API) recorder(c *Call) func(context.Context, access.Reading) (access.Receipt, error) {
	return func(_ context.Context, r access.Reading) (access.Receipt, error) {
		receipt, err := a.record(c, r)
		_ = c.deadline(c.route.Limits.Timeout) // without one, the server's own holds
		return receipt, err
	}
}

// lasting is beginning for an answer that may take longer than its route's time, as
// long as it goes on: each write gives the connection that time anew.
type lasting struct{ c *Call }

// Write sends b.
func (w *lasting) Write(b []byte) (int, error) {
	w.c.began = true
	_ = w.c.deadline(w.c.route.Limits.Timeout) // without one, the server's own holds
	return w.c.w.Write(b)
}

// getOppositionKey hands out the key apart from the bundle.
func getOppositionKey() endpoint {
	e := opening(func(ctx context.Context, a *API, c *Call, in *InspectionQuery) (access.Reading, error) {
		c.under(in.ID)
		return access.Reading{Action: "export", Categories: []string{"opposition"}}, a.services.Inspections.Standing(ctx, in.ID)
	}, func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *InspectionQuery) (answer, error) {
		b, err := a.services.Inspections.OppositionKey(ctx, receipt, c.principal.Account, in.ID)
		return answer{status: http.StatusOK, bytes: b, media: mediaText,
			header: map[string]string{"Content-Disposition": `attachment; filename="opposition-key-` + in.ID.String() + `.txt"`}}, err
	})
	e.out, e.gives = nil, []string{mediaText}
	return e
}
