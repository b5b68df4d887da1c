package notices_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/notices"
)

var start = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

func id(n int) domain.ID { return domain.DeriveID([]byte{14: byte(n >> 8), 15: byte(n)}) }

func at(months int) time.Time { return start.AddDate(0, months, 0) }

// log gives facts ids and positions in order.
func log(facts ...*event.Fact) []projections.Fact {
	out := make([]projections.Fact, len(facts))
	for i, f := range facts {
		c := *f
		if c.ID.IsZero() {
			c.ID = id(1000 + i)
		}
		out[i] = projections.Fact{Position: domain.Position(i), Fact: &c}
	}
	return out
}

func fact(t event.Type, months, subject int, codes event.Codes) *event.Fact {
	return &event.Fact{Type: t, Time: domain.NewTime(at(months)), Subject: id(subject), Controller: "acme", Source: id(50), Codes: codes}
}

func about(purpose string, channels ...string) event.Codes {
	var c event.Codes
	if purpose != "" {
		c = c.With("purpose", purpose)
	}
	if len(channels) > 0 {
		c = c.With("channels", channels)
	}
	return c
}

func proven(months, subject int, purpose string, channels ...string) *event.Fact {
	return fact(event.ConsentGranted, months, subject, about(purpose, channels...).With("evidence", "proven"))
}

func unproven(months, subject int, purpose string, channels []string, lacks ...string) *event.Fact {
	f := fact(event.ConsentGranted, months, subject, about(purpose, channels...).With("evidence", "unproven"))
	f.Lacks = lacks
	return f
}

func naming(notice int, f *event.Fact) *event.Fact {
	f.Codes = f.Codes.With("notice", id(notice).String())
	return f
}

func until(months int, f *event.Fact) *event.Fact {
	f.Codes = f.Codes.With("expires_at", domain.FormatTime(at(months)))
	return f
}

func publish(notice int) *event.Fact {
	return &event.Fact{Type: event.NoticePublished, ID: id(notice), Time: domain.NewTime(start), Codes: event.Codes{}.With("notice", id(notice).String())}
}

func expired(grant domain.ID, months, subject int) *event.Fact {
	return fact(event.ConsentExpired, months, subject, event.Codes{}.With("grant", grant.String()))
}

