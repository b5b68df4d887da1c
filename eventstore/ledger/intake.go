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

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
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
	link    token.Token
	others  []token.Token
	actor   token.Token
	source  token.Token
	hold    token.Token
	parts   []plainPart
	paths   []string // of the sealed fields, as the policy declares them
	tokens  []byte

	own *Own
	err error // of this item alone, found by the committer
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
	return l.submit(ctx, req)
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
		it.hold = l.peppers.Quarantine(in.Source, in.ID)
	} else {
		it.hold = l.peppers.Quarantine("", string(it.digest[:]))
	}
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
	classIntake     = "intake"     // the key of body MACs
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

// searchTokens are the blind indexes of a contact's own identifiers, and of the
// address of an objection by somebody not known.
func (l *Ledger) searchTokens(it *item) []byte {
	var all []token.Entry
	switch it.in.Type {
	case event.ContactCreated, event.ContactChanged:
		all = l.contactTokens(it.draft)
	case event.OppositionRegistered:
		all = l.oppositionTokens(it.draft)
	}
	packed, err := token.Pack(all)
	if err != nil { // more identifiers than any person has: they are stored, not indexed
		it.draft.Warnings = append(it.draft.Warnings, event.Warning{Field: "person.emails", Rule: "not_indexed"})
		return nil
	}
	return packed
}

func (l *Ledger) contactTokens(d *event.Draft) []token.Entry {
	var all []token.Entry
	var given, family string
	for _, f := range d.Fields {
		switch f.Path {
		case "person.emails":
			all = append(all, l.addressTokens(d, f, token.KindEmail, token.FieldEmails)...)
		case "person.phones":
			all = append(all, l.addressTokens(d, f, token.KindPhone, token.FieldPhones)...)
		case "person.given_name":
			given = stringOf(f.Value)
		case "person.family_name":
			family = stringOf(f.Value)
		}
	}
	if n := token.Name(given, family); n != "" {
		all = append(all, token.Entry{Kind: token.KindName, Field: token.FieldName, Token: l.peppers.Search(token.KindName, n)})
	}
	return all
}

// addressTokens indexes each address of a field, also what is no valid address.
func (l *Ledger) addressTokens(d *event.Draft, f event.Field, kind token.Kind, where token.Field) []token.Entry {
	var all []token.Entry
	for _, s := range stringsOf(f.Value) {
		n, ok := Normal(kind, s)
		if !ok {
			d.Warnings = append(d.Warnings, event.Warning{Field: f.Path, Rule: "unreadable_address"})
		}
		if n != "" {
			all = append(all, token.Entry{Kind: kind, Field: where, Token: l.peppers.Search(kind, n)})
		}
	}
	return all
}

func (l *Ledger) oppositionTokens(d *event.Draft) []token.Entry {
	var all []token.Entry
	for _, a := range d.Addresses {
		kind := token.KindEmail
		if a.Kind == "phone" {
			kind = token.KindPhone
		}
		n, _ := Normal(kind, a.Value)
		o := l.peppers.Opposition(kind, n)
		all = append(all,
			token.Entry{Kind: kind, Field: token.FieldAddress, Form: token.FormOppositionSHA256, Token: o.SHA256},
			token.Entry{Kind: kind, Field: token.FieldAddress, Form: token.FormOppositionMD5, Token: o.MD5})
	}
	return all
}

// Normal is the form under which an address or a name is indexed and looked up;
// ok is false for what is no valid address, which is indexed all the same.
func Normal(kind token.Kind, s string) (normal string, ok bool) {
	switch kind {
	case token.KindEmail:
		return token.Email(s)
	case token.KindPhone:
		return token.Phone(s, "FR")
	}
	n := token.Name(s, "")
	return n, n != ""
}

func stringsOf(v []byte) []string {
	var l []string
	if json.Unmarshal(v, &l) != nil {
		return nil
	}
	return l
}

func stringOf(v []byte) string {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}
