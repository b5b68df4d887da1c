package httpapi

import (
	"net/http"

	"greffe/api/docs"
	"greffe/api/problem"
)

func health(*API, *Call) (answer, error) {
	return answer{bytes: []byte("ok\n"), media: mediaText}, nil
}

// ready answers 503 while this node cannot answer everything. Why is in the log.
func ready(a *API, c *Call) (answer, error) {
	if err := a.services.Nodes.Ready(c.Context()); err != nil {
		return answer{}, problem.Because(problem.Unavailable, err)
	}
	return answer{bytes: []byte("ready\n"), media: mediaText}, nil
}

// metricsEndpoint answers loopback addresses, where the scraper of a small
// installation runs; from elsewhere it takes a token with operations.read.
func metricsEndpoint() endpoint {
	return endpoint{class: None, local: true, status: http.StatusOK, gives: []string{"text/plain; version=0.0.4"},
		serve: func(a *API, _ *Call) (answer, error) {
			return answer{media: "text/plain; version=0.0.4", stream: func(c *Call) error { a.writeMetrics(c); return nil }}, nil
		}}
}

func openAPI(a *API, _ *Call) (answer, error) {
	return answer{bytes: a.spec, media: mediaOpenAPI}, nil
}

func docsPage(a *API, c *Call) (answer, error) {
	lang := problem.Language(c.r)
	if q := c.r.URL.Query().Get("lang"); q == "fr" || q == "en" {
		lang = q
	}
	rules, version := a.services.Ledger.Policy()
	page, err := a.pages.Page(lang, rules, version)
	if err != nil {
		return answer{}, err
	}
	return answer{bytes: page, media: mediaHTML, header: map[string]string{"Content-Language": lang}}, nil
}

func docsStyle(*API, *Call) (answer, error) {
	return answer{bytes: docs.Style(), media: mediaCSS, header: map[string]string{"Cache-Control": "max-age=3600"}}, nil
}
