package anchor_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"greffe/domain/proof"
	"greffe/domain/proof/stamp"
	"greffe/domain/proof/stamp/stamptest"
	"greffe/eventstore/anchor"
	"greffe/eventstore/anchor/anchortest"
)

const head = "greffe/0190\n7\nroot\n\n— greffe/0190 sig\n"

func authority(t testing.TB, pem []byte) *stamp.Authority {
	t.Helper()
	a, err := stamp.ParseAuthority(pem)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func client(t testing.TB, url string, by *stamp.Authority, change ...func(*anchor.ClientConfig)) *anchor.Client {
	t.Helper()
	cfg := anchor.ClientConfig{URL: url, Authority: by, Now: time.Now, Random: rand.Reader}
	for _, f := range change {
		f(&cfg)
	}
	c, err := anchor.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// OpenSSL stamps, and accepts what we keep, with each kind of key and of naming.
func TestRealAuthority(t *testing.T) {
	t.Parallel()
	for _, kind := range [][2]string{{"rsa:2048", "sha256"}, {"ec", "sha256"}, {"ec", "sha1"}, {"rsa:2048", "sha512"}} {
		t.Run(kind[0]+"/"+kind[1], func(t *testing.T) {
			t.Parallel()
			real := anchortest.With(t, kind[0], kind[1])
			pem, err := os.ReadFile(real.CA)
			if err != nil {
				t.Fatal(err)
			}
			a, err := client(t, real.URL, authority(t, pem)).Stamp(t.Context(), 7, []byte(head))
			if err != nil {
				t.Fatal(err)
			}
			if a.Kind != proof.AnchorRFC3161 || a.Size != 7 || time.Since(a.At.Time).Abs() > time.Minute {
				t.Errorf("%+v", a)
			}
			s, err := stamp.Parse(a.Token)
			if err != nil || s.Imprint != sha256.Sum256([]byte(head)) || s.Policy != "1.2.3.4.1" || s.Signer != "CN=Authority of tests" {
				t.Fatalf("%+v, %v", s, err)
			}
			if err := real.Verify(t, a.Token, []byte(head)); err != nil {
				t.Errorf("openssl ts -verify: %v", err)
			}
			if real.Verify(t, a.Token, []byte(head+"x")) == nil {
				t.Error("openssl accepts the token for other bytes: the test looks at nothing")
			}
			for i := range a.Token {
				a.Token[i] ^= 1
				if _, err := stamp.Parse(a.Token); err == nil {
					t.Fatalf("byte %d of %d changed unseen", i, len(a.Token))
				}
				a.Token[i] ^= 1
			}
		})
	}
}

// stranger serves what an authority made in the process answers, changed.
func stranger(t testing.TB, a *stamptest.Authority, at time.Time, change ...func(*timestamp.Timestamp)) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(a.Answer(t, b, at, change...))
	})
}

func serve(t testing.TB, f http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.URL
}

