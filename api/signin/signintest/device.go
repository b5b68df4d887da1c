// Package signintest is an authenticator in software for tests: it makes passkeys
// (ES256, attestation none) and signs with them as WebAuthn Level 3 tells a client
// and its device to, or wrong in the ways a test asks for.
//
// Nothing of it is protected: it is for tests alone. It keeps its keys in memory,
// so a crash loses them. A Device is not safe for concurrent use.
package signintest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Device holds passkeys of one person.
type Device struct {
	Origin string // where the client says it is
	RPID   string // instead of the options' own, if set

	NoPresence, NoVerification bool   // do not set these flags
	BackedUp                   bool   // say that the provider copies the keys
	Step                       uint32 // by how much the counter grows; 0: it does not count
	CrossOrigin                bool   // say that the page was inside another's
	Type                       string // of the client data, instead of the ceremony's own

	Keys []*Key
}

// Key is one passkey on a device.
type Key struct {
	ID, User []byte
	Counter  uint32
	private  *ecdsa.PrivateKey
}

// Flags of authenticator data.
const (
	flagPresent  = 1 << 0
	flagVerified = 1 << 2
	flagEligible = 1 << 3
	flagBackedUp = 1 << 4
	flagAttested = 1 << 6
)

var b64 = base64.RawURLEncoding

type options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Exclude []descriptor `json:"excludeCredentials"`
	Allow   []descriptor `json:"allowCredentials"`
}

type descriptor struct {
	ID string `json:"id"`
}

// ErrExcluded: the options exclude a key of this device.
var ErrExcluded = errors.New("a key of this device is registered already")

// ErrNoKey: no key of this device is allowed.
var ErrNoKey = errors.New("this device has no key for these options")

// Register makes a key and answers creation options.
func (d *Device) Register(creation []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(creation, &o); err != nil {
		return nil, fmt.Errorf("creation options: %w", err)
	}
	for _, k := range d.Keys {
		if listed(o.Exclude, k.ID) {
			return nil, ErrExcluded
		}
	}
	who, err := b64.DecodeString(o.User.ID)
	if err != nil {
		return nil, fmt.Errorf("user handle: %w", err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	k := &Key{ID: make([]byte, 32), User: who, private: private}
	if _, err := rand.Read(k.ID); err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	d.Keys = append(d.Keys, k)
	data := d.authData(first(d.RPID, o.RP.ID), flagAttested, k)
	data = append(data, make([]byte, 16)...) // no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.ID)))
	data = append(append(data, k.ID...), cose(point)...)
	return json.Marshal(map[string]any{
		"id": b64.EncodeToString(k.ID), "rawId": b64.EncodeToString(k.ID), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON":    b64.EncodeToString(d.clientData("webauthn.create", o.Challenge)),
			"attestationObject": b64.EncodeToString(attestation(data)), "transports": []string{"internal"},
		},
	})
}

// Sign answers request options with the first key that they allow.
func (d *Device) Sign(request []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(request, &o); err != nil {
		return nil, fmt.Errorf("request options: %w", err)
	}
	for _, k := range d.Keys {
		if len(o.Allow) == 0 || listed(o.Allow, k.ID) {
			return d.sign(k, &o)
		}
	}
	return nil, ErrNoKey
}

func (d *Device) sign(k *Key, o *options) ([]byte, error) {
	k.Counter += d.Step
	client := d.clientData("webauthn.get", o.Challenge)
	data := d.authData(first(d.RPID, o.RPID), 0, k)
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte(nil), data...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, digest[:])
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"id": b64.EncodeToString(k.ID), "rawId": b64.EncodeToString(k.ID), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data),
			"signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(k.User),
		},
	})
}

func (d *Device) authData(rpID string, flags byte, k *Key) []byte {
	sum := sha256.Sum256([]byte(rpID))
	flags |= flagEligible
	if !d.NoPresence {
		flags |= flagPresent
	}
	if !d.NoVerification {
		flags |= flagVerified
	}
	if d.BackedUp {
		flags |= flagBackedUp
	}
	return binary.BigEndian.AppendUint32(append(sum[:], flags), k.Counter)
}

func (d *Device) clientData(ceremony, challenge string) []byte {
	out, err := json.Marshal(map[string]any{"type": first(d.Type, ceremony), "challenge": challenge, "origin": d.Origin, "crossOrigin": d.CrossOrigin})
	if err != nil { // strings and a boolean
		panic(err)
	}
	return out
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func listed(all []descriptor, id []byte) bool {
	for _, x := range all {
		if x.ID == b64.EncodeToString(id) {
			return true
		}
	}
	return false
}

// cose is a P-256 key for ES256 (RFC 9053): {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
func cose(point []byte) []byte {
	out := []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}
	out = append(out, point[1:33]...)
	return append(append(out, 0x22, 0x58, 0x20), point[33:65]...)
}

// attestation is {"fmt": "none", "attStmt": {}, "authData": data} in CBOR.
func attestation(data []byte) []byte {
	out := append([]byte{0xa3, 0x63}, "fmt"...)
	out = append(append(out, 0x64), "none"...)
	out = append(append(out, 0x67), "attStmt"...)
	out = append(append(out, 0xa0, 0x68), "authData"...)
	out = binary.BigEndian.AppendUint16(append(out, 0x59), uint16(len(data)))
	return append(out, data...)
}
