package signin

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"greffe/domain"
)

// Errors of the ceremonies. None holds a value of the request.
var (
	// ErrAway: no passkey can work at this address; a name and TLS are needed.
	ErrAway = errors.New("passkeys need a public URL with a name and https, or localhost")
	// ErrState: the ceremony is not ours, of another purpose, too old, or was used.
	ErrState = errors.New("this ceremony has ended; begin it again")
	// ErrRefused: what the device answered does not hold.
	ErrRefused = errors.New("the passkey's answer does not hold")
	// ErrCopied: the signature counter did not grow, so there is a copy of the key.
	ErrCopied = errors.New("the passkey's counter did not grow: there may be a copy of it")
	// ErrKnown: the key belongs to an account already.
	ErrKnown = errors.New("this passkey is registered already")
	// ErrFull: the account has as many passkeys as it may have.
	ErrFull = errors.New("the account has as many passkeys as it may have")
	// ErrBusy: more sign-ins at once than one node remembers.
	ErrBusy = errors.New("too many ceremonies at once")
)

const (
	lifetime     = 5 * time.Minute
	challengeLen = 32
	maxAnswer    = 32 << 10 // bytes of what a device answers
)

// Config is what the ceremonies are made with. All fields are needed.
type Config struct {
	PublicURL string // as people reach the service; its host names the relying party
	Key       []byte // 32 bytes, one for all nodes of a ledger
	Now       func() time.Time
	Rand      io.Reader
}

// Ceremonies registers and checks passkeys.
type Ceremonies struct {
	cfg  Config
	rp   *webauthn.WebAuthn // nil: no passkey can work here
	box  cipher.AEAD
	used used
}

// New makes Ceremonies. A public URL by which passkeys cannot work is no error:
// each ceremony then answers ErrAway.
func New(cfg Config) (*Ceremonies, error) {
	box, err := newBox(cfg.Key)
	if err != nil {
		return nil, err
	}
	c := &Ceremonies{cfg: cfg, box: box, used: used{seen: map[domain.ID]time.Time{}}}
	id, origin, ok := party(cfg.PublicURL)
	if !ok {
		return c, nil
	}
	c.rp, err = webauthn.New(&webauthn.Config{
		RPID: id, RPDisplayName: "Greffe", RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(), ResidentKey: protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: webauthn.TimeoutConfig{Timeout: lifetime}, Registration: webauthn.TimeoutConfig{Timeout: lifetime}},
	})
	if err != nil {
		return nil, fmt.Errorf("sign-in: the public URL names no relying party: %w", err)
	}
	return c, nil
}

// Available reports whether passkeys can work at the public URL.
func (c *Ceremonies) Available() bool { return c.rp != nil }

// party derives the relying party's id and origin: browsers want a name and https,
// or localhost. A loopback address is reached as localhost too.
func party(public string) (id, origin string, ok bool) {
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return "", "", false
	}
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil {
		if !ip.IsLoopback() {
			return "", "", false
		}
		host = "localhost"
	}
	if u.Scheme != "https" && (u.Scheme != "http" || host != "localhost" && !strings.HasSuffix(host, ".localhost")) {
		return "", "", false
	}
	origin = u.Scheme + "://" + host
	if p := u.Port(); p != "" && (u.Scheme != "https" || p != "443") && (u.Scheme != "http" || p != "80") {
		origin += ":" + p
	}
	return host, origin, true
}

// Options are what the browser is given, and the state to give back with its
// answer.
type Options struct {
	State     string
	PublicKey jsontext.Value // PublicKeyCredentialCreationOptionsJSON or …RequestOptionsJSON
}

// Proof is a passkey that was used with user verification.
type Proof struct {
	Account domain.ID
	Passkey Passkey   // with its new counter
	Once    domain.ID // names the ceremony: the same for the same state
	Changed bool      // the record is to be sealed anew: its counter or backup state is another
}

func (c *Ceremonies) challenge() (protocol.URLEncodedBase64, error) {
	b := make([]byte, challengeLen)
	if _, err := io.ReadFull(c.cfg.Rand, b); err != nil {
		return nil, fmt.Errorf("begin a ceremony: %w", err)
	}
	return b, nil
}

func (c *Ceremonies) begun(s *state, options any) (Options, error) {
	s.Expires = c.cfg.Now().Add(lifetime).UTC()
	text, err := c.seal(s)
	if err != nil {
		return Options{}, err
	}
	raw, err := json.Marshal(options)
	if err != nil {
		return Options{}, fmt.Errorf("begin a ceremony: %w", err)
	}
	return Options{text, raw}, nil
}

// Register begins to add a passkey to an account, within one session.
func (c *Ceremonies) Register(h *Holder, session domain.ID) (Options, error) {
	switch {
	case c.rp == nil:
		return Options{}, ErrAway
	case len(h.Passkeys) >= MaxPasskeys:
		return Options{}, ErrFull
	}
	fresh, err := c.challenge()
	if err != nil {
		return Options{}, err
	}
	creation, data, err := c.rp.BeginRegistration(user{h}, webauthn.WithExclusions(user{h}.descriptors()),
		webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired),
		func(o *protocol.PublicKeyCredentialCreationOptions) error { o.Challenge = fresh; return nil })
	if err != nil {
		return Options{}, fmt.Errorf("begin to register a passkey: %w", refused(err))
	}
	return c.begun(&state{Purpose: register, Account: h.Account, Session: session, Data: *data}, creation.Response)
}

