//go:build browser

package app

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
)

// office is the console's site and one real browser, in which people of several roles
// sit side by side: each tab has its own cookies.
type office struct {
	*consoleSite
	browser context.Context
	axe     string
	seats   int
	out     *given
}

// given counts the bytes that the service gave, by path.
type given struct {
	http.Handler
	mu    sync.Mutex
	bytes map[string]int
}

func (g *given) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.Handler.ServeHTTP(&countedAnswer{w, g, r.URL.Path}, r)
}

func (g *given) of(path string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bytes[path]
}

type countedAnswer struct {
	http.ResponseWriter
	of   *given
	path string
}

func (a *countedAnswer) Write(b []byte) (int, error) {
	n, err := a.ResponseWriter.Write(b)
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	a.of.bytes[a.path] += n
	return n, err
}

// Flush implements http.Flusher.
func (a *countedAnswer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (a *countedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func openOffice(t *testing.T) *office {
	t.Helper()
	return openOfficeOf(t, openConsole(t))
}

// openOfficeOf puts a browser before a site.
func openOfficeOf(t *testing.T, site *consoleSite) *office {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	axe, err := os.ReadFile(filepath.Join(cmp.Or(os.Getenv("GREFFE_REAL"), filepath.Join(home, ".cache", "greffe-real")), "axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core is needed (make check-browser fetches it): %v", err)
	}
	o := &office{consoleSite: site, axe: string(axe), out: &given{Handler: site.front.Config.Handler, bytes: map[string]int{}}}
	site.front.Config.Handler = o.out
	all, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	t.Cleanup(stop)
	var end context.CancelFunc
	o.browser, end = chromedp.NewContext(all)
	t.Cleanup(end)
	if err := chromedp.Do(o.browser, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("a browser is needed (make check-browser installs one): %v", err)
	}
	return o
}

// seat is one person's tab, and everything that should not have happened in it.
type seat struct {
	*office
	*testing.T
	ctx    context.Context
	who    domain.ID
	mu     sync.Mutex
	wrong  []string
	failed map[string]bool // documents that were answered with an error, as asked for
}

// sit opens a tab for a new account of a role ("" for nobody), which speaks a language.
func (o *office) sit(t *testing.T, role, language string) *seat {
	t.Helper()
	s := &seat{office: o, T: t, failed: map[string]bool{}}
	ctx, end := chromedp.NewContext(o.browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(s.hear))
	t.Cleanup(end)
	s.ctx = ctx
	cookies := map[string]string{"greffe_language": map[string]string{"fr": "ZnI", "en": "ZW4"}[language]}
	if role != "" {
		o.seats++
		made, err := o.open.People.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "Zqstaff",
			Login: role + strings.Repeat("x", o.seats), Roles: []string{role}})
		s.must(err)
		s.who = made.Account
		cookies[auth.CookieNameLocal] = o.enter(made.Account).Cookie
	}
	for name, value := range cookies {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: o.front.URL})
		s.must(err)
	}
	t.Cleanup(func() { s.clean(t) })
	return s
}

func (s *seat) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// hear notes requests to other hosts, errors of scripts, refusals by the page's own
// policy, and dialogs.
func (s *seat) hear(ev any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note := func(what ...string) { s.wrong = append(s.wrong, strings.Join(what, " ")) }
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, s.front.URL+"/") && !strings.HasPrefix(u, "data:") && u != "about:blank" {
			note("a request leaves:", u)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument && e.Response.Status >= 400 {
			s.failed[e.Response.URL] = true
		} else if e.Response.Status >= 400 {
			note("not served:", e.Response.URL)
		}
	case *runtime.EventExceptionThrown:
		note("a script failed:", e.ExceptionDetails.Text, e.ExceptionDetails.URL)
	case *runtime.EventConsoleAPICalled:
		note("on the console:", string(e.Type))
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork || !s.failed[e.Entry.URL] {
			note("in the log:", string(e.Entry.Level), e.Entry.Text, e.Entry.URL)
		}
	case *cdppage.EventJavascriptDialogOpening:
		note("a dialog:", e.Message)
	}
}

// clean fails the test that opened the tab for what hear noted.
func (s *seat) clean(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.wrong {
		t.Error(w)
	}
}

// do carries out steps within 20 s, or says where the tab stood.
func (s *seat) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	s.T.Helper()
	ctx, cancel := s.soon()
	defer cancel()
	if err := steady(ctx, steps...); err != nil {
		where, _ := chromedp.Run(s.ctx, chromedp.Location())
		body, _ := chromedp.Run(s.ctx, chromedp.Text("main"))
		s.T.Fatalf("at %s:\n%.1500s\n%s: %v", where, body, what, err)
	}
}

// visit goes to a page of the site. No account asks faster than its rate: the clock moves.
func (s *seat) visit(path string) {
	s.T.Helper()
	s.now.pass(time.Second)
	s.do(path, chromedp.Navigate(s.front.URL+path), chromedp.WaitReady("body"))
}

// press presses what leads to another page, and waits for it.
func (s *seat) press(selector string) {
	s.T.Helper()
	s.now.pass(time.Second)
	ctx, cancel := s.soon()
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(selector)); err != nil {
		body, _ := chromedp.Run(s.ctx, chromedp.Text("main"))
		s.T.Fatalf("%.1500s\n%s: %v", body, selector, err)
	}
}

// reason chooses one by the page's own form.
func (s *seat) reason(code string) {
	s.T.Helper()
	s.visit("/console")
	if !scripted[bool](s, `!!document.querySelector("aside.why")`) {
		return
	}
	s.do("choose a reason", chromedp.Click("aside.why summary"), chromedp.WaitVisible("aside.why select"),
		chromedp.SetValue("aside.why select[name=reason]", code), chromedp.SetValue("aside.why input[name=ticket]", "T-1"))
	s.press("aside.why button")
}

// scripted is what a script finds on the page.
func scripted[T any](s *seat, script string) T {
	s.T.Helper()
	v, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](script))
	s.must(err)
	return v
}

// soon is the tab's context, for 20 s.
func (s *seat) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.ctx, 20*time.Second)
}
