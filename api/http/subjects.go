package httpapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/cursor"
	"greffe/eventstore/access"
)

// SubjectQuery asks for a person, now or as it was.
type SubjectQuery struct {
	ID      domain.ID `path:"id" doc:"The person, by the ledger's id."`
	AsOf    time.Time `query:"as_of" doc:"What was true then (RFC 3339); now if absent."`
	KnownAt string    `query:"known_at" doc:"What was known then: a position, or a time (RFC 3339); everything if absent."`
	Archives
	Classes string `query:"classes" doc:"Retention classes to show, apart by commas: the answer and the recorded access are of these alone; all that the caller may see if absent."`
	Proofs  bool   `query:"proofs" doc:"Say where the proof of each fact is that the answer was made of, and under which signed head."`
}

// SubjectView is what is known of a person. What follows the view is there if proofs
// were asked for.
type SubjectView struct {
	contact.View
	Inputs []SubjectInput `json:"inputs,omitempty" doc:"The facts that the view was folded from, in the order of the ledger."`
	Head   *InputsHead    `json:"head,omitempty" doc:"The signed head that covers them."`
	// Revealable and Revealed are empty for who is shown nothing masked.
	Revealable []Revealable `json:"revealable,omitempty" doc:"Masked field groups that you may ask for in clear, with X-Greffe-Reveal."`
	Revealed   []Revealable `json:"revealed,omitempty" doc:"Those that this answer shows in clear as you asked; the access is recorded so."`
}

// SubjectInput is one fact that a view was folded from.
type SubjectInput struct {
	Event    domain.ID       `json:"event"`
	Position domain.Position `json:"position"`
	Type     string          `json:"type"`
	Proof    string          `json:"proof" doc:"Path of its .tlog-proof."`
}

// InputsHead is a signed head, in short; /v1/checkpoint gives it whole.
type InputsHead struct {
	Origin string          `json:"origin"`
	Size   domain.Position `json:"size"`
	Root   string          `json:"root"`
	Note   string          `json:"note"`
}

// knownBelow turns known_at into the position below which facts count. A
// position is known at itself.
func (a *API) knownBelow(ctx context.Context, knownAt string) (domain.Position, error) {
	if knownAt == "" {
		return a.services.Ledger.Head(ctx)
	}
	if p, err := domain.ParsePosition(knownAt); err == nil {
		head, err := a.services.Ledger.Head(ctx)
		return min(p+1, head), err
	}
	t, err := time.Parse(time.RFC3339Nano, knownAt)
	if err != nil {
		return 0, problem.At(problem.ParameterInvalid, "known_at")
	}
	return a.services.Dossier.KnownAt(ctx, t)
}

// aboutPerson is the access to everything of one person that the caller may see,
// merged contacts included.
func (a *API) aboutPerson(ctx context.Context, c *Call, action string, subject domain.ID, below domain.Position) (access.Reading, error) {
	persons, err := a.services.Dossier.Persons(ctx, subject, below)
	if action == actionHistory {
		persons, err = a.services.Dossier.Everybody(ctx, subject, below)
	}
	if err != nil {
		return access.Reading{}, err
	}
	// What a person has a right to get is whole (art. 15, 20): the archives too.
	return access.Reading{Action: action, Categories: c.classes(), Subjects: persons, Count: int64(len(persons)),
		Archived: action == "export", Complete: action == "export"}, nil
}

// some are the classes asked for, in the order of the caller's; all of them if none are.
func (q *SubjectQuery) some(c *Call) ([]string, error) {
	if q.Classes == "" {
		return c.classes(), nil
	}
	asked := strings.Split(q.Classes, ",")
	if !slices.ContainsFunc(asked, func(class string) bool { return !c.rules.HasClass(class) }) {
		return slices.DeleteFunc(slices.Clone(c.classes()), func(class string) bool { return !slices.Contains(asked, class) }), nil
	}
	return nil, problem.At(problem.ParameterInvalid, "classes")
}

