package token

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"greffe/domain"
)

const infoPepper = "greffe/pepper/1"

// Peppers makes tokens. It may be used from any number of goroutines. It holds
// keys; printing it shows none.
type Peppers struct {
	generations [][uses + 1]*keyed // oldest first; index 0 of each is nil
	notice      *keyed             // of the first root: never rotated
}

// Derive makes the peppers of a root and of those that replaced it since, in
// order. Tokens are made under the first and carried through every later one,
// so that they equal the tokens that Rotate made of older ones. What facts hold
// for ever (event ids, producers' ids, quarantine items' ids, notices' ids) is
// made under the first root alone.
func Derive(root [32]byte, later ...[32]byte) *Peppers {
	p := &Peppers{generations: make([][uses + 1]*keyed, 1+len(later)), notice: newKeyed(pepperNamed(root, noticePepper))}
	for g := range p.generations {
		r := root
		if g > 0 {
			r = later[g-1]
		}
		for u := 1; u <= uses; u++ {
			p.generations[g][u] = newKeyed(pepper(r, Use(u)))
		}
		if g > 0 { // links are nested without knowing which they are
			p.generations[g][UseActor], p.generations[g][UseSource] = p.generations[g][UseExternal], p.generations[g][UseExternal]
		}
	}
	return p
}

func pepper(root [32]byte, u Use) []byte { return pepperNamed(root, u.String()) }

func pepperNamed(root [32]byte, use string) []byte {
	key, err := hkdf.Key(sha256.New, root[:], nil, infoPepper+use, sha256.Size)
	if err != nil { // only for lengths beyond 255 hashes, which 32 is not
		panic(err)
	}
	return key
}

// Rotate carries a token made under all generations but the newest into the
// newest. The identifier itself is not needed.
func (p *Peppers) Rotate(u Use, t Token) Token {
	return p.generations[len(p.generations)-1][u].nest(t)
}

// Carry brings a token of an older generation to the newest, root by root, for
// tokens that were sealed with the number of their generation. ok is false if
// there was no such generation; the newest gives the token as it is.
func (p *Peppers) Carry(u Use, generation int, t Token) (_ Token, ok bool) {
	if generation < 1 || generation > len(p.generations) {
		return Token{}, false
	}
	for _, g := range p.generations[generation:] {
		t = g[u].nest(t)
	}
	return t, true
}

// Generation is the number of roots, from 1.
func (p *Peppers) Generation() int { return len(p.generations) }

// String and GoString keep keys out of logs.
func (p *Peppers) String() string { return "peppers" }

// GoString is String.
func (p *Peppers) GoString() string { return p.String() }

// Token is the blind index of a normalised identifier for one use. An unknown
// use or kind is a programming error and panics.
func (p *Peppers) Token(u Use, kind Kind, normalised string) Token {
	sum := sha256.Sum256([]byte(normalised))
	return p.digestToken(u, kind, sum[:])
}

// Search is the token that POST /v1/subjects/search looks for.
func (p *Peppers) Search(kind Kind, normalised string) Token {
	_, use, _ := kind.lookup()
	return p.Token(use, kind, normalised)
}

// SearchSHA256 is Search for an address of which only the SHA-256 of its normal form
// is known.
func (p *Peppers) SearchSHA256(kind Kind, digest [sha256.Size]byte) Token {
	_, use, _ := kind.lookup()
	return p.digestToken(use, kind, digest[:])
}

// Opposed is what the opposition list holds of one address: the list matches
// when either is found.
type Opposed struct{ SHA256, MD5 Token }

// Opposition makes both tokens of a normalised address.
func (p *Peppers) Opposition(kind Kind, normalised string) Opposed {
	return Opposed{
		SHA256: p.Token(UseOpposition, kind, normalised),
		MD5:    p.FromMD5(kind, md5.Sum([]byte(normalised))),
	}
}

// FromSHA256 makes the opposition token of an address of which only the SHA-256
// of its normal form is known, as other tools' lists hold it.
func (p *Peppers) FromSHA256(kind Kind, digest [sha256.Size]byte) Token {
	return p.digestToken(UseOpposition, kind, digest[:])
}

