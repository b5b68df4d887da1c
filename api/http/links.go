package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/link"
)

// Links makes one-click links and does what their holders ask for. Open, OptOut
// and Confirm look nothing up in read models, so that an objection is recorded
// whatever stands still.
type Links interface {
	// Make makes links, answered in order; an error inside an answer is of that
	// one alone.
	Make(ctx context.Context, wanted []LinkWanted) ([]LinkMade, error)
	// Open reads a token, or link.ErrLink.
	Open(token string) (link.Link, error)
	// OptOut withdraws consent and registers the objection, for exactly scope. It
	// is nothing of a person who was erased: ErrNotFound.
	OptOut(ctx context.Context, l link.Link, scope OptOut) (Recorded, error)
	// Confirm records the consent that was requested, once. Errors as of OptOut,
	// and ErrConflict if it was recorded before.
	Confirm(ctx context.Context, l link.Link) (Recorded, error)
}

// OptOut is what somebody stops: for the link's purpose and controller.
type OptOut struct {
	Channels []string // none: every channel
	Page     bool     // chosen on the page, not by one click
}

// Recorded is where and when something was recorded.
type Recorded struct {
	Event domain.ID
	At    time.Time
}

// LinkWanted asks for one link, for a person by either id.
type LinkWanted struct {
	Kind       string       `json:"kind,omitempty" enum:"optout,confirm" doc:"optout if absent."`
	SubjectID  *domain.ID   `json:"subject_id,omitempty" doc:"The person, by the ledger's id."`
	ExternalID *ExternalID  `json:"external_id,omitempty" doc:"The person, by an upstream's id."`
	Controller string       `json:"controller,omitempty" doc:"The policy's first if absent."`
	Purpose    string       `json:"purpose,omitempty" doc:"Of optout: every purpose if absent."`
	Channels   []string     `json:"channels,omitempty" doc:"Of optout: every channel if absent."`
	Request    *LinkRequest `json:"request,omitempty" doc:"Of confirm: the consent.requested event, which says for whom and for what: it names its channels."`
	Days       int          `json:"days,omitempty" doc:"For how long it works: 1,825 for optout and 14 for confirm if absent, at most 3,650."`
}

// LinkRequest names a consent.requested event: by the ledger's id, or as the
// upstream sent it.
type LinkRequest struct {
	EventID *domain.ID `json:"event_id,omitempty"`
	Source  string     `json:"source,omitempty"`
	ID      string     `json:"id,omitempty"`
}

// LinkMade is a link, or why there is none.
type LinkMade struct {
	URL     string     `json:"url,omitempty"`
	Expires *time.Time `json:"expires_at,omitempty"`
	Error   string     `json:"error,omitempty" enum:"not_found,field_invalid,field_required" doc:"Why there is no link."`
	Field   string     `json:"field,omitempty" doc:"Which field the error is about."`
}

// LinksMade answers in input order, with what mails put into their headers.
type LinksMade struct {
	Items   []LinkMade  `json:"items"`
	Headers LinkHeaders `json:"headers" doc:"Of each mail (RFC 8058), both covered by its DKIM signature; {url} is the recipient's own."`
}

// LinkHeaders are the header fields of RFC 8058.
type LinkHeaders struct {
	Unsubscribe string `json:"List-Unsubscribe"`
	Post        string `json:"List-Unsubscribe-Post"`
}

type linksBody struct {
	Body struct {
		Links []LinkWanted `json:"links" doc:"At most 10,000."`
	}
}

const maxLinks = 10_000

func linkRoutes() []Route {
	public := Limits{Timeout: 15 * time.Second, Rate: RateLink}
	form := public
	form.Body = maxForm
	return []Route{
		{http.MethodPost, "/v1/links", "events.write", "Make one-click links: to withdraw and object, or to confirm a consent",
			Limits{Body: 4 << 20, Timeout: time.Minute, Rate: RateSearch}, false, postLinks(), nil},
		{http.MethodGet, "/u/{token}", "", "The page of a link; changes nothing", public, false, getPage(), nil},
		{http.MethodPost, "/u/{token}", "", "Withdraw and object, by one click (RFC 8058) or by the page; or confirm", form, false, postPage(), nil},
		{http.MethodGet, "/u/style.css", "", "The style of the page", Limits{Timeout: 10 * time.Second, Rate: RateOpen}, false, open(mediaCSS, pageStyle), nil},
	}
}

func postLinks() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *linksBody) (*LinksMade, error) {
		switch n := len(in.Body.Links); {
		case n == 0:
			return nil, problem.At(problem.FieldRequired, "links")
		case n > maxLinks:
			return nil, problem.At(problem.FieldInvalid, "links")
		}
		items, err := a.services.Links.Make(ctx, in.Body.Links)
		if err != nil {
			return nil, err
		}
		return &LinksMade{items, LinkHeaders{"<{url}>", "List-Unsubscribe=One-Click"}}, nil
	})
}

// LinkPath names a page.
type LinkPath struct {
	Token string `path:"token" doc:"The link's token."`
	Lang  string `query:"lang" doc:"fr or en; by Accept-Language if absent."`
}

// erased reports that nothing is held of the link's person any more.
func erased(err error) bool { return errors.Is(err, ErrNotFound) }
