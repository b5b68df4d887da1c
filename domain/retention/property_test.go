package retention_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain/retention"
)

func anyDay(t *rapid.T, name string) time.Time {
	return day("2014-01-01").AddDate(0, 0, rapid.IntRange(0, 9000).Draw(t, name))
}

// anyLines are facts about somebody, each at any time.
func anyLines(t *rapid.T, name string) []string {
	kinds := []string{
		"contact.created kind=prospect /identity/contact_details", "contact.created kind=client /identity/notes@Y", "contact.changed kind=former_client /identity",
		"contact.created kind=candidate /identity/recruitment@Y-05", "interaction.recorded kind=click /commercial@Y", "interaction.recorded kind=open /commercial@Y",
		"contract.started /contract@Y", "contract.started ends_at=2021-05-05 /contract@Y", "contract.ended", "invoice.issued /billing@Y",
		"consent.withdrawn /evidence@Y", "opposition.registered", "restriction.placed /requests@Y", "restriction.lifted", "hold.placed", "request.received",
		"person.deceased", "recruitment.closed", "retention.asked", "retention.archived classes=billing,contract,evidence,requests", "contact.merged",
		"erasure.ordered classes=identity,contact_details", "erasure.ordered classes=billing epochs=billing/2019", "erasure.ordered whole=true kept=billing,evidence",
		"retention.generalised classes=notes",
	}
	lines := []string{"2018-02-28 contact.created kind=prospect /identity/contact_details/evidence@2018"}
	for range rapid.IntRange(0, 9).Draw(t, name) {
		at := anyDay(t, "at")
		what := rapid.SampledFrom(kinds).Draw(t, "what")
		lines = append(lines, at.Format(time.DateOnly)+" "+strings.ReplaceAll(what, "@Y", at.Format("@2006")))
	}
	return lines
}

func anybody(t *rapid.T, name string) *retention.Clocks { return clocks(anyLines(t, name)...) }

// TestNextIsNeverLate: before Next nothing is due or announced, and at Next something
// is; at the end of time nothing comes back.
func TestNextIsNeverLate(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	rapid.Check(t, func(t *rapid.T) {
		c := anybody(t, "who")
		now, next := anyDay(t, "now"), rules.Next(c)
		listed := func(at time.Time) bool { return len(rules.Due(c, at))+len(rules.Ahead(c, at)) > 0 }
		if (next.IsZero() || now.Before(next)) && listed(now) {
			t.Fatalf("next is %s, and on %s: %s; %s", next, now, told(rules.Due(c, now)), told(rules.Ahead(c, now)))
		}
		if !next.IsZero() && !listed(next) {
			t.Fatalf("next is %s, and nothing is listed then", next)
		}
	})
}

// TestEachKeyOnce: whatever is due, each key is in one exit and in the one that is
// milder than destruction only while it may be kept; what is due stays due.
func TestEachKeyOnce(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	rapid.Check(t, func(t *rapid.T) {
		c, now := anybody(t, "who"), anyDay(t, "now")
		seen := map[string]bool{}
		var note func(exits []retention.Exit)
		note = func(exits []retention.Exit) {
			for _, e := range exits {
				note(e.Parts)
				if e.Class == "" {
					continue
				}
				for _, p := range c.Parts {
					if key := p.Class + "/" + p.Epoch; p.Class == e.Class && (e.Epochs == nil || strings.Contains(" "+strings.Join(e.Epochs, " ")+" ", " "+p.Epoch+" ")) {
						if seen[key] {
							t.Fatalf("%s twice in %s", key, told(exits))
						}
						seen[key] = true
					}
				}
				if e.DueAt.After(now) || e.Rule == "" || e.Legal == "" || e.Since.After(e.DueAt) || e.Subject != anne {
					t.Fatalf("at %s: %+v", now, e)
				}
			}
		}
		due := rules.Due(c, now)
		note(due)
		if later := rules.Due(c, now.AddDate(0, 0, 1)); len(due) > 0 && len(later) == 0 {
			t.Fatalf("due on %s: %s; nothing a day later", now, told(due))
		}
	})
}

// TestNoActOfOursKeeps: what the company does never moves a term.
func TestNoActOfOursKeeps(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	rapid.Check(t, func(t *rapid.T) {
		lines := anyLines(t, "who")
		at := anyDay(t, "ours")
		if at.Before(day("2018-03-01")) {
			at = at.AddDate(5, 0, 0)
		}
		what := rapid.SampledFrom([]string{"interaction.recorded kind=open", "interaction.recorded kind=sent", "interaction.recorded kind=call direction=out",
			"interaction.recorded kind=call_attempt", "contact.changed /identity", "notice.served", "interaction.recorded kind=click direction=out"}).Draw(t, "what")
		before, after := clocks(lines...), clocks(append(lines, at.Format(time.DateOnly)+" "+what)...)
		if len(before.Parts) != len(after.Parts) || before.Collected.After(at) {
			return // it is the first thing that is held
		}
		now := anyDay(t, "now")
		if a, b := told(rules.Due(before, now)), told(rules.Due(after, now)); a != b {
			t.Fatalf("%s on %s moved a term: %s, then %s", what, at, a, b)
		}
	})
}

// TestStored: what is written is read again as it was, and cut bytes are refused.
func TestStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anybody(t, "who")
		b := c.AppendBinary(nil)
		again, err := retention.Decode(b)
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", c) {
			t.Fatalf("%v: %+v, want %+v", err, again, c)
		}
		if retention.Linked(b) != c.Linked {
			t.Fatal("Linked")
		}
		if _, err := retention.Decode(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]); err == nil {
			t.Fatal("a cut form was read")
		}
		unknown := append([]byte{b[0], b[1] | 1<<7}, b[2:]...)
		if _, err := retention.Decode(unknown); err == nil {
			t.Fatal("a flag that nobody knows was read")
		}
		if _, err := retention.Decode(append(b, 0)); err == nil {
			t.Fatal("a longer form was read")
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(clocks(prospect, silent, "2026-05-01 invoice.issued /billing@2026/other@2026-05").AppendBinary(nil))
	f.Add(clocks(prospect, "2025-01-01 hold.placed", "2025-01-01 retention.asked purpose=prospecting").AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := retention.Decode(b)
		if err != nil {
			return
		}
		again, err := retention.Decode(c.AppendBinary(nil))
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", c) {
			t.Fatalf("%v: %+v read as %+v", err, c, again)
		}
	})
}

func BenchmarkDue(b *testing.B) {
	rules, now := retention.New(shipped(b)), day("2026-11-22")
	stored := clocks(prospect, "2025-01-01 interaction.recorded kind=click /commercial@2025", "2025-05-01 consent.granted /evidence@2025").AppendBinary(nil)
	b.ReportAllocs()
	for b.Loop() {
		c, err := retention.Decode(stored)
		if err != nil {
			b.Fatal(err)
		}
		rules.Due(c, now)
		rules.Ahead(c, now)
	}
}
