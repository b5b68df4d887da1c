package app

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/account"
)

// benchHouse is a grown ledger, and one person of each role who signed in.
type benchHouse struct {
	*testing.B
	open    *App
	persons []string
	cookies string
	role    string
	csrf    string
}

// pace is what one page took, request by request.
type pace struct {
	role, page string
	took       []time.Duration
	work       time.Duration // of all processors, for one request
	size       int
	where      func(n int) string // of a page that a browser can load, for the n-th time; nil else
	cookies    string
}

func (p *pace) at(q float64) time.Duration { return p.took[int(q*float64(len(p.took)-1)+0.5)] }

func (p *pace) String() string {
	return fmt.Sprintf("%-9s %-58s p50 %8s  p95 %8s  max %8s  cpu %8s  %6.1f KiB", p.role, p.page, ms(p.at(0.5)), ms(p.at(0.95)), ms(p.took[len(p.took)-1]), ms(p.work), float64(p.size)/1024)
}

// painted is how many pages a browser loads: those that took the server longest.
const painted = 10

// BenchmarkConsole says how long the server takes for each page of the console, by role,
// and, with the tag browser, when a real browser first paints the heaviest of them, on a ledger of GREFFE_BENCH_PERSONS persons and GREFFE_BENCH_EVENTS events. With
// GREFFE_BENCH_DIR the ledger is kept there and used again, with GREFFE_BENCH_PAGES these
// pages alone are asked for, with GREFFE_BENCH_ROLES by these roles alone; {person} in a page is one of sixty persons.
func BenchmarkConsole(b *testing.B) {
	b.ReportAllocs()
	c := openBenchHouse(b)
	var all []*pace
	for _, role := range strings.Fields(cmp.Or(os.Getenv("GREFFE_BENCH_ROLES"), "dpo auditor agent admin security")) {
		c.signIn(role)
		for _, page := range c.pages() {
			p := c.measure(page)
			all = append(all, p)
			fmt.Fprintln(os.Stderr, p)
		}
	}
	slices.SortStableFunc(all, func(a, b *pace) int { return -cmp.Compare(a.at(0.95), b.at(0.95)) })
	slow := 0
	for _, p := range all {
		if p.at(0.95) > 50*time.Millisecond {
			slow++
		}
		fmt.Fprintln(os.Stderr, p)
	}
	fmt.Fprintf(os.Stderr, "%d pages, %d of them over 50 ms (p95)\n", len(all), slow)
	b.ReportMetric(float64(slow), "pages-over-50ms")
	c.paint(heaviest(all))
}

// heaviest are pages that a browser loads, of each kind the one that took longest.
func heaviest(all []*pace) (out []*pace) {
	kinds := map[string]bool{}
	all = slices.SortedStableFunc(slices.Values(all), func(a, b *pace) int { return -cmp.Compare(a.work, b.work) })
	for _, p := range all {
		if kind, _, _ := strings.Cut(p.page, "?"); p.where != nil && !kinds[kind] && len(out) < painted {
			kinds[kind] = true
			out = append(out, p)
		}
	}
	return out
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

func openBenchHouse(b *testing.B) *benchHouse {
	b.Helper()
	dir := cmp.Or(os.Getenv("GREFFE_BENCH_DIR"), b.TempDir())
	a := must(Open(b.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), FenceDir: filepath.Join(dir, "fence"), PublicURL: "http://localhost",
		Rates: map[httpapi.Rate]float64{httpapi.RateRead: 1e6, httpapi.RateSearch: 1e6}}))(b)
	b.Cleanup(func() {
		if err := a.Close(); err != nil {
			b.Error(err)
		}
	})
	persons := setting("GREFFE_BENCH_PERSONS", 20_000)
	grow(b, a, filepath.Join(dir, "data"), persons, setting("GREFFE_BENCH_EVENTS", 0))
	if err := a.CaughtUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	// One person looks at more people within minutes than the shipped policy lets anybody.
	text := regexp.MustCompile(`(persons_(?:hour|day)): \{soft: \d+, hard: \d+\}`).ReplaceAllString(string(deploy.Policy()), "$1: {soft: 900000, hard: 1000000}")
	text = regexp.MustCompile(`reads_hour: \d+`).ReplaceAllString(text, "reads_hour: 1000000")
	if _, version := a.Ledger.Policy(); version < 2 {
		must2(a.Ledger.PublishPolicy(b.Context(), domain.ID{1}, []byte(text)))(b)
	}
	c := &benchHouse{B: b, open: a}
	c.signIn("dpo")
	for n := range 60 {
		p := c.ask(http.MethodPost, "/console/people", url.Values{"by": {"email"}, "text": {fmt.Sprintf("g%d@example.org", n*7919%persons)}})
		if !strings.HasPrefix(p.Header().Get("Location"), "/console/people/") {
			b.Fatalf("nobody is found: %d %.500s", p.Code, p.Body)
		}
		c.persons = append(c.persons, p.Header().Get("Location"))
	}
	return c
}

func must2[T, U any](v T, _ U, err error) func(testing.TB) T { return must(v, err) }

