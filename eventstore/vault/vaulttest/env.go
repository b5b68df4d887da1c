package vaulttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// Env is a test with an open vault. Events, owners and tokens are made of small
// numbers; dump looks at those below universe.
type Env struct {
	T
	S    vault.Store
	ctx  context.Context
	open Opener
}

const universe = 40

// Classes of the parts that row makes.
const (
	identity = "identity"
	contact  = "contact_details"
)

// Open opens the vault, again after Close.
func (e *Env) Open() {
	e.Helper()
	s, err := e.open()
	if err != nil {
		e.Errorf("open: %v", err)
		e.FailNow()
	}
	e.S = s
}

// reopen closes and opens.
func (e *Env) reopen() {
	e.Helper()
	e.ok("close", e.S.Close())
	e.Open()
}

func (e *Env) ok(op string, err error) {
	e.Helper()
	if err != nil {
		e.Errorf("%s: %v", op, err)
		e.FailNow()
	}
}

func (e *Env) is(op string, err, want error) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Errorf("%s: error is %v, want %v", op, err, want)
		e.FailNow()
	}
}

// same compares, taking nil and empty slices as equal.
func (e *Env) same(what string, got, want any) {
	e.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b token.Token) bool { return a == b })); d != "" {
		e.Errorf("%s (-want +got):\n%s", what, d)
		e.FailNow()
	}
}

// sameList compares item by item: the first that differs is named, and a diff
// over thousands of items is spared.
func sameList[V any](e *Env, what string, got, want []V) {
	e.Helper()
	for i := range min(len(got), len(want)) {
		e.same(fmt.Sprintf("%s: item %d", what, i), got[i], want[i])
	}
	e.same(what+": number of items", len(got), len(want))
}

// sameState compares two dumps.
func (e *Env) sameState(what string, got, want state) {
	e.Helper()
	sameList(e, what+": intake", got.Intake, want.Intake)
	sameList(e, what+": links", got.Links, want.Links)
	sameList(e, what+": holds", got.Holds, want.Holds)
	sameList(e, what+": keys", got.Keys, want.Keys)
	sameList(e, what+": parts", got.Parts, want.Parts)
	sameList(e, what+": tokens", got.Tokens, want.Tokens)
	sameList(e, what+": pending", got.Pending, want.Pending)
	sameList(e, what+": walk", got.Walk, want.Walk)
	sameList(e, what+": walk of rows", got.Rows, want.Rows)
	sameList(e, what+": walk of links", got.AllLinks, want.AllLinks)
	sameList(e, what+": walk of holds", got.AllHolds, want.AllHolds)
	sameList(e, what+": walk of keys", got.AllKeys, want.AllKeys)
	e.same(what+": meta", got.Meta, want.Meta)
}

func sum(kind string, i int) [32]byte { return sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, i)) }

func event(i int) domain.ID {
	h := sum("event", i)
	return domain.DeriveID(h[:])
}

func subject(i int) part.Owner {
	h := sum("subject", i)
	return part.SubjectOwner(domain.DeriveID(h[:]))
}

func account(i int) part.Owner {
	h := sum("account", i)
	return part.AccountOwner(domain.DeriveID(h[:]))
}

// Token is the i-th token that cases use.
func Token(i int) token.Token { return tok(i) }

func tok(i int) token.Token { return token.Token(sum("token", i)) }

func wrapped(i int) []byte { return blobOf("wrapped", i, 90) }

// blobOf is n bytes that depend on kind and i.
func blobOf(kind string, i, n int) []byte {
	h := sum(kind, i)
	return bytes.Repeat(h[:], n/len(h)+1)[:n]
}

// row is event i of an owner, with a fact, a MAC, tokens and two parts.
func row(i int, o part.Owner) vault.Row {
	r := vault.Row{
		Event: event(i), Fact: blobOf("fact", i, 50+i%7), Owner: o, BodyMAC: blobOf("mac", i, 16), Tokens: blobOf("tokens", i, 40),
		Parts: []vault.Part{
			{Key: part.KeyID{Owner: o, Class: identity, Epoch: part.EpochWhole}, Bytes: blobOf(identity, i, 70+i%5)},
			{Key: part.KeyID{Owner: o, Class: contact, Epoch: "2026-03"}, Bytes: blobOf(contact, i, 80)},
		},
	}
	r.MAC = rowMAC(&r)
	return r
}

// rowMAC and tokenMAC are MACs as a ledger would make them, of what they cover.
func rowMAC(r *vault.Row) vault.MAC {
	h := sha256.Sum256(fmt.Appendf(nil, "row %x %v %x %x", r.Event, r.Owner, r.BodyMAC, r.Tokens))
	return vault.MAC(h[:])
}

func tokenMAC(kind string, t token.Token, id domain.ID) vault.MAC {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %x %x", kind, t[:], id))
	return vault.MAC(h[:])
}

func link(t token.Token, id domain.ID) vault.Link {
	return vault.Link{Token: t, ID: id, MAC: tokenMAC("link", t, id)}
}

func hold(t token.Token, id domain.ID) vault.Hold {
	return vault.Hold{Token: t, ID: id, MAC: tokenMAC("hold", t, id)}
}

