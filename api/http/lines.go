package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"

	"github.com/go-json-experiment/json"

	"greffe/domain"
)

// lineWriter writes NDJSON and ends it with a count and a digest.
type lineWriter struct {
	c     *Call
	buf   []byte
	sum   hash.Hash
	count int
}

func newLineWriter(c *Call) *lineWriter { return &lineWriter{c: c, sum: sha256.New()} }

// add keeps one line back until flush.
func (l *lineWriter) add(item any) error {
	b, err := json.Marshal(item)
	if err != nil {
		return err
	}
	l.buf = append(append(l.buf, b...), '\n')
	l.count++
	return nil
}

// flush sends the lines that were kept back. The connection gets the route's
// time for each flush, so that a stream may last as long as it is read.
func (l *lineWriter) flush() error {
	l.c.began = true
	_ = l.c.deadline(l.c.route.Limits.Timeout) // without one, the server's own holds
	l.sum.Write(l.buf)
	_, err := l.c.w.Write(l.buf)
	l.buf = l.buf[:0]
	if err != nil {
		return err
	}
	return http.NewResponseController(l.c.w).Flush()
}

// End is the last line of a stream, without which the stream is void.
type End struct {
	Count    int              `json:"count" doc:"Lines before this one."`
	SHA256   string           `json:"sha256" doc:"Of the bytes of all lines before this one, each with its newline, in hexadecimal."`
	Position *domain.Position `json:"position,omitempty" doc:"Of the last event recorded, for X-Greffe-Min-Position."`
}

// endLine is how End stands on its line.
type endLine struct {
	End End `json:"end"`
}

// end sends what was kept back and the last line.
func (l *lineWriter) end(at *domain.Position) error {
	if err := l.flush(); err != nil {
		return err
	}
	b, err := json.Marshal(endLine{End{Count: l.count, SHA256: hex.EncodeToString(l.sum.Sum(nil)), Position: at}})
	if err != nil {
		return err
	}
	l.buf = append(b, '\n')
	return l.flush()
}

// streamPages writes pages one after another until the limit (0: all) or the
// end of the list. next records each page's access before it returns the page.
func streamPages[T any](a *API, c *Call, page Page, next func(context.Context, Page) (Found[T], error)) error {
	w, left := newLineWriter(c), page.Limit
	for {
		p := Page{Cursor: page.Cursor, Limit: maxPage}
		if left > 0 {
			p.Limit = min(left, maxPage)
		}
		ctx, cancel := context.WithTimeout(c.r.Context(), c.route.Limits.Timeout)
		found, err := next(ctx, p)
		cancel()
		if err != nil {
			return err
		}
		for _, item := range found.Items {
			if err := w.add(item); err != nil {
				return err
			}
		}
		left -= len(found.Items)
		if found.Next == "" || page.Limit > 0 && left <= 0 {
			return w.end(nil)
		}
		if err := w.flush(); err != nil {
			return err
		}
		page.Cursor = found.Next
	}
}
