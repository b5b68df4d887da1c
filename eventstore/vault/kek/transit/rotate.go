package transit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"greffe/eventstore/vault/kek"
)

// ErrNotNewest: the key to keep has been followed by a newer one. Nothing was
// destroyed.
var ErrNotNewest = errors.New("a newer version of the transit key was made meanwhile; rotate again")

// description is what the service tells of a key.
type description struct {
	Type         string `json:"type"`
	Derived      bool   `json:"derived"`
	Latest       int    `json:"latest_version"`
	MinDecrypt   int    `json:"min_decryption_version"`
	MinAvailable int    `json:"min_available_version"`
}

// oldest is the first version that opens anything.
func (d *description) oldest() int { return max(d.MinDecrypt, d.MinAvailable, 1) }

func (k *Key) describe(ctx context.Context) (d description, err error) {
	if err := k.service.call(ctx, "GET", "keys/"+k.name, nil, &d); err != nil {
		return d, err
	}
	switch {
	case d.Derived, d.Type != "aes256-gcm96" && d.Type != "chacha20-poly1305" && d.Type != "xchacha20-poly1305":
		return d, ErrKeyType
	case d.Latest < 1:
		return d, errAnswer
	}
	k.saw(d.Latest)
	return d, nil
}

// Names are the versions that are kept in use, the newest first.
func (k *Key) Names(ctx context.Context) ([]string, error) {
	if k.only != 0 {
		return []string{k.ID()}, nil
	}
	d, err := k.describe(ctx)
	if err != nil {
		return nil, fmt.Errorf("versions of the transit key: %w", err)
	}
	var names []string
	for v := d.Latest; v >= d.oldest(); v-- {
		names = append(names, k.versionName(v))
	}
	return names, nil
}

// Only is one version by itself, as the key is once the others are retired.
func (k *Key) Only(name string) (*Key, error) {
	v, ok := k.version(name)
	if !ok {
		return nil, fmt.Errorf("%w (it is named %s)", errUnknown, name)
	}
	one := &Key{service: k.service, name: k.name, only: v}
	one.latest.Store(int64(v))
	return one, nil
}

// Add makes a new version, which wraps from then on, and returns its name. If the
// service cannot be reached it may have been made, or two.
func (k *Key) Add(ctx context.Context) (string, error) {
	err := k.service.call(ctx, "POST", "keys/"+k.name+"/rotate", struct{}{}, nil)
	if err == nil {
		_, err = k.describe(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("add a version of the transit key: %w", err)
	}
	return k.ID(), nil
}

// Retire destroys every version before keep, which must be the newest, and returns
// their names: first they are out of use, then gone. Called again it ends what was
// interrupted, and then returns nothing.
func (k *Key) Retire(ctx context.Context, keep string) (gone []string, err error) {
	v, ok := k.version(keep)
	if !ok {
		return nil, fmt.Errorf("retire versions of the transit key: %w", kek.ErrUnknownKey)
	}
	d, err := k.describe(ctx)
	if err == nil && v != d.Latest {
		err = ErrNotNewest
	}
	if err != nil {
		return nil, fmt.Errorf("retire versions of the transit key: %w", err)
	}
	for old := max(d.MinAvailable, 1); old < v; old++ {
		gone = append(gone, k.versionName(old))
	}
	slices.Reverse(gone)
	if len(gone) == 0 {
		return nil, nil
	}
	if err := k.trim(ctx, v); err != nil {
		return nil, fmt.Errorf("retire versions of the transit key: %w", err)
	}
	return gone, nil
}

// trim takes versions before v out of use and destroys them.
func (k *Key) trim(ctx context.Context, v int) error {
	use := map[string]int{"min_decryption_version": v, "min_encryption_version": v}
	if err := k.service.call(ctx, "POST", "keys/"+k.name+"/config", use, nil); err != nil {
		return fmt.Errorf("take them out of use: %w", err)
	}
	if err := k.service.call(ctx, "POST", "keys/"+k.name+"/trim", map[string]int{"min_available_version": v}, nil); err != nil {
		return fmt.Errorf("they are out of use but not destroyed: %w", err)
	}
	return nil
}

// Finish ends what a crash in Retire left: versions out of use are destroyed.
func (k *Key) Finish(ctx context.Context) error {
	d, err := k.describe(ctx)
	if err == nil && max(d.MinAvailable, 1) < d.MinDecrypt {
		err = k.trim(ctx, d.MinDecrypt)
	}
	if err != nil {
		return fmt.Errorf("destroy retired versions of the transit key: %w", err)
	}
	return nil
}