func getSubject() endpoint {
	return opening(func(ctx context.Context, a *API, c *Call, in *SubjectQuery) (access.Reading, error) {
		below, err := a.knownBelow(ctx, in.KnownAt)
		if err != nil {
			return access.Reading{}, err
		}
		r, err := a.aboutPerson(ctx, c, "read", in.ID, below)
		if err == nil {
			r.Categories, err = in.some(c)
		}
		return in.with(c, r, err)
	}, func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *SubjectQuery) (*SubjectView, error) {
		below, err := a.knownBelow(ctx, in.KnownAt)
		if err != nil {
			return nil, err
		}
		if in.AsOf.IsZero() {
			in.AsOf = a.cfg.Now()
		}
		if in.Classes != "" {
			receipt = receipt.Within(strings.Split(in.Classes, ",")...)
		}
		v, err := a.services.Dossier.View(ctx, receipt, in.ID, in.AsOf, below)
		if err != nil {
			return nil, err
		}
		out := &SubjectView{View: *v}
		out.Revealable, out.Revealed = c.offered(receipt)
		if in.Proofs {
			err = a.prove(ctx, receipt, in, below, out)
		}
		return out, err
	})
}

func proofOf(event domain.ID) string { return "/v1/proofs/" + event.String() }

// prove says where the proofs are of what a view was made of.
func (a *API) prove(ctx context.Context, receipt access.Receipt, in *SubjectQuery, below domain.Position, v *SubjectView) error {
	inputs, err := a.services.Dossier.Inputs(ctx, receipt, in.ID, in.AsOf, below)
	if err != nil {
		return err
	}
	size := domain.Position(0)
	for _, x := range inputs {
		v.Inputs = append(v.Inputs, SubjectInput{Event: x.Fact.ID, Position: x.Position, Type: string(x.Fact.Type), Proof: proofOf(x.Fact.ID)})
		size = max(size, x.Position+1)
	}
	for path, o := range v.Provenance {
		o.Proof = proofOf(o.Event)
		v.Provenance[path] = o
	}
	if size == 0 {
		return nil
	}
	head, err := a.services.Evidence.Checkpoint(ctx, uint64(size))
	if err != nil {
		return err
	}
	v.Head = &InputsHead{Origin: head.Origin, Size: head.Size, Root: head.Root, Note: head.Note}
	return nil
}

// actionHistory is the one that looks at what was done, of the erased too.
const actionHistory = "history"

// historyOf lists facts of one kind about one person.
type historyOf func(d Dossier) func(context.Context, access.Receipt, domain.ID, domain.Position, bool, int) ([]contact.Item, domain.Position, error)

func getHistory() endpoint {
	return historyEndpoint(actionHistory, func(d Dossier) func(context.Context, access.Receipt, domain.ID, domain.Position, bool, int) ([]contact.Item, domain.Position, error) {
		return d.History
	})
}

// getConsents shows how each consent came about (art. 7(1)).
func getConsents() endpoint {
	return historyEndpoint("consents", func(d Dossier) func(context.Context, access.Receipt, domain.ID, domain.Position, bool, int) ([]contact.Item, domain.Position, error) {
		return d.Consents
	})
}

func historyEndpoint(action string, list historyOf) endpoint {
	return opening(func(ctx context.Context, a *API, c *Call, in *HistoryPage) (access.Reading, error) {
		if _, err := in.newest(); err != nil {
			return access.Reading{}, err
		}
		below, err := a.knownBelow(ctx, "")
		if err != nil {
			return access.Reading{}, err
		}
		r, err := a.aboutPerson(ctx, c, action, in.ID, below)
		return in.with(c, r, err)
	}, func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *HistoryPage) (*List[contact.Item], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		newest, err := in.newest()
		if err != nil {
			return nil, err
		}
		query := a.cfg.Cursors.Query(action, in.ID.String(), strconv.FormatBool(newest))
		var from domain.Position
		if page.Cursor != "" {
			at, err := a.cfg.Cursors.Open(query, page.Cursor)
			if err != nil {
				return nil, errors.Join(ErrCursor, err)
			}
			from = at.Position
		}
		items, next, err := list(a.services.Dossier)(ctx, receipt, in.ID, from, newest, page.Limit)
		if err != nil {
			return nil, err
		}
		out := &List[contact.Item]{Items: items}
		if items == nil {
			out.Items = []contact.Item{}
		}
		if next > 0 {
			out.Next = a.cfg.Cursors.Seal(query, cursor.At{Position: next})
		}
		return out, nil
	})
}