func TestBadAuthorities(t *testing.T) {
	t.Parallel()
	a := stamptest.New(t, rand.Reader)
	now := time.Now()
	expired := stamptest.New(t, rand.Reader, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) })
	rejected, err := timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.SystemFailure)
	if err != nil {
		t.Fatal(err)
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, c := range map[string]struct {
		url  string
		by   *stamptest.Authority
		want error
	}{
		"the sane one": {stranger(t, a, now), a, nil},
		"wrong nonce":  {stranger(t, a, now, func(ts *timestamp.Timestamp) { ts.Nonce.Add(ts.Nonce, ts.Nonce) }), a, anchor.ErrAnother},
		"no nonce":     {stranger(t, a, now, func(ts *timestamp.Timestamp) { ts.Nonce = nil }), a, anchor.ErrAnother},
		"wrong imprint": {stranger(t, a, now, func(ts *timestamp.Timestamp) {
			sum := sha256.Sum256([]byte("another head"))
			ts.HashedMessage = sum[:]
		}), a, anchor.ErrAnother},
		"another authority":   {stranger(t, expired, now), a, stamp.ErrUntrusted},
		"expired certificate": {stranger(t, expired, now), expired, stamp.ErrUntrusted},
		"clock behind":        {stranger(t, a, now.Add(-10*time.Minute)), a, anchor.ErrClock},
		"clock ahead":         {stranger(t, a, now.Add(10*time.Minute)), a, anchor.ErrClock},
		"no certificate": {stranger(t, a, now, func(ts *timestamp.Timestamp) {
			ts.AddTSACertificate, ts.Certificates = false, nil
		}), a, stamp.ErrToken},
		"rejection": {serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(rejected) }), a, stamp.ErrRefused},
		"a page":    {serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }), a, stamp.ErrToken},
		"HTTP 503":  {serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), a, anchor.ErrUnreachable},
		"redirect": {serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, closed.URL, http.StatusTemporaryRedirect)
		}), a, anchor.ErrUnreachable},
		"huge body": {serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for page := bytes.Repeat([]byte{0x30}, 1<<16); ; {
				if _, err := w.Write(page); err != nil {
					return
				}
			}
		}), a, anchor.ErrUnreachable},
		"nobody": {closed.URL, a, anchor.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := client(t, c.url, authority(t, c.by.PEM)).Stamp(t.Context(), 7, []byte(head))
			if !errors.Is(err, c.want) || (got == nil) != (c.want != nil) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// An authority that never answers costs a bounded time, and an ended ctx none.
func TestSlowAuthority(t *testing.T) {
	t.Parallel()
	a := stamptest.New(t, rand.Reader)
	for name, slow := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
		"drips": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		url := serve(t, slow)
		c := client(t, url, authority(t, a.PEM), func(c *anchor.ClientConfig) { c.Timeout = 50 * time.Millisecond })
		if _, err := c.Stamp(t.Context(), 7, []byte(head)); !errors.Is(err, anchor.ErrUnreachable) {
			t.Errorf("%s: %v", name, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client(t, url, authority(t, a.PEM)).Stamp(ctx, 7, []byte(head)); !errors.Is(err, anchor.ErrUnreachable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: ended ctx: %v", name, err)
		}
	}
}

func TestErrorsHideTheAddress(t *testing.T) {
	t.Parallel()
	a := stamptest.New(t, rand.Reader)
	var auth string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { _, auth, _ = r.BasicAuth(); w.WriteHeader(401) })
	c := client(t, strings.Replace(url, "http://", "http://us:hunter2@", 1)+"/tenant-9", authority(t, a.PEM))
	_, err := c.Stamp(t.Context(), 7, []byte(head))
	if auth != "hunter2" || err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("password sent: %q; %v", auth, err)
	}
	c = client(t, "http://us:hunter2@127.0.0.1:1/tenant-9", authority(t, a.PEM))
	if _, err = c.Stamp(t.Context(), 7, []byte(head)); !errors.Is(err, anchor.ErrUnreachable) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "tenant-9") {
		t.Error(err)
	}
}

func TestClientConfig(t *testing.T) {
	t.Parallel()
	by := authority(t, stamptest.New(t, rand.Reader).PEM)
	for name, cfg := range map[string]anchor.ClientConfig{
		"no address":     {Authority: by, Now: time.Now, Random: rand.Reader},
		"a file":         {URL: "file:///tmp/tsa", Authority: by, Now: time.Now, Random: rand.Reader},
		"no host":        {URL: "https:///tsa", Authority: by, Now: time.Now, Random: rand.Reader},
		"nobody trusted": {URL: "https://tsa.example", Now: time.Now, Random: rand.Reader},
		"no clock":       {URL: "https://tsa.example", Authority: by, Random: rand.Reader},
		"no randomness":  {URL: "https://tsa.example", Authority: by, Now: time.Now},
	} {
		if _, err := anchor.NewClient(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c := client(t, "https://tsa.example", by, func(c *anchor.ClientConfig) { c.Random = strings.NewReader("short") })
	if _, err := c.Stamp(t.Context(), 7, []byte(head)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without a nonce: %v", err)
	}
}
