package console

import (
	"context"
	"mime"
	"net/http"
	"path"
	"strings"
)

// pass gives the visitor a file of the API as it comes.
func (v *visit) pass(ctx context.Context, where, name string) error {
	return v.passAs(ctx, where, name, "*/*")
}

// passAs gives it in one of the media that the API offers.
func (v *visit) passAs(ctx context.Context, where, name, media string) error {
	r, err := v.made(ctx, &request{method: http.MethodGet, path: where, accept: media})
	if err != nil {
		return err
	}
	p := &passing{v: v, header: http.Header{}, name: name}
	v.api.ServeHTTP(p, r)
	if p.status < 300 {
		return nil
	}
	_, err = p.kept.value()
	return err
}

// passing lets a good answer through and keeps any other.
type passing struct {
	v      *visit
	header http.Header
	name   string
	status int
	kept   reply
}

// Header implements http.ResponseWriter.
func (p *passing) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *passing) WriteHeader(status int) {
	if p.status != 0 || status < 200 {
		return
	}
	p.status = status
	if status >= 300 {
		p.kept.header = p.header
		p.kept.WriteHeader(status)
		return
	}
	h := p.v.w.Header()
	for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Length", "Set-Cookie"} {
		if values := p.header.Values(name); len(values) > 0 {
			h[name] = values
		}
	}
	if h.Get("Content-Disposition") == "" {
		ext := path.Ext(p.name)
		p.name = strings.TrimSuffix(p.name, ext)
		if kind, _, err := mime.ParseMediaType(p.header.Get("Content-Type")); err == nil && ext == "" {
			ext = extension(kind)
		}
		h.Set("Content-Disposition", `attachment; filename="greffe-`+p.name+ext+`"`)
	}
	p.v.w.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p *passing) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	if p.status >= 300 {
		return p.kept.Write(b)
	}
	return p.v.w.Write(b)
}

// Unwrap lets the API flush what it streams.
func (p *passing) Unwrap() http.ResponseWriter { return p.v.w }

func extension(media string) string {
	return map[string]string{"application/pdf": ".pdf", "application/zip": ".zip", "text/csv": ".csv", "application/json": ".json", "application/ld+json": ".json",
		"text/plain": ".txt", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx", "application/yaml": ".yaml", "application/x-ndjson": ".ndjson", "text/html": ".html"}[media]
}
