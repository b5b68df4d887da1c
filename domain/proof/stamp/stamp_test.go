package stamp_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"greffe/domain/proof/stamp"
	"greffe/domain/proof/stamp/stamptest"
)

const what = "greffe/1\n5\nroot\n"

func day() time.Time { return time.Date(2026, 3, 2, 9, 14, 7, 0, time.UTC) }

func ask(t testing.TB) []byte {
	t.Helper()
	b, err := stamp.Request(sha256.Sum256([]byte(what)), big.NewInt(77))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func trust(t testing.TB, pem []byte) *stamp.Authority {
	t.Helper()
	a, err := stamp.ParseAuthority(pem)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func token(t testing.TB, answer []byte) ([]byte, *stamp.Stamp) {
	t.Helper()
	b, err := stamp.FromResponse(answer)
	if err != nil {
		t.Fatal(err)
	}
	s, err := stamp.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return b, s
}

// Another library reads the same in the request as we do.
func TestRequest(t *testing.T) {
	t.Parallel()
	mine := ask(t)
	r, err := timestamp.ParseRequest(mine)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(what))
	if r.HashAlgorithm != crypto.SHA256 || !bytes.Equal(r.HashedMessage, sum[:]) || !r.Certificates || r.Nonce.Int64() != 77 || r.TSAPolicyOID != nil {
		t.Errorf("%+v", r)
	}
}

func TestStamp(t *testing.T) {
	t.Parallel()
	a := stamptest.New(t, rand.Reader)
	_, s := token(t, a.Answer(t, ask(t), day(), func(ts *timestamp.Timestamp) { ts.Accuracy = time.Second }))
	if s.Imprint != sha256.Sum256([]byte(what)) || !s.Time.Equal(day()) || s.Nonce.Int64() != 77 || s.Policy != "1.2.3.4" ||
		s.Signer != "CN=Test TSA" || s.Serial.Sign() <= 0 {
		t.Errorf("%+v", s)
	}
	if err := s.TrustedBy(trust(t, a.PEM)); err != nil {
		t.Error(err)
	}
	other := stamptest.New(t, rand.Reader) // the same names, other keys
	if err := s.TrustedBy(trust(t, other.PEM)); !errors.Is(err, stamp.ErrUntrusted) {
		t.Errorf("trusted by a stranger: %v", err)
	}
	if err := s.TrustedBy(trust(t, append(other.PEM, a.PEM...))); err != nil {
		t.Errorf("the second of two roots: %v", err)
	}
}

// No byte of a token can be changed unseen.
func TestEachByteOfAToken(t *testing.T) {
	t.Parallel()
	a := stamptest.New(t, rand.Reader)
	b, _ := token(t, a.Answer(t, ask(t), day()))
	for i := range b {
		for _, x := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
			b[i] ^= x
			if s, err := stamp.Parse(b); !errors.Is(err, stamp.ErrToken) || s != nil {
				t.Fatalf("byte %d of %d, xor %02x: %v", i, len(b), x, err)
			}
			b[i] ^= x
		}
	}
	for i := range b {
		if _, err := stamp.Parse(b[:i]); !errors.Is(err, stamp.ErrToken) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := stamp.Parse(append(b, 0)); !errors.Is(err, stamp.ErrToken) {
		t.Errorf("a byte more: %v", err)
	}
	if _, err := stamp.Parse(make([]byte, stamp.MaxToken+1)); !errors.Is(err, stamp.ErrToken) {
		t.Errorf("too long: %v", err)
	}
}

func TestCertificateOfTheSigner(t *testing.T) {
	t.Parallel()
	purpose := func(critical bool, p ...int) stamptest.Spoil {
		return func(c *x509.Certificate) {
			c.ExtraExtensions = nil
			if len(p) > 0 {
				c.ExtraExtensions = []pkix.Extension{stamptest.Purpose(t, critical, p...)}
			}
		}
	}
	for name, spoil := range map[string]stamptest.Spoil{
		"not critical":    purpose(false, stamptest.PurposeStamp),
		"another purpose": purpose(true, stamptest.PurposeServer),
		"two purposes":    purpose(true, stamptest.PurposeStamp, stamptest.PurposeServer),
		"an unknown one":  purpose(true, stamptest.PurposeStamp, 4711),
		"no purpose":      purpose(true),
	} {
		a := stamptest.New(t, rand.Reader, spoil)
		if _, err := stamp.FromResponse(a.Answer(t, ask(t), day())); !errors.Is(err, stamp.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidWhenItStamped(t *testing.T) {
	t.Parallel()
	a := stamptest.New(t, rand.Reader, func(c *x509.Certificate) { c.NotAfter = day() })
	for at, want := range map[time.Time]bool{
		day().Add(-time.Hour): true, day(): true, day().Add(time.Second): false, time.Date(2019, 12, 31, 23, 59, 59, 0, time.UTC): false,
	} {
		_, s := token(t, a.Answer(t, ask(t), at))
		if err := s.TrustedBy(trust(t, a.PEM)); (err == nil) != want || err != nil && !errors.Is(err, stamp.ErrUntrusted) {
			t.Errorf("%v: %v", at, err)
		}
	}
}

// parts are the values inside a DER value, and join puts them together again.
func parts(t testing.TB, v asn1.RawValue) (out []asn1.RawValue) {
	t.Helper()
	for rest := v.Bytes; len(rest) > 0; {
		var x asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &x); err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

func join(t testing.TB, like asn1.RawValue, vs []asn1.RawValue) asn1.RawValue {
	t.Helper()
	like.Bytes, like.FullBytes = nil, nil
	for _, v := range vs {
		like.Bytes = append(like.Bytes, v.FullBytes...)
	}
	b, err := asn1.Marshal(like)
	if err != nil {
		t.Fatal(err)
	}
	like.FullBytes = b
	return like
}

// edit changes the value at a path inside a token.
func edit(t testing.TB, v asn1.RawValue, path []int, change func([]asn1.RawValue) []asn1.RawValue) asn1.RawValue {
	t.Helper()
	in := parts(t, v)
	if len(path) == 0 {
		return join(t, v, change(in))
	}
	in[path[0]] = edit(t, in[path[0]], path[1:], change)
	return join(t, v, in)
}

// What proves nothing is left out of what is kept, whatever an authority adds.
func TestTokenIsTidied(t *testing.T) {
	t.Parallel()
	a, stranger := stamptest.NewUnder(t, rand.Reader), stamptest.NewUnder(t, rand.Reader)
	answer := a.Answer(t, ask(t), day())
	tidy, s := token(t, answer)
	if s.TrustedBy(trust(t, a.PEM)) != nil || bytes.Contains(tidy, a.Root().Raw) || len(tidy) > len(answer)-len(a.Root().Raw) {
		t.Error("a root is kept, or what leads to it lost")
	}
	raw := func(class, tag int, b []byte) asn1.RawValue {
		return join(t, asn1.RawValue{Class: class, Tag: tag, IsCompound: true}, []asn1.RawValue{{FullBytes: b}})
	}
	signed := []int{1, 1, 0} // response → token → [0] → signed data
	for name, c := range map[string]struct {
		path   []int
		change func([]asn1.RawValue) []asn1.RawValue
	}{
		"foreign certificates": {append(signed, 3), func(in []asn1.RawValue) []asn1.RawValue {
			return append([]asn1.RawValue{{FullBytes: stranger.Root().Raw}}, append(in, in...)...)
		}},
		"revocations": {signed, func(in []asn1.RawValue) []asn1.RawValue {
			return append(in[:4:4], raw(asn1.ClassContextSpecific, 1, []byte{0x30, 0}), in[4])
		}},
		"unsigned attributes": {append(signed, 4, 0), func(in []asn1.RawValue) []asn1.RawValue {
			return append(in, raw(asn1.ClassContextSpecific, 1, []byte{0x30, 0}))
		}},
	} {
		var v asn1.RawValue
		if _, err := asn1.Unmarshal(answer, &v); err != nil {
			t.Fatal(err)
		}
		more := edit(t, v, c.path, c.change)
		if got, err := stamp.FromResponse(more.FullBytes); err != nil || !bytes.Equal(got, tidy) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := stamp.Parse(parts(t, more)[1].FullBytes); !errors.Is(err, stamp.ErrToken) {
			t.Errorf("%s: taken as it is: %v", name, err)
		}
	}
}

// Of the certificates between signer and root, what Parse does not see TrustedBy does.
func TestEachByteOfALongerToken(t *testing.T) {
	t.Parallel()
	a := stamptest.NewUnder(t, rand.Reader)
	b, _ := token(t, a.Answer(t, ask(t), day()))
	root := trust(t, a.PEM)
	for i := range b {
		b[i] ^= 1
		if s, err := stamp.Parse(b); err == nil {
			err = s.TrustedBy(root)
			if !errors.Is(err, stamp.ErrUntrusted) {
				t.Fatalf("byte %d of %d: %v", i, len(b), err)
			}
		}
		b[i] ^= 1
	}
}

func TestWhatIsNoStamp(t *testing.T) {
	t.Parallel()
	a := stamptest.New(t, rand.Reader)
	wrong := func(f func(*timestamp.Timestamp)) []byte { return a.Answer(t, ask(t), day(), f) }
	rejected, err := timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadAlgorithm)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := timestamp.CreateErrorResponse(timestamp.Waiting, timestamp.SystemFailure)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer []byte
		want   error
	}{
		"nothing":        {nil, stamp.ErrToken},
		"words":          {[]byte("<html>504</html>"), stamp.ErrToken},
		"rejected":       {rejected, stamp.ErrRefused},
		"waiting":        {waiting, stamp.ErrRefused},
		"granted, empty": {[]byte{0x30, 5, 0x30, 3, 2, 1, 0}, stamp.ErrToken},
		"no certificate": {wrong(func(ts *timestamp.Timestamp) { ts.AddTSACertificate, ts.Certificates = false, nil }), stamp.ErrToken},
		"another hash": {wrong(func(ts *timestamp.Timestamp) {
			ts.HashAlgorithm, ts.HashedMessage = crypto.SHA512, make([]byte, 64)
		}), stamp.ErrToken},
		"a short hash": {wrong(func(ts *timestamp.Timestamp) { ts.HashedMessage = ts.HashedMessage[:20] }), stamp.ErrToken},
		"critical extension": {wrong(func(ts *timestamp.Timestamp) {
			ts.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), stamp.ErrToken},
	} {
		if b, err := stamp.FromResponse(c.answer); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthorityFile(t *testing.T) {
	t.Parallel()
	a := stamptest.New(t, rand.Reader)
	for name, text := range map[string]string{
		"empty": "", "words": "trust me", "a key": "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
		"no certificate": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		"a key beside":   string(a.PEM) + "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n",
	} {
		if _, err := stamp.ParseAuthority([]byte(text)); err == nil {
			t.Errorf("%s is trusted", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	a := stamptest.New(f, rand.Reader)
	b, _ := token(f, a.Answer(f, ask(f), day()))
	f.Add(b)
	f.Add(a.Answer(f, ask(f), day()))
	root := trust(f, a.PEM)
	f.Fuzz(func(t *testing.T, in []byte) {
		if s, err := stamp.Parse(in); err == nil && s.TrustedBy(root) == nil && !bytes.Equal(in, b) {
			t.Errorf("another token than the one that was signed: %x", in)
		}
		if tidy, err := stamp.FromResponse(in); err == nil {
			if _, err := stamp.Parse(tidy); err != nil {
				t.Errorf("tidied, and refused: %v", err)
			}
		}
	})
}
