// Package awskms is a kek.KEK whose key never leaves AWS KMS, or a service that speaks
// its protocol. Tink's AWS KMS client makes the calls.
//
// Promises, besides those of the port:
//   - What is wrapped is sealed here under a fresh key of 256 bits, which KMS wraps;
//     both are bound to the caller's aad, of which KMS, and its log, see a digest.
//   - A key that is not there is never made, but by Add.
//   - A call ends within its deadline (10 s, or the caller's if sooner), retries of the
//     SDK included.
//   - No error holds a credential, or what the service said.
//
// A wrapped secret has the head of the key file's, so that kek.WrappedBy tells who
// wrapped it:
//
//	version(1)=1 ‖ len(1) ‖ "kms." key id ‖ len(2, big endian) ‖ KMS ciphertext of the
//	fresh key ‖ nonce(12) ‖ AES-256-GCM ciphertext ‖ tag(16)
//
// with AAD "greffe/kek/kms/1" ‖ everything before the nonce ‖ the caller's aad, and the
// encryption context {"associatedData": hex of SHA-256("greffe/kek/kms/1" ‖ aad)}.
//
// # What the service has to allow
//
// A symmetric key for ENCRYPT_DECRYPT. To use it: kms:DescribeKey, Encrypt, Decrypt. To
// rotate, the key is named by an alias, and besides: kms:GetKeyPolicy, CreateKey,
// CreateAlias, UpdateAlias, DeleteAlias, ScheduleKeyDeletion. Credentials come from
// environment, files or the machine's role, as the SDK looks for them.
//
// # Loss and rotation
//
// The KEK is needed when a ledger is opened and when it rotates, never between. The
// rotation that KMS makes by itself keeps every former key for ever, so a stolen backup
// would open for ever: Add makes a new KMS key with the policy of the old one and turns
// the alias to it; the old one is found by the alias with "-former". Retire schedules
// the old key's deletion in 7 days, the least that AWS gives; from then on it opens
// nothing, but until then who may call kms:CancelKeyDeletion can bring it back. A crash
// in Add leaves at most a KMS key without an alias; in Retire, an alias of a dead key,
// which Finish or Retire again takes away.
package awskms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/tink"

	"greffe/eventstore/vault/kek"
)

// Prefix begins the address of a key in KMS: aws-kms://arn:aws:kms:REGION:ACCOUNT:alias/NAME
// or …:key/ID.
const Prefix = "aws-kms://"

const (
	wrapVersion = 1
	namePrefix  = "kms."
	bound       = "greffe/kek/kms/1"
	keyLen      = 32
	nonceLen    = 12
	tagLen      = 16
	maxWrapped  = 6144 // of what KMS makes of a key
	ownTimeout  = 10 * time.Second
)

// Options say where the key is.
type Options struct {
	Address  string // see Prefix
	Endpoint string // "": AWS; http on loopback only
	CAFile   string // PEM; "": the system's
	Timeout  time.Duration
	Random   io.Reader // cryptographic
}

// Key is a key in KMS. It may be used concurrently.
type Key struct {
	client  *kms.Client
	prefix  string // arn:…:ACCOUNT:
	alias   string // alias/NAME, "" if the address names a key
	only    bool   // current alone opens anything
	timeout time.Duration

	mu      sync.Mutex
	current string // key id
	random  io.Reader
}

var _ kek.KEK = (*Key)(nil)

var addressForm = regexp.MustCompile(`^(arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:)((key/[a-z0-9-]{1,50})|alias/[A-Za-z0-9/_-]{1,200})$`)

// Open finds the key.
func Open(ctx context.Context, o Options) (*Key, error) {
	k, err := dial(ctx, o)
	if err == nil {
		err = k.refresh(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open KMS key: %w", err)
	}
	return k, nil
}

func dial(ctx context.Context, o Options) (*Key, error) {
	m := addressForm.FindStringSubmatch(strings.TrimPrefix(o.Address, Prefix))
	if m == nil {
		return nil, errors.New("give the key as aws-kms://arn:aws:kms:REGION:ACCOUNT:alias/NAME, or with key/ID at its end")
	}
	client, err := httpClient(o)
	if err != nil {
		return nil, err
	}
	k := &Key{prefix: m[1], random: o.Random, timeout: o.Timeout}
	if k.timeout == 0 {
		k.timeout = ownTimeout
	}
	if k.current = strings.TrimPrefix(m[4], "key/"); m[4] == "" {
		k.alias = m[3]
	}
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(m[2]), config.WithHTTPClient(client))
	if err != nil {
		return nil, errors.New("the configuration of the AWS SDK cannot be read; look at AWS_… in the environment and at ~/.aws")
	}
	k.client = kms.NewFromConfig(cfg, func(s *kms.Options) {
		if o.Endpoint != "" {
			s.BaseEndpoint = &o.Endpoint
		}
	})
	return k, nil
}

