package app

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/domain"
)

// follow begins a stream of the console with the site's cookies.
func (s *consoleSite) follow(path string) (*http.Response, *bufio.Scanner) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.front.URL+path, nil)
	s.ok(err)
	for name, v := range s.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: v})
	}
	resp, err := http.DefaultClient.Do(req)
	s.ok(err)
	s.Cleanup(func() { _ = resp.Body.Close() })
	return resp, bufio.NewScanner(resp.Body)
}

// until reads a stream up to a line that begins so, or to its end.
func until(lines *bufio.Scanner, begins string) string {
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), begins) {
			return lines.Text()
		}
	}
	return ""
}

// TestConsoleOperation: the page of an erasure says what was ordered and, once it is
// done, what it did; its stream ends with it; who may not erase sees neither.
func TestConsoleOperation(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	subject, err := domain.ParseID(s.real["/v1/subjects/"])
	s.ok(err)
	id, err := erasures{s.open}.Order(t.Context(), httpapi.ErasureOrder{Subject: subject, Actor: domain.ID{1}, Ground: "art17.1.b", Reason: "by letter"})
	s.ok(err)
	s.ok(s.open.Eraser.Wait(t.Context(), id))
	s.ok(s.open.CaughtUp(t.Context()))
	p := s.get("/console/operations/" + id.String())
	for _, want := range []string{"The erasure is complete.", "What the law has the controller keep", "/console/people/" + s.real["/v1/subjects/"], "What was checked in each store"} {
		if p.status != http.StatusOK || !strings.Contains(p.text, want) {
			t.Errorf("%d, without %q: %.1500s", p.status, want, p.text)
		}
	}
	s.because("rights_request")
	if order := s.get("/console/events/" + id.String()); order.status != http.StatusOK || !strings.Contains(order.text, "Erasure ordered") {
		t.Errorf("the order is not among the facts: %d %.800s", order.status, order.text)
	}
	resp, lines := s.follow("/console/live/operations/" + id.String())
	if got := until(lines, "data:"); resp.StatusCode != http.StatusOK || !strings.Contains(got, `"ended":true`) {
		t.Errorf("its stream: %d %s", resp.StatusCode, got)
	}
	after := 0
	for lines.Scan() {
		after++
	}
	if after > 1 { // a blank line ends the event
		t.Errorf("the stream goes on for %d lines after the end", after)
	}
	s.shows("/console/operations/"+id.String(), "by letter")
	s.signIn("agent")
	if resp, _ := s.follow("/console/live/operations/" + id.String()); resp.StatusCode != http.StatusForbidden {
		t.Errorf("an agent follows an erasure: %d", resp.StatusCode)
	}
	delete(s.cookies, auth.CookieNameLocal)
	if resp, _ := s.follow("/console/live/operations/" + id.String()); resp.StatusCode != http.StatusNoContent {
		t.Errorf("nobody follows an erasure: %d", resp.StatusCode)
	}
}
