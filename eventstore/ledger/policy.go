package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/minimise"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/vault"
)

// fieldPolicySource is the sealed text of a policy.
const fieldPolicySource = "policy.source"

// ErrNoPolicy: the log holds no policy although the ledger is not new.
var ErrNoPolicy = errors.New("the log holds no published policy")

// Policy is the policy in force and its version.
func (l *Ledger) Policy() (*policy.Policy, int64) {
	r := l.rules.Load()
	return r.policy, r.version
}

// PolicySource is the text of the policy in force, as it was published.
func (l *Ledger) PolicySource() []byte { return bytes.Clone(l.rules.Load().source) }

// ErrPublished: another version was published meanwhile, by another node. It is in
// force. Not committed.
var ErrPublished = errors.New("another policy was published meanwhile; look at it and publish again")

// publication is what became of one.
type publication struct {
	version int64
	at      domain.Position
	err     error
}

// PublishPolicy makes a policy effective: from the next event on, on other nodes as
// soon as they follow. The error is a policy.Errors, with lines, when the text is not
// a policy; nothing changed then. One whose caller leaves is in force as soon as it is
// in the log.
func (l *Ledger) PublishPolicy(ctx context.Context, actor domain.ID, source []byte) (int64, domain.Position, error) {
	return l.publishPolicy(ctx, actor, source, domain.ID{}, 0)
}

// PublishPolicyOn is PublishPolicy of a text that was made of a version: ErrPublished if
// another is in force when it would be.
func (l *Ledger) PublishPolicyOn(ctx context.Context, actor domain.ID, source []byte, seen int64) (int64, domain.Position, error) {
	return l.publishPolicy(ctx, actor, source, domain.ID{}, seen)
}

// publishPolicy publishes on the version that was seen, on any if that is 0.
func (l *Ledger) publishPolicy(ctx context.Context, actor domain.ID, source []byte, scheduled domain.ID, seen int64) (int64, domain.Position, error) {
	p, err := policy.Parse(source)
	if err != nil {
		return 0, 0, err
	}
	if ctx.Err() != nil {
		return 0, 0, fmt.Errorf("publish policy: %w", ctx.Err())
	}
	select {
	case l.publishing <- struct{}{}:
	case <-ctx.Done():
		return 0, 0, fmt.Errorf("publish policy: %w", ErrBusy)
	}
	r := &rules{policy: p, guard: minimise.New(p), version: 1, source: bytes.Clone(source), scheduled: scheduled}
	if now := l.rules.Load(); now != nil {
		r.version = now.version + 1
	}
	if seen != 0 && r.version != seen+1 {
		<-l.publishing
		return 0, 0, fmt.Errorf("publish policy: %w", ErrPublished)
	}
	done := make(chan publication, 1)
	go func() {
		defer func() { <-l.publishing }()
		at, err := l.publish(context.WithoutCancel(ctx), actor, r)
		done <- publication{r.version, at, err}
	}()
	select {
	case d := <-done:
		if d.err != nil {
			return 0, 0, fmt.Errorf("publish policy: %w", d.err)
		}
		return d.version, d.at, nil
	case <-ctx.Done():
		return 0, 0, fmt.Errorf("publish policy: %w", errors.Join(ErrUnknown, ctx.Err()))
	}
}

// publish writes a version, under an id that only one node can use.
func (l *Ledger) publish(ctx context.Context, actor domain.ID, r *rules) (domain.Position, error) {
	id, err := l.Derived(usePublished, binary.BigEndian.AppendUint64(nil, uint64(r.version)))
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(r.source)
	codes := event.Codes{}.With("version", r.version).With("sha256", hex.EncodeToString(sum[:]))
	if !r.scheduled.IsZero() {
		codes = codes.With("scheduled", r.scheduled.String())
	}
	w, err := l.Write(ctx, []Own{{
		Type: event.PolicyPublished, ID: id, Actor: actor,
		Codes: codes,
		Parts: []PlainPart{{
			Key:    part.KeyID{Owner: part.LedgerOwner(), Class: classPolicy, Epoch: part.EpochWhole},
			Fields: []event.Field{quoted(fieldPolicySource, string(r.source))},
		}},
	}})
	if err == nil {
		l.rule(r)
		return w[0].Position, nil
	}
	if errors.Is(err, ErrTaken) {
		return 0, errors.Join(ErrPublished, l.readNewest(ctx))
	}
	return 0, err // of an unknown outcome Follow tells
}

