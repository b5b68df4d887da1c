package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"runtime"
	"slices"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// item is one event on its way: an upstream's (raw, in, draft) or the ledger's
// own (own).
type item struct {
	req    *request
	result *Result
	now    time.Time

	raw    []byte
	in     *event.Incoming
	draft  *event.Draft
	refuse *event.Refusal
	rules  *rules

	id      domain.ID // event id
	digest  [32]byte  // of the body, unkeyed: only ever stored under a MAC
	subject token.Token
	about   token.Token // subject, or zero when it is recorded without one
	link    token.Token
	others  []token.Token
	actor   token.Token
	source  token.Token
	hold    token.Token
	parts   []plainPart
	paths   []string // of the sealed fields, as the policy declares them
	tokens  []byte

	own   *Own
	lease vault.LeaseCheck // under which it is written; of the zero Role: none

	err     error     // of this item alone, found by the committer
	awaits  domain.ID // the event that is in the log before the item is answered; zero: none
	repeats bool      // and whose position is the answer's
}

// plainPart is the values of one class, before sealing.
type plainPart struct {
	class, epoch string
	shared       bool // the ledger's, not the subject's
	fields       []event.Field
}

// Record takes upstream events: CloudEvents 1.0 in JSON, one document each. It
// answers each in input order. There is no transaction over them. An error
// means that none of the answers counts: ErrBusy and ErrFull say that nothing
// was recorded, any other that the outcome is unknown; sending the same again
// is safe after either. After an unknown outcome the inputs may still be read:
// they must not be overwritten.
func (l *Ledger) Record(ctx context.Context, raws [][]byte) ([]Result, error) {
	results := make([]Result, len(raws))
	for done := 0; done < len(raws); {
		n := min(len(raws)-done, maxGroup)
		if err := l.recordSome(ctx, raws[done:done+n], results[done:done+n]); err != nil {
			if done > 0 {
				err = partly(err)
			}
			return nil, err
		}
		done += n
	}
	return results, nil
}

func (l *Ledger) recordSome(ctx context.Context, raws [][]byte, results []Result) error {
	size := 0
	for _, raw := range raws {
		size += len(raw)
	}
	req, err := l.enter(ctx, len(raws), size)
	if err != nil {
		return err
	}
	r := l.rules.Load()
	now := l.cfg.Now()
	for i, raw := range raws {
		req.items = append(req.items, &item{req: req, result: &results[i], raw: raw, rules: r, now: now})
	}
	inParallel(req.items, func(it *item) { l.understand(it) })
	if l.cfg.Scarce != nil && l.cfg.Scarce() {
		return l.submitProtective(ctx, req)
	}
	return l.submit(ctx, req)
}

// submitProtective takes of a request what protects the person, while the disk's
// reserve is all there is, and refuses the rest.
func (l *Ledger) submitProtective(ctx context.Context, req *request) error {
	all := len(req.items)
	req.items = slices.DeleteFunc(req.items, func(it *item) bool { return it.refuse != nil || !it.in.Type.Protective() })
	kept := len(req.items)
	switch err := l.submit(ctx, req); {
	case err != nil || kept == all:
		return err
	case kept > 0:
		return partly(ErrFull)
	}
	return ErrFull
}

// inParallel calls fn for every element, on every core where it is worth it.
func inParallel[T any](all []T, fn func(T)) {
	const worth = 64
	workers := min(runtime.GOMAXPROCS(0), 1+len(all)/worth)
	var wg sync.WaitGroup
	for chunk := range slices.Chunk(all, max(1, (len(all)+workers-1)/workers)) {
		if workers == 1 {
			for _, x := range chunk {
				fn(x)
			}
			return
		}
		wg.Go(func() {
			for _, x := range chunk {
				fn(x)
			}
		})
	}
	wg.Wait()
}

// understand does everything that needs neither the vault nor the log.
func (l *Ledger) understand(it *item) {
	in, refusal := event.Decode(it.raw)
	it.in, it.digest = in, bodyDigest(it.raw, in, refusal == nil)
	it.result.ID = in.ID
	if refusal == nil {
		bounds := it.rules.policy.Bounds()
		it.draft, refusal = event.Understand(in, it.rules.policy, event.Clock{Now: it.now, Skew: bounds.ClockSkew})
	}
	if in.Source != "" {
		it.source = l.peppers.Source(in.Source)
	}
	if in.Source != "" && in.ID != "" {
		mac := l.peppers.Dedupe(in.Source, in.ID)
		it.id = domain.DeriveID(mac[:])
	}
	it.hold = l.peppers.Quarantine(it.heldAs())
	if in.Source != "" && in.Subject != "" {
		it.subject = l.peppers.External(in.Source, in.Subject)
	}
	if refusal == nil {
		refusal = l.minimise(it)
	}
	if refusal != nil {
		it.refuse = refusal
		return
	}
	l.name(it)
	l.classify(it)
}

