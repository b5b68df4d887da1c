package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Everything arrives once and in order, in batches, signed as a receiver checks it.
func TestDelivers(t *testing.T) {
	t.Parallel()
	b := newBench(t, 250, ok)
	b.run(b.taken(249))
	var all []string
	for i, r := range b.got {
		ids := r.ids(t)
		all = append(all, ids...)
		if len(ids) > MaxBatch {
			t.Errorf("%d changes in one request", len(ids))
		}
		h := r.header
		if want := fmt.Sprintf("crm.%s-%s", ids[0], ids[len(ids)-1]); h.Get("webhook-id") != want || h.Get("Content-Type") != "application/json" {
			t.Errorf("request %d has the id %s, want %s", i, h.Get("webhook-id"), want)
		}
		if h.Get("webhook-timestamp") != strconv.FormatInt(day.Unix(), 10) {
			t.Errorf("request %d has the time %s", i, h.Get("webhook-timestamp"))
		}
		if h.Get("webhook-signature") != Sign([]byte("0123456789abcdef0123456789abcdef"), h.Get("webhook-id"), h.Get("webhook-timestamp"), r.body) {
			t.Errorf("request %d is not signed", i)
		}
	}
	if len(all) != 250 || all[0] != "0" || all[249] != "249" || len(b.got) != 3 {
		t.Errorf("%d changes in %d requests", len(all), len(b.got))
	}
	if diff := cmp.Diff([]string{"taken crm 99", "taken crm 199", "taken crm 249"}, b.feed.outcomes()); diff != "" {
		t.Error(diff)
	}
}

// The signature is that of the Standard Webhooks specification's own example.
func TestSignature(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if Secret(key) != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
		t.Error("the secret is not shown as libraries take it")
	}
}

// An endpoint that fails in many ways gets the same batch until it takes it.
func TestFailures(t *testing.T) {
	t.Parallel()
	status := func(code int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, fail := range map[string]func(http.ResponseWriter, *http.Request){
		"500": status(500), "503": status(503), "404": status(404), "400": status(400), "410": status(410), "304": status(304),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"cut before the answer": func(w http.ResponseWriter, _ *http.Request) {
			panic(http.ErrAbortHandler)
		},
		"cut in the answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("partly"))
			panic(http.ErrAbortHandler)
		},
		"no HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte("zqECHO 220 smtp\r\n"))
				_ = conn.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3, func(n int, w http.ResponseWriter, r *http.Request) {
				if n <= 4 {
					fail(w, r)
					return
				}
				ok(n, w, r)
			})
			b.run(b.taken(2))
			if len(b.got) != 5 {
				t.Fatalf("%d requests", len(b.got))
			}
			for _, r := range b.got {
				if got := strings.Join(r.ids(t), " "); got != "0 1 2" || r.header.Get("webhook-id") != "crm.0-2" {
					t.Errorf("a repetition holds %s as %s", got, r.header.Get("webhook-id"))
				}
			}
			want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second}
			if diff := cmp.Diff(want, b.waits); diff != "" {
				t.Error(diff)
			}
			if logs := b.logs.String(); strings.Contains(logs, "zq") || strings.Contains(logs, "127.0.0.1/") || !strings.Contains(logs, "recipient=crm") {
				t.Errorf("the log says too much or too little: %s", logs)
			}
		})
	}
}

// An endpoint that hangs, or drips its answer, is left after the time for one
// attempt, and changes that come meanwhile do not change what is repeated.
func TestSlowEndpoints(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]func(b *bench, w http.ResponseWriter, r *http.Request){
		"hangs": func(_ *bench, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"drips": func(_ *bench, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b *bench
			b = newBench(t, 2, func(n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					b.feed.add(5)
					slow(b, w, r)
					return
				}
				ok(n, w, r)
			})
			b.timeout = 300 * time.Millisecond
			b.run(b.taken(6))
			var got []string
			for _, r := range b.got {
				got = append(got, r.header.Get("webhook-id"))
			}
			if diff := cmp.Diff([]string{"crm.0-1", "crm.0-1", "crm.2-6"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-5": 0, "x": 0, "999999": longestAsked, "99999999999999999": 0, "1.5": 0,
		day.Add(time.Hour).Format(http.TimeFormat): time.Hour, day.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(text, day); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	b := newBench(t, 1, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		if n == 2 {
			w.Header().Set("Retry-After", "1") // sooner than our own pace
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		ok(n, w, r)
	})
	b.run(b.taken(0))
	if diff := cmp.Diff([]time.Duration{2 * time.Minute, 10 * time.Second}, b.waits); diff != "" {
		t.Error(diff)
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://crm.example.org/hook", "https://10.0.0.7:8443/hook?x=1", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:80/", "https://crm"} {
		if u, err := ParseURL(good); err != nil || u.String() != good {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "crm", "http://crm.example.org/zq", "ftp://zq", "https://", "https:///zq", "https://user:zq@crm", "https://crm/#zq", "http://10.0.0.7/zq",
		"https://169.254.169.254/zq", "https://[fe80::1]/zq", "https://0.0.0.0/zq", "https://224.0.0.1/zq", "https://[::ffff:169.254.169.254]/zq", "https://zq%zz", "//zq/x"} {
		if _, err := ParseURL(bad); !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "zq") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, c := range []struct {
		plain   bool
		address string
		may     bool
	}{{true, "127.0.0.1:80", true}, {true, "10.0.0.7:80", false}, {false, "10.0.0.7:443", true}, {false, "169.254.169.254:443", false},
		{true, "[::1]:80", true}, {false, "[fe80::1%eth0]:443", false}, {false, "[::ffff:169.254.1.1]:443", false}, {false, "0.0.0.0:443", false}, {false, "nonsense", false}} {
		if err := mayDial(c.plain, true, c.address); (err == nil) != c.may {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A name that resolves to a refused address is refused when it is dialled.
func TestRefusedWhenDialled(t *testing.T) {
	t.Parallel()
	via := transport(&url.URL{Scheme: "https", Host: "x"}, true)
	defer via.CloseIdleConnections()
	if conn, err := via.DialContext(t.Context(), "tcp", "169.254.169.254:443"); !errors.Is(err, ErrAddress) {
		t.Errorf("%v %v", conn, err)
	}
	if via.Proxy != nil {
		t.Error("a proxy of the environment would be used")
	}
}
