package auth

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/accounts"
)

func (b *book) rooted() (*Desk, *Authenticator) {
	d, a := b.desk(), b.authenticator()
	d.Signing, a.cfg.Signing = []byte("a root of secrets"), []byte("a root of secrets")
	return d, a
}

func spki(n byte) accounts.Fingerprint { return accounts.Fingerprint{n, 31: 1} }

func by(addr string, cert byte) Peer {
	p := Peer{Addr: netip.MustParseAddr(addr)}
	if cert > 0 {
		p.Certificate = spki(cert)
	}
	return p
}

func verdict(t *testing.T, a *Authenticator, token string, from Peer) problem.Code {
	t.Helper()
	header := ""
	if token != "" {
		header = "Bearer " + token
	}
	if _, err := a.Identify(t.Context(), header, from); err != nil {
		return code(err)
	}
	return "ok"
}

func prefixes(all ...string) (out []netip.Prefix) {
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestKeptToNetworks(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.rooted()
	r := Request{Label: "x", Roles: []string{"service"}, Networks: prefixes("192.0.2.77/24", "2001:db8::/32", "198.51.100.7/32")}
	m, err := d.Make(t.Context(), rules(t), domain.ID{1}, r)
	must(t, err)
	for from, want := range map[string]problem.Code{
		"192.0.2.1": "ok", "192.0.2.255": "ok", "192.0.3.1": problem.NetworkForbidden, "::ffff:192.0.2.9": "ok", "198.51.100.7": "ok",
		"198.51.100.8": problem.NetworkForbidden, "2001:db8:ffff::1": "ok", "2001:db9::1": problem.NetworkForbidden, "127.0.0.1": problem.NetworkForbidden,
	} {
		if got := verdict(t, a, m.Text, by(from, 0)); got != want {
			t.Errorf("from %s: %s", from, got)
		}
	}
	if got := verdict(t, a, m.Text, Peer{}); got != problem.NetworkForbidden {
		t.Errorf("from nowhere: %s", got)
	}
	made := b.owns[len(b.owns)-1]
	for _, c := range made.Codes {
		if s := strings.Join(made.Codes.Strings(c.Name), " "); strings.Contains(s, "192.0.2") || strings.Contains(s, "2001:db8") {
			t.Errorf("an address stands in clear: %s", c.Name)
		}
	}
	if len(made.Parts) != 1 || !strings.Contains(string(made.Parts[0].Fields[0].Value), "192.0.2.0/24") {
		t.Errorf("sealed: %+v", made.Parts)
	}
	_, err = d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "y", Roles: []string{"service"}, Networks: prefixes("192.0.2.0/24")})
	must(t, err)
	if slices.Contains(made.Codes.Strings("networks"), b.owns[len(b.owns)-1].Codes.Strings("networks")[0]) {
		t.Error("two accounts' marks of one network are the same")
	}
}

