package app

import (
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
//   - plain: token, rate, permission, freshness; a handler that says one word.
//   - session: the same by a person's cookie.
//   - person: token, rate, permission, reason, who is merged with whom, quota of persons,
//     lens over every field; it ends in a refusal, as anything else would wait for a disk.
//   - kept: the same by a role that is kept to a purpose, so that what the contact is held
//     for is folded from its facts.
//
// cpu-µs/op is the process's own time: what else runs on the machine does not count.
func BenchmarkAuthorised(b *testing.B) {
	dir := b.TempDir()
	a, err := Open(b.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Logger: slog.New(slog.DiscardHandler),
		Rates: map[httpapi.Rate]float64{httpapi.RateRead: 1e9, httpapi.RateSearch: 1e9}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	res, err := a.Record(b.Context(), [][]byte{[]byte(strings.Replace(made("e1", "C-1", past), `"kind":"client"`, `"kind":"candidate"`, 1))})
	if err != nil {
		b.Fatal(err)
	}
	copies := strings.Replace(string(deploy.Policy()), "    permissions: [subjects.search, subjects.read, contactability.check, notices.read, requests.write]",
		"    permissions: [subjects.export, subjects.search, subjects.read, contactability.check, notices.read, requests.write]", 1)
	if _, _, err := a.Ledger.PublishPolicy(b.Context(), domain.ID{1}, []byte(copies)); err != nil {
		b.Fatal(err)
	}
	rules, _ := a.Ledger.Policy()
	token := func(role string) string {
		made, err := a.Tokens.Make(b.Context(), rules, domain.ID{1}, auth.Request{Label: role, Roles: []string{role}, DefaultReason: "sales_follow_up"})
		if err != nil {
			made, err = a.Tokens.Make(b.Context(), rules, domain.ID{1}, auth.Request{Label: role, Roles: []string{role}})
		}
		if err != nil {
			b.Fatal(err)
		}
		return "Bearer " + made.Text
	}
	who, err := a.People.Create(b.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{"admin"}})
	if err != nil {
		b.Fatal(err)
	}
	s, err := a.People.Start(b.Context(), auth.Login{Account: who.Account, Method: "passkey", Factors: []string{"passkey"}})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, path, header, value string
		status                    int
	}{
		{"plain", "/v1/keys/rotation", "Authorization", token("admin"), http.StatusOK},
		{"session", "/v1/keys/rotation", "Cookie", auth.CookieNameLocal + "=" + s.Cookie, http.StatusOK},
		{"person", "/v1/subjects/" + res[0].Subject.String() + "/export", "Authorization", token("agent"), http.StatusForbidden},
		{"kept", "/v1/subjects/" + res[0].Subject.String(), "Authorization", token("marketing"), http.StatusForbidden},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			began := processTime(b)
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, c.path, nil)
				r.Host, r.RemoteAddr = "localhost", "127.0.0.1:5"
				r.Header.Set(c.header, c.value)
				w := httptest.NewRecorder()
				if a.API.ServeHTTP(w, r); w.Code != c.status {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64((processTime(b)-began).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
		})
	}
}

// processTime is the processor's time that this process has taken.
func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
