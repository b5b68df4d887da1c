package alert_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/api/alert"
	"greffe/api/webhook"
	"greffe/domain"
)

var (
	at      = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	message = &alert.Message{ID: domain.ID{0xa7, 6: 0x80, 8: 0x80}, At: at, Rule: "breadth_day", Observed: 700, Limit: 500,
		Link: "https://greffe.example/v1/watch/a7000000-0000-8000-8000-000000000000"}
)

func now() time.Time { return at }

// server is a mail server that speaks SMTP with STARTTLS and AUTH PLAIN.
type server struct {
	t         *testing.T
	addr, dir string
	cert      tls.Certificate
	noTLS     bool // it offers no STARTTLS
	refuse    string

	mu    sync.Mutex
	mails []string
	seen  []string // commands, with whether they came over TLS
}

func newServer(t *testing.T, change func(*server)) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ok(t, err)
	s.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	ok(t, os.WriteFile(s.path("ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ok(t, os.WriteFile(s.path("password"), []byte("s3cret\n"), 0o600))
	if change != nil {
		change(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	s.addr = ln.Addr().String()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.speak(c)
		}
	}()
	return s
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *server) speak(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	in, secure := bufio.NewReader(c), false
	say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	say("220 localhost")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, _, _ := strings.Cut(line, " ")
		s.mu.Lock()
		s.seen = append(s.seen, fmt.Sprintf("%s tls=%t", line, secure))
		s.mu.Unlock()
		if verb == s.refuse {
			say("550 5.7.1 anne.martin@example.org is not wanted")
			continue
		}
		switch verb {
		case "EHLO":
			if !secure && !s.noTLS {
				say("250-localhost\r\n250 STARTTLS")
				continue
			}
			say("250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN")
		case "STARTTLS":
			if s.noTLS {
				say("502 not here")
				continue
			}
			say("220 go")
			t := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12})
			c, in, secure = t, bufio.NewReader(t), true
		case "AUTH":
			b, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, "AUTH PLAIN "))
			if string(b) != "\x00greffe\x00s3cret" {
				say("535 no")
				continue
			}
			say("235 yes")
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				l, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				b.WriteString(l)
			}
			s.mu.Lock()
			s.mails = append(s.mails, b.String())
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// way opens the mail server's file, with more lines.
func (s *server) way(more string) (alert.Way, error) {
	s.t.Helper()
	_, port, err := net.SplitHostPort(s.addr)
	ok(s.t, err)
	file := s.path("smtp.yaml")
	text := fmt.Sprintf("host: localhost\nport: %s\nca_file: %s\nuser: greffe\npassword_file: %s\nfrom: greffe@example.org\nto: [dpo@example.org, Sécurité <rssi@example.org>]\n%s",
		port, s.path("ca.pem"), s.path("password"), more)
	ok(s.t, os.WriteFile(file, []byte(text), 0o600))
	return alert.OpenMail(file, now)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Mail arrives over TLS with the password inside it, names the rule and the link, and
// nobody.
func TestMail(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	way, err := s.way("")
	ok(t, err)
	ok(t, way.Tell(t.Context(), message))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails) != 1 {
		t.Fatalf("%d mails", len(s.mails))
	}
	for _, want := range []string{message.Link, "breadth_day", "700", "Subject: Greffe", "To: dpo@example.org,\r\n rssi@example.org", "inhabituelle", "Unusual", "Auto-Submitted: auto-generated"} {
		if !strings.Contains(s.mails[0], want) {
			t.Errorf("the mail lacks %q:\n%s", want, s.mails[0])
		}
	}
	for _, c := range s.seen {
		if strings.HasSuffix(c, "tls=false") && !strings.HasPrefix(c, "EHLO") && !strings.HasPrefix(c, "STARTTLS") {
			t.Errorf("in clear: %s", c)
		}
	}
}

// Without TLS nothing is said; an unknown certificate, a wrong password, a refusal end
// it with an error that quotes neither address nor password.
func TestMailFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*server)
		more   string
		want   string
	}{
		"no STARTTLS":    {func(s *server) { s.noTLS = true }, "", "STARTTLS failed"},
		"certificate":    {func(s *server) { ok(s.t, os.WriteFile(s.path("ca.pem"), other(s.t), 0o600)) }, "", "certificate does not hold"},
		"wrong password": {func(s *server) { ok(s.t, os.WriteFile(s.path("password"), []byte("wrong"), 0o600)) }, "", "authentication failed with 535"},
		"refused":        {func(s *server) { s.refuse = "RCPT" }, "", "RCPT failed with 550"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, c.change)
			way, err := s.way(c.more)
			ok(t, err)
			err = way.Tell(t.Context(), message)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			} else if strings.ContainsAny(err.Error(), "@") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("it quotes: %v", err)
			}
			if len(s.mails) > 0 {
				t.Error("a mail was sent")
			}
		})
	}
}

func other(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(newServer(t, nil).path("ca.pem"))
	ok(t, err)
	return b
}

// What a file about a mail server may not say is refused when the service starts.
func TestMailFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"host: mail.example.org\nsecurity: plain\nfrom: a@b.fr\nto: [a@b.fr]":          "loopback",
		"host: mail.example.org\nfrom: a@b.fr\nto: []":                                 "under to",
		"from: a@b.fr\nto: [a@b.fr]":                                                   "host",
		"host: h\nfrom: \"a@b.fr\\r\\nBcc: x@y.fr\"\nto: [a@b.fr]":                     "from",
		"host: h\nfrom: a@b.fr\nto: [nobody]":                                          "entry of to",
		"host: h\npassword: s3cret\nfrom: a@b.fr\nto: [a@b.fr]":                        "keys",
		"host: h\nsecurity: none\nfrom: a@b.fr\nto: [a@b.fr]":                          "security",
		"host: h\nfrom: a@b.fr\nto: [a@b.fr]\npassword_file: /nonexistent/greffe-test": "password_file",
	} {
		file := filepath.Join(t.TempDir(), "smtp.yaml")
		ok(t, os.WriteFile(file, []byte(text), 0o600))
		if _, err := alert.OpenMail(file, now); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// A webhook is signed as Standard Webhooks says, with an id that stays; what is not
// taken is an error.
func TestWebhook(t *testing.T) {
	t.Parallel()
	key, status := []byte("0123456789abcdef0123456789abcdef"), http.StatusNoContent
	var body []byte
	var head http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		head = r.Header.Clone()
		w.WriteHeader(status)
	}))
	defer srv.Close()
	u, err := webhook.ParseURL(srv.URL)
	ok(t, err)
	way := alert.Webhook(webhook.Target{Recipient: "alerts", URL: u, Key: key, Private: true}, now)
	ok(t, way.Tell(context.WithoutCancel(t.Context()), message))
	id := head.Get("webhook-id")
	if id != "alert."+message.ID.String() || head.Get("webhook-signature") != webhook.Sign(key, id, head.Get("webhook-timestamp"), body) {
		t.Errorf("signed %v", head)
	}
	if s := string(body); !strings.Contains(s, `"type":"greffe.alert"`) || !strings.Contains(s, `"observed":700`) || !strings.Contains(s, message.Link) || strings.Contains(s, "account") {
		t.Error(s)
	}
	for _, status = range []int{http.StatusInternalServerError, http.StatusFound} {
		if err := way.Tell(t.Context(), message); err == nil {
			t.Errorf("answered %d and taken", status)
		}
	}
}