// rule puts rules in force, unless newer ones are.
func (l *Ledger) rule(r *rules) {
	l.ruling.Lock()
	defer l.ruling.Unlock()
	if now := l.rules.Load(); now == nil || r.version > now.version {
		l.rules.Store(r)
	}
}

// Follow is told of every policy.published fact by whoever reads the log, so that
// policies of other nodes are in force here as well. What cannot be read now is read
// as soon as it can be.
func (l *Ledger) Follow(f *event.Fact, at domain.Position) {
	if now := l.rules.Load(); f.Type != event.PolicyPublished || now != nil && f.Codes.Int("version") <= now.version {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := l.readPolicy(ctx, at)
	if err != nil {
		l.cfg.Logger.Warn("a policy that another node published cannot be read yet", "position", at, "error", err)
		l.helper.follow.Store(true)
		l.nudge()
		return
	}
	l.rule(r)
}

// catchUp reads the newest policy if one was missed.
func (l *Ledger) catchUp(ctx context.Context) {
	if !l.helper.follow.Swap(false) {
		return
	}
	if err := l.readNewest(ctx); err != nil && ctx.Err() == nil {
		l.cfg.Logger.Warn("the newest policy cannot be read yet", "error", err)
		l.helper.follow.Store(true)
	}
}

// readNewest puts the last published policy in force.
func (l *Ledger) readNewest(ctx context.Context) error {
	at, err := l.published(ctx)
	if err != nil {
		return fmt.Errorf("find the policy: %w", err)
	}
	if len(at) == 0 {
		return ErrNoPolicy
	}
	r, err := l.readPolicy(ctx, at[len(at)-1])
	if err == nil {
		l.rule(r)
	}
	return err
}

// openPolicy loads the last published policy from the log; a new ledger
// publishes its first, unless another node that opens it did.
func (l *Ledger) openPolicy(ctx context.Context, created bool) error {
	head := l.head.Load()
	err := l.readNewest(ctx)
	if !errors.Is(err, ErrNoPolicy) || !created && head > 0 {
		return err
	}
	_, _, err = l.PublishPolicy(ctx, domain.ID{}, l.cfg.FirstPolicy)
	if errors.Is(err, ErrPublished) && l.rules.Load() != nil {
		err = nil
	}
	return err
}

// PolicyVersion is a policy as it was published, for readers of facts that were
// recorded under it.
func (l *Ledger) PolicyVersion(ctx context.Context, version int64) (*policy.Policy, error) {
	if now := l.rules.Load(); now.version == version {
		return now.policy, nil
	}
	l.ruling.Lock()
	p := l.older[version]
	l.ruling.Unlock()
	if p != nil {
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
	l.ruling.Lock()
	defer l.ruling.Unlock()
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
		if x.Path != fieldPolicySource {
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

// metaPublished holds what the log was read for: facts below the first position were
// looked at, at the others stand the policies, in order.
const metaPublished = "policies"

// published lists the positions of all policy.published facts. The log is the
// truth; the vault remembers how far it was read.
func (l *Ledger) published(ctx context.Context) ([]domain.Position, error) {
	head, err := l.logHead(ctx)
	if err != nil {
		return nil, err
	}
	old, err := l.cfg.Vault.Meta(ctx, metaPublished)
	if err != nil {
		return nil, err
	}
	list, err := positions(old)
	if err != nil {
		return nil, fmt.Errorf("what the vault knows of policies: %w", err)
	}
	if list[0] >= head {
		return list[1:], nil
	}
	mark := []byte(`"type":"` + string(event.PolicyPublished) + `"`)
	err = l.cfg.Log.Read(ctx, list[0], head, func(p domain.Position, b []byte) error {
		if !bytes.Contains(b, mark) {
			return nil
		}
		f, err := event.DecodeFact(b) // codes may hold the mark as well
		if err != nil {
			return fmt.Errorf("fact at position %d: %w", p, err)
		}
		if f.Type == event.PolicyPublished {
			list = append(list, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list[0] = head
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	err = l.cfg.Vault.SwapMeta(ctx, metaPublished, old, []byte(strings.Join(texts, ",")))
	if err != nil && !errors.Is(err, vault.ErrStale) { // another node looked as well
		return nil, err
	}
	return list[1:], nil
}

func positions(b []byte) (list []domain.Position, err error) {
	if b == nil {
		return []domain.Position{0}, nil
	}
	for s := range strings.SplitSeq(string(b), ",") {
		p, err := domain.ParsePosition(s)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}