func TestKeptToCertificates(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.rooted()
	bound, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "x", Roles: []string{"service"}, Certificates: []accounts.Fingerprint{spki(1), spki(2)}})
	must(t, err)
	free, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "y", Roles: []string{"service"}})
	must(t, err)
	for _, c := range []struct {
		token string
		cert  byte
		want  problem.Code
	}{
		{bound.Text, 0, problem.CertificateRequired}, {bound.Text, 3, problem.CertificateRequired}, {bound.Text, 1, "ok"}, {bound.Text, 2, "ok"},
		{"", 1, "ok"}, {"", 2, "ok"}, {"", 3, problem.TokenMissing}, {"", 0, problem.TokenMissing}, {free.Text, 0, "ok"}, {free.Text, 1, "ok"},
		{"nobody's", 1, problem.TokenInvalid},
	} {
		if got := verdict(t, a, c.token, by("192.0.2.1", c.cert)); got != c.want {
			t.Errorf("a token of %d bytes with certificate %d: %s", len(c.token), c.cert, got)
		}
	}
	if p, err := a.Identify(t.Context(), "", by("192.0.2.1", 2)); err != nil || p.Token != bound.Token {
		t.Errorf("the certificate stands for %+v %v", p, err)
	}
	other := Request{Label: "z", Roles: []string{"service"}, Certificates: []accounts.Fingerprint{spki(2)}}
	if _, err := d.Make(t.Context(), rules(t), domain.ID{1}, other); code(err) != problem.FieldInvalid {
		t.Errorf("another account's certificate: %v", err)
	}
	must(t, d.Revoke(t.Context(), domain.ID{1}, bound.Token))
	if got := verdict(t, a, "", by("192.0.2.1", 1)); got != problem.TokenRevoked {
		t.Errorf("after the end: %s", got)
	}
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.rooted()
	const day = 24 * time.Hour
	m, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "x", Roles: []string{"agent"}})
	must(t, err)
	for life, want := range map[time.Duration]bool{730 * day: true, 730*day + time.Second: false, -time.Second: false} {
		r := Request{Label: "x", Roles: []string{"agent"}, Expires: testNow.Add(life)}
		if _, err := d.Make(t.Context(), rules(t), domain.ID{1}, r); (err == nil) != want {
			t.Errorf("a life of %s: %v", life, err)
		}
	}
	b.now = testNow.Add(365 * day)
	if got := verdict(t, a, m.Text, here); got != problem.TokenExpired || !m.Expires.Equal(b.now) {
		t.Errorf("after a year: %s", got)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.rooted()
	old, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "x", Roles: []string{"service"}, Sources: []string{"crm/eu"}, ActFor: true,
		Permissions: []string{"events.write"}, Types: []string{"contact.created"}, Networks: prefixes("192.0.2.0/24"), Certificates: []accounts.Fingerprint{spki(1)}})
	must(t, err)
	next, err := d.Rotate(t.Context(), rules(t), domain.ID{1}, Rotation{Token: old.Token, Overlap: time.Hour})
	must(t, err)
	good := by("192.0.2.1", 1)
	was, err := a.Identify(t.Context(), "Bearer "+old.Text, good)
	must(t, err)
	is, err := a.Identify(t.Context(), "Bearer "+next.Text, good)
	must(t, err)
	if is.Token != next.Token || is.Account != was.Account || !slices.Equal(is.Sources, was.Sources) || !slices.Equal(is.Scope, was.Scope) ||
		!slices.Equal(is.Types, was.Types) || !is.ActFor {
		t.Errorf("the new one is %+v, the old %+v", is, was)
	}
	if verdict(t, a, next.Text, by("192.0.3.1", 1)) != problem.NetworkForbidden || verdict(t, a, next.Text, by("192.0.2.1", 0)) != problem.CertificateRequired {
		t.Error("the new one is not kept to what the old one was")
	}
	if p, err := a.Identify(t.Context(), "", good); err != nil || p.Token != next.Token {
		t.Errorf("the certificate of both stands for %+v %v", p, err)
	}
	if _, err := d.Rotate(t.Context(), rules(t), domain.ID{1}, Rotation{Token: old.Token}); code(err) != problem.Conflict {
		t.Errorf("a second time: %v", err)
	}
	b.now = testNow.Add(time.Hour)
	if verdict(t, a, old.Text, good) != problem.TokenExpired || verdict(t, a, next.Text, good) != "ok" {
		t.Error("the overlap did not end the old one alone")
	}
	last, err := d.Rotate(t.Context(), rules(t), domain.ID{1}, Rotation{Token: next.Token})
	must(t, err)
	if verdict(t, a, next.Text, good) != problem.TokenExpired || verdict(t, a, last.Text, good) != "ok" {
		t.Error("without overlap the old one goes on")
	}
	for name, c := range map[string]struct {
		r    Rotation
		want problem.Code
	}{
		"ended": {Rotation{Token: next.Token}, problem.Conflict}, "unknown": {Rotation{Token: domain.ID{9}}, problem.NotFound},
		"too long":  {Rotation{Token: last.Token, Overlap: MaxOverlap + 1}, problem.FieldInvalid},
		"backwards": {Rotation{Token: last.Token, Overlap: -1}, problem.FieldInvalid},
		"for ever":  {Rotation{Token: last.Token, Expires: b.now.AddDate(3, 0, 0)}, problem.FieldInvalid},
	} {
		if _, err := d.Rotate(t.Context(), rules(t), domain.ID{1}, c.r); code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A credential that is kept to something makes none that can do more.
func TestScopeIsNotEscaped(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.rooted()
	m, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "x", Roles: []string{"admin", "service"},
		Permissions: []string{"tokens.manage", "events.write"}, Sources: []string{"crm/eu"}, Types: []string{"contact.created", "contact.changed"}})
	must(t, err)
	p, err := a.Identify(t.Context(), "Bearer "+m.Text, here)
	must(t, err)
	if p.May(rules(t), "events.write") != nil || p.May(rules(t), "policy.publish") == nil || p.MaySend(event.ContactDeleted) || !p.MaySend(event.ContactCreated) {
		t.Errorf("it may do what it is not kept to: %+v", p)
	}
	good := Request{Label: "y", Roles: []string{"dpo"}, Permissions: []string{"events.write"}, Sources: []string{"crm/fr"}, Types: []string{"contact.created"}, By: p}
	if _, err := d.Make(t.Context(), rules(t), p.Account, good); err != nil {
		t.Errorf("less: %v", err)
	}
	for name, change := range map[string]func(*Request){
		"every permission": func(r *Request) { r.Permissions = nil }, "another": func(r *Request) { r.Permissions = []string{"subjects.read"} },
		"every type": func(r *Request) { r.Types = nil }, "another type": func(r *Request) { r.Types = []string{"contact.deleted"} },
		"every source": func(r *Request) { r.Sources = nil }, "another source": func(r *Request) { r.Sources = []string{"shop"} },
		"an unknown permission": func(r *Request) { r.Permissions = []string{"everything"} }, "a fact of ours": func(r *Request) { r.Types = []string{"account.created"} },
		"every network": func(r *Request) { r.Networks = prefixes("0.0.0.0/0") }, "no certificate": func(r *Request) { r.Certificates = []accounts.Fingerprint{{}} },
	} {
		r := good
		change(&r)
		if _, err := d.Make(t.Context(), rules(t), p.Account, r); err == nil {
			t.Errorf("%s was given", name)
		}
	}
	wide, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "z", Roles: []string{"dpo"}})
	must(t, err)
	if _, err := d.Rotate(t.Context(), rules(t), p.Account, Rotation{Token: wide.Token, By: p}); err == nil {
		t.Error("a wider token was rotated into its hands")
	}
}

func TestUsesAreToldOnceADay(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d, a := b.rooted()
	m, err := d.Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "x", Roles: []string{"agent"}, Networks: prefixes("192.0.2.0/24")})
	must(t, err)
	tell := func(want int) {
		t.Helper()
		if n, err := a.RecordUses(t.Context(), b); err != nil || n != want {
			t.Errorf("%d were told, not %d: %v", n, want, err)
		}
	}
	verdict(t, a, m.Text, by("203.0.113.1", 0))
	tell(0) // it was refused
	verdict(t, a, m.Text, here)
	verdict(t, a, m.Text, here)
	tell(1)
	b.now = testNow.Add(time.Hour)
	verdict(t, a, m.Text, here)
	tell(0)
	b.now = testNow.Add(24 * time.Hour)
	tell(0)
	verdict(t, a, m.Text, here)
	b.fail = problem.New(problem.Busy)
	if _, err := a.RecordUses(t.Context(), b); err == nil {
		t.Error("a write that failed was passed over")
	}
	b.fail = nil
	tell(1)
	tell(0)
	if g := b.store.List()[0]; !g.Token.Used.Equal(b.now) || !a.LastUse(m.Token).Equal(b.now) {
		t.Errorf("the log tells %s", g.Token.Used)
	}
}
