package app

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
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

// BenchmarkAuthorised is what being authorised costs a request on a real service, without
// a network: from the first byte of the middleware to where the handler would begin.
//
//   - nothing: the benchmark's own request and recorder, which the others include.
//   - open: a route for everybody; what every request pays, metrics and headers.
//   - plain: token, rate, permission, freshness; a handler that says one word.
//   - session: the same by a person's cookie.
//   - person: token, rate, permission, reason, who is merged with whom, quota of persons,
//     lens over every field; it ends in a refusal, as anything else would wait for a disk.
//   - kept: the same by a role that is kept to a purpose, and so needs the contact's
//     purposes and portfolio.
//   - first-person, first-kept: the two, when nothing is known of the person in memory.
//   - recorded: person, let through: with the access made durable, and the file read.
//
// cpu-µs/op is the process's own time: what else runs on the machine does not count.
func BenchmarkAuthorised(b *testing.B) {
	o := openBenched(b)
	agent, kept := o.token("agent"), o.token("marketing")
	known := o.contacts[0].String()
	all := func(path string) func() string {
		n := 0
		return func() string { n++; return fmt.Sprintf(path, o.contacts[n%len(o.contacts)]) }
	}
	one := func(path string) func() string { return func() string { return path } }
	for _, c := range []struct {
		name          string
		path          func() string
		header, value string
		status        int
	}{
		{"nothing", one(""), "Authorization", agent, http.StatusOK},
		{"open", one("/healthz"), "Authorization", agent, http.StatusOK},
		{"plain", one("/v1/keys/rotation"), "Authorization", o.token("admin"), http.StatusOK},
		{"session", one("/v1/keys/rotation"), "Cookie", o.session("admin"), http.StatusOK},
		{"person", one("/v1/subjects/" + known + "/export"), "Authorization", agent, http.StatusForbidden},
		{"kept", one("/v1/subjects/" + known), "Authorization", kept, http.StatusForbidden},
		{"first-person", all("/v1/subjects/%s/export"), "Authorization", agent, http.StatusForbidden},
		{"first-kept", all("/v1/subjects/%s"), "Authorization", kept, http.StatusForbidden},
		{"recorded", one("/v1/subjects/" + known), "Authorization", agent, http.StatusOK},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			began := processTime(b)
			for b.Loop() {
				path := c.path()
				r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, cmp.Or(path, "/"), nil)
				r.Host, r.RemoteAddr = "localhost", "127.0.0.1:5"
				r.Header.Set(c.header, c.value)
				w := httptest.NewRecorder()
				if path == "" {
					_, _ = w.WriteString("{}")
				} else {
					o.API.ServeHTTP(w, r)
				}
				if w.Code != c.status {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64((processTime(b)-began).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
		})
	}
}

// benched is a service that knows more people than the index keeps in memory.
type benched struct {
	*App
	b        *testing.B
	contacts []domain.ID
}

func openBenched(b *testing.B) *benched {
	dir := b.TempDir()
	a, err := Open(b.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Logger: slog.New(slog.DiscardHandler),
		Rates: map[httpapi.Rate]float64{httpapi.RateRead: 1e9, httpapi.RateSearch: 1e9}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	o := &benched{App: a, b: b}
	for range 10 {
		var events [][]byte
		for range 1000 {
			n := len(o.contacts) + len(events)
			events = append(events, []byte(strings.Replace(made(fmt.Sprint("e", n), fmt.Sprint("C-", n), past), `"kind":"client"`, `"kind":"candidate"`, 1)))
		}
		res, err := a.Record(b.Context(), events)
		if err != nil {
			b.Fatal(err)
		}
		for i := range res {
			o.contacts = append(o.contacts, res[i].Subject)
		}
	}
	copies := strings.Replace(string(deploy.Policy()), "    permissions: [subjects.search, subjects.read, contactability.check, notices.read, requests.write]",
		"    permissions: [subjects.export, subjects.search, subjects.read, contactability.check, notices.read, requests.write]", 1)
	if _, _, err := a.Ledger.PublishPolicy(b.Context(), domain.ID{1}, []byte(copies)); err != nil {
		b.Fatal(err)
	}
	if err := a.CaughtUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	return o
}

// token is what a caller of a role sends as Authorization.
func (o *benched) token(role string) string {
	rules, _ := o.Ledger.Policy()
	made, err := o.Tokens.Make(o.b.Context(), rules, domain.ID{1}, auth.Request{Label: role, Roles: []string{role}, DefaultReason: "sales_follow_up"})
	if err != nil {
		made, err = o.Tokens.Make(o.b.Context(), rules, domain.ID{1}, auth.Request{Label: role, Roles: []string{role}})
	}
	if err != nil {
		o.b.Fatal(err)
	}
	return "Bearer " + made.Text
}

// session is what a person of a role sends as Cookie.
func (o *benched) session(role string) string {
	who, err := o.People.Create(o.b.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{role}})
	if err != nil {
		o.b.Fatal(err)
	}
	s, err := o.People.Start(o.b.Context(), auth.Login{Account: who.Account, Method: "passkey", Factors: []string{"passkey"}})
	if err != nil {
		o.b.Fatal(err)
	}
	return auth.CookieNameLocal + "=" + s.Cookie
}

// processTime is the processor's time that this process has taken.
func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
