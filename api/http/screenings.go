package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"greffe/api/problem"
	engine "greffe/api/screening"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/domain/screening"
	"greffe/domain/token"
)

// Screenings decide on whole files of addresses.
type Screenings interface {
	// Screen decides on a file and records that it did. Errors are those of
	// screening.Engine, ErrStale, ErrHalted and the ledger's; whatever went out is void
	// then.
	Screen(ctx context.Context, s Screening, src io.Reader, out engine.Output) (Screened, error)
	// Screening is one that was recorded, or ErrNotFound.
	Screening(ctx context.Context, id domain.ID) (Screened, error)
	// Screenings lists them in the order in which they were recorded.
	Screenings(ctx context.Context, page Page) (items []Screened, next string, err error)
}

// Screening is a file to be decided on, under the id that its record will have.
type Screening struct {
	ID, Actor domain.ID
	Ask       screening.Ask
	Layout    screening.Layout
}

// Screened is a screening that was recorded: its receipt, as signed note, and the
// verifier key of the signature.
type Screened struct {
	Receipt *screening.Receipt
	Note    []byte
	Key     string
}

const (
	maxScreened  = 16 << 30 // bytes of one file; its memory is some parts of it
	screeningHdr = "X-Greffe-Screening"
)

func screeningRoutes() []Route {
	stream := Limits{Body: maxScreened, Timeout: time.Minute, Rate: RateSearch}
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	return []Route{
		{http.MethodPost, "/v1/screenings", "screenings.run", "Which lines of this file may be contacted: cleansed file or refused lines, and a signed receipt",
			stream, false, postScreening(), writing(problem.NotFound)},
		{http.MethodGet, "/v1/screenings", "screenings.run", "Files that were screened, with their receipts", list, false, listScreenings(), nil},
		{http.MethodGet, "/v1/screenings/{id}", "screenings.run", "The receipt of one screening", read, false, getScreening(), nil},
	}
}

// ScreeningQuery says what a file is screened for, and how it is written. The body is
// the file: text/plain, one address a line, or text/csv.
type ScreeningQuery struct {
	Channel    string    `query:"channel" doc:"email, sms, phone, postal or social."`
	Purpose    string    `query:"purpose" doc:"Purpose of the policy."`
	Controller string    `query:"controller" doc:"On whose behalf; the policy's first if absent."`
	At         time.Time `query:"at" doc:"Instant of the contact (RFC 3339); now if absent."`
	List       string    `query:"list" doc:"full: the whole decision, as POST /v1/contactability; the default. opposition: the opposition list alone."`
	Input      string    `query:"input" doc:"clear, the default, sha256 or md5: hexadecimal, of the normalised address."`
	Kind       string    `query:"kind" doc:"email or phone; by the channel if absent."`
	Offer      string    `query:"offer" doc:"similar to what was bought, or other."`
	Sector     string    `query:"sector" doc:"Sector of the offer; some are banned."`
	Automated  bool      `query:"automated" doc:"Channel phone: a machine speaks."`
	Column     string    `query:"column" doc:"Of CSV: name or number (from 1) of the column with the address; a usual name if absent."`
	Separator  string    `query:"separator" doc:"Of CSV: comma, semicolon or tab; found in the first line if absent."`
	Header     bool      `query:"header" doc:"Of CSV, with a column's number: the first line names the columns."`
}

// screening checks a question against the policy. now is the instant if none is given.
func (q *ScreeningQuery) screening(rules *policy.Policy, now time.Time, csv bool) (s Screening, err error) {
	s.Ask = screening.Ask{List: screening.List(q.List), Channel: q.Channel, Purpose: q.Purpose, Controller: controllerOf(rules, q.Controller),
		At: q.At, Offer: q.Offer, Sector: q.Sector, Automated: q.Automated, Kind: token.Kind(q.Kind), Input: screening.Input(q.Input)}
	s.Layout = screening.Layout{CSV: csv, Column: q.Column, Header: q.Header}
	s.Ask.Default(now)
	if field := engine.Check(&s.Ask, rules); field != "" {
		return s, problem.At(problem.ParameterInvalid, field)
	}
	ok := true
	if q.Separator != "" {
		s.Layout.Separator, ok = screening.SeparatorNamed(q.Separator)
	}
	switch {
	case !ok:
		return s, problem.At(problem.ParameterInvalid, "separator")
	case !csv && (q.Column != "" || q.Separator != "" || q.Header):
		return s, problem.At(problem.ParameterInvalid, "column|separator|header")
	}
	return s, nil
}

