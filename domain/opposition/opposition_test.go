package opposition_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/opposition"
)

func id(n int) domain.ID { return domain.DeriveID([]byte{14: byte(n >> 8), 15: byte(n)}) }

func day(n int) time.Time { return time.Date(2026, 9, n, 12, 0, 0, 0, time.UTC) }

var anna, bob = id(1), id(2)

func TestBinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scope                        opposition.Scope
		channel, purpose, controller string
		want                         bool
	}{
		"everything":                     {opposition.Scope{}, "email", "prospecting", "acme", true},
		"every controller":               {opposition.Scope{Controller: "*"}, "email", "prospecting", "acme", true},
		"the controller":                 {opposition.Scope{Controller: "acme"}, "email", "prospecting", "acme", true},
		"another controller":             {opposition.Scope{Controller: "other"}, "email", "prospecting", "acme", false},
		"the purpose":                    {opposition.Scope{Purpose: "prospecting"}, "email", "prospecting", "acme", true},
		"another purpose":                {opposition.Scope{Purpose: "billing"}, "email", "prospecting", "acme", false},
		"every purpose, starred":         {opposition.Scope{Purpose: "*"}, "email", "prospecting", "acme", true},
		"one of the channels":            {opposition.Scope{Channels: []string{"sms", "email"}}, "email", "prospecting", "acme", true},
		"another channel":                {opposition.Scope{Channels: []string{"sms"}}, "email", "prospecting", "acme", false},
		"every channel, starred":         {opposition.Scope{Channels: []string{"*"}}, "email", "prospecting", "acme", true},
		"all parts":                      {opposition.Scope{Controller: "acme", Purpose: "prospecting", Channels: []string{"email"}}, "email", "prospecting", "acme", true},
		"all parts but one":              {opposition.Scope{Controller: "acme", Purpose: "prospecting", Channels: []string{"email"}}, "sms", "prospecting", "acme", false},
		"asked for no channel":           {opposition.Scope{Channels: []string{"sms"}}, "", "prospecting", "acme", true},
		"asked for no purpose":           {opposition.Scope{Purpose: "billing"}, "sms", "", "acme", true},
		"asked for every controller":     {opposition.Scope{Controller: "other"}, "sms", "prospecting", "*", true},
		"an unknown channel, everything": {opposition.Scope{}, "fax", "prospecting", "acme", true},
	} {
		if got := c.scope.Binds(c.channel, c.purpose, c.controller); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestWhatIsOwed: art. 21(1) lets nobody object to a contract or a duty by law, so an
// objection to everything does not reach them; one that names them or a channel does.
func TestWhatIsOwed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scope opposition.Scope
		binds bool
	}{
		"everything":                {opposition.Scope{}, false},
		"everything, starred":       {opposition.Scope{Controller: "*", Purpose: "*", Channels: []string{"*"}}, false},
		"everything of one company": {opposition.Scope{Controller: "acme"}, false},
		"the purpose":               {opposition.Scope{Purpose: "billing"}, true},
		"the channel":               {opposition.Scope{Channels: []string{"email"}}, true},
	} {
		entries := []opposition.Entry{{Event: id(1), Position: 1, Time: day(1), Subject: anna, Scope: c.scope}}
		q := opposition.Question{Channel: "email", Purpose: "billing", Controller: "acme", At: day(3)}
		if e, _ := opposition.Binding(entries, nil, nil, q); e == nil {
			t.Errorf("%s: free, though nothing is owed", name)
		}
		q.Owed = true
		if e, _ := opposition.Binding(entries, nil, nil, q); (e != nil) != c.binds {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestEntriesOfFacts(t *testing.T) {
	t.Parallel()
	fact := func(typ event.Type, codes event.Codes) *event.Fact {
		return &event.Fact{ID: id(9), Type: typ, Subject: anna, Controller: "acme", Time: domain.NewTime(day(2)), Recorded: domain.NewTime(day(3)), Codes: codes}
	}
	whole := opposition.Entry{Event: id(9), Position: 7, Time: day(2), Recorded: day(3), Subject: anna, Scope: opposition.Scope{Controller: "acme"}}
	narrow := whole
	narrow.Purpose, narrow.Channels = "prospecting", []string{"phone"}
	scoped := event.Codes{}.With("purpose", "prospecting").With("channels", []string{"phone"})
	for name, c := range map[string]struct {
		f    *event.Fact
		want opposition.Entry
		ok   bool
	}{
		"bare":                    {fact(event.OppositionRegistered, nil), whole, true},
		"scoped":                  {fact(event.OppositionRegistered, scoped), narrow, true},
		"all beats the rest":      {fact(event.OppositionRegistered, slices.Clone(scoped).With("scope", "all")), whole, true},
		"a request to object":     {fact(event.RequestReceived, event.Codes{}.With("right", "objection")), whole, true},
		"a request for access":    {fact(event.RequestReceived, event.Codes{}.With("right", "access")), whole, false},
		"a withdrawal is no such": {fact(event.ConsentWithdrawn, nil), opposition.Entry{}, false},
	} {
		got, ok := opposition.EntryOf(7, c.f)
		if ok != c.ok || ok && !cmp.Equal(got, c.want) {
			t.Errorf("%s: %v %s", name, ok, cmp.Diff(c.want, got))
		}
	}
}

func TestActsOfFacts(t *testing.T) {
	t.Parallel()
	grant := func(change ...func(*event.Fact)) *event.Fact {
		f := &event.Fact{ID: id(9), Type: event.ConsentGranted, Subject: anna, Controller: "acme", Time: domain.NewTime(day(2)),
			Codes: event.Codes{}.With("purpose", "prospecting").With("channels", []string{"email"}).With("evidence", "proven").With("method", "web_form").
				With("expires_at", domain.FormatTime(day(9)))}
		for _, c := range change {
			c(f)
		}
		return f
	}
	code := func(name string, v any) func(*event.Fact) {
		return func(f *event.Fact) { f.Codes = f.Codes.With(name, v) }
	}
	a, ok := opposition.ActOf(grant())
	want := opposition.Act{Event: id(9), Time: day(2), Subject: anna, Controller: "acme", Purpose: "prospecting", Channels: []string{"email"}, ExpiresAt: day(9)}
	if !ok || !cmp.Equal(a, want) {
		t.Errorf("%v %s", ok, cmp.Diff(want, a))
	}
	for name, f := range map[string]*event.Fact{
		"unproven":             grant(code("evidence", "unproven")),
		"lacks something":      grant(func(f *event.Fact) { f.Lacks = []string{"act"} }),
		"imported":             grant(code("method", "import")),
		"no purpose":           grant(code("purpose", "")),
		"no channel":           grant(code("channels", []string{})),
		"every controller":     grant(func(f *event.Fact) { f.Controller = "*" }),
		"of nobody":            grant(func(f *event.Fact) { f.Subject = domain.ID{} }),
		"a request to consent": grant(func(f *event.Fact) { f.Type = event.ConsentRequested }),
	} {
		if _, ok := opposition.ActOf(f); ok {
			t.Errorf("%s is taken for the person's own proven act", name)
		}
	}
}

var asked = opposition.Question{Channel: "email", Purpose: "prospecting", Controller: "acme", At: day(10)}

func entry(n, d int, change ...func(*opposition.Entry)) opposition.Entry {
	e := opposition.Entry{Event: id(n), Position: domain.Position(n), Time: day(d), Subject: anna}
	for _, c := range change {
		c(&e)
	}
	return e
}

func yes(d int, change ...func(*opposition.Act)) opposition.Act {
	a := opposition.Act{Event: id(100 + d), Time: day(d), Subject: anna, Controller: "acme", Purpose: "prospecting", Channels: []string{"email"}}
	for _, c := range change {
		c(&a)
	}
	return a
}

func TestWhatEndsAnEntry(t *testing.T) {
	t.Parallel()
	byAddress := func(e *opposition.Entry) { e.Subject = domain.ID{} }
	lift := func(d int, reason string) opposition.Lift {
		return opposition.Lift{Entry: id(10), Event: id(50), Time: day(d), Reason: reason}
	}
	for name, c := range map[string]struct {
		e     opposition.Entry
		lifts []opposition.Lift
		acts  []opposition.Act
		binds bool
		next  int
	}{
		"nothing":                      {e: entry(10, 5), binds: true},
		"not yet":                      {e: entry(10, 11), next: 11},
		"dated ahead, recorded":        {e: entry(10, 11, func(e *opposition.Entry) { e.Recorded = day(9) }), binds: true},
		"recorded later than it is":    {e: entry(10, 5, func(e *opposition.Entry) { e.Recorded = day(20) }), binds: true},
		"lifted":                       {e: entry(10, 5), lifts: []opposition.Lift{lift(6, "mistake")}},
		"lifted without a reason":      {e: entry(10, 5), lifts: []opposition.Lift{lift(6, "")}, binds: true},
		"lifted later":                 {e: entry(10, 5), lifts: []opposition.Lift{lift(12, "mistake")}, binds: true, next: 12},
		"another was lifted":           {e: entry(11, 5), lifts: []opposition.Lift{lift(6, "mistake")}, binds: true},
		"an earlier yes":               {e: entry(10, 5), acts: []opposition.Act{yes(4)}, binds: true},
		"a yes at the same time":       {e: entry(10, 5), acts: []opposition.Act{yes(5)}, binds: true},
		"a later yes":                  {e: entry(10, 5), acts: []opposition.Act{yes(6)}},
		"a yes to come":                {e: entry(10, 5), acts: []opposition.Act{yes(12)}, binds: true, next: 12},
		"a yes that ends":              {e: entry(10, 5), acts: []opposition.Act{yes(6, func(a *opposition.Act) { a.ExpiresAt = day(12) })}, next: 12},
		"a yes that ended":             {e: entry(10, 5), acts: []opposition.Act{yes(6, func(a *opposition.Act) { a.ExpiresAt = day(10) })}, binds: true},
		"somebody else's yes":          {e: entry(10, 5), acts: []opposition.Act{yes(6, func(a *opposition.Act) { a.Subject = bob })}, binds: true},
		"a yes for another channel":    {e: entry(10, 5), acts: []opposition.Act{yes(6, func(a *opposition.Act) { a.Channels = []string{"sms"} })}, binds: true},
		"a yes for every channel":      {e: entry(10, 5), acts: []opposition.Act{yes(6, func(a *opposition.Act) { a.Channels = nil })}, binds: true},
		"a yes for another purpose":    {e: entry(10, 5), acts: []opposition.Act{yes(6, func(a *opposition.Act) { a.Purpose = "billing" })}, binds: true},
		"a yes to somebody else":       {e: entry(10, 5), acts: []opposition.Act{yes(6, func(a *opposition.Act) { a.Controller = "other" })}, binds: true},
		"an address, a later yes":      {e: entry(10, 5, byAddress), acts: []opposition.Act{yes(6)}},
		"an address, an earlier yes":   {e: entry(10, 5, byAddress), acts: []opposition.Act{yes(4)}, binds: true},
		"an entry about other matters": {e: entry(10, 5, func(e *opposition.Entry) { e.Purpose = "billing" })},
	} {
		e, next := opposition.Binding([]opposition.Entry{c.e}, c.lifts, c.acts, asked)
		if (e != nil) != c.binds || c.next == 0 && !next.IsZero() || c.next != 0 && !next.Equal(day(c.next)) {
			t.Errorf("%s: %v, next %v", name, e, next)
		}
	}
}

func TestTheLatestBindingEntryIsNamed(t *testing.T) {
	t.Parallel()
	l := []opposition.Entry{entry(3, 4), entry(1, 6), entry(2, 6), entry(4, 5), entry(5, 11)}
	e, next := opposition.Binding(l, nil, nil, asked)
	if e == nil || e.Event != id(2) || !next.Equal(day(11)) {
		t.Errorf("%v, next %v", e, next)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	a := entry(1, 5, func(e *opposition.Entry) {
		e.Controller, e.Purpose, e.Channels = "acme", "prospecting", []string{"phone"}
	})
	b := entry(1, 4, func(e *opposition.Entry) {
		e.Subject, e.Recorded, e.Controller, e.Purpose, e.Channels = domain.ID{}, day(6), "acme", "prospecting", []string{"email"}
	})
	other := entry(2, 3)
	want := []opposition.Entry{other, entry(1, 5, func(e *opposition.Entry) {
		e.Recorded, e.Controller, e.Purpose, e.Channels = day(6), "acme", "prospecting", []string{"email", "phone"}
	})}
	for _, lists := range [][][]opposition.Entry{{{a, other}, {b}}, {{b}, {other}, {a}}, {{b, a, other, a}}} {
		if d := cmp.Diff(want, opposition.Merge(lists...)); d != "" {
			t.Error(d)
		}
	}
	if l := opposition.Merge(); len(l) != 0 {
		t.Errorf("something of nothing: %v", l)
	}
}

func drawScope(t *rapid.T) opposition.Scope {
	return opposition.Scope{Controller: rapid.SampledFrom([]string{"", "*", "acme", "other"}).Draw(t, "controller"),
		Purpose:  rapid.SampledFrom([]string{"", "prospecting", "billing"}).Draw(t, "purpose"),
		Channels: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"email", "phone", "sms"}), 0, 2, rapid.ID[string]).Draw(t, "channels")}
}