func httpClient(o Options) (*awshttp.BuildableClient, error) {
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			return nil, errors.New("the KMS endpoint must be an https URL")
		}
	}
	client := awshttp.NewBuildableClient() // TLS 1.2 at least
	if o.CAFile == "" {
		return client, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("certificates: the file holds none in PEM form")
	}
	return client.WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = roots }), nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// ID implements kek.KEK: "kms." and the id of the KMS key, as of the last look.
func (k *Key) ID() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return namePrefix + k.current
}

func (k *Key) arn(id string) string { return k.prefix + "key/" + id }

// Wrap implements kek.KEK.
func (k *Key) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	if len(plain) > kek.MaxPlain {
		return nil, errors.New("wrap: more bytes than are wrapped at once")
	}
	fresh, nonce := make([]byte, keyLen), make([]byte, nonceLen)
	defer clear(fresh)
	if err := k.fill(fresh, nonce); err != nil {
		return nil, fmt.Errorf("wrap: random bytes: %w", err)
	}
	name := k.ID()
	inner, err := k.remote(ctx, name, func(ctx context.Context, c tink.AEADWithContext) ([]byte, error) {
		return c.EncryptWithContext(ctx, fresh, digest(aad))
	})
	if err == nil && (len(inner) == 0 || len(inner) > maxWrapped) {
		err = errAnswer
	}
	if err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	out := append([]byte{wrapVersion, byte(len(name))}, name...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(inner)))
	out = append(out, inner...)
	with := bind(out, aad)
	return newAEAD(fresh).Seal(append(out, nonce...), nonce, plain, with), nil
}

func (k *Key) fill(parts ...[]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range parts {
		if _, err := io.ReadFull(k.random, b); err != nil {
			return err
		}
	}
	return nil
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
	head := 2 + len(name)
	if !strings.HasPrefix(name, namePrefix) || k.only && name != k.ID() {
		return nil, fmt.Errorf("unwrap: %w (it is named %s)", errUnknown, name)
	}
	n := head + 2 + int(binary.BigEndian.Uint16(wrapped[head:]))
	if len(wrapped) < n+nonceLen+tagLen {
		return nil, fmt.Errorf("unwrap: %w", kek.ErrFormat)
	}
	fresh, err := k.remote(ctx, name, func(ctx context.Context, c tink.AEADWithContext) ([]byte, error) {
		return c.DecryptWithContext(ctx, wrapped[head+2:n], digest(aad))
	})
	if err != nil {
		return nil, fmt.Errorf("unwrap: %w", err)
	}
	defer clear(fresh)
	if len(fresh) != keyLen {
		return nil, fmt.Errorf("unwrap: %w", kek.ErrWrongKey)
	}
	plain, err := newAEAD(fresh).Open(nil, wrapped[n:n+nonceLen], wrapped[n+nonceLen:], bind(wrapped[:n], aad))
	if err != nil {
		return nil, fmt.Errorf("unwrap: %w", kek.ErrWrongKey)
	}
	if plain == nil {
		plain = []byte{}
	}
	return plain, nil
}

func digest(aad []byte) []byte {
	sum := sha256.Sum256(append([]byte(bound), aad...))
	return sum[:]
}

func bind(head, aad []byte) []byte {
	b := append([]byte(bound), head...)
	return append(b, aad...)
}

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil { // only for other lengths
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// remote uses the KMS key of a name.
func (k *Key) remote(ctx context.Context, name string, use func(context.Context, tink.AEADWithContext) ([]byte, error)) ([]byte, error) {
	var out []byte
	err := k.bounded(ctx, func(ctx context.Context) error {
		aead, err := awskms.NewAEADWithContext(ctx, k.arn(strings.TrimPrefix(name, namePrefix)), awskms.WithKMS(k.client))
		if err != nil {
			return err
		}
		out, err = use(ctx, aead)
		return err
	})
	return out, err
}

// bounded makes calls within the deadline, and says what their errors mean.
func (k *Key) bounded(ctx context.Context, calls func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	err := calls(within)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return meaning(err)
}

// refresh looks which KMS key the alias means now, and that it wraps.
func (k *Key) refresh(ctx context.Context) error {
	at := k.prefix + k.alias
	if k.alias == "" {
		at = k.arn(k.current)
	}
	d, err := k.describe(ctx, at)
	if err != nil {
		return err
	}
	if !d.usable {
		return ErrKeyState
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current = d.id
	return nil
}

// described is what is needed of a KMS key.
type described struct {
	id     string
	usable bool // wraps and unwraps
	doomed bool // its deletion was scheduled
}

func (k *Key) describe(ctx context.Context, at string) (d described, err error) {
	err = k.bounded(ctx, func(ctx context.Context) error {
		out, err := k.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(at)})
		if err != nil {
			return err
		}
		if out.KeyMetadata == nil || aws.ToString(out.KeyMetadata.KeyId) == "" {
			return errAnswer
		}
		m := out.KeyMetadata
		if m.KeySpec != "SYMMETRIC_DEFAULT" || m.KeyUsage != "ENCRYPT_DECRYPT" {
			return ErrKeyType
		}
		d = described{aws.ToString(m.KeyId), m.KeyState == "Enabled", strings.HasPrefix(string(m.KeyState), "Pending")}
		return nil
	})
	return d, err
}
