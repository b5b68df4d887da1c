package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/domain"
)

var signingRoot = []byte("a secret of the ledger, 32 bytes")

func (b *book) signing() (*Desk, *Authenticator) {
	d, a := b.desk(), b.authenticator()
	d.Signing, a.cfg.Signing = signingRoot, signingRoot
	return d, a
}

// sign makes the header as a sender does.
func sign(secret, body string, at time.Time) string {
	m := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(m, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(m.Sum(nil)))
}

func verify(t *testing.T, a *Authenticator, key domain.ID, signature, body string) (*Principal, error) {
	t.Helper()
	c, err := a.Claim(t.Context(), key.String(), signature, here)
	if err != nil {
		return nil, err
	}
	return c.Verify([]byte(body))
}

func TestSigning(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.signing()
	m, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "hook", Roles: []string{"service"}, Sources: []string{"brevo"}, Signing: true})
	must(t, err)
	if !strings.HasPrefix(m.Signing, "greffe_sign_") || len(m.Signing) != len("greffe_sign_")+64 || strings.Contains(m.Text, m.Signing[12:]) {
		t.Fatalf("the secret has %d characters", len(m.Signing))
	}
	p, err := verify(t, a, m.Token, sign(m.Signing, `{"a":1}`, testNow), `{"a":1}`)
	must(t, err)
	if p.Token != m.Token || p.Account != m.Account || !p.MayWrite(domain.ID{'b'}) || p.MayWrite(domain.ID{'c'}) {
		t.Errorf("the principal is %+v", p)
	}
	for _, within := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		if _, err := verify(t, a, m.Token, sign(m.Signing, "x", testNow.Add(within)), "x"); err != nil {
			t.Errorf("%s off: %v", within, err)
		}
	}
	both := "t=0,v1=" + strings.Repeat("00", 32)
	good := sign(m.Signing, "x", testNow)
	_, mac, _ := strings.Cut(good, ",")
	if _, err := verify(t, a, m.Token, strings.Replace(both, "t=0", fmt.Sprintf("t=%d", testNow.Unix()), 1)+", "+mac, "x"); err != nil {
		t.Errorf("one of two signatures: %v", err)
	}
	other, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "no hook", Roles: []string{"service"}})
	must(t, err)
	if other.Signing != "" {
		t.Error("a secret nobody asked for")
	}
	for _, o := range b.owns {
		for _, c := range o.Codes {
			if s, _ := c.Value.(string); strings.Contains(s, m.Signing[12:40]) {
				t.Error("the signing secret is in a fact")
			}
		}
	}
}

func TestSignaturesRefused(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.signing()
	m, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "hook", Roles: []string{"service"}, Signing: true})
	must(t, err)
	other, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "hook 2", Roles: []string{"service"}, Signing: true})
	must(t, err)
	good := sign(m.Signing, "body", testNow)
	for name, c := range map[string]struct {
		key             domain.ID
		signature, body string
	}{
		"another body":        {m.Token, good, "body "},
		"another token's key": {other.Token, good, "body"},
		"a token nobody made": {domain.ID{9}, good, "body"},
		"too old":             {m.Token, sign(m.Signing, "body", testNow.Add(-5*time.Minute-time.Second)), "body"},
		"too early":           {m.Token, sign(m.Signing, "body", testNow.Add(5*time.Minute+time.Second)), "body"},
		"no moment":           {m.Token, good[strings.Index(good, "v1="):], "body"},
		"another moment":      {m.Token, strings.Replace(good, fmt.Sprint(testNow.Unix()), fmt.Sprint(testNow.Unix()+1), 1), "body"},
		"no signature":        {m.Token, fmt.Sprintf("t=%d", testNow.Unix()), "body"},
		"half a signature":    {m.Token, good[:len(good)-2], "body"},
		"empty":               {m.Token, "", "body"},
		"very long":           {m.Token, good + strings.Repeat(",x=1", 400), "body"},
	} {
		a.wrongs = New(a.cfg).wrongs // each has its own patience
		if _, err := verify(t, a, c.key, c.signature, c.body); code(err) != problem.SignatureInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.wrongs = New(a.cfg).wrongs
	for range wrongBurst {
		_, _ = verify(t, a, m.Token, good, "wrong")
	}
	if _, err := verify(t, a, m.Token, good, "wrong"); code(err) != problem.RateLimited {
		t.Errorf("after %d wrong ones: %v", wrongBurst, err)
	}
	if _, err := verify(t, a, m.Token, good, "body"); err != nil {
		t.Errorf("a right one behind them: %v", err)
	}
	without := b.authenticator()
	if _, err := verify(t, without, m.Token, good, "body"); code(err) != problem.SignatureInvalid {
		t.Errorf("without a root: %v", err)
	}
	if _, err := b.desk().Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "x", Roles: []string{"service"}, Signing: true}); code(err) != problem.FieldInvalid {
		t.Errorf("a secret of no root: %v", err)
	}
}

func TestSigningEndsWithItsToken(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.signing()
	m, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "hook", Roles: []string{"service"}, Signing: true})
	must(t, err)
	short, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "hook 2", Roles: []string{"service"}, Signing: true, Expires: testNow.Add(time.Minute)})
	must(t, err)
	must(t, d.Revoke(t.Context(), domain.ID{1}, m.Token))
	if _, err := verify(t, a, m.Token, sign(m.Signing, "x", testNow), "x"); code(err) != problem.TokenRevoked {
		t.Errorf("revoked: %v", err)
	}
	if _, err := verify(t, a, m.Token, sign("guess", "x", testNow), "x"); code(err) != problem.SignatureInvalid {
		t.Errorf("revoked, told to somebody who cannot sign: %v", err)
	}
	b.now = testNow.Add(2 * time.Minute)
	if _, err := verify(t, a, short.Token, sign(short.Signing, "x", b.now), "x"); code(err) != problem.TokenExpired {
		t.Errorf("expired: %v", err)
	}
}

func TestBasicCarriesAToken(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	m, err := b.desk().Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "brevo", Roles: []string{"service"}})
	must(t, err)
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for header, want := range map[string]problem.Code{
		basic("brevo:" + m.Text): "", basic(":" + m.Text): "", "bAsIc " + basic("x:" + m.Text)[6:]: "", "Bearer " + m.Text: "",
		basic("brevo:wrong"): problem.TokenInvalid, basic(m.Text): problem.TokenMissing, "Basic !": problem.TokenMissing, "": problem.TokenMissing,
		basic("brevo:"): problem.TokenMissing,
	} {
		p, err := b.authenticator().IdentifySender(t.Context(), header, here)
		if want == "" && (err != nil || p.Token != m.Token) || want != "" && code(err) != want {
			t.Errorf("%d characters: %v, want %q", len(header), err, want)
		}
	}
	if _, err := b.authenticator().Identify(t.Context(), basic("brevo:"+m.Text), here); code(err) != problem.TokenMissing {
		t.Errorf("Basic outside ingest: %v", err)
	}
}
