package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/minimise"
	"greffe/domain/part"
	"greffe/domain/policy"
)

// ErrNoPolicy: the log holds no policy although the ledger is not new.
var ErrNoPolicy = errors.New("the log holds no published policy")

// Policy is the policy in force and its version.
func (l *Ledger) Policy() (*policy.Policy, int64) {
	r := l.rules.Load()
	return r.policy, r.version
}

// PolicySource is the text of the policy in force, as it was published.
func (l *Ledger) PolicySource() []byte { return bytes.Clone(l.rules.Load().source) }

// PublishPolicy makes a policy effective: from the next event on. The error is
// a policy.Errors, with lines, when the text is not a policy; nothing changed then.
func (l *Ledger) PublishPolicy(ctx context.Context, actor domain.ID, source []byte) (int64, domain.Position, error) {
	p, err := policy.Parse(source)
	if err != nil {
		return 0, 0, err
	}
	l.publishing.Lock()
	defer l.publishing.Unlock()
	var version int64 = 1
	if now := l.rules.Load(); now != nil {
		version = now.version + 1
	}
	sum := sha256.Sum256(source)
	w, err := l.Write(ctx, []Own{{
		Type: event.PolicyPublished, Actor: actor,
		Codes: event.Codes{}.With("version", version).With("sha256", hex.EncodeToString(sum[:])),
		Parts: []PlainPart{{
			Key:    part.KeyID{Owner: part.LedgerOwner(), Class: classPolicy, Epoch: part.EpochWhole},
			Fields: []event.Field{quoted("policy.source", string(source))},
		}},
	}})
	if err != nil {
		return 0, 0, fmt.Errorf("publish policy: %w", err)
	}
	l.rules.Store(&rules{policy: p, guard: minimise.New(p), version: version, source: source})
	return version, w[0].Position, nil
}

// openPolicy loads the last published policy from the log; a new ledger
// publishes its first.
func (l *Ledger) openPolicy(ctx context.Context, created bool) error {
	f, err := l.lastPolicy(ctx)
	if err != nil {
		return fmt.Errorf("find the policy: %w", err)
	}
	if f == nil {
		if !created && l.committer.next > 0 {
			return ErrNoPolicy
		}
		_, _, err := l.PublishPolicy(ctx, domain.ID{}, l.cfg.FirstPolicy)
		return err
	}
	opened, err := l.keys.Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return fmt.Errorf("open the policy: %w", err)
	}
	for _, x := range opened[0].Fields {
		if x.Path != "policy.source" {
			continue
		}
		source := []byte(stringOf(x.Value))
		p, err := policy.Parse(source)
		if err != nil {
			return fmt.Errorf("the published policy: %w", err)
		}
		l.rules.Store(&rules{policy: p, guard: minimise.New(p), version: f.Codes.Int("version"), source: source})
		return nil
	}
	return fmt.Errorf("the text of policy version %d is gone", f.Codes.Int("version"))
}

const metaScanned = "policy_scanned" // facts below this position were looked at
const metaPolicy = "policy_position" // of the last policy below it, plus one

// lastPolicy finds the newest policy.published fact, reading only what was
// appended since the last opening.
func (l *Ledger) lastPolicy(ctx context.Context) (*event.Fact, error) {
	head, err := l.cfg.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	from, err := l.position(ctx, metaScanned)
	if err != nil {
		return nil, err
	}
	found, err := l.position(ctx, metaPolicy)
	if err != nil {
		return nil, err
	}
	mark := []byte(`"type":"` + string(event.PolicyPublished) + `"`)
	err = l.cfg.Log.Read(ctx, min(from, head), head, func(p domain.Position, b []byte) error {
		if bytes.Contains(b, mark) {
			found = p + 1
		}
		return nil
	})
	if err != nil || found == 0 {
		return nil, err
	}
	var f *event.Fact
	err = l.cfg.Log.Read(ctx, found-1, found, func(_ domain.Position, b []byte) (err error) {
		f, err = event.DecodeFact(b)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, errors.Join(l.setPosition(ctx, metaPolicy, found), l.setPosition(ctx, metaScanned, head))
}

func (l *Ledger) position(ctx context.Context, name string) (domain.Position, error) {
	b, err := l.cfg.Vault.Meta(ctx, name)
	if err != nil || b == nil {
		return 0, err
	}
	return domain.ParsePosition(string(b))
}

func (l *Ledger) setPosition(ctx context.Context, name string, p domain.Position) error {
	return l.cfg.Vault.SetMeta(ctx, name, []byte(p.String()))
}
