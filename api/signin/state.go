package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json" // the library's types are written for it
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"greffe/domain"
)

// purpose is what a ceremony is for; one state cannot serve another.
type purpose string

const (
	register purpose = "register"
	enter    purpose = "sign_in"
	again    purpose = "again"
)

// state is what a ceremony remembers between its two requests.
type state struct {
	Purpose purpose              `json:"p"`
	Account domain.ID            `json:"a,omitzero"`
	Session domain.ID            `json:"s,omitzero"`
	Expires time.Time            `json:"e"`
	Data    webauthn.SessionData `json:"d"`
}

const (
	maxState = 8 << 10 // characters
	keyBytes = 32
)

var stateEncoding = base64.RawURLEncoding

func newBox(key []byte) (cipher.AEAD, error) {
	if len(key) != keyBytes {
		return nil, fmt.Errorf("sign-in: the key has %d bytes, %d are needed", len(key), keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	return box, nil
}

const stateAAD = "greffe/signin/state/1"

func (c *Ceremonies) seal(s *state) (string, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("seal a ceremony: %w", err)
	}
	return stateEncoding.EncodeToString(c.box.Seal(nil, nil, raw, []byte(stateAAD))), nil
}

// open reads a state that must be of this purpose, account and session, and not
// too old.
func (c *Ceremonies) open(text string, want purpose, account, session domain.ID) (*state, error) {
	if len(text) > maxState {
		return nil, ErrState
	}
	sealed, err := stateEncoding.DecodeString(text)
	if err != nil {
		return nil, ErrState
	}
	raw, err := c.box.Open(nil, nil, sealed, []byte(stateAAD))
	if err != nil {
		return nil, ErrState
	}
	s := new(state)
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, errors.Join(ErrState, errors.New("the state of another version"))
	}
	if s.Purpose != want || s.Account != account || s.Session != session || !c.cfg.Now().Before(s.Expires) {
		return nil, ErrState
	}
	return s, nil
}

// used remembers the ceremonies that succeeded until they would have expired.
type used struct {
	mu   sync.Mutex
	seen map[domain.ID]time.Time
	next time.Time // when to look for expired ones
}

// maxUsed bounds what a node remembers: 300 successes a second for 5 minutes.
const maxUsed = 90_000

// once names a ceremony by its challenge.
func once(challenge string) domain.ID {
	sum := sha256.Sum256([]byte("greffe/signin/once/1" + challenge))
	return domain.DeriveID(sum[:])
}

// take marks a ceremony as used; ErrState if it was.
func (u *used) take(key domain.ID, expires, now time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.After(u.next) {
		for k, at := range u.seen {
			if now.After(at) {
				delete(u.seen, k)
			}
		}
		u.next = now.Add(time.Minute)
	}
	if _, ok := u.seen[key]; ok {
		return ErrState
	}
	if len(u.seen) >= maxUsed {
		return ErrBusy
	}
	u.seen[key] = expires
	return nil
}
