package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/api/signin"
	"greffe/domain"
	"greffe/domain/policy"
)

func passkeyRoutes() []Route {
	begin := Limits{Timeout: 15 * time.Second, Rate: RateOpen}
	enter := Limits{Body: 64 << 10, Timeout: 30 * time.Second, Rate: RateOpen}
	own := Limits{Body: 64 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	get, post := http.MethodGet, http.MethodPost
	ended := []problem.Code{problem.PasskeysAway, problem.CeremonyEnded}
	refused := append(writing(problem.CredentialsInvalid, problem.PasskeyCopied, problem.RateLimited, problem.TransportInsecure, problem.Stale, problem.Unavailable), ended...)
	enrol := append(writing(problem.SecondFactorMissing, problem.SignInAgain), ended...)
	return []Route{
		{post, "/v1/session/passkey/options", "", "Begin to sign in by a passkey; the same for everybody", begin, false, beginPasskey(),
			[]problem.Code{problem.PasskeysAway, problem.RateLimited, problem.TransportInsecure}},
		{post, "/v1/session/passkey", "", "Sign in by a passkey, which is two factors", enter, false, postPasskey(), refused},
		{post, "/v1/session/again/passkey/options", policy.PermissionOwn, "Begin to confirm by a passkey, before a dangerous act", own, false, beginAgain(), refused},
		{post, "/v1/session/again/passkey", policy.PermissionOwn, "Confirm by a passkey: a new session takes the place of the old", own, false, postAgainPasskey(), refused},
		{get, "/v1/me/passkeys", policy.PermissionOwn, "The own passkeys, by the names their holder gave them", read, false, ownPasskeys(), nil},
		{post, "/v1/me/passkeys/options", policy.PermissionOwn, "Begin to add a passkey", own, false, beginRegister(), enrol},
		{post, "/v1/me/passkeys", policy.PermissionOwn, "Add it", own, false, postOwnPasskey(), enrol},
	}
}

// CeremonyBegun is what the browser needs for a ceremony.
type CeremonyBegun struct {
	State     string         `json:"state" doc:"Send it back with the answer, within 5 minutes and once."`
	PublicKey jsontext.Value `json:"public_key" doc:"Options for navigator.credentials, in WebAuthn's JSON form."`
}

func begun(o signin.Options, err error) (*CeremonyBegun, error) {
	if err != nil {
		return nil, err
	}
	return &CeremonyBegun{o.State, o.PublicKey}, nil
}

// PasskeyAnswer is what a device answered.
type PasskeyAnswer struct {
	Body struct {
		State      string         `json:"state" doc:"Of the options."`
		Credential jsontext.Value `json:"credential" doc:"What navigator.credentials gave, in WebAuthn's JSON form."`
	}
}

func beginPasskey() endpoint {
	e := plain(http.StatusOK, func(_ context.Context, a *API, c *Call, _ *struct{}) (*CeremonyBegun, error) {
		if err := a.mayCarry(c); err != nil {
			return nil, err
		}
		if wait := a.takes(RateLink, c.sender()); wait > 0 {
			return nil, &problem.Error{Code: problem.RateLimited, RetryAfter: wait}
		}
		return begun(a.services.Passkeys.Begin())
	})
	e.open = true
	return e
}

func postPasskey() endpoint {
	return entrance(func(ctx context.Context, a *API, c *Call, in *PasskeyAnswer) (auth.Step, error) {
		if wait := a.takes(RateLink, c.sender()); wait > 0 {
			return auth.Step{}, &problem.Error{Code: problem.RateLimited, RetryAfter: wait}
		}
		s, err := a.services.Passkeys.SignIn(ctx, in.Body.State, in.Body.Credential, c.remote())
		if err != nil {
			return auth.Step{}, err
		}
		return auth.Step{Session: &s}, a.knowDevice(c, &s)
	})
}

func beginAgain() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*CeremonyBegun, error) {
		return begun(a.services.Passkeys.BeginAgain(ctx, c.principal))
	})
}

func postAgainPasskey() endpoint {
	return renewed(func(ctx context.Context, a *API, c *Call, in *PasskeyAnswer) (auth.Started, error) {
		return a.services.Passkeys.Again(ctx, c.principal, in.Body.State, in.Body.Credential, c.remote())
	})
}

// OwnPasskey is one of the caller's passkeys.
type OwnPasskey struct {
	ID     domain.ID `json:"id"`
	Name   string    `json:"name" doc:"Its holder's word for it; may be empty."`
	Added  time.Time `json:"added_at"`
	Synced bool      `json:"synced" doc:"Its provider copies it to the holder's other devices."`
}

func ownPasskeys() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*List[OwnPasskey], error) {
		all, err := a.services.Passkeys.List(ctx, c.principal)
		if err != nil {
			return nil, err
		}
		out := &List[OwnPasskey]{Items: []OwnPasskey{}}
		for i := range all {
			out.Items = append(out.Items, OwnPasskey{all[i].ID, all[i].Name, all[i].Made, all[i].Synced()})
		}
		return out, nil
	})
}

func beginRegister() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*CeremonyBegun, error) {
		return begun(a.services.Passkeys.BeginRegister(ctx, c.principal))
	})
}

// PasskeyInput is a passkey to add.
type PasskeyInput struct {
	Body struct {
		State      string         `json:"state" doc:"Of the options."`
		Name       string         `json:"name,omitempty" doc:"What its holder calls it; at most 60 bytes."`
		Credential jsontext.Value `json:"credential" doc:"What navigator.credentials gave, in WebAuthn's JSON form."`
	}
}

// PasskeyAdded is a passkey that was added.
type PasskeyAdded struct {
	ID   domain.ID `json:"id"`
	CSRF string    `json:"csrf,omitempty" doc:"Of the new session, where the passkey was the missing second factor."`
}

func postOwnPasskey() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *PasskeyInput) (*PasskeyAdded, error) {
		added, err := a.services.Passkeys.Register(ctx, c.principal, in.Body.State, in.Body.Name, in.Body.Credential, c.remote())
		if err != nil {
			return nil, err
		}
		out := &PasskeyAdded{ID: added.ID}
		if added.Session != nil {
			a.carry(c, added.Session)
			out.CSRF = added.Session.CSRF
		}
		return out, nil
	})
}