// batch is rows of events from, from+1, … to-1, all of one owner, at base from.
func batch(from, to int, o part.Owner) *vault.Batch {
	b := &vault.Batch{Base: domain.Position(from)}
	for i := from; i < to; i++ {
		b.Rows = append(b.Rows, row(i, o))
	}
	return b
}

// prepare demands that a batch is taken.
func (e *Env) prepare(b *vault.Batch) int64 {
	e.Helper()
	n, err := e.S.Prepare(e.ctx, b)
	e.ok("prepare", err)
	return n
}

// walked is what Walk passes.
type walked struct {
	Event domain.ID
	Key   part.KeyID
	Bytes []byte
}

func (e *Env) walk() (all []walked) {
	e.Helper()
	e.ok("walk", e.S.Walk(e.ctx, func(event domain.ID, p vault.Part) error {
		all = append(all, walked{event, p.Key, bytes.Clone(p.Bytes)})
		return nil
	}))
	return all
}

func (e *Env) pending() (all []vault.Pending) {
	e.Helper()
	e.ok("pending", e.S.Pending(e.ctx, func(p vault.Pending) error {
		facts := make([][]byte, len(p.Facts))
		for i := range p.Facts {
			facts[i] = bytes.Clone(p.Facts[i])
		}
		all = append(all, vault.Pending{Number: p.Number, Base: p.Base, Facts: facts})
		return nil
	}))
	return all
}

// unshare copies what a wrong store may write over later.
func (s *state) unshare() {
	for i := range s.Intake {
		s.Intake[i].BodyMAC = bytes.Clone(s.Intake[i].BodyMAC)
	}
	for i := range s.Keys {
		s.Keys[i].Wrapped = bytes.Clone(s.Keys[i].Wrapped)
	}
	for _, all := range [][][]byte{s.Parts, s.Tokens} {
		for i := range all {
			all[i] = bytes.Clone(all[i])
		}
	}
}

// onlyPending is the one batch that must be pending.
func (e *Env) onlyPending() vault.Pending {
	e.Helper()
	all := e.pending()
	e.same("number of pending batches", len(all), 1)
	return all[0]
}

// state is everything the port shows of the universe.
type state struct {
	Intake  []vault.Intake
	Links   []domain.ID
	Holds   []domain.ID
	Keys    []vault.KeyRow
	Parts   [][]byte
	Tokens  [][]byte
	Pending []vault.Pending
	Walk    []walked
	Meta    []byte

	Rows     []vault.Recorded
	AllLinks []vault.Link // by token
	AllHolds []vault.Hold // by token
	AllKeys  []ownedKey   // by owner
}

func (e *Env) dump() (s state) {
	e.Helper()
	var events []domain.ID
	var tokens []token.Token
	var owners []part.Owner
	var parts []vault.PartID
	for i := range universe {
		events = append(events, event(i))
		tokens = append(tokens, tok(i))
		owners = append(owners, subject(i), account(i))
		parts = append(parts, vault.PartID{Event: event(i), Class: identity}, vault.PartID{Event: event(i), Class: contact})
	}
	owners = append(owners, part.LedgerOwner())
	errs := make([]error, 7)
	s.Intake, errs[0] = e.S.Intake(e.ctx, events)
	s.Links, errs[1] = e.S.Links(e.ctx, tokens)
	s.Holds, errs[2] = e.S.Holds(e.ctx, tokens)
	s.Keys, errs[3] = e.S.Keys(e.ctx, owners)
	s.Parts, errs[4] = e.S.Parts(e.ctx, parts)
	s.Tokens, errs[5] = e.S.Tokens(e.ctx, events)
	s.Meta, errs[6] = e.S.Meta(e.ctx, "name")
	e.ok("read", errors.Join(errs...))
	if c, ok := e.S.(vault.Checker); ok {
		e.ok("check", c.Check(e.ctx, func(d *vault.DamageError) { e.Errorf("a whole vault: %v", d) }))
	}
	s.unshare()
	s.Pending, s.Walk = e.pending(), e.walk()
	s.Rows, s.AllLinks, s.AllHolds, s.AllKeys = e.walkRows(0), e.walkLinks(), e.walkHolds(), e.walkKeys()
	return s
}

// one reads a single intake, key row, part, tokens.
func (e *Env) intake(i int) vault.Intake {
	e.Helper()
	in, err := e.S.Intake(e.ctx, []domain.ID{event(i)})
	e.ok("intake", err)
	e.same("answers of intake", len(in), 1)
	return in[0]
}

func (e *Env) key(o part.Owner) vault.KeyRow {
	e.Helper()
	rows, err := e.S.Keys(e.ctx, []part.Owner{o})
	e.ok("keys", err)
	e.same("answers of keys", len(rows), 1)
	return rows[0]
}

func (e *Env) part(i int, class string) []byte {
	e.Helper()
	parts, err := e.S.Parts(e.ctx, []vault.PartID{{Event: event(i), Class: class}})
	e.ok("parts", err)
	e.same("answers of parts", len(parts), 1)
	return parts[0]
}

func (e *Env) tokens(i int) []byte {
	e.Helper()
	tokens, err := e.S.Tokens(e.ctx, []domain.ID{event(i)})
	e.ok("tokens", err)
	e.same("answers of tokens", len(tokens), 1)
	return tokens[0]
}
