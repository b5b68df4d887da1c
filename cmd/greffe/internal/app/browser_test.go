//go:build browser

package app

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
)

// page is a tab of a real browser, with an authenticator that says yes.
type page struct {
	*testing.T
	ctx  context.Context
	base string
}

// steady carries out steps. A document that has just come is told of twice: what was found
// in it before the second time is no node any more (-32000) and is looked for again.
func steady(ctx context.Context, steps ...chromedp.Action[chromedp.Void]) error {
	for _, step := range steps {
		for {
			err := chromedp.Do(ctx, step)
			if gone := (*cdproto.Error)(nil); errors.As(err, &gone) && gone.Code == -32000 && ctx.Err() == nil {
				continue
			}
			if err != nil {
				return err
			}
			break
		}
	}
	return nil
}

func (p *page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	if err := steady(ctx, steps...); err != nil {
		where, _ := chromedp.Run(p.ctx, chromedp.Location())
		body, _ := chromedp.Run(p.ctx, chromedp.Text("body"))
		p.Fatalf("at %s:\n%.800s\n%s: %v", where, body, what, err) // what is cut of a log is its beginning
	}
}

func (p *page) text(selector string) string {
	p.Helper()
	s, err := chromedp.Run(p.ctx, chromedp.Text(selector))
	if err != nil {
		p.Fatalf("%s: %v", selector, err)
	}
	return s
}

// browsing is a ledger that serves a browser on localhost, by a clock that can be moved.
type browsing struct {
	*App
	shift atomic.Int64
}

func (w *browsing) clock() time.Time { return time.Now().Add(time.Duration(w.shift.Load())) }

func browsed(t *testing.T) (w *browsing, base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	base, w = "http://localhost:"+port, &browsing{}
	dir := t.TempDir()
	if w.App, err = Open(t.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), PublicURL: base, Now: w.clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	s := httptest.NewUnstartedServer(w.API)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return w, base
}

// tab opens one, with an authenticator that verifies its user.
func tab(t *testing.T, base string) *page {
	t.Helper()
	all, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(all)
	t.Cleanup(end)
	if err := chromedp.Do(ctx, chromedp.Navigate(base+"/signin?language=fr")); err != nil {
		t.Fatalf("a browser is needed (make check-browser installs one): %v", err)
	}
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
	if err != nil {
		t.Fatal(err)
	}
	return &page{t, ctx, base}
}

func (p *page) code(seed string, at time.Time) string {
	p.Helper()
	c, err := totp.GenerateCode(seed, at)
	if err != nil {
		p.Fatal(err)
	}
	return c
}

// TestSignInInABrowser: what a person does: take an invitation, choose a password, add a
// passkey and an app of codes, sign out, and come back by either; the person's own
// sessions are listed and end.
func TestSignInInABrowser(t *testing.T) {
	t.Parallel()
	a, base := browsed(t)
	made, err := a.People.Create(t.Context(), domain.ID{8, 6: 0x40, 8: 0x80}, auth.NewAccount{Kind: account.Human, Label: "Jeanne", Login: "jmartin", Roles: []string{"dpo"}, Invite: true})
	if err != nil {
		t.Fatal(err)
	}
	p := tab(t, base)
	const password = "Quatre-Chevaux-Blancs-9"
	p.do("take the invitation", chromedp.Navigate(base+"/invitation#"+made.Secret), chromedp.WaitVisible("#accept-form"),
		chromedp.SendKeys("#password", password), chromedp.Click("#accept-form button[type=submit]"), chromedp.WaitVisible("#account"), chromedp.WaitVisible("#incomplete"))
	p.do("add a passkey", chromedp.SendKeys("#passkey-name", "Clé bleue"), chromedp.Click("#passkey-form button[type=submit]"), chromedp.WaitVisible("#passkey-list li strong"))
	if got := p.text("#passkey-list"); !strings.Contains(got, "Clé bleue") {
		t.Errorf("the passkey's name: %s", got)
	}
	p.do("begin an app of codes", chromedp.Click("#totp-begin"), chromedp.WaitVisible("#totp-secret"), chromedp.WaitVisible("#qr"))
	seed := strings.ReplaceAll(p.text("#totp-secret"), " ", "")
	p.do("confirm it", chromedp.SendKeys("#totp", p.code(seed, a.clock())), chromedp.Click("#totp-form button[type=submit]"), chromedp.WaitNotVisible("#totp-form"))
	p.do("it is there", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](`!document.querySelector("#totp-state").textContent.startsWith("No")`))
		return err
	}))
	if got := p.text("#totp-state"); got != "Configurée." && got != "Set up." {
		t.Errorf("the app of codes is said to be %q", got)
	}
	p.do("sign out", chromedp.Click("#sign-out"), chromedp.WaitVisible("#with-passkey"))
	p.do("sign in by passkey", chromedp.Click("#with-passkey"), chromedp.WaitVisible("#account"), chromedp.WaitVisible("#session-list li"))
	if got := p.text("#who"); got != "jmartin" {
		t.Errorf("who: %q", got)
	}
	p.do("sign out again", chromedp.Click("#sign-out"), chromedp.WaitVisible("body:not(:has(#account)) #password-form"))
	p.do("a wrong password is told", chromedp.SendKeys("#name", "jmartin"), chromedp.SendKeys("#password", "Quatre-Chevaux-Noirs-9"),
		chromedp.Click("#password-form button[type=submit]"), chromedp.WaitVisible("[role=alert]"))
	p.do("sign in by password and code", chromedp.SetValue("#password", password), chromedp.Click("#password-form button[type=submit]"),
		chromedp.WaitVisible("#totp"))
	a.shift.Add(int64(time.Minute)) // a code serves once
	p.do("the code", chromedp.SendKeys("#totp", p.code(seed, a.clock())), chromedp.Click("#totp-form button[type=submit]"), chromedp.WaitVisible("#account"))
	a.shift.Add(int64(6 * time.Minute))
	p.do("an old sign-in removes no passkey", chromedp.Click("#passkey-list button[data-remove]"), chromedp.WaitVisible("#again"), chromedp.WaitVisible("#again-passkey"))
	p.do("confirm by passkey", chromedp.Click("#again-passkey"), chromedp.WaitNotVisible("#again"), chromedp.WaitNotPresent("#passkey-list button[data-remove]"))
	var cookies string
	if cookies, err = chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.cookie")); err != nil || strings.Contains(cookies, "greffe") {
		t.Errorf("scripts see the session: %q %v", cookies, err)
	}
}
