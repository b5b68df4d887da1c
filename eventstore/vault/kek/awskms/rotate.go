package awskms

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"greffe/eventstore/vault/kek"
)

const (
	formerSuffix = "-former"
	lastDays     = 7 // that a deleted key can still be brought back; AWS gives no less
	description  = "Greffe: wraps the root key of a ledger"
)

// former is the KMS key before the alias's, if it is to be retired still.
func (k *Key) former(ctx context.Context) (d described, found bool, err error) {
	if k.alias == "" || k.only {
		return d, false, nil
	}
	d, err = k.describe(ctx, k.prefix+k.alias+formerSuffix)
	if errors.Is(err, ErrNoKey) {
		return d, false, nil
	}
	return d, err == nil, err
}

// Names are the keys that are kept in use, the newest first.
func (k *Key) Names(ctx context.Context) ([]string, error) {
	if k.only {
		return []string{k.ID()}, nil
	}
	err := k.refresh(ctx)
	if err != nil {
		return nil, fmt.Errorf("keys in the KMS: %w", err)
	}
	names := []string{k.ID()}
	old, found, err := k.former(ctx)
	if err != nil {
		return nil, fmt.Errorf("keys in the KMS: %w", err)
	}
	if found && !old.doomed && namePrefix+old.id != names[0] {
		names = append(names, namePrefix+old.id)
	}
	return names, nil
}

// Only is one key by itself, as the KEK is once the others are retired.
func (k *Key) Only(name string) (*Key, error) {
	id, ok := strings.CutPrefix(name, namePrefix)
	if !ok || id == "" {
		return nil, fmt.Errorf("%w (it is named %s)", errUnknown, name)
	}
	return &Key{client: k.client, prefix: k.prefix, only: true, current: id, random: lockedRandom{k}, timeout: k.timeout}, nil
}

// lockedRandom lets two keys read one source.
type lockedRandom struct{ of *Key }

func (r lockedRandom) Read(b []byte) (int, error) { return len(b), r.of.fill(b) }

// Add makes a new KMS key and turns the alias to it.
func (k *Key) Add(ctx context.Context) error {
	if k.alias == "" {
		return fmt.Errorf("add a key in the KMS: %w", ErrNoAlias)
	}
	if err := k.refresh(ctx); err != nil {
		return fmt.Errorf("add a key in the KMS: %w", err)
	}
	k.mu.Lock()
	old := k.current
	k.mu.Unlock()
	err := k.bounded(ctx, func(ctx context.Context) error {
		policy, err := k.client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: aws.String(k.arn(old))})
		if err != nil {
			return err
		}
		made, err := k.client.CreateKey(ctx, &kms.CreateKeyInput{Policy: policy.Policy, Description: aws.String(description)})
		if err != nil {
			return err
		}
		if made.KeyMetadata == nil {
			return errAnswer
		}
		if err := k.point(ctx, k.alias+formerSuffix, old); err != nil {
			return err
		}
		_, err = k.client.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: aws.String(k.alias), TargetKeyId: made.KeyMetadata.KeyId})
		return err
	})
	if err == nil {
		err = k.refresh(ctx)
	}
	if err != nil {
		return fmt.Errorf("add a key in the KMS: %w", err)
	}
	return nil
}

// point makes an alias, or turns one that is there.
func (k *Key) point(ctx context.Context, alias, id string) error {
	_, err := k.client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String(alias), TargetKeyId: aws.String(id)})
	if errors.Is(meaning(err), errThere) {
		_, err = k.client.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: aws.String(alias), TargetKeyId: aws.String(id)})
	}
	return err
}

// Retire has the KMS delete the key before keep, which must be the alias's: from now on
// it opens nothing. Called again it ends what was interrupted.
func (k *Key) Retire(ctx context.Context, keep string) error {
	if err := k.refresh(ctx); err != nil {
		return fmt.Errorf("retire a key in the KMS: %w", err)
	}
	if keep != k.ID() {
		return fmt.Errorf("retire a key in the KMS: %w", ErrNotNewest)
	}
	old, found, err := k.former(ctx)
	if err != nil {
		return fmt.Errorf("retire a key in the KMS: %w", err)
	}
	if !found {
		return nil
	}
	if !old.doomed && namePrefix+old.id != keep {
		err = k.bounded(ctx, func(ctx context.Context) error {
			_, err := k.client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: aws.String(k.arn(old.id)), PendingWindowInDays: aws.Int32(lastDays)})
			return err
		})
		if err != nil {
			return fmt.Errorf("retire a key in the KMS: %w", err)
		}
	}
	return k.forget(ctx)
}

// forget takes the former key's alias away.
func (k *Key) forget(ctx context.Context) error {
	err := k.bounded(ctx, func(ctx context.Context) error {
		_, err := k.client.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: aws.String(k.alias + formerSuffix)})
		return err
	})
	if err != nil && !errors.Is(err, kek.ErrUnknownKey) {
		return fmt.Errorf("take away the alias of a retired key: %w", err)
	}
	return nil
}

// Finish ends what a crash in Retire left.
func (k *Key) Finish(ctx context.Context) error {
	old, found, err := k.former(ctx)
	if err == nil && found && old.doomed {
		err = k.forget(ctx)
	}
	return err
}
