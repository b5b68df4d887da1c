package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
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

// record writes facts and returns when this node has applied them.
func record(ctx context.Context, to Facts, waitFor func(context.Context, domain.Position) error, owns []ledger.Own) (domain.Position, error) {
	w, err := to.Write(ctx, owns)
	if err != nil {
		return 0, fmt.Errorf("record account facts: %w", err)
	}
	if len(w) != len(owns) {
		return 0, problem.Because(problem.StateUnknown, errors.New("record account facts: not all were answered"))
	}
	at := w[len(w)-1].Position
	if err := waitFor(ctx, at); err != nil {
		return 0, problem.Because(problem.Stale, fmt.Errorf("account facts are recorded and not yet applied here: %w", err))
	}
	return at, nil
}

// Desk makes and revokes tokens. All fields but mu, Signing and Alone are needed.
type Desk struct {
	Directory Directory
	Facts     Facts
	// WaitFor returns when the directory has applied the fact at a position.
	WaitFor func(context.Context, domain.Position) error
	// SourceID is the ledger's id of a producer's name.
	SourceID func(name string) domain.ID
	Now      func() time.Time
	Rand     io.Reader
	// Signing is the root of the secrets that senders sign with, and of the marks of
	// networks; without it none is given out, and no token kept to a network.
	Signing []byte
	// Alone does work while no other node decides about accounts; nil: there is none.
	Alone func(ctx context.Context, work func(Facts) error) error

	mu sync.Mutex // decisions about administrators, one at a time
}

// Request describes a token to make.
type Request struct {
	Account       domain.ID // an account that exists, or zero for a new one
	Label         string    // of a new account; who or what it is, sealed
	Roles         []string  // of a new account
	Expires       time.Time // zero: as the policy says
	DefaultReason string
	Sources       []string // producers' names; none means all
	ActFor        bool
	Signing       bool // give out the secret to sign webhooks with

	// What it is kept to; an empty list keeps it to nothing.
	Permissions  []string               // of those of its roles
	Types        []string               // of events it may send
	Networks     []netip.Prefix         // it may be used from
	Certificates []accounts.Fingerprint // one of which it has to come with
	By           *Principal             // who asks, and can give no more than it has; nil: the operator

	// Of a token in place of another.
	sources    []domain.ID
	marks      []accounts.Network
	words      domain.ID
	replaces   domain.ID
	replacedAt time.Time
}

// Made is a new token. Text and Signing are shown once and kept nowhere.
type Made struct {
	Account, Token domain.ID
	Text           string
	Signing        string    // the secret to sign with, if it was asked for
	Expires        time.Time // when it ends
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
		if !ok || a.Disabled || a.Kind == account.Human || a.Kind == account.Guest { // people act by what they hold, never by a secret that somebody made for them
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
	if err := d.span(rules, &r); err != nil {
		return Made{}, err
	}
	if err := d.checkKept(rules, &r); err != nil {
		return Made{}, err
	}
	if !r.Account.IsZero() {
		return d.token(ctx, actor, r, nil)
	}
	var err error
	if r.Account, err = domain.RandomID(d.Rand); err != nil {
		return Made{}, fmt.Errorf("make account: %w", err)
	}
	return d.token(ctx, actor, r, []ledger.Own{created(r.Account, actor, roles, r.Label, false)})
}

func (d *Desk) check(rules *policy.Policy, roles []string, r Request) error {
	switch {
	case r.Account.IsZero() && (strings.TrimSpace(r.Label) == ""):
		return problem.At(problem.FieldRequired, "label")
	case len(r.Label) > maxLabel || !utf8.ValidString(r.Label):
		return problem.At(problem.FieldInvalid, "label")
	case len(roles) == 0:
		return problem.At(problem.FieldRequired, "roles")
	case len(r.Sources) > maxSources || slices.Contains(r.Sources, ""):
		return problem.At(problem.FieldInvalid, "sources")
	case r.Signing && len(d.Signing) == 0:
		return problem.At(problem.FieldInvalid, "signing")
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
// nil. The last token of the last administrator cannot be revoked, whichever node is
// asked.
func (d *Desk) Revoke(ctx context.Context, actor, token domain.ID) error {
	if d.Alone != nil {
		return d.Alone(ctx, func(to Facts) error { return d.revoke(ctx, to, actor, token) })
	}
	return d.revoke(ctx, d.Facts, actor, token)
}

func (d *Desk) revoke(ctx context.Context, to Facts, actor, token domain.ID) error {
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
	}) && !slices.ContainsFunc(d.Directory.Accounts(), func(a accounts.Account) bool { return signsInAsAdmin(a, now) }) {
		return problem.New(problem.LastAdmin)
	}
	_, err := d.writeTo(ctx, to, []ledger.Own{{
		Type: event.AccountTokenEnded, Actor: actor,
		Codes: event.Codes{}.With("account", grants[i].Account.ID.String()).With("token", token.String()),
	}})
	return err
}

func administers(g accounts.Grant, now time.Time) bool {
	kept := len(g.Token.Permissions) > 0 && !slices.Contains(g.Token.Permissions, "tokens.manage")
	return slices.Contains(g.Account.Roles, roleAdmin) && !g.Account.Disabled && !g.Token.Ended(now) && !kept
}

// signsInAsAdmin reports whether an account's holder can administer by a session.
func signsInAsAdmin(a accounts.Account, now time.Time) bool {
	return slices.Contains(a.Roles, roleAdmin) && a.Ready() && admissible(a, now)
}

func (d *Desk) write(ctx context.Context, owns []ledger.Own) (domain.Position, error) {
	return d.writeTo(ctx, d.Facts, owns)
}

func (d *Desk) writeTo(ctx context.Context, to Facts, owns []ledger.Own) (domain.Position, error) {
	return record(ctx, to, d.WaitFor, owns)
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

func (d *Desk) made(account, actor, token domain.ID, sum accounts.Digest, r Request) (ledger.Own, error) {
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
	if !r.replaces.IsZero() {
		codes = codes.With("replaces", r.replaces.String()).With("replaced_at", domain.FormatTime(r.replacedAt))
	}
	if !r.words.IsZero() {
		codes = codes.With("words", r.words.String())
	}
	own := ledger.Own{Type: event.AccountTokenMade, Actor: actor, Codes: codes}
	return own, d.keeps(&own, account, &r)
}
