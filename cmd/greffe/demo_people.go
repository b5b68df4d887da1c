package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/pquerna/otp/totp"

	"greffe/api/auth"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
	"greffe/domain/account"
)

// cast are the people that the demo has sign in: one of each role of the shipped policy
// that works in the console all day.
var cast = [...]struct{ login, name, role string }{
	{"claire", "Claire Morvan", "dpo"},
	{"amine", "Amine Haddad", "auditor"},
	{"lea", "Léa Vidal", "agent"},
	{"malo", "Malo Kerguelen", "marketing"},
	{"sonia", "Sonia Belkacem", "support"},
	{"nadia", "Nadia Roussel", "admin"},
	{"igor", "Igor Lemaire", "security"},
}

// actor is one of the cast, with the seed that an authenticator would hold.
type actor struct {
	login, role, seed string
}

// actors makes the cast's accounts, or those of a former demo anew, under one password
// and each with a second factor. Seeds stay in this process's memory.
func actors(ctx context.Context, a *app.App) (password string, out []actor, err error) {
	password = "Demo-" + rand.Text()[:12] + "-7z"
	for _, c := range cast {
		invited, err := invited(ctx, a, c.login, c.name, c.role)
		if err != nil {
			return "", nil, fmt.Errorf("demo: an account for %s: %w", c.login, err)
		}
		if _, err := a.People.Accept(ctx, invited.Secret, password, netip.IPv6Loopback()); err != nil {
			return "", nil, fmt.Errorf("demo: a password for %s: %w", c.login, err)
		}
		var seed [20]byte
		_, _ = rand.Read(seed[:]) // never fails
		if _, err := a.People.SetCredential(ctx, invited.Account, invited.Account, account.TOTP, seed[:]); err != nil {
			return "", nil, fmt.Errorf("demo: a second factor for %s: %w", c.login, err)
		}
		out = append(out, actor{c.login, c.role, base32.StdEncoding.EncodeToString(seed[:])})
	}
	return password, out, nil
}

func invited(ctx context.Context, a *app.App, login, name, role string) (auth.Invited, error) {
	old, found, err := a.People.ByLogin(ctx, login)
	if err != nil {
		return auth.Invited{}, err
	}
	if found {
		return a.People.Reset(ctx, domain.ID{}, old.ID, nil)
	}
	return a.People.Create(ctx, domain.ID{}, auth.NewAccount{Kind: account.Human, Label: name, Login: login, Roles: []string{role}, Invite: true})
}

// prompter stands in for the cast's authenticators: each line that comes in prints
// the codes of now. It ends with its input.
func prompter(in io.Reader, out io.Writer, people []actor) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		for _, p := range people {
			code, err := totp.GenerateCode(p.seed, time.Now())
			if err != nil {
				fmt.Fprintln(out, err)
				return
			}
			fmt.Fprintf(out, "  %-7s %s  (%s)\n", p.login, code, p.role)
		}
		fmt.Fprintln(out, "  a code serves once, within 30 seconds")
	}
}
