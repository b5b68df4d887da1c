package accounts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
)

var epoch = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func id(kind, n byte) domain.ID { return domain.ID{kind, n, 6: 0x40, 8: 0x80} }

func sum(n byte) Digest { return sha256.Sum256([]byte{n}) }

func fact(at int, t event.Type, codes event.Codes) projections.Fact {
	when := domain.NewTime(epoch.Add(time.Duration(at) * time.Second))
	return projections.Fact{Position: domain.Position(at), Fact: &event.Fact{ID: id(9, byte(at)), Type: t, Time: when, Recorded: when, Codes: codes}}
}

func ofAccount(n byte, roles ...string) event.Codes {
	return event.Codes{}.With("account", id(1, n).String()).With("roles", roles)
}

func tokenOf(a, n byte) event.Codes {
	d := sum(n)
	return event.Codes{}.With("account", id(1, a).String()).With("token", id(2, n).String()).With("digest", hex.EncodeToString(d[:]))
}

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func dump(t testing.TB, s *Store) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Dump(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func story() []projections.Fact {
	full := tokenOf(1, 2).With("default_reason", "audit").With("act_for", true).
		With("expires_at", domain.FormatTime(epoch.Add(time.Hour))).With("sources", []string{id(7, 1).String(), id(7, 2).String()})
	labelled := fact(1, event.AccountCreated, ofAccount(1, "admin", "dpo").With("bootstrap", true))
	labelled.Parts = []event.PartRef{{}}
	upstream := fact(5, event.AccountCreated, event.Codes{{Name: "kind", Value: "upstream"}})
	upstream.Actor = id(1, 99)
	return []projections.Fact{
		fact(0, event.PolicyPublished, nil), labelled,
		fact(2, event.AccountTokenMade, tokenOf(1, 1)), fact(3, event.AccountTokenMade, full),
		fact(4, event.ContactCreated, nil), upstream,
		fact(6, event.AccountCreated, ofAccount(2, "agent")), fact(7, event.AccountTokenMade, tokenOf(2, 3)),
		fact(8, event.AccountTokenEnded, tokenOf(1, 1)), fact(9, event.AccountTokenEnded, tokenOf(1, 1)),
		fact(10, event.AccountDisabled, ofAccount(2)),
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	s := open(t, path)
	if err := s.Apply(t.Context(), story()); err != nil {
		t.Fatal(err)
	}
	check := func(s *Store) {
		t.Helper()
		g, ok := s.ByDigest(sum(2))
		tok := g.Token
		if !ok || tok.ID != id(2, 2) || tok.DefaultReason != "audit" || !tok.ActFor || len(tok.Sources) != 2 || tok.Sources[1] != id(7, 2) ||
			!tok.Expires.Equal(epoch.Add(time.Hour)) || !tok.Made.Equal(epoch.Add(3*time.Second)) || !tok.Revoked.IsZero() {
			t.Errorf("token 2 is %+v", tok)
		}
		if a := g.Account; !a.Bootstrap || a.Disabled || fmt.Sprint(a.Roles) != "[admin dpo]" || a.Label != id(9, 1) {
			t.Errorf("account 1 is %+v", a)
		}
		if g, _ := s.ByDigest(sum(1)); !g.Token.Revoked.Equal(epoch.Add(8*time.Second)) || !g.Token.Ended(epoch) {
			t.Errorf("token 1 was revoked at %s, first at 8", g.Token.Revoked)
		}
		if g, _ := s.ByDigest(sum(3)); !g.Account.Disabled || !g.Account.Label.IsZero() {
			t.Error("account 2 is not disabled")
		}
		if _, ok := s.ByDigest(sum(4)); ok {
			t.Error("a digest nobody has was found")
		}
		if _, ok := s.Find(id(1, 99)); ok {
			t.Error("an upstream's person became an account of the API")
		}
		l := s.List()
		if len(l) != 3 || l[0].Token.ID != id(2, 1) || l[2].Token.ID != id(2, 3) {
			t.Errorf("listed: %v", l)
		}
		if at, _ := s.Checkpoint(t.Context()); at != 11 {
			t.Errorf("checkpoint %s", at)
		}
	}
	check(s)
	before := dump(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	check(s)
	if after := dump(t, s); after != before || len(before) < 300 {
		t.Errorf("opened again:\n%s\nwas:\n%s", after, before)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	tok := Token{Expires: epoch}
	if tok.Expired(epoch.Add(-1)) || !tok.Expired(epoch) || (Token{}).Expired(epoch) || (Token{}).Ended(epoch) {
		t.Error("a token holds until its expiry and not at it; without one it holds")
	}
}

// A fact that makes no sense halts the fold where it stands, and nothing of its
// batch took effect.
func TestSenselessFactsHalt(t *testing.T) {
	t.Parallel()
	made := fact(2, event.AccountTokenMade, tokenOf(1, 1))
	for name, c := range map[string]projections.Fact{
		"no account":          fact(3, event.AccountCreated, event.Codes{}),
		"account twice":       fact(3, event.AccountCreated, ofAccount(1)),
		"unknown account off": fact(3, event.AccountDisabled, ofAccount(5)),
		"token of nobody":     fact(3, event.AccountTokenMade, tokenOf(5, 2)),
		"token twice":         fact(3, event.AccountTokenMade, tokenOf(1, 1).With("digest", hex.EncodeToString(make([]byte, 32)))),
		"digest twice":        fact(3, event.AccountTokenMade, tokenOf(1, 2).With("digest", tokenOf(1, 1).String("digest"))),
		"short digest":        fact(3, event.AccountTokenMade, tokenOf(1, 2).With("digest", "aa")),
		"no digest":           fact(3, event.AccountTokenMade, tokenOf(1, 2).With("digest", string(bytes.Repeat([]byte("z"), 64)))),
		"no token id":         fact(3, event.AccountTokenMade, tokenOf(1, 2).With("token", "x")),
		"bad expiry":          fact(3, event.AccountTokenMade, tokenOf(1, 2).With("expires_at", "soon")),
		"bad source":          fact(3, event.AccountTokenMade, tokenOf(1, 2).With("sources", []string{"crm"})),
		"unknown token ended": fact(3, event.AccountTokenEnded, tokenOf(1, 9)),
		"another's token":     fact(3, event.AccountTokenEnded, tokenOf(2, 1)),
	} {
		s := open(t, filepath.Join(t.TempDir(), "a.db"))
		start := []projections.Fact{fact(0, event.PolicyPublished, nil), fact(1, event.AccountCreated, ofAccount(1, "admin")), made}
		if err := s.Apply(t.Context(), start); err != nil {
			t.Fatal(err)
		}
		before := dump(t, s)
		err := s.Apply(t.Context(), []projections.Fact{c, fact(4, event.PolicyPublished, nil)})
		if !errors.Is(err, ErrFact) || dump(t, s) != before {
			t.Errorf("%s: %v", name, err)
		}
		if g, ok := s.ByDigest(sum(1)); !ok || !g.Token.Revoked.IsZero() {
			t.Errorf("%s changed what is answered", name)
		}
	}
}

// Whatever the batches, the repetitions and the restarts, the content is the same.
func TestContentDependsOnTheFactsAlone(t *testing.T) {
	t.Parallel()
	want := open(t, filepath.Join(t.TempDir(), "a.db"))
	all := story()
	if err := want.Apply(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		path := filepath.Join(t.TempDir(), "b.db")
		s := open(t, path)
		for at := 0; at < len(all); {
			from := rapid.IntRange(0, at).Draw(r, "from")
			to := rapid.IntRange(at, len(all)).Draw(r, "to")
			if err := s.Apply(t.Context(), all[from:to]); err != nil {
				r.Fatal(err)
			}
			at = max(at, to)
			switch rapid.IntRange(0, 9).Draw(r, "then") {
			case 0:
				_ = s.Close()
				s = open(t, path)
			case 1:
				if err := s.Reset(t.Context()); err != nil {
					r.Fatal(err)
				}
				at = 0
			}
		}
		if dump(t, s) != dump(t, want) {
			r.Fatal("another way led to another content")
		}
		_ = s.Close()
	})
	if err := want.Apply(t.Context(), []projections.Fact{fact(12, event.PolicyPublished, nil)}); !errors.Is(err, projections.ErrGap) {
		t.Errorf("a gap: %v", err)
	}
}

func TestOtherFormatIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path)
	if _, err := s.db.ExecContext(t.Context(), `UPDATE checkpoint SET version = 99`); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if s, err := Open(t.Context(), path); err == nil {
		_ = s.Close()
		t.Error("a file of another format was opened")
	}
}

// A write that fails leaves what is answered as it was.
func TestFailedWriteChangesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "a.db"))
	all := story()
	if err := s.Apply(t.Context(), all[:7]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.ExecContext(t.Context(), `CREATE TRIGGER stop BEFORE INSERT ON token BEGIN SELECT RAISE(ABORT, 'full'); END`); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), all[7:]); err == nil {
		t.Fatal("no error")
	}
	if _, ok := s.ByDigest(sum(3)); ok {
		t.Error("a token that is not stored is answered")
	}
	if at, _ := s.Checkpoint(t.Context()); at != 7 {
		t.Errorf("checkpoint %s", at)
	}
}