func questions(yield func(channel, purpose, controller string) bool) {
	for _, ch := range []string{"email", "phone", "sms", "postal", ""} {
		for _, p := range []string{"prospecting", "billing", "other", ""} {
			for _, c := range []string{"acme", "other", "third", "*"} {
				if !yield(ch, p, c) {
					return
				}
			}
		}
	}
}

func TestJoinBindsWhatEitherBinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawScope(t), drawScope(t)
		j, k := opposition.Join(a, b), opposition.Join(b, a)
		questions(func(ch, p, c string) bool {
			if (a.Binds(ch, p, c) || b.Binds(ch, p, c)) && !j.Binds(ch, p, c) || j.Binds(ch, p, c) != k.Binds(ch, p, c) {
				t.Fatalf("%+v and %+v joined are %+v: %q %q %q", a, b, j, ch, p, c)
			}
			return true
		})
	})
}

// TestMoreEntriesNeverFree, and neither does the order nor merging them.
func TestMoreEntriesNeverFree(t *testing.T) {
	t.Parallel()
	bound := 0
	rapid.Check(t, func(t *rapid.T) {
		draw := func(n int) opposition.Entry {
			e := entry(n, rapid.IntRange(1, 15).Draw(t, "day"))
			e.Scope = drawScope(t)
			e.Subject = rapid.SampledFrom([]domain.ID{anna, bob, {}}).Draw(t, "subject")
			return e
		}
		var l []opposition.Entry
		var lifts []opposition.Lift
		var acts []opposition.Act
		for n := range rapid.IntRange(0, 5).Draw(t, "entries") {
			l = append(l, draw(10+n))
			if rapid.IntRange(0, 3).Draw(t, "lift") == 0 {
				lifts = append(lifts, opposition.Lift{Entry: id(10 + n), Time: day(rapid.IntRange(1, 15).Draw(t, "lifted")), Reason: "mistake"})
			}
		}
		for range rapid.IntRange(0, 2).Draw(t, "acts") {
			acts = append(acts, yes(rapid.IntRange(1, 15).Draw(t, "yes")))
		}
		q := asked
		q.At = day(rapid.IntRange(1, 15).Draw(t, "at"))
		was, next := opposition.Binding(l, lifts, acts, q)
		if !next.IsZero() && !next.After(q.At) {
			t.Fatalf("next is %v at %v", next, q.At)
		}
		if was != nil {
			bound++
			if more, _ := opposition.Binding(append(slices.Clone(l), draw(20)), lifts, acts, q); more == nil {
				t.Fatal("one more entry freed")
			}
		}
		other := slices.Clone(l)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		for _, same := range [][]opposition.Entry{other, opposition.Merge(other, l)} {
			e, n := opposition.Binding(same, lifts, acts, q)
			if (e == nil) != (was == nil) || e != nil && e.Event != was.Event || !n.Equal(next) {
				t.Fatalf("in another order: %v, %v", e, n)
			}
		}
	})
	if bound < 5 {
		t.Errorf("only %d bound: the test shows nothing", bound)
	}
}
