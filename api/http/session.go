package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/policy"
)

func sessionRoutes() []Route {
	enter := Limits{Body: 8 << 10, Timeout: 30 * time.Second, Rate: RateOpen}
	own := Limits{Body: 8 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	refused := []problem.Code{problem.CredentialsInvalid, problem.RateLimited, problem.Busy, problem.TransportInsecure, problem.Stale, problem.StateUnknown, problem.Unavailable}
	enrol := writing(problem.SecondFactorMissing, problem.SignInAgain)
	return []Route{
		{post, "/v1/session/password", "", "Sign in: name and password; says which second factors may follow", enter, false, postPassword(), refused},
		{post, "/v1/session/totp", "", "Sign in: the code of an authenticator application, after the password", enter, false, postTOTP(), refused},
		{post, "/v1/session/recovery", "", "Sign in: a recovery code, after the password", enter, false, postRecovery(), refused},
		{post, "/v1/invitations/accept", "", "Choose a password by an invitation", enter, false, acceptInvitation(),
			append(slices.Clone(refused), problem.InvitationInvalid, problem.PasswordWeak)},
		{get, "/v1/session", policy.PermissionOwn, "The own session: who, with which factors, until when", read, false, getSession(), nil},
		{del, "/v1/session", policy.PermissionOwn, "Sign out", own, false, deleteSession(), writing()},
		{post, "/v1/session/again", policy.PermissionOwn, "Give password and code again, before a dangerous act", own, false, postAgain(),
			writing(problem.CredentialsInvalid)},
		{get, "/v1/me/waiting", policy.PermissionOwn, "How much waits: quarantine, alerts, terms; as far as the own roles may list it", read, false, getWaiting(), nil},
		{get, "/v1/me/sessions", policy.PermissionOwn, "The own sessions", read, false, ownSessions(), nil},
		{del, "/v1/me/sessions/{id}", policy.PermissionOwn, "End one of the own sessions", own, false, endOwnSession(), writing()},
		{get, "/v1/me/credentials", policy.PermissionOwn, "The own passwords, passkeys and codes, without their secrets", read, false, ownCredentials(), nil},
		{del, "/v1/me/credentials/{id}", policy.PermissionOwn, "Remove one of the own credentials", own, false, removeCredential(), append(enrol, problem.LastFactor)},
		{post, "/v1/me/password", policy.PermissionOwn, "Choose another password; all other sessions end", own, false, postOwnPassword(), append(enrol, problem.PasswordWeak)},
		{post, "/v1/me/totp/options", policy.PermissionOwn, "Begin to enrol an authenticator application", own, false, offerTOTP(), enrol},
		{post, "/v1/me/totp", policy.PermissionOwn, "Enrol it, by its first code", own, false, confirmTOTP(), enrol},
		{post, "/v1/me/recovery", policy.PermissionOwn, "Make new recovery codes; the former end", own, false, postRecoveryCodes(), enrol},
	}
}

// entrance makes an endpoint at which somebody signs in: open, and of cookies.
func entrance[In any](serve func(ctx context.Context, a *API, c *Call, in *In) (auth.Step, error)) endpoint {
	e := typed(None, http.StatusOK, func(ctx context.Context, a *API, c *Call, in *In) (*Entered, error) {
		if err := a.mayCarry(c); err != nil {
			return nil, err
		}
		if err := c.current(a.services.Nodes); err != nil {
			return nil, err
		}
		step, err := serve(ctx, a, c, in)
		if err != nil {
			return nil, err
		}
		return a.entered(c, step)
	})
	e.open = true
	return e
}

// Entered is what a step of signing in led to.
type Entered struct {
	Next     []string  `json:"next" doc:"What may follow: passkey, totp, recovery. Empty: the session has begun."`
	Expires  time.Time `json:"expires_at" doc:"Of the session, or of the step."`
	Complete bool      `json:"complete" doc:"False at the end: a second factor must be enrolled before anything else is allowed."`
	CSRF     string    `json:"csrf,omitempty" doc:"To be sent as X-Greffe-CSRF with all but GET."`
}

func (a *API) entered(c *Call, step auth.Step) (*Entered, error) {
	if s := step.Session; s != nil {
		a.carry(c, s)
		return &Entered{Next: []string{}, Expires: s.Expires, Complete: s.Complete, CSRF: s.CSRF}, nil
	}
	http.SetCookie(c.w, auth.BesideCookie(auth.CookieStep, step.Ticket, a.secure(c), auth.TicketFor))
	return &Entered{Next: step.Next, Expires: step.Expires}, nil
}

// PasswordInput is a name and a password.
type PasswordInput struct {
	Body struct {
		Name     string `json:"name" doc:"The login."`
		Password string `json:"password"`
	}
}

func postPassword() endpoint {
	return entrance(func(ctx context.Context, a *API, c *Call, in *PasswordInput) (auth.Step, error) {
		return a.services.People.Password(ctx, in.Body.Name, in.Body.Password, a.cookieOf(c, auth.CookieDevice), c.remote())
	})
}

// CodeInput is a code.
type CodeInput struct {
	Body struct {
		Code string `json:"code"`
	}
}

func postTOTP() endpoint {
	return entrance(func(ctx context.Context, a *API, c *Call, in *CodeInput) (auth.Step, error) {
		return a.second(ctx, c, in.Body.Code, a.services.People.TOTP)
	})
}

func postRecovery() endpoint {
	return entrance(func(ctx context.Context, a *API, c *Call, in *CodeInput) (auth.Step, error) {
		return a.second(ctx, c, in.Body.Code, a.services.People.Recovery)
	})
}

func (a *API) second(ctx context.Context, c *Call, code string, take secondFactor) (auth.Step, error) {
	s, err := take(ctx, a.cookieOf(c, auth.CookieStep), code, c.remote())
	if err != nil {
		return auth.Step{}, err
	}
	return auth.Step{Session: &s}, a.knowDevice(c, &s)
}

// InvitationInput is an invitation and the password its holder chose.
type InvitationInput struct {
	Body struct {
		Secret   string `json:"secret" doc:"Of the invitation."`
		Password string `json:"password"`
	}
}

func acceptInvitation() endpoint {
	return entrance(func(ctx context.Context, a *API, c *Call, in *InvitationInput) (auth.Step, error) {
		return a.services.People.Accept(ctx, in.Body.Secret, in.Body.Password, c.remote())
	})
}

func getSession() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*SessionShown, error) {
		p := c.principal
		s := p.Signed
		of, _ := a.services.Directory.Find(p.Account)
		_, login, err := a.services.People.Names(ctx, of)
		if err != nil {
			return nil, err
		}
		permissions, reasons := mayDo(c)
		shown := &SessionShown{Permissions: permissions, Reasons: reasons, ID: s.ID.String(), Account: p.Account.String(), Login: login, Roles: p.Roles, Labels: roleLabels(c), Method: s.Method, Factors: s.Factors, Provider: s.Provider,
			Complete: s.Complete(), Fresh: a.services.People.IsFresh(p) == nil, Started: s.Started, Expires: s.Expires,
			Idle: int(c.rules.Sessions().Idle / time.Minute), CSRF: p.CSRF}
		if !p.Inspection.IsZero() {
			shown.Inspection, shown.Until = &p.Inspection, since(of.Until)
		}
		return shown, nil
	})
}

