package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

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
	if err := ctx.Err(); err != nil {
		return 0, 0, fmt.Errorf("publish policy: %w", err)
	}
	source = bytes.Clone(source)
	// The outcome is waited for in any case: what is in the log is in force.
	w, err := l.Write(context.WithoutCancel(ctx), []Own{{
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
	at, err := l.published(ctx)
	if err != nil {
		return fmt.Errorf("find the policy: %w", err)
	}
	if len(at) == 0 {
		if !created && l.committer.next > 0 {
			return ErrNoPolicy
		}
		_, _, err := l.PublishPolicy(ctx, domain.ID{}, l.cfg.FirstPolicy)
		return err
	}
	r, err := l.readPolicy(ctx, at[len(at)-1])
	if err != nil {
		return err
	}
	l.rules.Store(r)
	return nil
}

// PolicyVersion is a policy as it was published, for readers of facts that were
// recorded under it.
func (l *Ledger) PolicyVersion(ctx context.Context, version int64) (*policy.Policy, error) {
	if now := l.rules.Load(); now.version == version {
		return now.policy, nil
	}
	l.publishing.Lock()
	defer l.publishing.Unlock()
	if p := l.older[version]; p != nil {
		return p, nil
	}
	at, err := l.published(ctx)
	if err != nil {
		return nil, fmt.Errorf("find policy version %d: %w", version, err)
	}
	if version < 1 || version > int64(len(at)) {
		return nil, fmt.Errorf("policy version %d: %w", version, ErrNoPolicy)
	}
	r, err := l.readPolicy(ctx, at[version-1])
	if err != nil {
		return nil, err
	}
	l.older[version] = r.policy
	return r.policy, nil
}

// readPolicy opens the text of the policy.published fact at a position.
func (l *Ledger) readPolicy(ctx context.Context, at domain.Position) (*rules, error) {
	var f *event.Fact
	err := l.cfg.Log.Read(ctx, at, at+1, func(_ domain.Position, b []byte) (err error) {
		f, err = event.DecodeFact(b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the policy at position %d: %w", at, err)
	}
	opened, err := l.keys.Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return nil, fmt.Errorf("open the policy: %w", err)
	}
	for _, x := range opened[0].Fields {
		if x.Path != "policy.source" {
			continue
		}
		source := []byte(stringOf(x.Value))
		p, err := policy.Parse(source)
		if err != nil {
			return nil, fmt.Errorf("the published policy: %w", err)
		}
		return &rules{policy: p, guard: minimise.New(p), version: f.Codes.Int("version"), source: source}, nil
	}
	return nil, fmt.Errorf("the text of policy version %d is gone", f.Codes.Int("version"))
}

const (
	metaScanned  = "policy_scanned"   // facts below this position were looked at
	metaPolicies = "policy_positions" // of the policies found there, in order, with commas
)

// published lists the positions of all policy.published facts. The log is the
// truth; the vault remembers how far it was read.
func (l *Ledger) published(ctx context.Context) ([]domain.Position, error) {
	head, err := l.cfg.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	from, at, err := l.scanned(ctx)
	if err != nil || from == head {
		return at, err
	}
	mark := []byte(`"type":"` + string(event.PolicyPublished) + `"`)
	err = l.cfg.Log.Read(ctx, min(from, head), head, func(p domain.Position, b []byte) error {
		if !bytes.Contains(b, mark) || len(at) > 0 && p <= at[len(at)-1] {
			return nil
		}
		f, err := event.DecodeFact(b) // codes may hold the mark as well
		if err != nil {
			return fmt.Errorf("fact at position %d: %w", p, err)
		}
		if f.Type == event.PolicyPublished {
			at = append(at, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]string, len(at))
	for i, p := range at {
		list[i] = p.String()
	}
	return at, errors.Join(l.cfg.Vault.SetMeta(ctx, metaPolicies, []byte(strings.Join(list, ","))),
		l.cfg.Vault.SetMeta(ctx, metaScanned, []byte(head.String())))
}

func (l *Ledger) scanned(ctx context.Context) (from domain.Position, at []domain.Position, err error) {
	b, err := l.cfg.Vault.Meta(ctx, metaScanned)
	if err != nil || b == nil {
		return 0, nil, err
	}
	if from, err = domain.ParsePosition(string(b)); err != nil {
		return 0, nil, err
	}
	if b, err = l.cfg.Vault.Meta(ctx, metaPolicies); err != nil {
		return 0, nil, err
	}
	for s := range strings.SplitSeq(string(b), ",") {
		if s == "" {
			continue
		}
		p, err := domain.ParsePosition(s)
		if err != nil {
			return 0, nil, err
		}
		at = append(at, p)
	}
	return from, at, nil
}
