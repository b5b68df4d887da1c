package link_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/link"
	"greffe/domain/policy"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func key(t testing.TB, fill byte) *link.Key {
	t.Helper()
	k, err := link.NewKey(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func optOut() link.Link {
	return link.Link{Kind: link.OptOut, Subject: domain.ID{1, 2, 3}, Controller: "acme", Purpose: "prospecting",
		Channels: []string{"email"}, Expires: now.AddDate(3, 0, 0)}
}

func confirm() link.Link {
	l := optOut()
	l.Kind, l.Request, l.Notice, l.TextHeld = link.Confirm, domain.ID{4}, domain.ID{5}, true
	return l
}

// TestGolden: tokens in mails already sent must open for ever.
func TestGolden(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]link.Link{
		"AROsgieC7zgWrB_G85pHW5GAFu4_fulpmyvsghYigb83u29Ivv5vVzOezARDKkGh2Lm2vWJ4GJW9jVH97Jl4weXaCjEK8A":                                           optOut(),
		"AXrr18Vnbcbygc9B-z_1ZaYTNgYMSV0-pOiXWYkLmKZly4FreeIHEJ16SfXxLvTNnQHvbOt7JV2v6YFGbI_Yup9v5-n7jwmRPpj2sbpGnp2UMxIJx38nxhB2eJgg3viXltjk1Ivn": confirm(),
	} {
		got, err := key(t, 7).Seal(l)
		if err != nil || got != want {
			t.Errorf("sealed %s, %v, mails hold %s", got, err, want)
		}
		back, err := key(t, 7).Open(want, now)
		if diff := cmp.Diff(l, back); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

func anyLink(t *rapid.T) link.Link {
	id := func(name string) domain.ID {
		return domain.ID(append(rapid.SliceOfN(rapid.Byte(), 15, 15).Draw(t, name), 1))
	}
	l := link.Link{Kind: rapid.SampledFrom([]link.Kind{link.OptOut, link.Confirm}).Draw(t, "kind"), Subject: id("subject"),
		Controller: rapid.StringMatching(`[a-z_]{1,40}`).Draw(t, "controller"), Purpose: rapid.StringMatching(`[a-z_]{1,128}`).Draw(t, "purpose"),
		Expires: time.Unix(rapid.Int64Range(now.Unix()+1, 1<<40-1).Draw(t, "expires"), 0).UTC()}
	for _, c := range policy.ChannelCodes() {
		if rapid.Bool().Draw(t, c) {
			l.Channels = append(l.Channels, c)
		}
	}
	if l.Kind == link.Confirm {
		l.Request, l.TextHeld = id("request"), rapid.Bool().Draw(t, "text")
		if rapid.Bool().Draw(t, "named") {
			l.Notice = id("notice")
		}
	} else if rapid.Bool().Draw(t, "every purpose") {
		l.Purpose = ""
	}
	return l
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		want := anyLink(t)
		text, err := k.Seal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.Open(text, now)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
		if again, _ := k.Seal(want); again != text {
			t.Fatal("one link has two tokens")
		}
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("%s is not for URLs", text)
		}
	})
}

func TestATokenTellsNothing(t *testing.T) {
	t.Parallel()
	l := optOut()
	text, err := key(t, 1).Seal(l)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(text)
	for _, clear := range []string{string(l.Subject[:]), l.Purpose, l.Controller, "email"} {
		if strings.Contains(string(raw), clear) {
			t.Errorf("the token shows %q", clear)
		}
	}
	if len(text) > 110 {
		t.Errorf("an ordinary token has %d characters", len(text))
	}
	other := l
	other.Subject[15]++
	second, _ := key(t, 1).Seal(other)
	if text[:18] == second[:18] {
		t.Error("two links share a nonce")
	}
}

// Every alteration, truncation, another key, the last second: one error for all.
func TestNothingElseOpens(t *testing.T) {
	t.Parallel()
	k, l := key(t, 1), confirm()
	text, err := k.Seal(l)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(text)
	refused := func(what, s string, at time.Time, by *link.Key) {
		t.Helper()
		if got, err := by.Open(s, at); err != link.ErrLink || got.Subject != (domain.ID{}) { //nolint:errorlint // exactly this, so that causes cannot be told apart
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	for i := range raw {
		for bit := range 8 {
			b := bytes.Clone(raw)
			b[i] ^= 1 << bit
			refused("altered", base64.RawURLEncoding.EncodeToString(b), now, k)
		}
		refused("cut", base64.RawURLEncoding.EncodeToString(raw[:i]), now, k)
	}
	refused("longer", base64.RawURLEncoding.EncodeToString(append(bytes.Clone(raw), 0)), now, k)
	refused("padded", text+"=", now, k)
	refused("spaced", text+"\n", now, k)
	refused("standard alphabet", base64.StdEncoding.EncodeToString(raw)+"+/", now, k)
	refused("huge", strings.Repeat("A", 1<<20), now, k)
	refused("empty", "", now, k)
	refused("another ledger", text, now, key(t, 2))
	refused("over", text, l.Expires, k)
	if _, err := k.Open(text, l.Expires.Add(-time.Nanosecond)); err != nil {
		t.Errorf("just before its end: %v", err)
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*link.Link){
		"no kind":            func(l *link.Link) { l.Kind = 0 },
		"unknown kind":       func(l *link.Link) { l.Kind = 3 },
		"nobody":             func(l *link.Link) { l.Subject = domain.ID{} },
		"no controller":      func(l *link.Link) { l.Controller = "" },
		"no code":            func(l *link.Link) { l.Purpose = "Jean Dupont" },
		"a long code":        func(l *link.Link) { l.Purpose = strings.Repeat("x", 129) },
		"an unknown channel": func(l *link.Link) { l.Channels = []string{"fax"} },
		"no end":             func(l *link.Link) { l.Expires = time.Time{} },
		"a far end":          func(l *link.Link) { l.Expires = time.Unix(1<<40, 0) },
		"no request":         func(l *link.Link) { l.Kind = link.Confirm },
		"too much":           func(l *link.Link) { l.Notice = domain.ID{1} },
		"confirm everything": func(l *link.Link) { l.Kind, l.Purpose, l.Request = link.Confirm, "", domain.ID{1} },
	} {
		l := optOut()
		change(&l)
		if text, err := key(t, 1).Seal(l); !errors.Is(err, link.ErrInvalid) || text != "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if _, err := link.NewKey(make([]byte, 31)); err == nil {
		t.Error("a short secret makes a key")
	}
	if s := fmt.Sprintf("%v %+v %#v", key(t, 1), key(t, 1), key(t, 1)); strings.Contains(s, "1 1") || strings.Contains(s, "0x1") {
		t.Errorf("printing shows the key: %s", s)
	}
}

func FuzzOpen(f *testing.F) {
	k := key(f, 1)
	for _, l := range []link.Link{optOut(), confirm()} {
		text, err := k.Seal(l)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := k.Open(text, now)
		if err != nil {
			return
		}
		if again, err := k.Seal(l); err != nil || again != text {
			t.Fatalf("opened %+v, which is sealed as %q, %v", l, again, err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	k := key(b, 1)
	text, err := k.Seal(optOut())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open(text, now); err != nil {
			b.Fatal(err)
		}
	}
}
