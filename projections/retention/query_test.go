package retention_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	due "greffe/domain/retention"
	"greffe/projections"
	"greffe/projections/retention"
)

func id(n int) domain.ID { return domain.ID{byte(n >> 16), byte(n >> 8), byte(n), 1} }

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// book applies facts, each at the next position.
type book struct {
	tb testing.TB
	s  *retention.Store
	at domain.Position
}

func open(tb testing.TB, rules retention.Rules) *book {
	tb.Helper()
	s, err := retention.Open(filepath.Join(tb.TempDir(), "retention.db"), rules, retention.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return &book{tb: tb, s: s}
}

func (b *book) apply(facts ...*event.Fact) {
	b.tb.Helper()
	batch := make([]projections.Fact, len(facts))
	for i, f := range facts {
		batch[i] = projections.Fact{Position: b.at + domain.Position(i), Fact: f}
	}
	if err := b.s.Apply(b.tb.Context(), batch); err != nil {
		b.tb.Fatal(err)
	}
	b.at += domain.Position(len(facts))
}

func published(version int64) *event.Fact {
	return &event.Fact{ID: domain.ID{250, byte(version)}, Type: event.PolicyPublished, Time: domain.NewTime(day("2020-01-01")), Codes: event.Codes{}.With("version", version)}
}

// contact is somebody of a kind, since a day.
func contact(n int, kind, since string, keys ...string) *event.Fact {
	return about(n, event.ContactCreated, since, event.Codes{}.With("kind", kind), append(keys, "identity/whole")...)
}

func about(n int, t event.Type, at string, codes event.Codes, keys ...string) *event.Fact {
	f := &event.Fact{ID: domain.ID{240, byte(n)}, Type: t, Subject: id(n), Time: domain.NewTime(day(at)), Codes: codes}
	for _, k := range keys {
		class, epoch, _ := strings.Cut(k, "/")
		f.Parts = append(f.Parts, event.PartRef{Owner: part.SubjectOwner(id(n)), Class: class, Epoch: epoch})
	}
	return f
}

func merged(n, into int, at string, t event.Type) *event.Fact {
	return about(n, t, at, event.Codes{}.With("into", id(into).String()))
}

// list walks the pages of Due, limit persons each.
func (b *book) list(now string, limit int) []string {
	b.tb.Helper()
	var out []string
	for after := ""; ; {
		people, next, err := b.s.Due(b.tb.Context(), day(now), after, limit)
		if err != nil {
			b.tb.Fatal(err)
		}
		for i := range people {
			out = append(out, brief(&people[i]))
		}
		if next == "" {
			return out
		}
		if len(people) > limit {
			b.tb.Fatalf("%d persons on a page of %d", len(people), limit)
		}
		after = next
	}
}

func (b *book) walk(now string) (out []string) {
	b.tb.Helper()
	if err := b.s.Walk(b.tb.Context(), day(now), func(p *retention.Person) error {
		out = append(out, brief(p))
		return nil
	}); err != nil {
		b.tb.Fatal(err)
	}
	return out
}

// brief is a person's subjects, and what is due and ahead: "1+2 erase; ask".
func brief(p *retention.Person) string {
	var subjects, exits []string
	for _, s := range p.Subjects {
		subjects = append(subjects, fmt.Sprint(int(s[0])<<16+int(s[1])<<8+int(s[2])))
	}
	for _, e := range p.Due {
		exits = append(exits, string(e.Action))
	}
	for _, e := range p.Ahead {
		exits = append(exits, "("+string(e.Action)+")")
	}
	return strings.Join(append([]string{strings.Join(subjects, "+")}, exits...), " ")
}

func (b *book) want(what string, got []string, want ...string) {
	b.tb.Helper()
	if d := cmp.Diff(want, got); d != "" {
		b.tb.Errorf("%s: %s", what, d)
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	b := open(t, shipped(t))
	b.apply(published(1), contact(1, "prospect", "2024-05-01"), contact(2, "supplier_contact", "2024-01-01"), contact(3, "prospect", "2024-01-01"),
		contact(4, "client", "2020-01-01"), about(4, event.ContractStarted, "2020-01-01", nil), contact(5, "supplier_contact", "2024-01-01"))
	for _, limit := range []int{1, 2, 3, 100} {
		b.want("a look", b.list("2027-01-01", limit), "2 erase", "5 erase", "3 ask")
		b.want("an earlier look", b.list("2026-12-15", limit), "2 erase", "5 erase", "3 (ask)")
	}
	b.want("too early", b.list("2024-06-01", 10))
	b.want("a walk", b.walk("2027-01-01"), "1", "2 erase", "3 ask", "4", "5 erase")

	b.apply(about(3, event.RetentionAsked, "2027-01-01", nil), about(2, event.ErasureOrdered, "2027-01-01", event.Codes{}.With("whole", true)))
	b.want("after the run", b.list("2027-01-02", 10), "5 erase", "3 (destroy)")
	b.want("and at the end of the wait", b.list("2027-02-01", 10), "5 erase", "3 erase")
	b.apply(about(3, event.InteractionRecorded, "2027-01-15", event.Codes{}.With("kind", "click")))
	b.want("after a yes", b.list("2027-02-01", 10), "5 erase")
	b.want("who was erased whole holds nothing", b.walk("2027-02-01"), "1", "3", "4", "5 erase")
	b.apply(about(4, event.ContractEnded, "2021-01-01", nil))
	b.want("a client whose contract ended", b.list("2027-02-01", 10), "4 erase", "5 erase")
	for _, cursor := range []string{"x", "1", "1.!", "."} {
		if _, _, err := b.s.Due(t.Context(), day("2027-01-01"), cursor, 1); !errors.Is(err, retention.ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

// TestCursorGoesOn: a look goes on where it was, whatever was done to those it listed.
func TestCursorGoesOn(t *testing.T) {
	t.Parallel()
	b := open(t, shipped(t))
	b.apply(published(1))
	for n := 1; n <= 7; n++ {
		b.apply(contact(n, "supplier_contact", "2024-01-0"+fmt.Sprint(n)))
	}
	var all []string
	for after := ""; ; {
		people, next, err := b.s.Due(t.Context(), day("2026-01-01"), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i := range people {
			all = append(all, brief(&people[i]))
			b.apply(&event.Fact{Type: event.ErasureOrdered, Subject: people[i].Subjects[0], Time: domain.NewTime(day("2026-01-01")), Codes: event.Codes{}.With("whole", true)})
		}
		if after = next; next == "" {
			break
		}
	}
	b.want("all", all, "1 erase", "2 erase", "3 erase", "4 erase", "5 erase", "6 erase", "7 erase")
	b.want("nothing is left", b.list("2026-01-01", 10))
}

func TestMerged(t *testing.T) {
	t.Parallel()
	b := open(t, shipped(t))
	b.apply(published(1), contact(1, "supplier_contact", "2020-01-01"), contact(2, "supplier_contact", "2021-01-01"), contact(3, "supplier_contact", "2022-01-01"))
	b.want("apart", b.list("2021-06-01", 10), "1 erase")
	b.apply(merged(3, 1, "2021-02-01", event.ContactMerged))
	b.apply(merged(2, 3, "2021-02-02", event.ContactMerged))
	b.want("one person, since the first was collected", b.list("2021-06-01", 10), "1+2+3 erase")
	b.want("and a walk meets it once", b.walk("2021-06-01"), "1+2+3 erase")

	b.apply(about(2, event.InteractionRecorded, "2021-05-01", event.Codes{}.With("kind", "reply")))
	b.want("an act of one is an act of all", b.list("2022-04-30", 10), nil...)
	b.want("and ends with it", b.list("2022-05-01", 10), "1+2+3 erase")
	b.apply(about(3, event.HoldPlaced, "2021-05-01", nil))
	people, _, err := b.s.Due(t.Context(), day("2022-05-01"), "", 10)
	if err != nil || len(people) != 1 || len(people[0].Due[0].Blocked) != 1 || people[0].Due[0].Subject != id(1) {
		t.Errorf("a hold of one: %v %+v", err, people)
	}
	b.apply(merged(3, 1, "2021-03-01", event.ContactUnmerged), merged(3, 1, "2021-01-15", event.ContactMerged))
	b.want("what is later holds: 1 is alone", b.list("2021-06-01", 10), "1 erase")
	b.want("and 2 and 3 are one", b.walk("2021-06-01"), "1 erase", "2+3")

	c, err := b.s.Clocks(t.Context(), id(3))
	if err != nil || c.Subject != id(3) || !c.LastAct.Equal(day("2021-05-01")) || !slices.Equal(c.Kinds, []string{"supplier_contact"}) {
		t.Errorf("%v %+v", err, c)
	}
	if _, err := b.s.Clocks(t.Context(), id(9)); !errors.Is(err, retention.ErrUnknown) {
		t.Error(err)
	}
	if err := b.s.Sound(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPolicyChanges: after a new policy the days of all are worked out anew, by a look
// that may fail half way; until there is a policy nothing has a term.
func TestPolicyChanges(t *testing.T) {
	t.Parallel()
	text := string(deploy.Policy())
	long, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	short, err := policy.Parse([]byte(strings.Replace(text, "length: P1Y\n", "length: P6M\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	b := open(t, func(version int64) (*due.Rules, error) {
		if broken.Load() {
			return nil, errors.New("the text cannot be read")
		}
		return due.New(map[int64]*policy.Policy{1: long, 2: short}[version]), nil
	})
	b.apply(contact(1, "supplier_contact", "2024-01-01"))
	if _, _, err := b.s.Due(t.Context(), day("2030-01-01"), "", 1); !errors.Is(err, retention.ErrNoPolicy) {
		t.Errorf("before any policy: %v", err)
	}
	b.apply(published(1))
	facts := make([]*event.Fact, 0, 6_000)
	for n := 2; n <= 6_000; n++ {
		facts = append(facts, contact(n, "supplier_contact", "2024-07-01"))
	}
	b.apply(facts...)
	b.want("a year", b.list("2025-01-01", 10), "1 erase")
	b.apply(published(2))
	if n := len(b.list("2025-01-01", 5000)); n != 6_000 {
		t.Errorf("half a year: %d persons", n)
	}
	broken.Store(true) // a policy that cannot be had yet stops nothing but the looks
	b.apply(published(1), contact(6_001, "supplier_contact", "2024-01-02"))
	if _, _, err := b.s.Due(t.Context(), day("2025-01-01"), "", 1); err == nil {
		t.Error("a look without rules")
	}
	broken.Store(false)
	b.want("a year again", b.list("2025-01-02", 10), "1 erase", "6001 erase")
	if rules, version, err := b.s.Rules(t.Context()); err != nil || version != 1 || !rules.Equal(due.New(long)) {
		t.Errorf("rules in force: version %d, %v", version, err)
	}
}