// FromMD5 is FromSHA256 for lists of MD5 digests. MD5 serves matching only: the
// token's strength is its pepper's.
func (p *Peppers) FromMD5(kind Kind, digest [md5.Size]byte) Token {
	return p.digestToken(UseOpposition, kind, digest[:])
}

// Dedupe is the MAC of an upstream event's (source, id). domain.DeriveID makes
// the event's id of it, which facts hold for ever: it is of the first root.
func (p *Peppers) Dedupe(source, id string) Token { return p.first(UseDedupe, source, id) }

// External is the token of a (source, subject).
func (p *Peppers) External(source, subject string) Token {
	return p.strings(UseExternal, source, subject)
}

// Actor is the token of a (source, actor).
func (p *Peppers) Actor(source, actor string) Token { return p.strings(UseActor, source, actor) }

// Quarantine is the token of the (source, id) of an input that was set aside.
func (p *Peppers) Quarantine(source, id string) Token { return p.strings(UseQuarantine, source, id) }

// ItemID is the id of the n-th quarantine item of an input, by the (source, id) of
// its Quarantine token and the digest of its bytes. Facts hold it for ever: it is
// of the first root.
func (p *Peppers) ItemID(source, id string, digest [sha256.Size]byte, n byte) domain.ID {
	hold := p.first(UseQuarantine, source, id)
	mac := p.first(UseQuarantine, string(hold[:]), string(append(digest[:], n)))
	return domain.DeriveID(mac[:])
}

// Source is the token under which a producer's name is linked to its id.
func (p *Peppers) Source(name string) Token { return p.strings(UseSource, name) }

// SourceID is the id of a producer's name, under which facts and accounts know it
// for ever: it is of the first root.
func (p *Peppers) SourceID(name string) domain.ID {
	mac := p.first(UseSource, name)
	return domain.DeriveID(mac[:])
}

func (p *Peppers) digestToken(u Use, kind Kind, digest []byte) Token {
	version, _, ok := kind.lookup()
	if !ok || u == 0 || int(u) > uses {
		panic("token: unknown use or kind")
	}
	k := p.generations[0][u]
	s := k.get()
	s.in = append(s.in, kind...)
	s.in = append(s.in, 0, version)
	s.in = append(s.in, digest...)
	return p.later(u, k.put(s))
}

func (p *Peppers) strings(u Use, parts ...string) Token { return p.later(u, p.first(u, parts...)) }

func (p *Peppers) first(u Use, parts ...string) Token {
	k := p.generations[0][u]
	s := k.get()
	for _, part := range parts {
		s.in = binary.BigEndian.AppendUint32(s.in, uint32(len(part)))
		s.in = append(s.in, part...)
	}
	return k.put(s)
}

func (p *Peppers) later(u Use, t Token) Token {
	for _, g := range p.generations[1:] {
		t = g[u].nest(t)
	}
	return t
}

// keyed keeps HMAC states with the key's two blocks hashed already, which makes
// a short MAC about five times faster than a fresh key.
type keyed struct{ pool sync.Pool }

type state struct {
	mac hash.Hash
	in  []byte // input of the MAC, wiped after use
}

func newKeyed(key []byte) *keyed {
	k := &keyed{}
	k.pool.New = func() any {
		return &state{mac: hmac.New(sha256.New, key), in: make([]byte, 0, 128)}
	}
	return k
}

func (k *keyed) get() *state { return k.pool.Get().(*state) }

// put computes the MAC of s.in and gives s back.
func (k *keyed) put(s *state) Token {
	var t Token
	s.mac.Reset()
	s.mac.Write(s.in)
	s.mac.Sum(t[:0])
	clear(s.in[:cap(s.in)])
	s.in = s.in[:0]
	k.pool.Put(s)
	return t
}

func (k *keyed) nest(t Token) Token {
	s := k.get()
	s.in = append(s.in, t[:]...)
	return k.put(s)
}