// mayDo is what the caller may ask for, and with which reasons.
func mayDo(c *Call) (permissions []string, reasons []SessionReason) {
	permissions, reasons = []string{}, []SessionReason{}
	for _, p := range policy.Permissions() {
		if c.principal.May(c.rules, p) == nil {
			permissions = append(permissions, p)
		}
	}
	for _, r := range c.rules.Reasons() {
		if !slices.ContainsFunc(c.principal.Roles, r.MayUse) {
			continue
		}
		reasons = append(reasons, SessionReason{r.Code, inLanguage(r.Label, problem.Language(c.r)), r.Ticket})
	}
	return permissions, reasons
}

// roleLabels names the caller's roles; one that the policy has no more is named by its code.
func roleLabels(c *Call) []string {
	out := []string{}
	for _, code := range c.principal.Roles {
		name := code
		if r, ok := c.rules.Role(code); ok {
			name = inLanguage(r.Label, problem.Language(c.r))
		}
		out = append(out, name)
	}
	return out
}

// silent makes an endpoint that answers 204.
func silent[In any](serve func(ctx context.Context, a *API, c *Call, in *In) error) endpoint {
	e := plain(http.StatusNoContent, func(ctx context.Context, a *API, c *Call, in *In) (answer, error) {
		return answer{status: http.StatusNoContent}, serve(ctx, a, c, in)
	})
	e.out, e.gives = nil, nil
	return e
}

func deleteSession() endpoint {
	return silent(func(ctx context.Context, a *API, c *Call, _ *struct{}) error {
		err := a.services.People.End(ctx, c.principal.Account, c.principal.Account, c.principal.Session, "signed_out")
		if err == nil {
			a.forget(c)
		}
		return err
	})
}

// AgainInput is a password and a code.
type AgainInput struct {
	Body struct {
		Password string `json:"password"`
		Code     string `json:"code" doc:"Of the authenticator application."`
	}
}

func postAgain() endpoint {
	return renewed(func(ctx context.Context, a *API, c *Call, in *AgainInput) (auth.Started, error) {
		return a.services.People.Reauthenticate(ctx, c.principal, in.Body.Password, in.Body.Code, c.remote())
	})
}

// renewed makes an endpoint that puts a new session in the place of the caller's.
func renewed[In any](serve func(ctx context.Context, a *API, c *Call, in *In) (auth.Started, error)) endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *In) (*Entered, error) {
		s, err := serve(ctx, a, c, in)
		if err != nil {
			return nil, err
		}
		return a.entered(c, auth.Step{Session: &s})
	})
}

// OwnSession is one of the caller's sessions.
type OwnSession struct {
	ID       domain.ID `json:"id"`
	Current  bool      `json:"current"`
	Method   string    `json:"method"`
	Factors  []string  `json:"factors"`
	Provider string    `json:"provider,omitempty"`
	Started  time.Time `json:"started_at"`
	Expires  time.Time `json:"expires_at"`
}

func ownSessions() endpoint {
	return plain(http.StatusOK, func(_ context.Context, a *API, c *Call, _ *struct{}) (*List[OwnSession], error) {
		of, ok := a.services.Directory.Find(c.principal.Account)
		out := &List[OwnSession]{Items: []OwnSession{}}
		if !ok {
			return out, nil
		}
		for _, s := range slices.Backward(of.Sessions) {
			if a.cfg.Now().Before(s.Expires) {
				out.Items = append(out.Items, OwnSession{s.ID, s.ID == c.principal.Session, s.Method, s.Factors, s.Provider, s.Started, s.Expires})
			}
		}
		return out, nil
	})
}

// SessionPath names a session.
type SessionPath struct {
	ID domain.ID `path:"id" doc:"The session, by its id."`
}

func endOwnSession() endpoint {
	return silent(func(ctx context.Context, a *API, c *Call, in *SessionPath) error {
		if err := a.services.People.End(ctx, c.principal.Account, c.principal.Account, in.ID, "revoked"); err != nil {
			return err
		}
		if in.ID == c.principal.Session {
			a.forget(c)
		}
		return nil
	})
}
