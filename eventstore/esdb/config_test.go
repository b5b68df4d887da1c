package esdb

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greffe/eventstore"
	"greffe/eventstore/esdb/esdbtest"
)

const secret = "s3cr3t-of-nobody"

func TestConfigIsRefused(t *testing.T) {
	t.Parallel()
	const host = "127.0.0.1:1"
	for name, c := range map[string]Config{
		"no stream":         {URL: "esdb://" + host},
		"system stream":     {URL: "esdb://" + host, Stream: "$all"},
		"long stream":       {URL: "esdb://" + host, Stream: strings.Repeat("x", maxStreamName+1)},
		"no URL":            {Stream: "s"},
		"other scheme":      {URL: "http://" + host, Stream: "s"},
		"bad URL":           {URL: "esdb://u:" + secret + "@%zz", Stream: "s"},
		"bad port":          {URL: "esdb://u:" + secret + "@a:b:c", Stream: "s"},
		"unknown setting":   {URL: "esdb://u:" + secret + "@" + host + "?passwort=" + secret, Stream: "s"},
		"bad setting":       {URL: "esdb://u:" + secret + "@" + host + "?tls=perhaps", Stream: "s"},
		"bad query":         {URL: "esdb://u:" + secret + "@" + host + "?tls=%z", Stream: "s"},
		"no CA file":        {URL: "esdb://u:" + secret + "@" + host + "?tlsCaFile=/nowhere/" + secret, Stream: "s"},
		"certificate alone": {URL: "esdb://" + host + "?userCertFile=a.pem", Stream: "s"},
		"no password file":  {URL: "esdb://u@" + host, PasswordFile: "/nowhere/" + secret, Stream: "s"},
	} {
		_, err := Open(bg(), c)
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells a secret", name)
		}
	}
	file := writeFile(t, secret)
	if _, err := Open(bg(), Config{URL: "esdb://u@" + host + "?tls=false", PasswordFile: file, Stream: "s"}); !errors.Is(err, ErrConfig) {
		t.Errorf("a password in the clear: %v", err)
	}
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPasswordFile(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{TLS: true})
	url := srv.URL()
	for name, c := range map[string]struct {
		url, password string
		good          bool
	}{
		"file only":           {strings.Replace(url, ":"+esdbtest.Password, "", 1), esdbtest.Password + "\n", true},
		"file wins":           {strings.Replace(url, ":"+esdbtest.Password, ":wrong", 1), esdbtest.Password, true},
		"file wins, wrong":    {url, "wrong", false},
		"KurrentDB's name":    {"kurrentdb" + strings.TrimPrefix(url, "esdb"), esdbtest.Password, true},
		"discovery by one":    {"esdb+discover" + strings.TrimPrefix(url, "esdb"), esdbtest.Password, true},
		"no authority at all": {url[:strings.Index(url, "&tlsCaFile")], esdbtest.Password, false},
		"nobody's authority":  {url[:strings.Index(url, "&tlsCaFile")] + "&tlsVerifyCert=false", esdbtest.Password, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := within(2 * time.Second)
			if c.good {
				ctx, cancel = within(20 * time.Second)
			}
			defer cancel()
			l, err := Open(ctx, Config{URL: c.url, Stream: newStream(), PasswordFile: writeFile(t, c.password)})
			switch {
			case !c.good:
				if !errors.Is(err, eventstore.ErrUnavailable) {
					t.Errorf("opened: %v", err)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			defer l.Close()
			mustAppend(t, l, 0, facts(0, 1))
		})
	}
}

// TestLogs: connections lost and found are logged once, with no secret, and
// nothing of the client's own is above debug.
func TestLogs(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{TLS: true})
	var out lines
	l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream(), Logger: slog.New(slog.NewTextHandler(&out, nil))})
	mustAppend(t, l, 0, facts(0, 1))
	srv.Stop()
	ctx, cancel := within(400 * time.Millisecond)
	defer cancel()
	if _, err := l.Head(ctx); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("stopped: %v", err)
	}
	if err := srv.StartAgain(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 1, facts(1, 1))
	text := out.String()
	for what, n := range map[string]int{"connection to EventStoreDB lost": 1, "EventStoreDB is back": 1, "client": 0, esdbtest.Password: 0} {
		if got := strings.Count(text, what); got != n {
			t.Errorf("%q %d times, want %d:\n%s", what, got, n, text)
		}
	}
}
