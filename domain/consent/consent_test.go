package consent_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
)

func day(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

func id(n int) domain.ID { return domain.DeriveID([]byte{15: byte(n), 14: byte(n >> 8)}) }

// fact makes a consent fact; position is also its id.
func fact(t event.Type, d int, purpose string, channels ...string) *event.Fact {
	f := &event.Fact{Type: t, Time: domain.NewTime(day(d)), Controller: "acme"}
	if purpose != "" {
		f.Codes = f.Codes.With("purpose", purpose)
	}
	if len(channels) > 0 {
		f.Codes = f.Codes.With("channels", channels)
	}
	if t == event.ConsentGranted {
		f.Codes = f.Codes.With("evidence", "proven")
	}
	return f
}

func unproven(f *event.Fact) *event.Fact {
	f.Codes, f.Lacks = f.Codes.With("evidence", "unproven"), []string{"act"}
	return f
}

func until(f *event.Fact, d int) *event.Fact {
	f.Codes = f.Codes.With("expires_at", domain.FormatTime(day(d)))
	return f
}

func by(controller string, f *event.Fact) *event.Fact {
	f.Controller = controller
	return f
}

func acts(facts ...*event.Fact) (l []consent.Act) {
	for i, f := range facts {
		f.ID = id(i)
		if a, ok := consent.ActOf(domain.Position(i), f); ok {
			l = append(l, a)
		}
	}
	return l
}

func TestStates(t *testing.T) {
	t.Parallel()
	grant, refuse, withdraw, ask := event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn, event.ConsentRequested
	for name, c := range map[string]struct {
		facts []*event.Fact
		want  consent.State
		rests int
	}{
		"nothing":                         {nil, consent.None, 0},
		"asked":                           {[]*event.Fact{fact(ask, 1, "p", "email")}, consent.Requested, 0},
		"granted":                         {[]*event.Fact{fact(ask, 1, "p", "email"), fact(grant, 2, "p", "email")}, consent.Granted, 1},
		"asked again":                     {[]*event.Fact{fact(grant, 2, "p", "email"), fact(ask, 3, "p", "email")}, consent.Granted, 0},
		"every channel":                   {[]*event.Fact{fact(grant, 2, "p")}, consent.Granted, 0},
		"another channel":                 {[]*event.Fact{fact(grant, 2, "p", "phone")}, consent.None, 0},
		"another purpose":                 {[]*event.Fact{fact(grant, 2, "q", "email")}, consent.None, 0},
		"another controller":              {[]*event.Fact{by("other", fact(grant, 2, "p", "email"))}, consent.None, 0},
		"a grant for every purpose":       {[]*event.Fact{fact(grant, 2, "", "email")}, consent.None, 0},
		"a grant to every controller":     {[]*event.Fact{by("*", fact(grant, 2, "p", "email"))}, consent.None, 0},
		"refused":                         {[]*event.Fact{fact(refuse, 2, "p", "email")}, consent.Refused, 0},
		"withdrawn":                       {[]*event.Fact{fact(grant, 2, "p", "email"), fact(withdraw, 3, "p", "email")}, consent.Withdrawn, 1},
		"withdrawn whole":                 {[]*event.Fact{fact(grant, 2, "p", "email"), fact(withdraw, 3, "")}, consent.Withdrawn, 1},
		"withdrawn from every controller": {[]*event.Fact{fact(grant, 2, "p", "email"), by("*", fact(withdraw, 3, "p"))}, consent.Withdrawn, 1},
		"withdrawn elsewhere":             {[]*event.Fact{fact(grant, 2, "p"), fact(withdraw, 3, "p", "phone")}, consent.Granted, 0},
		"withdrawn earlier, came later":   {[]*event.Fact{fact(grant, 3, "p"), fact(withdraw, 2, "p")}, consent.Granted, 0},
		"granted again":                   {[]*event.Fact{fact(withdraw, 2, "p"), fact(grant, 3, "p")}, consent.Granted, 1},
		"equal time, refusal first":       {[]*event.Fact{fact(refuse, 2, "p"), fact(grant, 2, "p")}, consent.Refused, 0},
		"equal time, refusal last":        {[]*event.Fact{fact(grant, 2, "p"), fact(refuse, 2, "p")}, consent.Refused, 1},
		"equal time, later position":      {[]*event.Fact{fact(refuse, 2, "p"), fact(withdraw, 2, "p")}, consent.Withdrawn, 1},
		"unproven":                        {[]*event.Fact{unproven(fact(grant, 2, "p"))}, consent.Unproven, 0},
		"unproven after a refusal":        {[]*event.Fact{fact(refuse, 2, "p"), unproven(fact(grant, 3, "p"))}, consent.Refused, 0},
		"unproven after a grant":          {[]*event.Fact{fact(grant, 2, "p"), unproven(fact(grant, 3, "p"))}, consent.Granted, 0},
		"not yet expired":                 {[]*event.Fact{until(fact(grant, 2, "p"), 11)}, consent.Granted, 0},
		"expired":                         {[]*event.Fact{until(fact(grant, 2, "p"), 10)}, consent.Expired, 0},
		"expired, then withdrawn":         {[]*event.Fact{until(fact(grant, 2, "p"), 5), fact(withdraw, 6, "p")}, consent.Withdrawn, 1},
		"renewed":                         {[]*event.Fact{until(fact(grant, 2, "p"), 5), until(fact(grant, 5, "p"), 20)}, consent.Granted, 1},
		"later than asked":                {[]*event.Fact{fact(grant, 11, "p")}, consent.None, 0},
		"withdrawn later than asked":      {[]*event.Fact{fact(grant, 2, "p"), fact(withdraw, 11, "p")}, consent.Granted, 0},
	} {
		got := consent.Of(acts(c.facts...), consent.Query{Controller: "acme", Purpose: "p", Channel: "email"}, day(10))
		want := domain.ID{}
		if c.want != consent.None {
			want = id(c.rests)
		}
		if got.State != c.want || got.Event != want || got.Allows() != (c.want == consent.Granted) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestExpiryIsAnInstant(t *testing.T) {
	t.Parallel()
	l := acts(until(fact(event.ConsentGranted, 2, "p"), 10))
	q := consent.Query{Controller: "acme", Purpose: "p", Channel: "sms"}
	if s := consent.Of(l, q, day(10).Add(-time.Microsecond)); !s.Allows() || !s.Until.Equal(day(10)) || !s.Since.Equal(day(2)) {
		t.Errorf("before: %+v", s)
	}
	if s := consent.Of(l, q, day(10)); s.Allows() || !s.Since.Equal(day(10)) {
		t.Errorf("at: %+v", s)
	}
}

func TestOnlyConsentIsRead(t *testing.T) {
	t.Parallel()
	for _, typ := range []event.Type{event.ContactCreated, event.OppositionRegistered, event.NoticeServed} {
		if _, ok := consent.ActOf(0, &event.Fact{Type: typ}); ok {
			t.Errorf("%s is taken for consent", typ)
		}
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	l := acts(fact(event.ConsentGranted, 1, "p", "email", "phone"), fact(event.ConsentWithdrawn, 2, "p", "phone"),
		fact(event.ConsentRefused, 3, "q"), by("*", fact(event.ConsentRefused, 4, "")), fact(event.ConsentGranted, 20, "later"))
	got := map[string]consent.State{}
	for _, e := range consent.All(l, day(3)) {
		got[e.Controller+" "+e.Purpose+" "+e.Channel] = e.State
	}
	want := map[string]consent.State{"acme p email": consent.Granted, "acme p phone": consent.Withdrawn,
		"acme q *": consent.Refused, "acme q email": consent.Refused, "acme q phone": consent.Refused}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, e := range consent.All(l, day(5)) {
		if e.State != consent.Refused {
			t.Errorf("%+v after everything was refused", e)
		}
	}
	if consent.All(nil, day(5)) != nil {
		t.Error("something of nothing")
	}
}

func drawn(t *rapid.T) *event.Fact {
	f := fact(rapid.SampledFrom([]event.Type{event.ConsentGranted, event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn, event.ConsentRequested}).Draw(t, "type"),
		rapid.IntRange(1, 6).Draw(t, "day"), rapid.SampledFrom([]string{"p", "p", "q", ""}).Draw(t, "purpose"),
		rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"email", "phone", "sms"}), 0, 2, rapid.ID[string]).Draw(t, "channels")...)
	f.Controller = rapid.SampledFrom([]string{"acme", "acme", "other", "*"}).Draw(t, "controller")
	if f.Type == event.ConsentGranted && rapid.Bool().Draw(t, "expires") {
		until(f, rapid.IntRange(1, 8).Draw(t, "until"))
	}
	if f.Type == event.ConsentGranted && rapid.IntRange(0, 4).Draw(t, "proof") == 0 {
		unproven(f)
	}
	return f
}

func queries(yield func(consent.Query, time.Time) bool) {
	for _, c := range []string{"acme", "other"} {
		for _, p := range []string{"p", "q"} {
			for _, ch := range []string{"email", "phone", "sms", "postal"} {
				for d := range 9 {
					if !yield(consent.Query{Controller: c, Purpose: p, Channel: ch}, day(d)) {
						return
					}
				}
			}
		}
	}
}

func TestDenialNeverAllows(t *testing.T) {
	t.Parallel()
	granted := 0
	rapid.Check(t, func(t *rapid.T) {
		before := acts(rapid.SliceOfN(rapid.Custom(drawn), 0, 12).Draw(t, "facts")...)
		no := drawn(t)
		no.Type = rapid.SampledFrom([]event.Type{event.ConsentRefused, event.ConsentWithdrawn}).Draw(t, "denial")
		a, _ := consent.ActOf(domain.Position(rapid.IntRange(100, 200).Draw(t, "at")), no)
		after := slices.Insert(slices.Clone(before), rapid.IntRange(0, len(before)).Draw(t, "place"), a)
		for q, at := range queries {
			was, is := consent.Of(before, q, at), consent.Of(after, q, at)
			if was.Allows() {
				granted++
			}
			if is.Allows() && !was.Allows() {
				t.Fatalf("%+v of %v: %s became granted by a denial", q, at, was.State)
			}
		}
	})
	if granted < 100 {
		t.Errorf("only %d grants were seen: the test shows nothing", granted)
	}
}

func TestOrderOfArrivalNeverMatters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := acts(rapid.SliceOfN(rapid.Custom(drawn), 0, 12).Draw(t, "facts")...)
		other := slices.Clone(l)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		for d := range 9 {
			if x := cmp.Diff(consent.All(l, day(d)), consent.All(other, day(d))); x != "" {
				t.Fatal(x)
			}
		}
		for q, at := range queries {
			if s := consent.Of(l, q, at); s.Allows() && (s.Since.After(at) || !s.Until.IsZero() && !at.Before(s.Until)) {
				t.Fatalf("granted outside its time: %+v at %v", s, at)
			}
		}
	})
}
