package signin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
)

// People keeps accounts, credentials and sessions; *auth.People does.
type People interface {
	Credentials(ctx context.Context, of domain.ID) ([]auth.Credential, error)
	SetCredential(ctx context.Context, actor, of domain.ID, kind account.CredentialKind, secret []byte) (domain.ID, error)
	ReplaceCredential(ctx context.Context, actor, of, credential domain.ID, kind account.CredentialKind, secret []byte) error
	RemoveCredential(ctx context.Context, actor, of, credential domain.ID) error
	MayEnrol(*auth.Principal) error
	Start(context.Context, auth.Login) (auth.Started, error)
	Again(ctx context.Context, session domain.ID, l auth.Login) (auth.Started, error)
}

// Desk signs people in by passkeys, and lets them keep their own. All fields are
// needed. Its errors are *problem.Error.
type Desk struct {
	Ceremonies *Ceremonies
	People     People
	// Login is what an account's holder signs in with, for the device to show.
	Login func(ctx context.Context, of domain.ID) (string, error)
	// Once is the id of a fact that may stand once on all nodes.
	Once func(use string, data []byte) (domain.ID, error)
}

const (
	byPasskey   = "passkey"
	oncePasskey = "account.passkey"
)

// Available reports whether passkeys can work at the public URL.
func (d *Desk) Available() bool { return d.Ceremonies.Available() }

// Begin begins to sign in; it is the same for everybody.
func (d *Desk) Begin() (Options, error) {
	o, err := d.Ceremonies.SignIn()
	return o, coded(err)
}

// SignIn begins a session for who holds a passkey. Errors: credentials_invalid for
// whatever does not hold, ceremony_ended, passkey_copied.
func (d *Desk) SignIn(ctx context.Context, state string, answer []byte, from netip.Addr) (auth.Started, error) {
	p, err := d.Ceremonies.SignedIn(ctx, state, answer, d.known)
	if err != nil {
		return auth.Started{}, coded(err)
	}
	l, err := d.login(p, from)
	if err != nil {
		return auth.Started{}, err
	}
	if err := d.counted(ctx, p); err != nil {
		return auth.Started{}, err
	}
	return d.People.Start(ctx, l)
}

// BeginAgain begins to give two factors once more.
func (d *Desk) BeginAgain(ctx context.Context, who *auth.Principal) (Options, error) {
	h, err := d.holder(ctx, who)
	if err != nil {
		return Options{}, err
	}
	o, err := d.Ceremonies.Again(h, who.Session)
	return o, coded(err)
}

// Again gives them: a new session takes the place of the caller's.
func (d *Desk) Again(ctx context.Context, who *auth.Principal, state string, answer []byte, from netip.Addr) (auth.Started, error) {
	h, err := d.holder(ctx, who)
	if err != nil {
		return auth.Started{}, err
	}
	p, err := d.Ceremonies.Confirmed(h, who.Session, state, answer)
	if err != nil {
		return auth.Started{}, coded(err)
	}
	l, err := d.login(p, from)
	if err != nil {
		return auth.Started{}, err
	}
	if err := d.counted(ctx, p); err != nil {
		return auth.Started{}, err
	}
	return d.People.Again(ctx, who.Session, l)
}

// BeginRegister begins to add a passkey to the caller's account.
func (d *Desk) BeginRegister(ctx context.Context, who *auth.Principal) (Options, error) {
	h, err := d.enrolling(ctx, who)
	if err != nil {
		return Options{}, err
	}
	if h.Name, err = d.Login(ctx, who.Account); err != nil {
		return Options{}, fmt.Errorf("begin to register a passkey: %w", err)
	}
	o, err := d.Ceremonies.Register(h, who.Session)
	return o, coded(err)
}

// Added is a passkey that was registered. Session is a new one where the caller's
// had one factor; it takes that one's place.
type Added struct {
	ID      domain.ID
	Session *auth.Started
}

