package auth

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/account"
	"greffe/projections/accounts"
)

// Bounds of a login, in bytes.
const (
	minLogin = 3
	maxLogin = 200
)

// loginBook knows which login is whose. Logins are sealed; in memory there are only
// keyed digests of them, made when an account is first looked at. There are as many
// as a company has staff.
type loginBook struct {
	mu    sync.Mutex
	known map[domain.ID]loginKey // by the event whose part holds it; zero: it holds none
}

// normalLogin is a login without what people type differently; false if it is none.
func normalLogin(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	ok := len(s) >= minLogin && len(s) <= maxLogin && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
	return s, ok
}

func (p *People) loginKey(normal string) loginKey { return loginKey(p.mac("login", []byte(normal))) }

// ByLogin finds the account that signs in with a name; services have none.
func (p *People) ByLogin(ctx context.Context, name string) (accounts.Account, bool, error) {
	normal, ok := normalLogin(name)
	if !ok {
		return accounts.Account{}, false, nil
	}
	want := p.loginKey(normal)
	b := p.parts().logins
	b.mu.Lock()
	defer b.mu.Unlock()
	all := p.Staff.Accounts()
	if len(b.known) > 2*len(all)+100 { // names that were changed
		clear(b.known)
	}
	var found accounts.Account
	for _, a := range all {
		if a.Kind == account.Service || a.Names.IsZero() {
			continue
		}
		key, seen := b.known[a.Names]
		if !seen {
			login, err := p.login(ctx, a)
			if err != nil {
				return accounts.Account{}, false, err
			}
			if login != "" {
				key = p.loginKey(login)
			}
			b.known[a.Names] = key
		}
		if key == want && found.ID.IsZero() {
			found = a
		}
	}
	return found, !found.ID.IsZero(), nil
}

// login opens an account's login, "" if it has none or it was destroyed.
func (p *People) login(ctx context.Context, a accounts.Account) (login string, err error) {
	fields, err := p.Open(ctx, a.Names)
	if err != nil {
		return "", fmt.Errorf("open a login: %w", err)
	}
	for _, f := range fields {
		if f.Path == pathLogin {
			if err := json.Unmarshal(f.Value, &login); err != nil {
				return "", fmt.Errorf("a login is damaged; run greffe verify: %w", err)
			}
		}
	}
	return login, nil
}

// Origin opens the address a session began from, invalid if none was recorded or it
// was destroyed. Showing it to somebody else is an access like any other.
func (p *People) Origin(ctx context.Context, s account.Session) (netip.Addr, error) {
	fields, err := p.Open(ctx, s.Event)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("open where a session began: %w", err)
	}
	for _, f := range fields {
		if f.Path == pathFrom {
			at, err := text(f.Value)
			if err != nil {
				return netip.Addr{}, err
			}
			return netip.ParseAddr(at)
		}
	}
	return netip.Addr{}, nil
}