// EventPath names one event.
type EventPath struct {
	ID domain.ID `path:"id" doc:"The event, by the ledger's id."`
}

func getEvent() endpoint {
	return opening(func(ctx context.Context, a *API, c *Call, in *EventPath) (access.Reading, error) {
		subject, err := a.services.Dossier.SubjectOf(ctx, in.ID)
		if err != nil {
			return access.Reading{}, err
		}
		r := access.Reading{Action: "read", Categories: c.classes()}
		if !subject.IsZero() {
			r.Subjects, r.Count = []domain.ID{subject}, 1
		}
		return r, nil
	}, func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *EventPath) (*contact.Item, error) {
		return a.services.Dossier.Event(ctx, receipt, in.ID)
	})
}

// ExportQuery asks for a person's copy.
type ExportQuery struct {
	ID      domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Format  string    `query:"format" doc:"json, or html for article 15 and csv for article 20; json if absent."`
	Article int       `query:"article" doc:"15: everything, with sources and recipients; 20: what the person provided, for another controller. 15 if absent."`
	Lang    string    `query:"lang" doc:"fr or en; by Accept-Language if absent."`
}

func (q *ExportQuery) complete(lang string) error {
	if q.Format == "" {
		q.Format = "json"
	}
	if q.Article == 0 {
		q.Article = 15
	}
	if q.Lang == "" {
		q.Lang = lang
	}
	switch {
	case exportMedia()[q.Format] == "":
		return problem.At(problem.ParameterInvalid, "format")
	case q.Article != 15 && q.Article != 20:
		return problem.At(problem.ParameterInvalid, "article")
	case q.Article == 15 && q.Format == "csv", q.Article == 20 && q.Format == "html":
		return problem.At(problem.ParameterInvalid, "format")
	case q.Lang != "fr" && q.Lang != "en":
		return problem.At(problem.ParameterInvalid, "lang")
	}
	return nil
}

func exportMedia() map[string]string {
	return map[string]string{"json": mediaJSON, "html": mediaHTML, "csv": mediaCSV}
}

// getExport gives the copy of article 15(3) or the portable data of article 20.
func getExport() endpoint {
	e := opening(func(ctx context.Context, a *API, c *Call, in *ExportQuery) (access.Reading, error) {
		if err := in.complete(problem.Language(c.r)); err != nil {
			return access.Reading{}, err
		}
		below, err := a.knownBelow(ctx, "")
		if err != nil {
			return access.Reading{}, err
		}
		return a.aboutPerson(ctx, c, "export", in.ID, below)
	}, func(_ context.Context, a *API, _ *Call, receipt access.Receipt, in *ExportQuery) (answer, error) {
		q := CopyRequest{Subject: in.ID, Article: in.Article, Format: in.Format, Lang: in.Lang}
		return answer{
			media:  exportMedia()[in.Format],
			header: map[string]string{"Content-Disposition": `attachment; filename="` + in.ID.String() + "." + in.Format + `"`, "Content-Language": in.Lang},
			stream: func(c *Call) error { return a.services.Dossier.Copy(c.Context(), receipt, q, &beginning{c}) },
		}, nil
	})
	e.out, e.gives = nil, []string{mediaJSON, mediaHTML, mediaCSV}
	return e
}

// beginning notes that an answer has begun, so that a failure cuts it off
// instead of ending it as if it were whole.
type beginning struct{ c *Call }

// Write sends b.
func (w *beginning) Write(b []byte) (int, error) {
	w.c.began = true
	return w.c.w.Write(b)
}