func built(t testing.TB, dir string, facts []projections.Fact) *notices.Notices {
	t.Helper()
	n, err := notices.Open(filepath.Join(dir, "notices.db"), notices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	if len(facts) > 0 {
		if err := n.Apply(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// lacking is "source: what ×count" of every count.
func lacking(t testing.TB, n *notices.Notices) (out []string) {
	t.Helper()
	counts, err := n.Unproven(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		out = append(out, fmt.Sprint(c.Lacks, "×", c.Grants))
	}
	return out
}

func TestUnprovenGrantsAreCountedAndCompleted(t *testing.T) {
	t.Parallel()
	legacy := unproven(0, 1, "prospecting", []string{"email", "phone"}, "method", "act", "notice")
	for name, c := range map[string]struct {
		facts []*event.Fact
		want  []string
	}{
		"none":                           {nil, nil},
		"one":                            {[]*event.Fact{legacy}, []string{"[act method notice]×1"}},
		"completed, its own time":        {[]*event.Fact{legacy, proven(0, 1, "prospecting", "email", "phone")}, nil},
		"completed before it came":       {[]*event.Fact{proven(0, 1, "prospecting", "email", "phone"), legacy}, nil},
		"completed channel by channel":   {[]*event.Fact{legacy, proven(0, 1, "prospecting", "email"), proven(1, 1, "prospecting", "phone")}, nil},
		"completed for every channel":    {[]*event.Fact{legacy, proven(2, 1, "prospecting")}, nil},
		"completed for one channel":      {[]*event.Fact{legacy, proven(0, 1, "prospecting", "email")}, []string{"[act method notice]×1"}},
		"an earlier proof":               {[]*event.Fact{legacy, proven(-1, 1, "prospecting", "email", "phone")}, []string{"[act method notice]×1"}},
		"another purpose":                {[]*event.Fact{legacy, proven(1, 1, "recruitment", "email", "phone")}, []string{"[act method notice]×1"}},
		"another person":                 {[]*event.Fact{legacy, proven(1, 2, "prospecting", "email", "phone")}, []string{"[act method notice]×1"}},
		"completed by a notice":          {[]*event.Fact{legacy, naming(700, unproven(0, 1, "prospecting", []string{"email", "phone"}, "notice")), publish(700)}, nil},
		"the notice came first":          {[]*event.Fact{publish(700), naming(700, unproven(0, 1, "prospecting", []string{"email", "phone"}, "notice")), legacy}, nil},
		"the notice is not published":    {[]*event.Fact{legacy, naming(700, unproven(0, 1, "prospecting", []string{"email", "phone"}, "notice"))}, []string{"[act method notice]×1", "[notice]×1"}},
		"another notice is":              {[]*event.Fact{publish(701), naming(700, unproven(0, 1, "prospecting", nil, "notice"))}, []string{"[notice]×1"}},
		"withdrawn since, whatever":      {[]*event.Fact{legacy, fact(event.ConsentWithdrawn, 1, 1, nil)}, nil},
		"refused for one channel":        {[]*event.Fact{legacy, fact(event.ConsentRefused, 1, 1, about("prospecting", "email"))}, []string{"[act method notice]×1"}},
		"every channel, one completed":   {[]*event.Fact{unproven(0, 1, "prospecting", nil, "act"), proven(0, 1, "prospecting", "email")}, []string{"[act]×1"}},
		"asking again completes nothing": {[]*event.Fact{legacy, fact(event.ConsentRequested, 1, 1, about("prospecting", "email", "phone"))}, []string{"[act method notice]×1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := built(t, t.TempDir(), log(c.facts...))
			if diff := gocmp.Diff(c.want, lacking(t, n)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnprovenGrantsAreListedByPages(t *testing.T) {
	t.Parallel()
	var facts []*event.Fact
	for i := range 7 {
		facts = append(facts, unproven(0, i, "prospecting", []string{"phone", "email"}, "act"))
	}
	n := built(t, t.TempDir(), log(facts...))
	var got []domain.Position
	for from := domain.Position(0); ; {
		page, err := n.UnprovenGrants(t.Context(), from, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page {
			got, from = append(got, g.Position), g.Position+1
			if g.Event != id(1000+int(g.Position)) || !slices.Equal(g.Channels, []string{"email", "phone"}) || !slices.Equal(g.Lacks, []string{"act"}) || g.Source != id(50) {
				t.Errorf("%+v", g)
			}
		}
		if len(page) < 3 {
			break
		}
	}
	if !slices.Equal(got, []domain.Position{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("listed %v", got)
	}
}

// ends is "position:channels@months" of what has ended by then.
func ends(t testing.TB, n *notices.Notices, now time.Time) (out []string) {
	t.Helper()
	for after, more := (notices.After{}), true; more; {
		var page []notices.Grant
		var err error
		if page, after, more, err = n.Ended(t.Context(), now, after, 2); err != nil {
			t.Fatal(err)
		}
		for _, g := range page {
			out = append(out, fmt.Sprintf("%d:%v@%s", g.Position, g.Channels, g.Due.Format(time.DateOnly)))
		}
	}
	return out
}

func TestGrantsEnd(t *testing.T) {
	t.Parallel()
	mail, year := until(3, proven(0, 1, "prospecting", "email")), at(12)
	for name, c := range map[string]struct {
		facts []*event.Fact
		now   time.Time
		want  []string
	}{
		"not yet":                    {[]*event.Fact{mail}, at(3).Add(-time.Microsecond), nil},
		"now":                        {[]*event.Fact{mail}, at(3), []string{"0:[email]@2026-12-01"}},
		"calls after a year":         {[]*event.Fact{proven(0, 1, "prospecting", "phone")}, year, []string{"0:[phone]@2027-09-01"}},
		"calls before":               {[]*event.Fact{proven(0, 1, "prospecting", "phone")}, year.Add(-time.Microsecond), nil},
		"two ends of one":            {[]*event.Fact{until(20, proven(0, 1, "prospecting", "email", "phone"))}, at(20), []string{"0:[phone]@2027-09-01", "0:[email]@2028-05-01"}},
		"one end of two channels":    {[]*event.Fact{until(3, proven(0, 1, "prospecting", "email", "phone"))}, at(20), []string{"0:[email phone]@2026-12-01"}},
		"never":                      {[]*event.Fact{proven(0, 1, "prospecting", "email")}, at(900), nil},
		"recorded":                   {[]*event.Fact{mail, expired(id(1000), 3, 1)}, at(20), nil},
		"one of two recorded":        {[]*event.Fact{until(20, proven(0, 1, "prospecting", "email", "phone")), expired(id(1000), 12, 1)}, at(20), []string{"0:[email]@2028-05-01"}},
		"renewed":                    {[]*event.Fact{mail, proven(2, 1, "prospecting", "email")}, at(20), nil},
		"renewed, that came before":  {[]*event.Fact{proven(2, 1, "prospecting", "email"), mail}, at(20), nil},
		"withdrawn":                  {[]*event.Fact{mail, fact(event.ConsentWithdrawn, 2, 1, about("prospecting"))}, at(20), nil},
		"renewed by what is not":     {[]*event.Fact{mail, unproven(2, 1, "prospecting", []string{"email"}, "act")}, at(20), []string{"0:[email]@2026-12-01"}},
		"renewed by a notice":        {[]*event.Fact{mail, naming(700, unproven(2, 1, "prospecting", []string{"email"}, "notice")), publish(700)}, at(20), nil},
		"renewed, not published":     {[]*event.Fact{mail, naming(700, unproven(2, 1, "prospecting", []string{"email"}, "notice"))}, at(20), []string{"0:[email]@2026-12-01"}},
		"not proven, no consent":     {[]*event.Fact{until(3, unproven(0, 1, "prospecting", []string{"email"}, "act"))}, at(20), nil},
		"proven by a notice":         {[]*event.Fact{naming(700, until(3, unproven(0, 1, "prospecting", []string{"email"}, "notice"))), publish(700)}, at(20), []string{"0:[email]@2026-12-01"}},
		"its notice not published":   {[]*event.Fact{naming(700, until(3, unproven(0, 1, "prospecting", []string{"email"}, "notice")))}, at(20), nil},
		"every channel, but calls":   {[]*event.Fact{proven(0, 1, "prospecting")}, at(20), []string{"0:[phone]@2027-09-01"}},
		"every channel, then calls":  {[]*event.Fact{until(20, proven(0, 1, "prospecting"))}, at(20), []string{"0:[phone]@2027-09-01", "0:[]@2028-05-01"}},
		"calls that do not solicit":  {[]*event.Fact{proven(0, 1, "customer_service", "phone")}, at(20), nil},
		"of somebody else recorded":  {[]*event.Fact{mail, expired(id(1000), 3, 2)}, at(20), []string{"0:[email]@2026-12-01"}},
		"same instant, denied":       {[]*event.Fact{mail, fact(event.ConsentRefused, 0, 1, about("prospecting", "email"))}, at(20), nil},
		"same instant, both granted": {[]*event.Fact{mail, until(3, proven(0, 1, "prospecting", "email"))}, at(20), []string{"1:[email]@2026-12-01"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := gocmp.Diff(c.want, ends(t, built(t, t.TempDir(), log(c.facts...)), c.now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPublished(t *testing.T) {
	t.Parallel()
	n := built(t, t.TempDir(), log(publish(700), publish(701), publish(700)))
	all, err := n.Published(t.Context())
	if diff := gocmp.Diff(map[domain.ID]domain.Position{id(700): 0, id(701): 1}, all); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if at, ok, err := n.At(t.Context(), id(701)); err != nil || !ok || at != 1 {
		t.Errorf("%d %t %v", at, ok, err)
	}
	if _, ok, err := n.At(t.Context(), id(9)); ok || err != nil {
		t.Errorf("%t %v", ok, err)
	}
	if l, err := n.List(t.Context(), 1, 9); err != nil || !slices.Equal(l, []domain.Position{1}) {
		t.Errorf("%v %v", l, err)
	}
	bad := publish(1)
	bad.Codes = nil
	more := log(publish(700), publish(701), publish(700), bad)
	if err := n.Apply(t.Context(), more); err == nil {
		t.Error("a publication of no notice was taken")
	}
}

func TestOfAnErasedPersonATombstoneIsLeft(t *testing.T) {
	t.Parallel()
	order := fact(event.ErasureOrdered, 1, 1, event.Codes{}.With("whole", true))
	order.ID = id(9)
	partial := fact(event.ErasureOrdered, 1, 2, event.Codes{}.With("whole", false))
	facts := log(until(3, proven(0, 1, "prospecting", "email")), unproven(0, 1, "recruitment", nil, "act"),
		until(3, proven(0, 2, "prospecting", "email")), partial, order)
	n := built(t, t.TempDir(), facts[:4])
	if err := n.Gone(t.Context(), id(1)); err == nil {
		t.Error("a person is gone before the order")
	}
	if _, _, ok, err := n.Erased(t.Context(), id(1)); ok || err != nil {
		t.Errorf("erased: %t %v", ok, err)
	}
	if err := n.Apply(t.Context(), facts[4:]); err != nil {
		t.Fatal(err)
	}
	if err := n.Gone(t.Context(), id(1)); err != nil {
		t.Error(err)
	}
	if by, at, ok, err := n.Erased(t.Context(), id(1)); by != id(9) || at != 4 || !ok || err != nil {
		t.Errorf("erased by %v at %d, %t, %v", by, at, ok, err)
	}
	if got := ends(t, n, at(20)); !slices.Equal(got, []string{"2:[email]@2026-12-01"}) || lacking(t, n) != nil {
		t.Errorf("left: %v %v", got, lacking(t, n))
	}
	if err := n.Gone(t.Context(), id(2)); err == nil {
		t.Error("a partial erasure left nothing")
	}
}

// TestErasedInACopy: a log that was restored to before an order has the end of the
// erasure alone; it is enough.
func TestErasedInACopy(t *testing.T) {
	t.Parallel()
	whole := fact(event.SubjectErased, 1, 1, event.Codes{}.With("whole", true).With("restored", true))
	whole.ID = id(9)
	partly := fact(event.SubjectErased, 1, 2, event.Codes{}.With("whole", false).With("restored", true))
	done := fact(event.SubjectErased, 1, 3, event.Codes{}.With("whole", true))
	n := built(t, t.TempDir(), log(until(3, proven(0, 1, "prospecting", "email")), until(3, proven(0, 2, "prospecting", "email")),
		until(3, proven(0, 3, "prospecting", "email")), whole, partly, done))
	for subject, want := range map[int]bool{1: true, 2: false, 3: false} {
		by, _, erased, err := n.Erased(t.Context(), id(subject))
		if gone := n.Gone(t.Context(), id(subject)) == nil; gone != want || erased != want || want && by != id(9) || err != nil {
			t.Errorf("person %d: gone %t, erased %t by %v, %v", subject, gone, erased, by, err)
		}
	}
}
