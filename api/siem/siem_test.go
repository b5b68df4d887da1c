package siem_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/siem"
	"greffe/domain"
	"greffe/domain/event"
)

var (
	who  = domain.ID{7, 6: 0x40, 8: 0x80}
	when = domain.NewTime(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
)

func fact(t event.Type, codes event.Codes) *event.Fact {
	return &event.Fact{ID: domain.ID{1, 6: 0x80, 8: 0x80}, Type: t, Time: when, Recorded: when, Codes: codes}
}

// Each kind of fact has its class, activity and severity; the required attributes of
// OCSF 1.3 are there; the type is class × 100 + activity.
func TestClasses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f                         *event.Fact
		class, activity, severity int
		has                       []string
	}{
		"read":    {fact(event.AccessRecorded, event.Codes{}.With("action", "export").With("reason", "audit").With("count", int64(40))), 6003, 2, 1, []string{`"operation":"export"`, `"persons":40`, `"svc_name":"greffe"`}},
		"denied":  {fact(event.AccessDenied, event.Codes{}.With("route", "get-v1-tokens").With("code", "permission_missing").With("count", int64(9))), 6003, 99, 2, []string{`"status_id":2`, `"count":9`, `"status_code":"permission_missing"`}},
		"made":    {fact(event.AccountTokenMade, event.Codes{}.With("account", who.String())), 6003, 1, 2, nil},
		"policy":  {fact(event.PolicyPublished, nil), 6003, 3, 3, nil},
		"signin":  {fact(event.AccountSessionStarted, event.Codes{}.With("account", who.String()).With("method", "passkey").With("factors", []string{"possession", "biometric"})), 3002, 1, 1, []string{`"is_mfa":true`, `"auth_protocol":"passkey"`, `"user":{`}},
		"signout": {fact(event.AccountSessionEnded, event.Codes{}.With("account", who.String()).With("why", "idle")), 3002, 2, 1, []string{`"status_code":"idle"`}},
		"locked":  {fact(event.AccountLocked, event.Codes{}.With("account", who.String())), 3002, 99, 3, []string{`"status":"Failure"`}},
		"alert":   {fact(event.WatchAlerted, event.Codes{}.With("rule", "breadth_day").With("level", int64(1)).With("observed", int64(900)).With("limit", int64(100))), 2004, 1, 4, []string{`"types":["breadth_day"]`, `"status":"New"`, `"evidences":[{"actor"`}},
		"closed":  {fact(event.WatchClosed, event.Codes{}.With("alert", who.String()).With("outcome", "misuse")), 2004, 3, 1, []string{`"status":"Resolved"`, `"status_code":"misuse"`}},
	} {
		e, ok := siem.Of(c.f, 42, who, "test")
		if !ok {
			t.Errorf("%s is left out", name)
			continue
		}
		if e.ClassUID != c.class || e.ActivityID != c.activity || e.SeverityID != c.severity || e.TypeUID != 100*c.class+c.activity || e.CategoryUID != c.class/1000 {
			t.Errorf("%s: %+v", name, e)
		}
		line, err := e.Line()
		if err != nil {
			t.Fatal(err)
		}
		text := string(line)
		for _, has := range append(c.has, `"version":"1.3.0"`, `"sequence":42`, `"uid":"01000000-0000-8000-8000-000000000000"`, `"time":1772445600000`, `"severity":"`) {
			if !strings.Contains(text, has) {
				t.Errorf("%s lacks %s: %s", name, has, text)
			}
		}
		if name != "closed" && !strings.Contains(text, who.String()) {
			t.Errorf("%s names no account: %s", name, text)
		}
		if strings.Count(text, "\n") != 1 || json.Unmarshal(line, new(map[string]any)) != nil {
			t.Errorf("%s is no line of JSON: %s", name, text)
		}
	}
	if _, ok := siem.Of(fact(event.ContactCreated, nil), 1, who, "test"); ok {
		t.Error("a contact is told of")
	}
}

func TestFileIsAppendedTo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "siem.ndjson")
	s, err := siem.Open(siem.Target{Where: path})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []string{"a\n", "b\n"} {
		if err := s.Write(t.Context(), []byte(l)); err != nil {
			t.Fatal(err)
		}
	}
	b, _ := os.ReadFile(path)
	info, err := os.Stat(path)
	if err != nil || string(b) != "a\nb\n" || info.Mode().Perm() != 0o600 {
		t.Errorf("%q %v %v", b, info.Mode(), err)
	}
}

func TestPosted(t *testing.T) {
	t.Parallel()
	var got []string
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type"))
		w.WriteHeader(status)
	}))
	defer srv.Close()
	s, err := siem.Open(siem.Target{Where: srv.URL, Token: "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), []byte("{}\n")); err != nil || !slices.Equal(got, []string{"Bearer t0ken application/x-ndjson"}) {
		t.Errorf("%v %q", err, got)
	}
	for _, status = range []int{http.StatusServiceUnavailable, http.StatusMovedPermanently} {
		if err := s.Write(t.Context(), []byte("{}\n")); err == nil || strings.Contains(err.Error(), srv.URL) {
			t.Errorf("answered %d: %v", status, err)
		}
	}
	for _, where := range []string{"http://siem.example.org/", "https://u:p@siem.example.org/", "ftp://127.0.0.1/"} {
		if _, err := siem.Open(siem.Target{Where: where}); err == nil || strings.Contains(err.Error(), "example") {
			t.Errorf("%s: %v", where, err)
		}
	}
}