// ScreeningItem is a screening that was recorded. It holds no personal data.
type ScreeningItem struct {
	ID         domain.ID        `json:"id"`
	Time       time.Time        `json:"time" doc:"When it ended."`
	List       string           `json:"list"`
	Channel    string           `json:"channel"`
	Purpose    string           `json:"purpose"`
	Controller string           `json:"controller"`
	At         time.Time        `json:"at" doc:"Instant decided for."`
	Input      string           `json:"input"`
	Position   domain.Position  `json:"position" doc:"Everything below it was known for every line."`
	Policy     int64            `json:"policy" doc:"Version of the policy decided under."`
	Lines      int64            `json:"lines"`
	Allowed    int64            `json:"allowed"`
	Refused    map[string]int64 `json:"refused" doc:"By rule."`
	Unreadable int64            `json:"unreadable"`
	Duplicates int64            `json:"duplicates" doc:"Lines whose address stood on a line before."`
	Receipt    string           `json:"receipt" doc:"Signed note (C2SP), to be kept byte for byte; greffe screen --verify checks it against the files."`
	Key        string           `json:"key" doc:"Verifier key of the signature."`
}

func itemOf(s *Screened) ScreeningItem {
	r := s.Receipt
	return ScreeningItem{ID: r.ID, Time: r.Time.Time, List: string(r.List), Channel: r.Channel, Purpose: r.Purpose, Controller: r.Controller,
		At: r.At, Input: string(r.Input), Position: r.Position, Policy: r.Policy, Lines: r.Lines, Allowed: r.Allowed, Refused: r.Refused,
		Unreadable: r.Unreadable, Duplicates: r.Duplicates, Receipt: string(s.Note), Key: s.Key}
}

// ScreeningsQuery asks for a page of screenings.
type ScreeningsQuery struct{ Paging }

func listScreenings() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *ScreeningsQuery) (*List[ScreeningItem], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		found, next, err := a.services.Screenings.Screenings(ctx, page)
		if err != nil {
			return nil, err
		}
		out := &List[ScreeningItem]{Items: make([]ScreeningItem, len(found)), Next: next}
		for i := range found {
			out.Items[i] = itemOf(&found[i])
		}
		return out, nil
	})
}

// ScreeningInput names one screening.
type ScreeningInput struct {
	ID domain.ID `path:"id" doc:"The screening."`
}

func getScreening() endpoint {
	e := decision(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *ScreeningInput) (answer, error) {
		found, err := a.services.Screenings.Screening(ctx, in.ID)
		if err != nil {
			return answer{}, err
		}
		if strings.Contains(c.r.Header.Get("Accept"), "text/plain") {
			return answer{bytes: found.Note, media: mediaText}, nil
		}
		return answer{status: http.StatusOK, body: itemOf(&found)}, nil
	})
	e.out, e.gives = typeOf[ScreeningItem](), []string{mediaJSON, mediaText}
	return e
}

func postScreening() endpoint {
	e := decision(http.StatusOK, func(_ context.Context, a *API, c *Call, in *ScreeningQuery) (answer, error) {
		src, media, err := c.openBody(mediaCSVIn, mediaPlainIn)
		if err != nil {
			return answer{}, err
		}
		s, err := in.screening(c.rules, a.cfg.Now(), media == mediaCSVIn)
		if l := c.lens(); err == nil && !l.Campaigns(s.Ask.Purpose) {
			err = problem.New(problem.SubjectForbidden)
		}
		if err == nil {
			s.Actor = c.principal.Account
			s.ID, err = domain.RandomID(a.cfg.Rand)
		}
		if err != nil {
			_ = src.Close()
			return answer{}, err
		}
		back := media + "; charset=utf-8"
		if c.wantsLines() {
			back = mediaNDJSON
		}
		header := map[string]string{screeningHdr: s.ID.String(), "Location": "/v1/screenings/" + s.ID.String()}
		return answer{media: back, header: header, stream: func(c *Call) error {
			defer src.Close()
			return screen(a, c, s, src)
		}}, nil
	})
	e.in, e.out, e.item = typeOf[ScreeningQuery](), nil, typeOf[ScreenedLine]()
	e.takes, e.gives, e.streams = []string{mediaCSVIn, mediaPlainIn}, []string{mediaCSV, mediaText, mediaNDJSON}, true
	return e
}

const mediaPlainIn = "text/plain"

// ScreenedLine is a line of the report: one of the file that is not passed on, or, at
// the end, the receipt, without which all before it is void.
type ScreenedLine struct {
	screening.Line
	Receipt *ScreeningItem `json:"receipt,omitempty" doc:"On the last line, alone."`
}
