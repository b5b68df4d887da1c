package transit_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/kek/kektest"
	"greffe/eventstore/vault/kek/transit"
	"greffe/eventstore/vault/kek/transit/transittest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const aes = "aes256-gcm96"

func options(s *transittest.Server, url string) transit.Options {
	return transit.Options{URL: url, TokenFile: s.TokenFile, CAFile: s.CAFile, Random: rand.Reader, Timeout: 5 * time.Second}
}

func open(t *testing.T, s *transittest.Server, url string) *transit.Key {
	t.Helper()
	k, err := transit.Open(t.Context(), options(s, url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	s.Asked()
	return k
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	url, elsewhere := s.Key("greffe", aes), transittest.Start(t, false)
	kektest.Run(t, open(t, s, url), open(t, s, s.Key("other", aes)))
	kektest.Run(t, open(t, s, url), open(t, elsewhere, elsewhere.Key("greffe", aes))) // the same name
	file := filepath.Join(t.TempDir(), "kek")
	ok(t, kek.Create(file, "k1", rand.Reader))
	f, err := kek.Open(file, rand.Reader)
	ok(t, err)
	kektest.Run(t, open(t, s, url), f)
	kektest.Run(t, f, open(t, s, url))
}

// What wrapped something is told as with a key file, and every way to write the
// address leads to the same key; TLS and a namespace too.
func TestAddress(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, true)
	url := s.Key("greffe", aes)
	s.Namespace("clients/acme")
	for _, form := range []string{url, "transit:" + url, strings.Replace(url, "/v1/", "/", 1)} {
		o := options(s, form)
		o.Namespace = "clients/acme"
		k, err := transit.Open(t.Context(), o)
		ok(t, err)
		defer k.Close()
		wrapped, err := k.Wrap(t.Context(), []byte("root"), []byte("aad"))
		ok(t, err)
		if name, err := kek.WrappedBy(wrapped); err != nil || name != "transit.greffe.v1" || k.ID() != name {
			t.Errorf("%q, %q, %v", name, k.ID(), err)
		}
	}
	o := options(s, url)
	o.CAFile = ""
	o.Namespace = "clients/acme"
	if _, err := transit.Open(t.Context(), o); !errors.Is(err, transit.ErrUnavailable) {
		t.Errorf("a certificate of nobody known: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	url := s.Key("greffe", aes)
	s.Key("rsa", "rsa-4096")
	s.Key("derived", aes)
	s.Derived("derived")
	old := transittest.Start(t, false)
	old.Unbound()
	away := transittest.Start(t, false)
	gone := away.Key("greffe", aes)
	away.Close()
	empty, bad := filepath.Join(t.TempDir(), "empty"), filepath.Join(t.TempDir(), "bad")
	ok(t, errors.Join(os.WriteFile(empty, []byte(" \n"), 0o600), os.WriteFile(bad, []byte("hvs.zq\nsecond line"), 0o600)))
	for name, c := range map[string]struct {
		url  string
		o    func(*transit.Options)
		want error
		says string
	}{
		"no such key":          {s.URL + "/v1/transit/keys/absent", nil, transit.ErrNoKey, ""},
		"a key that signs":     {s.URL + "/v1/transit/keys/rsa", nil, transit.ErrKeyType, ""},
		"a derived key":        {s.URL + "/v1/transit/keys/derived", nil, transit.ErrKeyType, ""},
		"an old service":       {old.Key("greffe", aes), func(o *transit.Options) { o.TokenFile = old.TokenFile }, transit.ErrUnbound, ""},
		"nobody there":         {gone, nil, transit.ErrUnavailable, ""},
		"another namespace":    {url, func(o *transit.Options) { o.Namespace = "x" }, transit.ErrNoKey, ""},
		"no token file":        {url, func(o *transit.Options) { o.TokenFile += ".absent" }, os.ErrNotExist, ""},
		"an empty token":       {url, func(o *transit.Options) { o.TokenFile = empty }, nil, "holds none"},
		"a token of two lines": {url, func(o *transit.Options) { o.TokenFile = bad }, nil, "holds none"},
		"no CA file":           {url, func(o *transit.Options) { o.CAFile = "absent" }, os.ErrNotExist, ""},
		"a CA file of nothing": {url, func(o *transit.Options) { o.CAFile = empty }, nil, "none in PEM"},
		"another's token":      {url, func(o *transit.Options) { o.TokenFile = file(t, "hvs.zq") }, transit.ErrDenied, ""},
		"http":                 {"http://vault.example/v1/transit/keys/zq", nil, nil, "use https"},
		"a password":           {"https://u:zq@vault.example/v1/transit/keys/k", nil, nil, "stand in files"},
		"a query":              {"https://vault.example/v1/transit/keys/k?token=zq", nil, nil, "stand in files"},
		"no key":               {"https://vault.example/v1/transit", nil, nil, "ends with"},
		"no engine":            {"https://vault.example/v1/keys/zq", nil, nil, "ends with"},
		"another path":         {"https://vault.example/v1/transit/keys/zq/rotate", nil, nil, "ends with"},
		"a long name":          {"https://vault.example/v1/transit/keys/" + strings.Repeat("k", 41), nil, nil, "ends with"},
		"a path":               {"/var/lib/greffe.kek", nil, nil, "stand in files"},
	} {
		o := options(s, c.url)
		if c.o != nil {
			c.o(&o)
		}
		_, err := transit.Open(t.Context(), o)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "zq") || strings.Contains(err.Error(), "keys/greffe") || strings.Contains(err.Error(), "hvs") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all := s.Asked(); slices.ContainsFunc(all, func(x string) bool { return strings.HasPrefix(x, "POST") }) {
		t.Errorf("something was asked of a key that does not do: %q", all)
	}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	ok(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// A request is made twice at most: after a failure of the service, and with the
// token that the file has by then.
func TestTriesTwice(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	k := open(t, s, s.Key("greffe", aes))
	wrapped, err := k.Wrap(t.Context(), []byte("root"), nil)
	ok(t, err)
	s.Asked()
	try := func(name string, want error, times int, faults ...transittest.Fault) {
		t.Helper()
		s.Fail(faults...)
		got, err := k.Unwrap(t.Context(), wrapped, nil)
		if !errors.Is(err, want) || want == nil && string(got) != "root" || err != nil && strings.Contains(err.Error(), "hvs") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if asked := s.Asked(); len(asked) != times {
			t.Errorf("%s: asked %q", name, asked)
		}
	}
	try("sealed once", nil, 2, transittest.Status(503))
	try("sealed", transit.ErrUnavailable, 2, transittest.Status(503), transittest.Status(503))
	try("cut once", nil, 2, transittest.Cut)
	try("cut", transit.ErrUnavailable, 2, transittest.Cut, transittest.Cut)
	try("limited", transit.ErrUnavailable, 2, transittest.Status(429), transittest.Status(473))
	other := transittest.Start(t, false)
	to := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Location", other.URL+r.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return true
	}
	try("a redirect", transit.ErrUnavailable, 2, to, to)
	if asked := other.Asked(); len(asked) > 0 {
		t.Errorf("the token went to another host: %q", asked)
	}
	try("nonsense", transit.ErrUnavailable, 2, answer("<html>"), answer(`{"data":7}`))
	try("denied", transit.ErrDenied, 1, transittest.Status(403))
	s.Token("hvs.second")
	try("another token", nil, 2)
	try("the same again", nil, 1)
	s.Token("hvs.third")
	try("another token, then sealed", transit.ErrUnavailable, 2, transittest.Status(403), transittest.Status(503))
	try("the third", nil, 1)
	ok(t, os.Remove(s.TokenFile))
	try("no file, a good token", nil, 1)
	try("no file", os.ErrNotExist, 1, transittest.Status(403))
}

func answer(text string) transittest.Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, text); return true }
}

// A service that does not answer is waited for within the deadline, the caller's
// or the key's own.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	url := s.Key("greffe", aes)
	o := options(s, url)
	o.Timeout = 50 * time.Millisecond
	k, err := transit.Open(t.Context(), o)
	ok(t, err)
	defer k.Close()
	release := make(chan struct{})
	defer close(release)
	hang := func(http.ResponseWriter, *http.Request) bool { <-release; return true }
	s.Fail(hang, hang)
	if _, err := k.Wrap(t.Context(), []byte("x"), nil); !errors.Is(err, transit.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("its own: %v", err)
	}
	patient := open(t, s, url)
	s.Fail(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := patient.Wrap(ctx, []byte("x"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller's: %v", err)
	}
}

// Wrapped bytes that the service makes wrong are not passed on.
func TestAnswersAreChecked(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	k := open(t, s, s.Key("greffe", aes))
	for _, text := range []string{`{}`, `{"data":null}`, `{"data":{}}`, `{"data":{"ciphertext":"root"}}`, `{"data":{"ciphertext":"vault:v1:AAAA"}}`,
		`{"data":{"ciphertext":"vault:v0:` + strings.Repeat("A", 60) + `"}}`, `{"data":{"ciphertext":"vault:v1:` + strings.Repeat("?", 60) + `"}}`} {
		s.Fail(answer(text))
		if _, err := k.Wrap(t.Context(), []byte("root"), nil); !errors.Is(err, transit.ErrUnavailable) {
			t.Errorf("%s: %v", text, err)
		}
		s.Asked()
	}
}
