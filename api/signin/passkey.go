package signin

import (
	"bytes"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"greffe/domain"
)

// Bounds of what is kept.
const (
	MaxPasskeys = 20 // of one account
	MaxName     = 60 // bytes of the name its holder gave a passkey
	maxRecord   = 8 << 10
	recordV1    = 1
)

// Passkey is one key of a person. Its record is sealed for the account.
type Passkey struct {
	ID      domain.ID // of the credential in the ledger; not in the record
	Name    string    // its holder's word for it
	Made    time.Time
	Counter uint32 // signatures the authenticator had made when it was last used; 0: it does not count

	key, public, model []byte
	transports         []string
	eligible, backedUp bool
}

// Synced reports a key that its provider copies to the holder's other devices.
func (p *Passkey) Synced() bool { return p.backedUp }

type record struct {
	V          int       `json:"v"`
	Name       string    `json:"name,omitempty"`
	Made       time.Time `json:"made"`
	Key        []byte    `json:"key"`
	Public     []byte    `json:"public"`
	Model      []byte    `json:"model,omitempty"`
	Transports []string  `json:"transports,omitempty"`
	Counter    uint32    `json:"counter,omitzero"`
	Eligible   bool      `json:"backup_eligible,omitzero"`
	BackedUp   bool      `json:"backed_up,omitzero"`
}

// Record is what to seal.
func (p *Passkey) Record() ([]byte, error) {
	out, err := json.Marshal(&record{recordV1, p.Name, p.Made.UTC(), p.key, p.public, p.model, p.transports, p.Counter, p.eligible, p.backedUp})
	if err != nil {
		return nil, fmt.Errorf("encode a passkey: %w", err)
	}
	if len(out) > maxRecord {
		return nil, fmt.Errorf("encode a passkey: %w", ErrRefused)
	}
	return out, nil
}

// ParsePasskey reads a record, that of the credential id.
func ParsePasskey(id domain.ID, raw []byte) (Passkey, error) {
	var r record
	if err := json.Unmarshal(raw, &r, json.RejectUnknownMembers(true)); err != nil {
		return Passkey{}, fmt.Errorf("read passkey %s: its record is not readable", id)
	}
	if r.V != recordV1 || len(r.Key) == 0 || len(r.Public) == 0 {
		return Passkey{}, fmt.Errorf("read passkey %s: its record is of another version; upgrade", id)
	}
	return Passkey{ID: id, Name: r.Name, Made: r.Made, Counter: r.Counter, key: r.Key, public: r.Public, model: r.Model,
		transports: r.Transports, eligible: r.Eligible, backedUp: r.BackedUp}, nil
}

// ValidName reports whether a holder may call a passkey so.
func ValidName(s string) bool {
	return len(s) <= MaxName && utf8.ValidString(s) && !bytes.ContainsFunc([]byte(s), unicode.IsControl)
}

// Holder is an account with its passkeys, as the ceremonies need it.
type Holder struct {
	Account  domain.ID
	Name     string // what its holder signs in with; the device shows it
	Passkeys []Passkey
}

func (h *Holder) find(key []byte) *Passkey {
	for i := range h.Passkeys {
		if bytes.Equal(h.Passkeys[i].key, key) {
			return &h.Passkeys[i]
		}
	}
	return nil
}

// user is a Holder as the library wants it.
type user struct{ *Holder }

func (u user) WebAuthnID() []byte          { return u.Account[:] }
func (u user) WebAuthnName() string        { return u.Name }
func (u user) WebAuthnDisplayName() string { return u.Name }

func (u user) WebAuthnCredentials() []webauthn.Credential {
	out := make([]webauthn.Credential, len(u.Passkeys))
	for i := range u.Passkeys {
		p := &u.Passkeys[i]
		out[i] = webauthn.Credential{ID: p.key, PublicKey: p.public,
			Flags:         webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: p.eligible, BackupState: p.backedUp},
			Authenticator: webauthn.Authenticator{AAGUID: p.model, SignCount: p.Counter}}
		for _, t := range p.transports {
			out[i].Transport = append(out[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return out
}

func (u user) descriptors() []protocol.CredentialDescriptor {
	return webauthn.Credentials(u.WebAuthnCredentials()).CredentialDescriptors()
}

func newPasskey(c *webauthn.Credential, name string, now time.Time) Passkey {
	p := Passkey{Name: name, Made: now, Counter: c.Authenticator.SignCount, key: c.ID, public: c.PublicKey, model: c.Authenticator.AAGUID,
		eligible: c.Flags.BackupEligible, backedUp: c.Flags.BackupState}
	for _, t := range c.Transport {
		if s := string(t); len(s) <= 16 && len(p.transports) < 8 {
			p.transports = append(p.transports, s)
		}
	}
	return p
}
