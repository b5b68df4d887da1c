package app

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"greffe/eventstore/seal"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/kek/awskms"
	"greffe/eventstore/vault/kek/transit"
)

// wrappingKey is a ledger's KEK with what a rotation needs of it: a key file, or a
// key that never leaves a transit service.
type wrappingKey interface {
	seal.KEK
	// Names are the keys in use, the newest first.
	Names(ctx context.Context) ([]string, error)
	// Only is one of them by itself.
	Only(name string) (wrappingKey, error)
	// Add gives the key with a new one first.
	Add(ctx context.Context) (wrappingKey, error)
	// Retire destroys every key but keep, the newest.
	Retire(ctx context.Context, keep string, at time.Time) error
	// Finish ends a Retire that a crash interrupted.
	Finish(ctx context.Context) error
	Retired() []kek.Retired
}

// transitPrefix begins the KEK setting of a key in a transit service.
const transitPrefix = "transit:"

// Transit is how to reach a transit service or a KMS, if Config.KEK names a key of one.
type Transit struct {
	TokenFile, Namespace string // of a transit service
	CAFile               string
	Endpoint             string // of a KMS; "": AWS
}

func (cfg Config) transit() (address string, ok bool) {
	return strings.CutPrefix(cfg.KEK, transitPrefix)
}

// remote says where the key is that never leaves a service; "" for a key file.
func (cfg Config) remote() string {
	if _, ok := cfg.transit(); ok {
		return "the transit service"
	}
	if strings.HasPrefix(cfg.KEK, awskms.Prefix) {
		return "the KMS"
	}
	return ""
}

// openWrapping opens the KEK. It makes none.
func openWrapping(ctx context.Context, cfg Config) (wrappingKey, error) {
	if cfg.key != nil {
		return sharedKey{cfg.key}, nil
	}
	if strings.HasPrefix(cfg.KEK, awskms.Prefix) {
		k, err := awskms.Open(ctx, awskms.Options{Address: cfg.KEK, Endpoint: cfg.Transit.Endpoint, CAFile: cfg.Transit.CAFile, Random: cfg.Rand})
		if err != nil {
			return nil, err
		}
		return kmsKey{k}, nil
	}
	address, remote := cfg.transit()
	if !remote {
		return openFileKey(cfg.KEK, cfg.Rand)
	}
	k, err := transit.Open(ctx, transit.Options{URL: address, TokenFile: cfg.Transit.TokenFile, Namespace: cfg.Transit.Namespace,
		CAFile: cfg.Transit.CAFile, Random: cfg.Rand})
	if err != nil {
		return nil, err
	}
	return transitKey{k}, nil
}

// fileKey is a key file as a wrappingKey.
type fileKey struct {
	*kek.File
	path   string
	random io.Reader
}

func openFileKey(path string, random io.Reader) (wrappingKey, error) {
	f, err := kek.Open(path, random)
	if err != nil {
		return nil, err
	}
	return fileKey{f, path, random}, nil
}

func (k fileKey) Names(context.Context) ([]string, error) { return k.File.Names(), nil }

func (k fileKey) Only(name string) (wrappingKey, error) {
	f, err := k.File.Only(name)
	if err != nil {
		return nil, err
	}
	return fileKey{f, k.path, k.random}, nil
}

func (k fileKey) Add(context.Context) (wrappingKey, error) {
	if _, err := kek.Add(k.path, k.random); err != nil {
		return nil, err
	}
	return openFileKey(k.path, k.random)
}

func (k fileKey) Retire(_ context.Context, keep string, at time.Time) error {
	_, err := kek.Retire(k.path, keep, at)
	return err
}

func (k fileKey) Finish(context.Context) error { return kek.Finish(k.path) }

// transitKey is a key of a transit service as a wrappingKey. The service remembers
// nothing of the versions that were destroyed.
type transitKey struct{ *transit.Key }

func (k transitKey) Only(name string) (wrappingKey, error) {
	one, err := k.Key.Only(name)
	if err != nil {
		return nil, err
	}
	return transitKey{one}, nil
}

func (k transitKey) Add(ctx context.Context) (wrappingKey, error) {
	_, err := k.Key.Add(ctx)
	return k, err
}

func (k transitKey) Retire(ctx context.Context, keep string, _ time.Time) error {
	if _, err := k.Key.Retire(ctx, keep); err != nil {
		return fmt.Errorf("retire: %w", err)
	}
	return nil
}

func (k transitKey) Retired() []kek.Retired { return nil }

// kmsKey is a key in a KMS as a wrappingKey. The KMS shows nothing of keys deleted.
type kmsKey struct{ *awskms.Key }

func (k kmsKey) Only(name string) (wrappingKey, error) {
	one, err := k.Key.Only(name)
	if err != nil {
		return nil, err
	}
	return kmsKey{one}, nil
}

func (k kmsKey) Add(ctx context.Context) (wrappingKey, error) { return k, k.Key.Add(ctx) }

func (k kmsKey) Retire(ctx context.Context, keep string, _ time.Time) error {
	return k.Key.Retire(ctx, keep)
}

func (k kmsKey) Retired() []kek.Retired { return nil }