// heldAs is what an input is known by in quarantine: its source and id, or its
// bytes.
func (it *item) heldAs() (source, id string) {
	if it.in.Source != "" && it.in.ID != "" {
		return it.in.Source, it.in.ID
	}
	return "", string(it.digest[:])
}

// minimise lets the guard see every personal value before anything is stored.
func (l *Ledger) minimise(it *item) *event.Refusal {
	kept, warnings, hold := it.rules.guard.Apply(it.draft.Fields)
	if len(hold) > 0 && !it.in.Type.Protective() {
		return &event.Refusal{Code: "forbidden_content", Field: hold[0].Field}
	}
	if len(hold) > 0 { // a protective event is never held back: its free values are left out
		warnings = append(warnings, hold...)
		kept = slices.DeleteFunc(kept, func(f event.Field) bool {
			return slices.ContainsFunc(hold, func(w event.Warning) bool { return w.Field == f.Path })
		})
	}
	it.draft.Fields = kept
	it.draft.Warnings = append(it.draft.Warnings, warnings...)
	return nil
}

// name makes the tokens of everybody the event names.
func (l *Ledger) name(it *item) {
	in, d := it.in, it.draft
	if in.Actor != "" {
		it.actor = l.peppers.Actor(in.Source, in.Actor)
	}
	if d.Link != nil {
		it.link = l.peppers.External(d.Link.Source, d.Link.Subject)
	}
	for _, s := range d.Subjects {
		it.others = append(it.others, l.peppers.External(s.Source, s.Subject))
	}
	it.tokens = l.searchTokens(it)
	if id := l.notice(d); !id.IsZero() {
		d.Codes = d.Codes.With("notice", id.String())
	}
}

// classify groups the sealed fields by retention class and key epoch. A fact
// names a field as the policy declares it: under a pattern such as custom.* the
// name itself may be personal and is sealed with the value.
func (l *Ledger) classify(it *item) {
	p, d := it.rules.policy, it.draft
	for _, f := range d.Fields {
		if info, ok := p.Field(f.Path); ok { // the guard lets only known fields through
			it.add(info.Class, f)
			it.paths = append(it.paths, info.Path)
		}
	}
	slices.Sort(it.paths)
	it.paths = slices.Compact(it.paths)
	if it.in.Type == event.AccessRecorded && d.Codes.String("reason") == "" {
		d.Codes = d.Codes.With("reason", "unlisted")
	}
}

// add puts f into the part of its class.
func (it *item) add(class string, f event.Field) {
	for i := range it.parts {
		if it.parts[i].class == class {
			it.parts[i].fields = append(it.parts[i].fields, f)
			return
		}
	}
	it.parts = append(it.parts, plainPart{
		class:  class,
		epoch:  it.rules.policy.Epoch(class, it.draft.Time.Time),
		shared: class == classAccess || class == classOpposition || it.in.Subject == "",
		fields: []event.Field{f},
	})
}

// Classes with a meaning of their own on the record path.
const (
	classAccess     = "access"
	classOpposition = "opposition"
	classAccounts   = "accounts"
	classIdentity   = "identity"
	classIntake     = seal.ClassIntake
	classQuarantine = "quarantine" // inputs that were set aside
	classPolicy     = "policy"     // texts of published policies
	classPepper     = "pepper"     // the root of all tokens
)

// bodyDigest is SHA-256 over what makes two events of one id the same: type,
// subject, actor, controller, time, sequence and the data in canonical form,
// whatever the policy of the day makes of it. An event that could not be read is
// digested as it came.
func bodyDigest(raw []byte, in *event.Incoming, read bool) [32]byte {
	h := sha256.New()
	if !read {
		field(h, string(raw))
		return [32]byte(h.Sum(nil))
	}
	field(h, string(in.Type))
	field(h, in.Subject)
	field(h, in.Actor)
	field(h, in.Controller)
	if !in.Time.IsZero() {
		field(h, domain.FormatTime(in.Time))
	} else {
		field(h, "")
	}
	seq := int64(-1)
	if in.Sequence != nil {
		seq = *in.Sequence
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(seq)))
	data := in.Data.Clone()
	if len(data) > 0 && data.Canonicalize() != nil {
		data = in.Data
	}
	field(h, string(data))
	return [32]byte(h.Sum(nil))
}

func field(h hash.Hash, s string) {
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
	h.Write([]byte(s))
}