// Registered finishes it: the passkey to keep under a name its holder gave.
func (c *Ceremonies) Registered(h *Holder, session domain.ID, text, name string, answer []byte) (Passkey, error) {
	if c.rp == nil {
		return Passkey{}, ErrAway
	}
	s, err := c.open(text, register, h.Account, session)
	if err != nil {
		return Passkey{}, err
	}
	if len(answer) > maxAnswer || !ValidName(name) {
		return Passkey{}, ErrRefused
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Passkey{}, refused(err)
	}
	made, err := c.rp.CreateCredential(user{h}, s.Data, parsed)
	switch {
	case err != nil:
		return Passkey{}, refused(err)
	case h.find(made.ID) != nil:
		return Passkey{}, ErrKnown
	case len(h.Passkeys) >= MaxPasskeys:
		return Passkey{}, ErrFull
	}
	if err := c.used.take(once(s.Data.Challenge), s.Expires, c.cfg.Now()); err != nil {
		return Passkey{}, err
	}
	return newPasskey(made, name, c.cfg.Now()), nil
}

// SignIn begins to sign in. It is the same for everybody: the device knows whose
// key it has.
func (c *Ceremonies) SignIn() (Options, error) {
	if c.rp == nil {
		return Options{}, ErrAway
	}
	fresh, err := c.challenge()
	if err != nil {
		return Options{}, err
	}
	assertion, data, err := c.rp.BeginDiscoverableLogin(webauthn.WithChallenge(fresh), webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Options{}, fmt.Errorf("begin to sign in: %w", refused(err))
	}
	return c.begun(&state{Purpose: enter, Data: *data}, assertion.Response)
}

// SignedIn finishes it. find opens the passkeys of the account that the device
// named; its errors are passed on, and it answers nil for nobody.
func (c *Ceremonies) SignedIn(ctx context.Context, text string, answer []byte, find func(context.Context, domain.ID) (*Holder, error)) (Proof, error) {
	if c.rp == nil {
		return Proof{}, ErrAway
	}
	s, err := c.open(text, enter, domain.ID{}, domain.ID{})
	if err != nil {
		return Proof{}, err
	}
	parsed, err := parseAssertion(answer)
	if err != nil {
		return Proof{}, err
	}
	if len(parsed.Response.UserHandle) != len(domain.ID{}) {
		return Proof{}, ErrRefused
	}
	h, err := find(ctx, domain.ID(parsed.Response.UserHandle))
	switch {
	case err != nil:
		return Proof{}, err
	case h == nil:
		return Proof{}, ErrRefused
	}
	_, made, err := c.rp.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return user{h}, nil }, s.Data, parsed)
	return c.proof(h, s, made, err)
}

// Again begins to give two factors once more in a session, by one of the
// holder's own passkeys.
func (c *Ceremonies) Again(h *Holder, session domain.ID) (Options, error) {
	switch {
	case c.rp == nil:
		return Options{}, ErrAway
	case len(h.Passkeys) == 0:
		return Options{}, ErrRefused
	}
	fresh, err := c.challenge()
	if err != nil {
		return Options{}, err
	}
	assertion, data, err := c.rp.BeginLogin(user{h}, webauthn.WithChallenge(fresh), webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Options{}, fmt.Errorf("begin to confirm: %w", refused(err))
	}
	return c.begun(&state{Purpose: again, Account: h.Account, Session: session, Data: *data}, assertion.Response)
}

// Confirmed finishes it.
func (c *Ceremonies) Confirmed(h *Holder, session domain.ID, text string, answer []byte) (Proof, error) {
	if c.rp == nil {
		return Proof{}, ErrAway
	}
	s, err := c.open(text, again, h.Account, session)
	if err != nil {
		return Proof{}, err
	}
	parsed, err := parseAssertion(answer)
	if err != nil {
		return Proof{}, err
	}
	made, err := c.rp.ValidateLogin(user{h}, s.Data, parsed)
	return c.proof(h, s, made, err)
}

func (c *Ceremonies) proof(h *Holder, s *state, made *webauthn.Credential, err error) (Proof, error) {
	if err != nil {
		return Proof{}, refused(err)
	}
	if err := c.used.take(once(s.Data.Challenge), s.Expires, c.cfg.Now()); err != nil {
		return Proof{}, err
	}
	if made.Authenticator.CloneWarning {
		return Proof{}, ErrCopied
	}
	p := *h.find(made.ID)
	changed := p.Counter != made.Authenticator.SignCount || p.backedUp != made.Flags.BackupState
	p.Counter, p.backedUp = made.Authenticator.SignCount, made.Flags.BackupState
	return Proof{h.Account, p, once(s.Data.Challenge), changed}, nil
}

func parseAssertion(answer []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(answer) > maxAnswer {
		return nil, ErrRefused
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, refused(err)
	}
	return parsed, nil
}

// refused keeps of the library's error its kind alone: its details quote what was
// sent.
func refused(err error) error {
	var e *protocol.Error
	if errors.As(err, &e) {
		return fmt.Errorf("%w (%s)", ErrRefused, e.Type)
	}
	return ErrRefused
}
