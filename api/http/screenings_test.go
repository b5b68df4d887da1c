package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	engine "greffe/api/screening"
	"greffe/domain"
	"greffe/domain/screening"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
)

// testScreenings is the real engine, before a desk that refuses what is written with an
// "o".
type testScreenings struct {
	engine engine.Engine
	mu     sync.Mutex
	fail   error // of the desk
	record error
	asked  []Screening
	last   Screened
}

// fails makes the desk and the record fail, until it is called again.
func (s *testScreenings) fails(desk, record error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail, s.record = desk, record
}

func (s *testScreenings) failing() (desk, record error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fail, s.record
}

// told is what was asked first and answered last.
func (s *testScreenings) told() (Screening, Screened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[0], s.last
}

func (s *testScreenings) Current(context.Context) (engine.Known, engine.Judge, error) {
	if err, _ := s.failing(); err != nil {
		return engine.Known{}, nil, err
	}
	return engine.Known{Below: 7, Policy: 1}, s, nil
}

func (s *testScreenings) Judge(_ context.Context, of []screening.Address, out []engine.Verdict) error {
	for i := range of {
		out[i] = engine.Verdict{Allowed: !strings.Contains(of[i].Normal, "o"), Rule: "opposition.address", Until: testNow}
	}
	return nil
}

func (s *testScreenings) Screen(ctx context.Context, q Screening, src io.Reader, out engine.Output) (Screened, error) {
	s.mu.Lock()
	s.asked = append(s.asked, q)
	s.mu.Unlock()
	r, err := s.engine.Run(ctx, engine.Job{Ask: q.Ask, Layout: q.Layout, Desk: s, Now: func() time.Time { return testNow }}, src, out)
	_, record := s.failing()
	if err = errors.Join(err, record); err != nil {
		return Screened{}, err
	}
	r.ID, r.Time, r.Ledger = q.ID, domain.NewTime(testNow), domain.ID{1}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = Screened{Receipt: r, Note: []byte(r.Text()), Key: "key"}
	return s.last, nil
}

func (s *testScreenings) Screening(_ context.Context, id domain.ID) (Screened, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.Receipt == nil || s.last.Receipt.ID != id {
		return Screened{}, ErrNotFound
	}
	return s.last, nil
}

func (s *testScreenings) Screenings(context.Context, Page) ([]Screened, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.Receipt == nil {
		return nil, "", nil
	}
	return []Screened{s.last}, "", nil
}

func screeningWorld(t *testing.T) (*world, *testScreenings) {
	s := &testScreenings{}
	return newWorld(t, func(_ *Config, x *Services) { x.Screenings = s }), s
}

const screenPath = "/v1/screenings?channel=email&purpose=prospecting"

func TestScreeningGivesTheCleansedFile(t *testing.T) {
	t.Parallel()
	w, s := screeningWorld(t)
	file := "\xEF\xBB\xBFid;E-mail\r\n1;anna@example.fr\r\n2;bob@example.fr\r\n3;\r\n4;\"eva@example.fr\"\r\n"
	got := w.call(http.MethodPost, screenPath+"&list=opposition", file, "Content-Type", "text/csv")
	if got.status != http.StatusOK || got.body != "\xEF\xBB\xBFid;E-mail\r\n1;anna@example.fr\r\n4;\"eva@example.fr\"\r\n" || got.header.Get("Content-Type") != mediaCSV {
		t.Fatalf("%d %q %v", got.status, got.body, got.header)
	}
	q, _ := s.told()
	if q.Ask.List != screening.Opposition || q.Ask.Kind != token.KindEmail || q.Ask.Input != screening.Clear || !q.Ask.At.Equal(testNow) || q.Ask.Controller != "acme" || q.Actor.IsZero() {
		t.Errorf("%+v", q)
	}
	where := got.header.Get("Location")
	if where != "/v1/screenings/"+got.header.Get(screeningHdr) || q.ID.String() != got.header.Get(screeningHdr) {
		t.Error(got.header)
	}
	one := w.call(http.MethodGet, where, "")
	var item ScreeningItem
	if err := json.Unmarshal([]byte(one.body), &item); err != nil || item.Allowed != 2 || item.Unreadable != 1 || item.Refused["opposition.address"] != 1 || item.Lines != 4 || item.Position != 7 {
		t.Fatalf("%v %s", err, one.body)
	}
	if text := w.call(http.MethodGet, where, "", "Accept", "text/plain"); text.body != item.Receipt || text.header.Get("Content-Type") != mediaText {
		t.Error(text)
	}
	if list := w.call(http.MethodGet, "/v1/screenings", ""); !strings.Contains(list.body, q.ID.String()) {
		t.Error(list.body)
	}
	if none := w.call(http.MethodGet, "/v1/screenings/"+anEvent.String(), ""); none.code(t) != "not_found" {
		t.Error(none.body)
	}
}

