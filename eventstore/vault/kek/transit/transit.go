// Package transit is a kek.KEK whose key never leaves HashiCorp Vault or OpenBao:
// wrapping and unwrapping are requests to a transit secrets engine.
//
// Promises, besides those of the port:
//   - Every wrapping is bound to the caller's aad. A service that leaves
//     associated data out, as old ones silently do, is refused when it is opened.
//   - A key that is not there is never made: it is read before it is used.
//   - A request ends within its deadline (10 s, or the caller's if sooner), and is
//     made at most twice: again after a failure of the network or the service, or
//     after 403 if the token's file has another token by then. The caller's next
//     call reads it again too.
//   - No error holds a token, a secret, or what the service said.
//
// The bytes of a wrapped secret are those of the key file's, so that kek.WrappedBy
// tells who wrapped them:
//
//	version(1)=1 ‖ len(1) ‖ "transit." key ".v" version ‖ what stands behind vault:v<version>: , decoded
//
// with associated data "greffe/kek/transit/1" ‖ len(1) ‖ key ‖ the caller's aad.
//
// # What the service has to allow
//
// A key of type aes256-gcm96, chacha20-poly1305 or xchacha20-poly1305, neither
// derived nor convergent; best neither exportable nor with plaintext backups. The
// token needs read on keys/NAME, update on encrypt/NAME and decrypt/NAME, and for
// rotation also update on keys/NAME/rotate, keys/NAME/config and keys/NAME/trim.
// Keeping the token alive is an agent's work, which writes the file.
//
// # Loss and rotation
//
// The KEK is needed when a ledger is opened and when it rotates, never between. A
// service that is away then is ErrUnavailable. Without the key, or a backup of the
// service that has it, everything sealed is unreadable for good. Add makes a new
// version, Retire trims the older ones, which destroys them in the service but not
// in backups of it. A crash leaves versions out of use but not destroyed; Finish,
// or Retire again, destroys them.
package transit

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"greffe/eventstore/vault/kek"
)

var (
	// ErrUnavailable: the service cannot be reached, is sealed, or fails. Nothing was
	// done, as far as is known; try again.
	ErrUnavailable = errors.New("the transit service cannot be reached or does not work now; nothing can be opened without it")
	// ErrDenied: the token does not allow this, or is no longer good.
	ErrDenied = errors.New("the transit service refuses the token; look at its policy and at the agent that renews it")
	// ErrNoKey: there is no such key. None was made.
	ErrNoKey = errors.New("the transit service has no such key; make it there, type aes256-gcm96")
	// ErrKeyType: the key cannot bind wrapped bytes to what they are for.
	ErrKeyType = errors.New("the transit key must be of type aes256-gcm96, chacha20-poly1305 or xchacha20-poly1305, not derived")
	// ErrUnbound: the service leaves associated data out.
	ErrUnbound = errors.New("the transit service ignores associated data; use Vault 1.13 or OpenBao, or newer")
)

// Options say where the key is. URL is needed, TokenFile too.
type Options struct {
	URL       string // https://host:8200/v1/transit/keys/NAME, /v1 may be left out; http on loopback only
	TokenFile string
	Namespace string        // "": none
	CAFile    string        // PEM; "": the system's
	Timeout   time.Duration // of one request; 10 s
	Random    io.Reader     // for the probe at opening; cryptographic
}

// Key is a key of a transit engine. It may be used concurrently.
type Key struct {
	service *service
	name    string
	only    int // version that alone is used; 0: any, wrapping with the newest
	latest  atomic.Int64
}

var _ kek.KEK = (*Key)(nil)

const (
	wrapVersion = 1
	namePrefix  = "transit."
	bound       = "greffe/kek/transit/1"
	minWrapped  = 12 + 16 // nonce and tag
)

// Open finds the key and proves that what it wraps is bound to its aad.
func Open(ctx context.Context, o Options) (*Key, error) {
	s, name, err := newService(o)
	if err != nil {
		return nil, fmt.Errorf("open transit key: %w", err)
	}
	k := &Key{service: s, name: name}
	if _, err = k.describe(ctx); err == nil {
		err = k.probe(ctx, o.Random)
	}
	if err != nil {
		k.Close()
		return nil, fmt.Errorf("open transit key: %w", err)
	}
	return k, nil
}

// Close gives connections back; the key may still be used.
func (k *Key) Close() { k.service.client.CloseIdleConnections() }

