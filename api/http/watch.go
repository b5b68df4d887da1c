package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/watch"
	"greffe/eventstore/access"
	alerts "greffe/projections/watch"
)

// Watch looks at who reads whom: it refuses reads beyond a quota, and keeps the
// alerts about unusual ones. Whom an alert is about opens with a receipt alone.
type Watch interface {
	// Allow is nil if the account may read these persons now; else *problem.Error
	// quota_exceeded, or ErrStale.
	Allow(ctx context.Context, account domain.ID, roles []string, r access.Reading) error
	// Shown counts the persons in the accesses of an account in the last approval.Window,
	// each time, with everything that is in the log now.
	Shown(ctx context.Context, account domain.ID) (int64, error)
	// List gives alerts, the latest first; state is open, closed or "".
	List(ctx context.Context, r access.Receipt, state string, page Page) (items []Alert, next string, err error)
	// Waiting counts open alerts, at most most.
	Waiting(ctx context.Context, most int) (int, error)
	// Alert is one, with its note, or ErrNotFound.
	Alert(ctx context.Context, r access.Receipt, id domain.ID) (*Alert, error)
	// Close says what an alert was, and those named with it, all of them or none.
	// ErrConflict: one is closed already; *problem.Error own_alert: it is about who closes
	// it, field_invalid: one named with it is not, or is about another account.
	Close(ctx context.Context, actor, id domain.ID, c AlertClosing) (*AlertClosed, error)
}

// Alert is one unusual thing in how an account reads.
type Alert struct {
	ID        domain.ID       `json:"id"`
	Position  domain.Position `json:"position"`
	At        time.Time       `json:"at"`
	AccountID domain.ID       `json:"account_id,omitzero" doc:"Who read; absent once the access journal of that month was destroyed."`
	Upstream  bool            `json:"upstream,omitempty" doc:"The account is another system's: its reads are streamed in, and count when they arrive."`
	Rule      watch.Rule      `json:"rule" enum:"rate,breadth_hour,breadth_day,surge,hours,ticketless,defaulted,denied"`
	Title     string          `json:"title" doc:"The rule in words, in French or English by Accept-Language."`
	Level     int             `json:"level" doc:"0 from the limit on; each level more is four times as much."`
	Observed  int64           `json:"observed" doc:"What was counted when it was found; it may have gone on."`
	Limit     int64           `json:"limit" doc:"From when on it is unusual."`
	Since     time.Time       `json:"since" doc:"Beginning of the hour or day that it is about."`
	State     string          `json:"state" enum:"open,closed"`
	Outcome   string          `json:"outcome,omitempty" enum:"explained,misuse,false_alarm"`
	ClosedAt  time.Time       `json:"closed_at,omitzero"`
	ClosedBy  domain.ID       `json:"closed_by,omitzero"`
	Note      string          `json:"note,omitempty" doc:"What was found; sealed. In the single alert alone."`
}

// AlertClosed says where the closing stands.
type AlertClosed struct {
	ID       domain.ID       `json:"id" doc:"Of the alert."`
	EventID  domain.ID       `json:"event_id"`
	Position domain.Position `json:"position"`
}

// AlertsQuery asks for alerts.
type AlertsQuery struct {
	State string `query:"state" doc:"open or closed; both if absent."`
	Paging
}

// AlertQuery names an alert.
type AlertQuery struct {
	ID domain.ID `path:"id" doc:"The alert."`
}

// AlertClosing says what an alert was.
type AlertClosing struct {
	Outcome string `json:"outcome" doc:"explained, misuse or false_alarm."`
	Note    string `json:"note,omitempty" doc:"What was found; sealed with the access journal. At most 4,000 bytes."`
	// Also are those that one look explains: one burst of reads passes several limits.
	Also []domain.ID `json:"also,omitempty" doc:"Further open alerts about the same account that are closed alike; at most 50."`
}

const (
	maxAlertNote = 4000
	maxAlso      = 50
)

func watchRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	change := Limits{Body: 16 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	return []Route{
		{http.MethodGet, "/v1/watch", "watch.read", "Alerts about unusual reads", read, false, listAlerts().of(Nobodys), nil},
		{http.MethodGet, "/v1/watch/{id}", "watch.read", "One alert, with the note of who closed it", read, false, getAlert(), nil},
		{http.MethodPost, "/v1/watch/{id}/close", "watch.close", "Say what an alert was", change, true, closeAlert(), writing(problem.OwnAlert)},
	}
}

func listAlerts() endpoint {
	return opening(func(_ context.Context, _ *API, _ *Call, in *AlertsQuery) (access.Reading, error) {
		if in.State != "" && in.State != "open" && in.State != "closed" {
			return access.Reading{}, problem.At(problem.ParameterInvalid, "state")
		}
		_, err := in.page(false)
		return access.Reading{Action: "watch", Categories: []string{"access"}}, err
	}, func(ctx context.Context, a *API, c *Call, r access.Receipt, in *AlertsQuery) (*List[Alert], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		items, next, err := a.services.Watch.List(ctx, r, in.State, page)
		for i := range items {
			items[i].Title = alertTitle(items[i].Rule, problem.Language(c.r))
		}
		if items == nil {
			items = []Alert{}
		}
		return &List[Alert]{items, next}, err
	})
}

func getAlert() endpoint {
	return opening(func(context.Context, *API, *Call, *AlertQuery) (access.Reading, error) {
		return access.Reading{Action: "watch", Categories: []string{"access"}}, nil
	}, func(ctx context.Context, a *API, c *Call, r access.Receipt, in *AlertQuery) (*Alert, error) {
		out, err := a.services.Watch.Alert(ctx, r, in.ID)
		if err != nil {
			return nil, err
		}
		out.Title = alertTitle(out.Rule, problem.Language(c.r))
		return out, nil
	})
}

func closeAlert() endpoint {
	type input struct {
		AlertQuery
		Body AlertClosing
	}
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *input) (*AlertClosed, error) {
		switch b := in.Body; {
		case b.Outcome == "":
			return nil, problem.At(problem.FieldRequired, "outcome")
		case !slices.Contains(alerts.Outcomes(), b.Outcome):
			return nil, problem.At(problem.FieldInvalid, "outcome")
		case len(b.Note) > maxAlertNote || !utf8.ValidString(b.Note):
			return nil, problem.At(problem.FieldInvalid, "note")
		case b.Outcome == alerts.Misuse && b.Note == "":
			return nil, problem.At(problem.FieldRequired, "note")
		case len(b.Also) > maxAlso:
			return nil, problem.At(problem.FieldInvalid, "also")
		}
		return a.services.Watch.Close(ctx, c.principal.Account, in.ID, in.Body)
	})
}

// alertTitle is a rule in words.
func alertTitle(rule watch.Rule, lang string) string {
	t, ok := map[watch.Rule]problem.Text{
		watch.Rate:        {FR: "Consultations en une heure", EN: "Accesses in an hour"},
		watch.BreadthHour: {FR: "Personnes différentes en une heure", EN: "Different persons in an hour"},
		watch.BreadthDay:  {FR: "Personnes différentes en un jour", EN: "Different persons in a day"},
		watch.Surge:       {FR: "Bien plus de personnes que d'habitude pour ce compte", EN: "Far more persons than this account usually reads"},
		watch.Hours:       {FR: "Personnes consultées hors des heures habituelles", EN: "Persons read outside the usual hours"},
		watch.Ticketless:  {FR: "Consultations sans ticket, là où l'usage est d'en donner un", EN: "Accesses without a ticket, where one is usual"},
		watch.Defaulted:   {FR: "Part des motifs donnés par défaut, en pour cent", EN: "Percent of reasons that nobody gave"},
		watch.Denied:      {FR: "Requêtes refusées en une heure", EN: "Refused requests in an hour"},
	}[rule]
	if !ok {
		return string(rule)
	}
	return t.In(lang)
}
