package app

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/pquerna/otp/totp"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
)

// saidOnce are secrets that somebody was told, by what they are.
type saidOnce map[string][]byte

// add keeps a secret with what it encodes, in the ways in which it could be written.
func (s saidOnce) add(name, text string) {
	s[name] = []byte(text)
	for form, decode := range map[string]func(string) ([]byte, error){"hex": hex.DecodeString, "base32": base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString,
		"base64": base64.RawURLEncoding.DecodeString} {
		raw, err := decode(text)
		if err != nil || len(raw) < 16 {
			continue
		}
		if len(raw) > 32 { // a cookie: what stands behind the secret is when it was used
			raw = raw[:32]
		}
		s[name+", the bytes behind its "+form] = raw
		s[name+", in hex"] = []byte(hex.EncodeToString(raw))
		s[name+", in base64"] = []byte(base64.RawStdEncoding.EncodeToString(raw))
	}
}

func (s saidOnce) in(t *testing.T, where string, b []byte) {
	t.Helper()
	for name, secret := range s {
		if bytes.Contains(b, secret) {
			t.Errorf("%s holds the %s", where, name)
		}
	}
}

// browser is a person's, and remembers what it was told.
type browser struct {
	*guessed
	*http.Client
	csrf string
	told saidOnce
}

func (b *browser) post(path, body string) (out struct {
	Secret string   `json:"secret"`
	Ticket string   `json:"ticket"`
	CSRF   string   `json:"csrf"`
	Codes  []string `json:"codes"`
	Token  string   `json:"token"`
	Sign   string   `json:"signing_secret"`
}) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.tls.URL+path, strings.NewReader(body))
	b.ok(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Greffe-CSRF", b.csrf)
	res, err := b.Do(req)
	b.ok(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	b.ok(err)
	if res.StatusCode/100 != 2 {
		b.Fatalf("%s: %d %s", path, res.StatusCode, raw)
	}
	if len(raw) > 0 {
		b.ok(json.Unmarshal(raw, &out))
	}
	if out.CSRF != "" {
		b.csrf = out.CSRF
	}
	for _, c := range res.Cookies() {
		if c.Value != "" {
			b.told.add(fmt.Sprintf("cookie %s of %s (%d)", c.Name, path, len(b.told)), c.Value)
		}
	}
	for name, text := range map[string]string{"seed of TOTP": out.Secret, "CSRF value": out.CSRF, "token": out.Token, "signing secret": out.Sign} {
		if text != "" {
			b.told.add(fmt.Sprintf("%s of %s", name, path), text)
		}
	}
	for i, c := range out.Codes {
		b.told.add(fmt.Sprintf("recovery code %d", i), c)
	}
	return out
}

// TestSecretsAreNowhere: after people were invited, chose passwords, enrolled, signed in
// rightly and wrongly, and machines were given tokens, no line of the log at its most
// talkative, no fact and no file beside the data or in it holds a secret that anybody was
// told: token, password, invitation, seed, recovery code, cookie, CSRF value.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	var said struct {
		sync.Mutex
		bytes.Buffer
	}
	log := slog.New(slog.NewJSONHandler(writerFunc(func(p []byte) (int, error) {
		said.Lock()
		defer said.Unlock()
		return said.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	g := &guessed{rightsSite: openMatrixLogging(t, log)}
	g.tls = newTLS(t, g.open)
	told := saidOnce{}
	told.add("password", goodWords)
	told.add("wrong password", "Zq-wrong-password-99")
	made, err := g.open.People.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Login: "jmartin", Roles: []string{"admin"}, Invite: true})
	g.ok(err)
	told.add("invitation", made.Secret)
	jar, err := cookiejar.New(nil)
	g.ok(err)
	b := &browser{g, g.tls.Client(), "", told}
	b.Jar = jar
	b.post("/v1/invitations/accept", fmt.Sprintf(`{"secret":%q,"password":%q}`, made.Secret, goodWords))
	seed := b.post("/v1/me/totp/options", "")
	code := func() string {
		c, err := totp.GenerateCode(seed.Secret, g.now.read())
		g.ok(err)
		return c
	}
	b.post("/v1/me/totp", fmt.Sprintf(`{"ticket":%q,"code":%q}`, seed.Ticket, code()))
	b.post("/v1/me/recovery", "")
	g.now.pass(2 * account.FirstBlock)
	g.try(http.MethodPost, "/v1/session/password", `{"name":"jmartin","password":"Zq-wrong-password-99"}`, "", "203.0.113.9")
	b.csrf = ""
	b.post("/v1/session/password", fmt.Sprintf(`{"name":"jmartin","password":%q}`, goodWords))
	b.post("/v1/session/totp", fmt.Sprintf(`{"code":%q}`, code()))
	token := b.post("/v1/tokens", `{"label":"x","roles":["service"],"signing":true}`)
	told.add("secret of the token", token.Token[len(token.Token)-64:])
	g.try(http.MethodGet, "/v1/notices", "", token.Token, "203.0.113.9")
	g.try(http.MethodGet, "/v1/policy", "", token.Token, "203.0.113.9")
	g.try(http.MethodGet, "/v1/notices?x="+token.Token, "", "", "203.0.113.9")
	g.ok(g.open.Denials.Flush(t.Context()))
	if len(told) < 40 {
		t.Fatalf("only %d secrets were told", len(told))
	}
	head, err := g.open.log.Head(t.Context())
	g.ok(err)
	g.ok(g.open.log.Read(t.Context(), 0, head, func(p domain.Position, raw []byte) error {
		told.in(t, "the fact at "+p.String(), raw)
		return nil
	}))
	g.tls.Close()
	g.close()
	files := 0
	g.ok(filepath.WalkDir(g.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		files++
		told.in(t, path, raw)
		return err
	}))
	said.Lock()
	defer said.Unlock()
	told.in(t, "the log", said.Bytes())
	if files < 10 || said.Len() < 1000 {
		t.Errorf("%d files and %d bytes of log: the test looked at nothing", files, said.Len())
	}
}

// writerFunc is a function that writes.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