func (c *benchHouse) signIn(role string) {
	c.Helper()
	made := must(c.open.People.Create(c.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "bench", Roles: []string{role}}))(c)
	s := must(c.open.People.Start(c.Context(), auth.Login{Account: made.Account, Method: "passkey", Factors: []string{"passkey"}}))(c)
	c.role, c.cookies, c.csrf = role, auth.CookieNameLocal+"="+s.Cookie, s.CSRF
	rules, _ := c.open.Ledger.Policy()
	for _, r := range rules.Reasons() {
		if r.MayUse(role) {
			p := c.ask(http.MethodPost, "/console/reason", url.Values{"reason": {r.Code}, "ticket": {"T-1"}})
			for _, k := range p.Result().Cookies() {
				c.cookies += "; " + k.Name + "=" + k.Value
			}
			return
		}
	}
}

func (c *benchHouse) ask(method, where string, form url.Values) *httptest.ResponseRecorder {
	c.Helper()
	if form != nil {
		form.Set("csrf", c.csrf)
	}
	r := httptest.NewRequestWithContext(c.Context(), method, where, strings.NewReader(form.Encode()))
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:40000"
	r.Header.Set("Cookie", c.cookies)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	out := httptest.NewRecorder()
	c.open.Front.ServeHTTP(out, r)
	return out
}

// benchPage is one page as it is asked for the n-th time: where it is, or how it is asked
// for by a form.
type benchPage struct {
	name  string
	where func(n int) string
	form  func(n int) *httptest.ResponseRecorder
}

func alwaysAt(where string) func(int) string { return func(int) string { return where } }

// pages are what the role can reach by links, one of each kind, and what it asks by forms.
func (c *benchHouse) pages() []benchPage {
	c.Helper()
	var out []benchPage
	for _, where := range strings.Fields(os.Getenv("GREFFE_BENCH_PAGES")) {
		out = append(out, benchPage{where, func(n int) string { return strings.ReplaceAll(where, "{person}", c.persons[n%len(c.persons)]) }, nil})
	}
	if len(out) > 0 {
		return out
	}
	queue, seen := []string{"/console"}, map[string]bool{}
	for len(queue) > 0 {
		where := queue[0]
		queue = queue[1:]
		key := patternOf(where)
		if seen[key] || slices.ContainsFunc([]string{"/file", "/export", "/console/timeline"}, func(file string) bool { return strings.Contains(key, file) }) {
			continue
		}
		seen[key] = true
		p := c.ask(http.MethodGet, where, nil)
		if p.Code != http.StatusOK {
			continue
		}
		if !strings.HasPrefix(key, "/console/people/*") || key != "/console/people/*?" {
			out = append(out, benchPage{strings.TrimSuffix(key, "?"), alwaysAt(where), nil})
		}
		for _, href := range hrefs(p.Body.String()) {
			if u, err := url.Parse(href); err == nil && strings.HasPrefix(u.Path, "/console") && u.Query().Get("language") == "" {
				queue = append(queue, href)
			}
		}
	}
	if c.role == "admin" || c.role == "security" {
		return out
	}
	for _, tab := range []string{"", "?tab=history", "?tab=consents", "?tab=contact", "?tab=accesses"} {
		out = append(out, benchPage{"a person " + tab, func(n int) string { return c.persons[n%len(c.persons)] + tab }, nil})
	}
	for by, text := range map[string]string{"email": "g%d@example.org", "phone": "+336%08d", "name": "Martin-%d"} {
		out = append(out, benchPage{"search by " + by, nil, func(n int) *httptest.ResponseRecorder {
			return c.ask(http.MethodPost, "/console/people", url.Values{"by": {by}, "text": {fmt.Sprintf(text, rand.IntN(5000))}})
		}})
	}
	return append(out, benchPage{"may I contact", nil, func(n int) *httptest.ResponseRecorder {
		return c.ask(http.MethodPost, "/console/contactability", url.Values{"whom": {fmt.Sprintf("g%d@example.org", n)}, "channel": {"email"}, "purpose": {"prospecting"}})
	}})
}

// measure asks for a page 50 times, after three that nobody counts.
func (c *benchHouse) measure(page benchPage) *pace {
	c.Helper()
	p := &pace{role: c.role, page: page.name, where: page.where, cookies: c.cookies}
	began, before := time.Now(), worked(c)
	for n := range 53 {
		start := time.Now()
		var got *httptest.ResponseRecorder
		if page.where != nil {
			got = c.ask(http.MethodGet, page.where(n), nil)
		} else {
			got = page.form(n)
		}
		took := time.Since(start)
		if !strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") {
			p.where = nil // a file
		}
		if got.Code >= 400 {
			c.Logf("%s %s: %d %.300s", c.role, page.name, got.Code, got.Body)
		}
		if n >= 3 {
			p.took = append(p.took, took)
			p.size = max(p.size, got.Body.Len())
		}
		if n > 6 && time.Since(began) > 8*time.Second { // it is slow, and that is known by now
			break
		}
	}
	p.work = (worked(c) - before) / time.Duration(len(p.took)+3)
	slices.Sort(p.took)
	return p
}

// worked is the time that processors spent on this process: on a machine that others use,
// it says more than the clock.
func worked(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