// Register adds it.
func (d *Desk) Register(ctx context.Context, who *auth.Principal, state, name string, answer []byte, from netip.Addr) (Added, error) {
	if !ValidName(name) {
		return Added{}, problem.At(problem.FieldInvalid, "name")
	}
	h, err := d.enrolling(ctx, who)
	if err != nil {
		return Added{}, err
	}
	p, err := d.Ceremonies.Registered(h, who.Session, state, name, answer)
	switch {
	case errors.Is(err, ErrRefused):
		return Added{}, &problem.Error{Code: problem.FieldInvalid, Field: "credential", Cause: err}
	case err != nil:
		return Added{}, coded(err)
	}
	raw, err := p.Record()
	if err != nil {
		return Added{}, err
	}
	id, err := d.People.SetCredential(ctx, who.Account, who.Account, account.Passkey, raw)
	if err != nil || who.Signed.Complete() {
		return Added{ID: id}, err
	}
	s, err := d.People.Again(ctx, who.Session, auth.Login{Account: who.Account, Method: who.Signed.Method, From: from,
		Factors: append(slices.Clone(who.Signed.Factors), byPasskey)})
	return Added{id, &s}, err
}

// List shows the caller's own passkeys, oldest first.
func (d *Desk) List(ctx context.Context, who *auth.Principal) ([]Passkey, error) {
	h, err := d.holder(ctx, who)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(h.Passkeys, func(a, b Passkey) int { return a.Made.Compare(b.Made) })
	return h.Passkeys, nil
}

// Remove takes one from the caller's account. Errors: not_found, last_factor,
// sign_in_again.
func (d *Desk) Remove(ctx context.Context, who *auth.Principal, id domain.ID) error {
	h, err := d.enrolling(ctx, who)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(h.Passkeys, func(p Passkey) bool { return p.ID == id }) {
		return problem.New(problem.NotFound)
	}
	return d.People.RemoveCredential(ctx, who.Account, who.Account, id)
}

// known opens the passkeys of the account that a device named, nil if there is no
// such account.
func (d *Desk) known(ctx context.Context, of domain.ID) (*Holder, error) {
	h, err := d.open(ctx, of)
	if errors.Is(err, problem.New(problem.NotFound)) {
		return nil, nil
	}
	return h, err
}

func (d *Desk) holder(ctx context.Context, who *auth.Principal) (*Holder, error) {
	if who.Session.IsZero() {
		return nil, problem.New(problem.SessionInvalid)
	}
	return d.open(ctx, who.Account)
}

func (d *Desk) enrolling(ctx context.Context, who *auth.Principal) (*Holder, error) {
	if err := d.People.MayEnrol(who); err != nil {
		return nil, err
	}
	return d.holder(ctx, who)
}

func (d *Desk) open(ctx context.Context, of domain.ID) (*Holder, error) {
	all, err := d.People.Credentials(ctx, of)
	if err != nil {
		return nil, err
	}
	h := &Holder{Account: of}
	for _, c := range all {
		if c.Kind != account.Passkey {
			continue
		}
		p, err := ParsePasskey(c.ID, c.Secret)
		if err != nil {
			return nil, err
		}
		h.Passkeys = append(h.Passkeys, p)
	}
	return h, nil
}

// login is the sign-in that a proof stands for, good once on all nodes.
func (d *Desk) login(p Proof, from netip.Addr) (auth.Login, error) {
	once, err := d.Once(oncePasskey, p.Once[:])
	if err != nil {
		return auth.Login{}, fmt.Errorf("sign in by a passkey: %w", err)
	}
	return auth.Login{Account: p.Account, Method: byPasskey, Factors: []string{byPasskey}, From: from, Once: once}, nil
}

// counted keeps a counter before the session begins, so that a crash between the
// two costs a sign-in and not the check.
func (d *Desk) counted(ctx context.Context, p Proof) error {
	if !p.Changed {
		return nil
	}
	raw, err := p.Passkey.Record()
	if err != nil {
		return err
	}
	return d.People.ReplaceCredential(ctx, p.Account, p.Account, p.Passkey.ID, account.Passkey, raw)
}

// coded gives the ceremonies' errors their codes.
func coded(err error) error {
	for sentinel, code := range map[error]problem.Code{
		ErrAway: problem.PasskeysAway, ErrState: problem.CeremonyEnded, ErrRefused: problem.CredentialsInvalid, ErrCopied: problem.PasskeyCopied,
		ErrKnown: problem.Conflict, ErrFull: problem.Conflict, ErrBusy: problem.Busy,
	} {
		if errors.Is(err, sentinel) {
			return problem.Because(code, err)
		}
	}
	return err
}