// probe wraps something of no worth and demands that it opens, and with another
// aad does not.
func (k *Key) probe(ctx context.Context, random io.Reader) error {
	plain := make([]byte, 32)
	if _, err := io.ReadFull(random, plain); err != nil {
		return fmt.Errorf("random bytes: %w", err)
	}
	wrapped, err := k.Wrap(ctx, plain, []byte("probe"))
	if err != nil {
		return err
	}
	if again, err := k.Unwrap(ctx, wrapped, []byte("probe")); err != nil || string(again) != string(plain) {
		return errors.Join(err, kek.ErrWrongKey)
	}
	switch _, err := k.Unwrap(ctx, wrapped, []byte("another")); {
	case err == nil:
		return ErrUnbound
	case !errors.Is(err, kek.ErrWrongKey):
		return err
	}
	return nil
}

// ID implements kek.KEK: "transit.", the key's name and its newest version, as of
// the last request that told it.
func (k *Key) ID() string { return k.versionName(int(k.latest.Load())) }

func (k *Key) versionName(v int) string { return namePrefix + k.name + ".v" + strconv.Itoa(v) }

// version is the version of a name that versionName made.
func (k *Key) version(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, namePrefix+k.name+".v")
	v, err := strconv.Atoi(digits)
	return v, ok && err == nil && v > 0 && k.versionName(v) == name
}

// Wrap implements kek.KEK.
func (k *Key) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	if len(plain) > kek.MaxPlain {
		return nil, errors.New("wrap: more bytes than are wrapped at once")
	}
	req := sealing{Plaintext: append([]byte{}, plain...), AssociatedData: k.bind(aad), KeyVersion: k.only}
	defer clear(req.Plaintext)
	var got sealing
	if err := k.service.call(ctx, "POST", "encrypt/"+k.name, req, &got); err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	digits, text, ok := strings.Cut(strings.TrimPrefix(got.Ciphertext, "vault:v"), ":")
	v, err := strconv.Atoi(digits)
	sealed, err2 := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || err2 != nil || v < 1 || k.only != 0 && v != k.only || len(sealed) < minWrapped+len(plain) {
		return nil, fmt.Errorf("wrap: %w", errAnswer)
	}
	k.saw(v)
	name := k.versionName(v)
	out := append([]byte{wrapVersion, byte(len(name))}, name...)
	return append(out, sealed...), nil
}

// saw notes a version that there is.
func (k *Key) saw(v int) {
	for {
		old := k.latest.Load()
		if k.only != 0 || int64(v) <= old || k.latest.CompareAndSwap(old, int64(v)) {
			return
		}
	}
}

// Unwrap implements kek.KEK.
func (k *Key) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("unwrap: %w", err)
	}
	name, err := kek.WrappedBy(wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrap: %w", err)
	}
	v, ok := k.version(name)
	if !ok || k.only != 0 && v != k.only {
		return nil, fmt.Errorf("unwrap: %w (it is named %s)", errUnknown, name)
	}
	text := "vault:v" + strconv.Itoa(v) + ":" + base64.StdEncoding.EncodeToString(wrapped[2+len(name):])
	var got sealing
	err = k.service.call(ctx, "POST", "decrypt/"+k.name, sealing{Ciphertext: text, AssociatedData: k.bind(aad)}, &got)
	if errors.Is(err, errRefused) {
		err = k.refused(ctx, v)
	}
	if err != nil {
		return nil, fmt.Errorf("unwrap: %w", err)
	}
	if got.Plaintext == nil {
		got.Plaintext = []byte{}
	}
	return got.Plaintext, nil
}

// refused says why the service does not open something of a version.
func (k *Key) refused(ctx context.Context, v int) error {
	d, err := k.describe(ctx)
	if err != nil {
		return err
	}
	if v < d.oldest() || v > d.Latest {
		return fmt.Errorf("%w (it is named %s, which is not in use)", errUnknown, k.versionName(v))
	}
	return kek.ErrWrongKey
}

// errUnknown is kek.ErrUnknownKey in the words of this key.
var errUnknown error = unknown{}

type unknown struct{}

func (unknown) Error() string {
	return "the transit key that wrapped this is another, or its version was retired; open with the KEK that wrapped it"
}
func (unknown) Is(target error) bool { return target == kek.ErrUnknownKey }

// bind is the associated data: what wrapped, and what it is for.
func (k *Key) bind(aad []byte) []byte {
	b := append([]byte(bound), byte(len(k.name)))
	b = append(b, k.name...)
	return append(b, aad...)
}
