package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

const (
	roleAdmin   = "admin"
	maxLabel    = 200 // bytes
	maxSources  = 100
	accountPath = "account.label"
)

// Facts records the ledger's own facts; *ledger.Ledger does. Errors are as for
// its Record.
type Facts interface {
	Write(ctx context.Context, owns []ledger.Own) ([]ledger.Written, error)
}

// Desk makes and revokes tokens. All fields but mu are needed.
type Desk struct {
	Directory Directory
	Facts     Facts
	// WaitFor returns when the directory has applied the fact at a position.
	WaitFor func(context.Context, domain.Position) error
	// SourceID is the ledger's id of a producer's name.
	SourceID func(name string) domain.ID
	Now      func() time.Time
	Rand     io.Reader

	mu sync.Mutex // decisions about administrators, one at a time
}

// Request describes a token to make.
type Request struct {
	Account       domain.ID // an account that exists, or zero for a new one
	Label         string    // of a new account; who or what it is, sealed
	Roles         []string  // of a new account
	Expires       time.Time // zero for never
	DefaultReason string
	Sources       []string // producers' names; none means all
	ActFor        bool
}

// Made is a new token. Text is shown once and kept nowhere.
type Made struct {
	Account, Token domain.ID
	Text           string
	Position       domain.Position
}

// Make records a token, and its account if that is new, and returns when this
// node accepts it. Errors of the request are *problem.Error.
func (d *Desk) Make(ctx context.Context, rules *policy.Policy, actor domain.ID, r Request) (Made, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	roles := r.Roles
	if !r.Account.IsZero() {
		a, ok := d.Directory.Find(r.Account)
		if !ok || a.Disabled {
			return Made{}, problem.At(problem.FieldInvalid, "account_id")
		}
		if r.Label != "" || len(r.Roles) > 0 {
			return Made{}, problem.At(problem.FieldInvalid, "roles") // an account keeps what it has
		}
		roles = a.Roles
	}
	if err := d.check(rules, roles, r); err != nil {
		return Made{}, err
	}
	id, text, err := newToken(d.Rand)
	if err != nil {
		return Made{}, err
	}
	m := Made{Account: r.Account, Token: id, Text: text}
	var owns []ledger.Own
	if m.Account.IsZero() {
		if m.Account, err = domain.RandomID(d.Rand); err != nil {
			return Made{}, fmt.Errorf("make account: %w", err)
		}
		owns = append(owns, created(m.Account, actor, roles, r.Label, false))
	}
	m.Position, err = d.write(ctx, append(owns, d.made(m.Account, actor, id, digest(text), r)))
	return m, err
}

func (d *Desk) check(rules *policy.Policy, roles []string, r Request) error {
	switch {
	case r.Account.IsZero() && (strings.TrimSpace(r.Label) == ""):
		return problem.At(problem.FieldRequired, "label")
	case len(r.Label) > maxLabel || !utf8.ValidString(r.Label):
		return problem.At(problem.FieldInvalid, "label")
	case len(roles) == 0:
		return problem.At(problem.FieldRequired, "roles")
	case !r.Expires.IsZero() && !r.Expires.After(d.Now()):
		return problem.At(problem.FieldInvalid, "expires_at")
	case len(r.Sources) > maxSources || slices.Contains(r.Sources, ""):
		return problem.At(problem.FieldInvalid, "sources")
	}
	for _, role := range roles {
		if _, ok := rules.Role(role); !ok {
			return problem.At(problem.FieldInvalid, "roles")
		}
	}
	if r.DefaultReason == "" {
		return nil
	}
	reason, ok := rules.Reason(r.DefaultReason)
	if !ok || reason.Ticket || !slices.ContainsFunc(roles, reason.MayUse) {
		return problem.At(problem.FieldInvalid, "default_reason") // a default has no ticket to give
	}
	return nil
}

// Revoke ends a token and returns when this node refuses it. Revoking again is
// nil. The last token of the last administrator cannot be revoked.
func (d *Desk) Revoke(ctx context.Context, actor, token domain.ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	grants, now := d.Directory.List(), d.Now()
	i := slices.IndexFunc(grants, func(g accounts.Grant) bool { return g.Token.ID == token })
	switch {
	case i < 0:
		return problem.New(problem.NotFound)
	case !grants[i].Token.Revoked.IsZero():
		return nil
	}
	if administers(grants[i], now) && !slices.ContainsFunc(grants, func(g accounts.Grant) bool {
		return g.Token.ID != token && administers(g, now)
	}) {
		return problem.New(problem.LastAdmin)
	}
	_, err := d.write(ctx, []ledger.Own{{
		Type: event.AccountTokenEnded, Actor: actor,
		Codes: event.Codes{}.With("account", grants[i].Account.ID.String()).With("token", token.String()),
	}})
	return err
}

func administers(g accounts.Grant, now time.Time) bool {
	return slices.Contains(g.Account.Roles, roleAdmin) && !g.Account.Disabled && !g.Token.Ended(now)
}

func (d *Desk) write(ctx context.Context, owns []ledger.Own) (domain.Position, error) {
	w, err := d.Facts.Write(ctx, owns)
	if err != nil {
		return 0, fmt.Errorf("record account facts: %w", err)
	}
	if len(w) != len(owns) {
		return 0, problem.Because(problem.StateUnknown, errors.New("record account facts: not all were answered"))
	}
	at := w[len(w)-1].Position
	if err := d.WaitFor(ctx, at); err != nil {
		return 0, problem.Because(problem.Stale, fmt.Errorf("account facts are recorded and not yet applied here: %w", err))
	}
	return at, nil
}

func created(account, actor domain.ID, roles []string, label string, bootstrap bool) ledger.Own {
	sorted := slices.Compact(slices.Sorted(slices.Values(roles)))
	codes := event.Codes{}.With("account", account.String()).With("roles", sorted)
	if bootstrap {
		codes = codes.With("bootstrap", true)
	}
	quoted, err := jsontext.AppendQuote(nil, label)
	if err != nil { // check refused what is not UTF-8
		quoted = []byte(`""`)
	}
	return ledger.Own{Type: event.AccountCreated, Actor: actor, Codes: codes, Parts: []ledger.PlainPart{{
		Key:    part.KeyID{Owner: part.AccountOwner(account), Class: "accounts", Epoch: part.EpochWhole},
		Fields: []event.Field{{Path: accountPath, Value: quoted}},
	}}}
}

func (d *Desk) made(account, actor, token domain.ID, sum accounts.Digest, r Request) ledger.Own {
	codes := event.Codes{}.With("account", account.String()).With("token", token.String()).With("digest", hex.EncodeToString(sum[:]))
	if r.DefaultReason != "" {
		codes = codes.With("default_reason", r.DefaultReason)
	}
	if !r.Expires.IsZero() {
		codes = codes.With("expires_at", domain.FormatTime(r.Expires))
	}
	if r.ActFor {
		codes = codes.With("act_for", true)
	}
	if len(r.Sources) > 0 {
		ids := make([]string, len(r.Sources))
		for i, name := range r.Sources {
			ids[i] = d.SourceID(name).String()
		}
		codes = codes.With("sources", ids)
	}
	return ledger.Own{Type: event.AccountTokenMade, Actor: actor, Codes: codes}
}
