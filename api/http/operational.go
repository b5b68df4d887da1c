package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"greffe/api/docs"
	"greffe/api/problem"
)

func health(*API, *Call) (answer, error) {
	return answer{bytes: []byte("ok\n"), media: mediaText}, nil
}

// ready answers 503 while this node cannot answer requests, and names the stores that
// cannot be reached. Else why is in the log.
func ready(a *API, c *Call) (answer, error) {
	err := a.services.Nodes.Ready(c.Context())
	var away *AwayError
	switch {
	case err == nil:
		return answer{bytes: []byte("ready\n"), media: mediaText}, nil
	case errors.As(err, &away) && away.Ready:
		return answer{bytes: []byte("ready; cannot be reached: " + strings.Join(away.Stores, ", ") + "\n"), media: mediaText}, nil
	case away != nil:
		return answer{}, &problem.Error{Code: problem.Unavailable, Away: away.Stores, Cause: err}
	}
	p := &problem.Error{Code: problem.Unavailable, Cause: err}
	var stopped *StoppedError
	if errors.As(err, &stopped) {
		p.Stopped = &stopped.Stopped
	}
	return answer{}, p
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
	d, err := a.described()
	return answer{bytes: d.spec, media: mediaOpenAPI}, err
}

// asyncAPI describes the topics; of a service without any it has no channels.
func asyncAPI(a *API, _ *Call) (answer, error) {
	if spec := a.topics.Load(); spec != nil {
		return answer{bytes: *spec, media: mediaAsyncAPI}, nil
	}
	none := fmt.Appendf(nil, `{"asyncapi":"3.0.0","info":{"title":"Greffe","version":%q},"channels":{},"operations":{}}`, a.cfg.Version)
	return answer{bytes: none, media: mediaAsyncAPI}, nil
}

// DescribeTopics gives the AsyncAPI document of this process's topics.
func (a *API) DescribeTopics(spec []byte) { a.topics.Store(&spec) }

func docsPage(a *API, c *Call) (answer, error) {
	lang := problem.Language(c.r)
	if q := c.r.URL.Query().Get("lang"); q == "fr" || q == "en" {
		lang = q
	}
	d, err := a.described()
	if err != nil {
		return answer{}, err
	}
	rules, version := a.services.Ledger.Policy()
	page, err := d.pages.Page(lang, rules, version)
	if err != nil {
		return answer{}, err
	}
	return answer{bytes: page, media: mediaHTML, header: map[string]string{"Content-Language": lang}}, nil
}

func docsStyle(*API, *Call) (answer, error) {
	return answer{bytes: docs.Style(), media: mediaCSS, header: map[string]string{"Cache-Control": "max-age=3600"}}, nil
}
