package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"greffe/api/problem"
	"greffe/eventstore/access"
)

// open makes an endpoint that needs no token and says nothing about people.
func open(media string, serve func(a *API, c *Call) (answer, error)) endpoint {
	return endpoint{class: None, open: true, serve: serve, gives: []string{media}, status: http.StatusOK}
}

// plain makes an endpoint that gives out nothing about people.
func plain[In, Out any](status int, serve func(ctx context.Context, a *API, c *Call, in *In) (Out, error)) endpoint {
	return typed(None, status, serve)
}

// decision makes an endpoint that answers with decisions or counts about
// people and no data of theirs.
func decision[In, Out any](status int, serve func(ctx context.Context, a *API, c *Call, in *In) (Out, error)) endpoint {
	return typed(Decision, status, serve)
}

func typed[In, Out any](class Class, status int, serve func(context.Context, *API, *Call, *In) (Out, error)) endpoint {
	e := endpoint{class: class, status: status, in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](), gives: []string{mediaJSON}}
	e.takes = bodyMedia(e.in)
	binder := binderOf(e.in)
	e.serve = func(a *API, c *Call) (answer, error) {
		in := new(In)
		if err := c.bind(binder, in); err != nil {
			return answer{}, err
		}
		out, err := serve(c.Context(), a, c, in)
		if err != nil {
			return answer{}, err
		}
		if s, ok := any(out).(answer); ok {
			return s, nil
		}
		return answer{status: status, body: out}, nil
	}
	return e
}

// opening makes an endpoint that opens sealed data. reads says whose data, of
// which classes, and how; it may look up ids, nothing sealed. The access is
// durable before show is called, and show cannot open anything without the
// receipt.
func opening[In, Out any](
	reads func(ctx context.Context, a *API, c *Call, in *In) (access.Reading, error),
	show func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *In) (Out, error),
) endpoint {
	return typed(Personal, http.StatusOK, func(ctx context.Context, a *API, c *Call, in *In) (Out, error) {
		var none Out
		if err := c.checkReason(); err != nil {
			return none, err
		}
		reading, err := reads(ctx, a, c, in)
		if err != nil {
			return none, err
		}
		receipt, err := a.record(c, reading)
		if err != nil {
			return none, err
		}
		return show(ctx, a, c, receipt, in)
	})
}

// List is one page of a list. Next is absent at the end.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Give this as cursor to read on."`
}

// paged is an input that asks for a page.
type paged interface {
	page(lines bool) (Page, error)
}

// Paging is the part of an input that asks for a page.
type Paging struct {
	Limit  int    `query:"limit" doc:"Items at most: 1 to 1,000, 100 if absent; as NDJSON any number, all if absent."`
	Cursor string `query:"cursor" doc:"next of the page before."`
}

// Order is the part of an input that asks for the order of a list.
type Order struct {
	Sort string `query:"sort" doc:"newest: the newest first; oldest, or absent: in the order of the ledger."`
}

func (o Order) newest() (bool, error) {
	switch o.Sort {
	case "", "oldest":
		return false, nil
	case "newest":
		return true, nil
	}
	return false, problem.At(problem.ParameterInvalid, "sort")
}

func (p Paging) page(lines bool) (Page, error) {
	switch {
	case p.Limit < 0, p.Limit > maxPage && !lines:
		return Page{}, problem.At(problem.ParameterInvalid, "limit")
	case p.Limit == 0 && !lines:
		p.Limit = defaultPage
	}
	return Page{Cursor: p.Cursor, Limit: p.Limit}, nil
}

// finding makes an endpoint that lists rows about people by id, without opening
// anything. Each page's access event, naming the people in it, is durable
// before a byte of the page leaves; as NDJSON the pages follow each other.
func finding[In paged, T any](
	reading access.Reading,
	find func(ctx context.Context, a *API, c *Call, in *In, page Page) (Found[T], error),
) endpoint {
	e := typed(Personal, http.StatusOK, func(ctx context.Context, a *API, c *Call, in *In) (answer, error) {
		if err := c.checkReason(); err != nil {
			return answer{}, err
		}
		page, err := (*in).page(c.wantsLines())
		if err != nil {
			return answer{}, err
		}
		next := func(ctx context.Context, p Page) (Found[T], error) {
			found, err := find(ctx, a, c, in, p)
			if err != nil {
				return Found[T]{}, err
			}
			return found, a.recordAll(c, reading, found.Subjects, len(found.Items))
		}
		if c.wantsLines() {
			return answer{stream: func(c *Call) error { return streamPages(a, c, page, next) }, media: mediaNDJSON}, nil
		}
		found, err := next(ctx, page)
		if err != nil {
			return answer{}, err
		}
		if found.Items == nil {
			found.Items = []T{}
		}
		return answer{status: http.StatusOK, body: List[T]{found.Items, found.Next}}, nil
	})
	e.out, e.item = reflect.TypeFor[List[T]](), reflect.TypeFor[T]()
	e.gives = []string{mediaJSON, mediaNDJSON}
	return e.of(ByPage)
}
