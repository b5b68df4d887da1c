package httpapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
)

// maxBodyDepth bounds the nesting of a JSON body that is decoded here. Events are
// bounded one by one by domain/event.
const maxBodyDepth = 32

// readBody checks the media type against takes and reads the whole body within
// the route's limit.
func (c *Call) readBody(takes ...string) (raw []byte, media string, err error) {
	if c.body != nil {
		return c.body, c.media, nil
	}
	src, media, err := c.openBody(takes...)
	if err != nil {
		return nil, "", err
	}
	defer src.Close()
	buf := bytes.NewBuffer(make([]byte, 0, min(max(c.r.ContentLength, 512), c.route.Limits.Body)+1))
	if _, err := buf.ReadFrom(src); err != nil {
		return nil, "", bodyError(err)
	}
	if buf.Len() == 0 {
		return nil, "", problem.New(problem.BodyMissing)
	}
	c.body, c.media = buf.Bytes(), media
	return c.body, media, nil
}

// openBody checks the media type and gives the body as it was before gzip,
// bounded by the route's limit both before and after.
func (c *Call) openBody(takes ...string) (io.ReadCloser, string, error) {
	media := ""
	if h := c.r.Header.Get("Content-Type"); h != "" {
		m, params, err := mime.ParseMediaType(h)
		if err != nil || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
			return nil, "", problem.New(problem.MediaTypeUnsupported)
		}
		media = m
	}
	if !slices.Contains(takes, media) {
		return nil, "", problem.New(problem.MediaTypeUnsupported)
	}
	limit := c.route.Limits.Body
	if media != mediaNDJSON && !c.route.Endpoint.streams { // only a stream is worked off as it comes
		limit = min(limit, maxBatchBytes)
	}
	if c.r.ContentLength > limit {
		return nil, "", problem.New(problem.BodyTooLarge)
	}
	src := http.MaxBytesReader(c.w, c.r.Body, limit)
	switch strings.ToLower(strings.TrimSpace(c.r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return src, media, nil
	case "gzip":
		z, err := gzip.NewReader(src)
		if err != nil {
			return nil, "", bodyError(err)
		}
		return http.MaxBytesReader(nil, z, limit), media, nil
	}
	return nil, "", problem.New(problem.EncodingUnsupported)
}

// bodyError says what went wrong while a body arrived.
func bodyError(err error) error {
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return problem.New(problem.BodyTooLarge)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), corrupt(err):
		return problem.Because(problem.EncodingInvalid, err)
	}
	if p := problem.From(err); p.Code != problem.Internal {
		return p
	}
	var broken net.Error
	if errors.As(err, &broken) { // the client went away or the connection broke
		return problem.Because(problem.RequestTimeout, err)
	}
	return problem.Because(problem.EncodingInvalid, err) // chunks that are none
}

// corrupt finds compress/flate's error, whose type says only an offset.
func corrupt(err error) bool {
	return strings.HasPrefix(err.Error(), "flate: corrupt input")
}

// wellFormed tells the ways apart in which a text is not JSON.
func wellFormed(raw []byte, depth int) error {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return problem.New(problem.BodyMissing)
	case !utf8.Valid(raw):
		return problem.New(problem.UTF8Invalid)
	case nesting(raw) > depth:
		return problem.New(problem.JSONTooDeep)
	case !jsontext.Value(raw).IsValid():
		return problem.New(problem.JSONInvalid)
	}
	return nil
}

// nesting is the deepest nesting of brackets outside strings.
func nesting(raw []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch b := raw[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{', b == '[':
			now++
			deepest = max(deepest, now)
		case b == '}', b == ']':
			now--
		}
	}
	return deepest
}
