package httpapi

import (
	"context"
	"net/http"
	"time"

	files "greffe/api/answer"
	answers "greffe/domain/answer"
)

// PrintQuery says how to print.
type PrintQuery struct {
	Format   string `query:"format" doc:"html, pdf or txt; html if absent."`
	Language string `query:"language" doc:"fr or en; by Accept-Language if absent."`
}

// printRoutes print what the policy in force says, for a privacy notice and for staff.
func printRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	return []Route{
		{http.MethodGet, "/v1/policy/notice", "policy.read", "The notice's section on rights and durations (Vos droits et durées de conservation)", read, false, getPrint(answers.Information), nil},
		{http.MethodGet, "/v1/policy/staff-notice", "policy.read", "The model of the notice to staff about the access journal", read, false, getPrint(answers.Staff), nil},
	}
}

func getPrint(write func(answers.Company, answers.Lang, time.Time) *answers.Document) endpoint {
	known := []files.Format{files.HTML, files.PDF, files.Text}
	e := plain(http.StatusOK, func(_ context.Context, a *API, c *Call, in *PrintQuery) (answer, error) {
		format, err := formatOf(in.Format, known...)
		if err != nil {
			return answer{}, err
		}
		lang, err := languageOf(c, in.Language)
		if err != nil {
			return answer{}, err
		}
		p, _ := a.services.Ledger.Policy()
		b, err := files.Document(write(p, lang, a.cfg.Now()), format)
		header := map[string]string{"Content-Language": string(lang)}
		if format == files.HTML {
			header["Content-Security-Policy"] = files.ContentPolicy()
		}
		return answer{bytes: b, media: format.Media(), header: header}, err
	})
	e.out, e.gives = nil, mediaOf(known...)
	return e
}
