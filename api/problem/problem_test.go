package problem

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

const marker = "zqMARKERqz"

// declared are the codes that codes.go declares.
func declared(t *testing.T) map[Code]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[Code]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.ValueSpec); ok && len(s.Values) == 1 {
			if lit, ok := s.Values[0].(*ast.BasicLit); ok {
				v, _ := strconv.Unquote(lit.Value)
				if out[Code(v)] {
					t.Errorf("%s is declared twice", v)
				}
				out[Code(v)] = true
			}
		}
		return true
	})
	return out
}

func TestTableIsExhaustive(t *testing.T) {
	t.Parallel()
	codes, seen := declared(t), map[Code]bool{}
	for _, e := range All() {
		if !codes[e.Code] || seen[e.Code] {
			t.Errorf("%s is not declared, or in the table twice", e.Code)
		}
		seen[e.Code] = true
		if e.Status < 400 || e.Status > 599 || http.StatusText(e.Status) == "" {
			t.Errorf("%s has status %d", e.Code, e.Status)
		}
		if (e.Status == 429 || e.Status == 503) != (e.Retry > 0) && e.Code != RequestTimeout && e.Code != KeyInProgress {
			t.Errorf("%s: status %d and Retry-After %d", e.Code, e.Status, e.Retry)
		}
		for _, text := range []string{e.Title.FR, e.Title.EN, e.Action.FR, e.Action.EN} {
			if len(text) < 8 {
				t.Errorf("%s lacks a text: %+v", e.Code, e)
			}
		}
		if e.Title.FR == e.Title.EN || e.Action.FR == e.Action.EN || !strings.HasSuffix(e.Action.FR, ".") || !strings.HasSuffix(e.Action.EN, ".") {
			t.Errorf("%s is not said in two languages, in sentences", e.Code)
		}
	}
	if len(seen) != len(codes) || len(codes) < 45 {
		t.Errorf("%d in the table, %d declared", len(seen), len(codes))
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	for want, err := range map[Code]error{
		NotFound:       fmt.Errorf("read: %w", New(NotFound)),
		BodyTooLarge:   fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1}),
		RequestTimeout: fmt.Errorf("read: %w", os.ErrDeadlineExceeded),
		Timeout:        fmt.Errorf("read: %w", context.DeadlineExceeded),
		Internal:       errors.New("anything"),
	} {
		if got := From(err); got.Code != want {
			t.Errorf("%v is %s, want %s", err, got.Code, want)
		}
	}
	cause := errors.New("cause")
	e := Because(Stale, cause)
	if !errors.Is(e, cause) || !errors.Is(e, New(Stale)) || errors.Is(e, New(Busy)) || e.Error() != "stale: cause" {
		t.Errorf("%v", e)
	}
	if s := At(FieldInvalid, "roles").Error(); s != "field_invalid at roles" {
		t.Error(s)
	}
}

func write(err error, headers ...string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/"+marker, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	Write(w, r, err, "request-1")
	return w
}

func TestWrite(t *testing.T) {
	t.Parallel()
	w := write(&Error{Code: PermissionMissing, Permission: "audit.read", Cause: errors.New(marker)})
	var b Body
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	if w.Code != 403 || b.Status != 403 || b.Code != PermissionMissing || b.Permission != "audit.read" || b.RequestID != "request-1" ||
		b.Type != "/docs#error-permission_missing" || b.Title != "Permission missing" {
		t.Errorf("%d %+v", w.Code, b)
	}
	if strings.Contains(w.Body.String(), marker) {
		t.Error("the cause or the path is answered")
	}
	h := w.Header()
	if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Language") != "en" {
		t.Errorf("headers %v", h)
	}
	if w := write(errors.New(marker)); w.Code != 500 || strings.Contains(w.Body.String(), marker) || !strings.Contains(w.Body.String(), `"internal"`) {
		t.Errorf("an error nobody classified: %d %s", w.Code, w.Body)
	}
	if w := write(New("no_such_code")); w.Code != 500 {
		t.Errorf("a code without an entry: %d", w.Code)
	}
	if w := write(&Error{Code: PolicyInvalid, Lines: []Line{{3, 4, "purposes[0]", "give it a code"}}}); !strings.Contains(w.Body.String(), `"problems":[{"line":3,"column":4,"path":"purposes[0]","message":"give it a code"}]`) {
		t.Errorf("lines: %s", w.Body)
	}
}

func TestChallengesAndWaits(t *testing.T) {
	t.Parallel()
	for code, want := range map[Code]string{TokenMissing: `Bearer realm="greffe"`, TokenRevoked: `Bearer realm="greffe", error="invalid_token"`, NotFound: ""} {
		if got := write(New(code)).Header().Get("WWW-Authenticate"); got != want {
			t.Errorf("%s: %q", code, got)
		}
	}
	for want, e := range map[string]*Error{"1": New(Busy), "3": {Code: RateLimited, RetryAfter: 2*time.Second + 1}, "5": New(Unavailable), "": New(NotFound)} {
		if got := write(e).Header().Get("Retry-After"); got != want {
			t.Errorf("%s: Retry-After %q, want %q", e.Code, got, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "en", "fr": "fr", "fr-CA,en;q=0.5": "fr", "en,fr;q=0.5": "en", "de": "en", "de,fr;q=0.3": "fr", "nonsense;;": "en", strings.Repeat("fr,", 200): "en",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", header)
		if got := Language(r); got != want {
			t.Errorf("%.30q: %s, want %s", header, got, want)
		}
	}
	w := write(New(TokenMissing), "Accept-Language", "fr-FR")
	if !strings.Contains(w.Body.String(), "Jeton absent") || w.Header().Get("Content-Language") != "fr" {
		t.Errorf("in French: %s", w.Body)
	}
}