func TestScreeningGivesTheRefusedLines(t *testing.T) {
	t.Parallel()
	w, s := screeningWorld(t)
	got := w.call(http.MethodPost, screenPath, "anna@example.fr\nbob@example.fr\n\n"+marker+"\n", "Content-Type", "text/plain", "Accept", mediaNDJSON)
	lines := strings.SplitAfter(got.body, "\n")
	asked, _ := s.told()
	if got.status != http.StatusOK || len(lines) != 4 || lines[0] != `{"line":2,"rule":"opposition.address","until":"2026-03-02T10:00:00.000000Z"}`+"\n" ||
		lines[1] != `{"line":4,"unreadable":"address_unreadable"}`+"\n" || !strings.HasPrefix(lines[2], `{"receipt":{"id":"`+asked.ID.String()) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if strings.Contains(got.body, marker) || strings.Contains(got.body, "bob") || strings.Contains(w.logs.String(), marker) {
		t.Error("the answer repeats a line")
	}
}

// TestScreeningStreams a file far larger than what is held of it, over gzip.
func TestScreeningStreams(t *testing.T) {
	t.Parallel()
	w, s := screeningWorld(t)
	body, in := io.Pipe()
	go func() {
		z := gzip.NewWriter(in)
		for i := range 400_000 {
			fmt.Fprintf(z, "%x%s@example.fr\n", i, []string{"", "o"}[i%2])
		}
		_ = in.CloseWithError(z.Close())
	}()
	got := w.send(http.MethodPost, screenPath, body, "Content-Type", "text/plain", "Content-Encoding", "gzip")
	_, last := s.told()
	if got.err != nil || strings.Count(got.body, "\n") != 200_000 || strings.Contains(got.body, "o@") || last.Receipt.Lines != 400_000 {
		t.Fatalf("%v, %d lines", got.err, strings.Count(got.body, "\n"))
	}
}

func TestScreeningRefusesBadQuestions(t *testing.T) {
	t.Parallel()
	w, s := screeningWorld(t)
	lines := []string{"Content-Type", "text/plain"}
	for _, b := range []struct{ path, media, code string }{
		{"/v1/screenings?purpose=prospecting", "text/plain", "parameter_invalid"},
		{"/v1/screenings?channel=" + marker + "&purpose=prospecting", "text/plain", "parameter_invalid"},
		{"/v1/screenings?channel=email&purpose=" + marker, "text/plain", "parameter_invalid"},
		{"/v1/screenings?channel=postal&purpose=prospecting", "text/plain", "parameter_invalid"},
		{screenPath + "&list=" + marker, "text/plain", "parameter_invalid"},
		{screenPath + "&input=sha1", "text/plain", "parameter_invalid"},
		{screenPath + "&controller=" + marker, "text/plain", "parameter_invalid"},
		{screenPath + "&sector=" + marker, "text/plain", "parameter_invalid"},
		{screenPath + "&offer=" + marker, "text/plain", "parameter_invalid"},
		{screenPath + "&at=" + marker, "text/plain", "parameter_invalid"},
		{screenPath + "&column=1", "text/plain", "parameter_invalid"},
		{screenPath + "&separator=x", "text/csv", "parameter_invalid"},
		{screenPath + "&column=" + marker, "text/csv", "parameter_invalid"},
		{screenPath + "&" + marker + "=1", "text/plain", "parameter_unknown"},
		{screenPath, "application/json", "media_type_unsupported"},
	} {
		if got := w.call(http.MethodPost, b.path, "id,mail\n1,a@b.fr\n", "Content-Type", b.media); got.code(t) != b.code || strings.Contains(got.body, marker) {
			t.Errorf("%s: %s", b.path, got.body)
		}
	}
	for err, code := range map[error]string{ErrStale: "stale", ErrHalted: "unavailable", engine.ErrBusy: "busy", engine.ErrPolicy: "conflict"} {
		s.fails(err, nil)
		if got := w.call(http.MethodPost, screenPath, "anna@example.fr\n", lines...); got.code(t) != code {
			t.Errorf("%v: %s", err, got.body)
		}
	}
	s.fails(nil, ledger.ErrUnknown)
	got := w.call(http.MethodPost, screenPath, "anna@example.fr\n", append(lines, "Accept", mediaNDJSON)...)
	if got.code(t) != "state_unknown" {
		t.Error(got.body)
	}
	if got := w.call(http.MethodPost, screenPath, "anna@example.fr\n", lines...); got.err == nil {
		t.Error("an answer that is void ended as if it were whole")
	}
	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	_, _ = g.Write([]byte("anna@example.fr\n"))
	_ = g.Close()
	s.fails(nil, nil)
	if got := w.call(http.MethodPost, screenPath, z.String()[:z.Len()-6], append(lines, "Content-Encoding", "gzip")...); got.code(t) != "encoding_invalid" {
		t.Error(got.body)
	}
}
