package rights

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// says is what a file allows, in short.
func (x *file) says() string {
	n := At(x.sum, x.now)
	return fmt.Sprint(n.Next, n.Steps, n.Outcomes, n.Letters)
}

// TestNow: what each state offers, and what it asks for next.
func TestNow(t *testing.T) {
	t.Parallel()
	const always = "acknowledgement identity_request"
	x := plain(t, Access)
	is := func(want string) {
		t.Helper()
		if got := x.says(); got != want {
			t.Errorf("%s offers\n%s, want\n%s", x.sum.Status, got, want)
		}
	}
	is("verify[verify assign tasks notes extend answer refuse dispatch withdraw] [nothing_held] [" + always + " restriction_lifting other]")
	x.do(Search{System: SystemOther, Title: "archives"})
	is("end[verify assign tasks end notes extend refuse dispatch withdraw] [] [" + always + " restriction_lifting other]")
	x.do(Searched{Task: OpenTasks(x.sum)[0], Finding: NothingThere}).do(Verify{Means: ByCallback, Subject: person})
	is("answer[verify assign tasks notes extend answer refuse dispatch withdraw] [granted partly nothing_held] [" + always + " restriction_lifting other]")
	x.do(Extend{Complex, "motif"})
	is("dispatch[verify assign tasks notes answer refuse dispatch withdraw] [granted partly nothing_held] [" + always + " extension restriction_lifting other]")
	x.do(Tell{Of: LetterExtension, By: "hand"}).do(Conclude{Outcome: Granted})
	is("dispatch[assign notes dispatch] [] [" + always + " answer restriction_lifting other]")
	x.do(Tell{Of: LetterAnswer, By: "hand"})
	is("close[assign notes dispatch close] [] [" + always + " restriction_lifting other]")
	x.do(Close{})
	is("[notes] [] []")
	late := plain(t, Erasure)
	late.now = now.AddDate(0, 2, 0)
	if slices.Contains(At(late.sum, late.now).Steps, StepExtend) {
		t.Error("the second month is over and the time can be extended")
	}
	if n := At(plain(t, Objection).sum, now); slices.Contains(n.Steps, StepRefuse) {
		t.Error("an objection to prospecting can be refused (art. 21(3))")
	}
}

// TestNextEndsAFile: whoever does what comes next, and nothing else, closes a request
// of each right, by whomever it was made.
func TestNextEndsAFile(t *testing.T) {
	t.Parallel()
	for _, right := range Rights() {
		for _, who := range Requesters() {
			in := Intake{Right: right, Requester: who, Channel: "email", Received: now, Person: Person{Name: "Anne Martin", Agent: "Paul"}, Subject: person}
			if in.Check(now) != nil {
				continue
			}
			x := received(t, in)
			x.do(Search{System: SystemOther, Title: "archives"})
			for range 6 {
				n := At(x.sum, x.now)
				switch n.Next {
				case StepEnd:
					x.do(Searched{Task: OpenTasks(x.sum)[0], Finding: NothingThere})
				case StepVerify:
					v := verifies(x.sum)
					v.Subject = person
					x.do(v)
				case StepAnswer:
					x.do(Conclude{Outcome: n.Outcomes[0], Words: "motif"})
				case StepDispatch:
					x.do(Tell{Of: LetterAnswer, By: "hand"})
				case StepClose:
					x.do(Close{})
				}
			}
			if x.sum.Status != StatusClosed {
				t.Errorf("%s of a %s ends as %s, next %s", right, who, x.sum.Status, At(x.sum, x.now).Next)
			}
		}
	}
}

// TestReckon: a count says from which day, to which, and why the end moved.
func TestReckon(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		received string
		n        int
		want     string
	}{
		{"2026-09-15T10:00:00Z", 1, "2026-09-15 2026-10-15 2026-10-15 "},
		{"2026-01-31T10:00:00Z", 1, "2026-01-31 2026-02-28 2026-03-02 saturday"},
		{"2026-03-05T10:00:00Z", 1, "2026-03-05 2026-04-05 2026-04-07 sunday"},
		{"2026-11-25T09:00:00Z", 1, "2026-11-25 2026-12-25 2026-12-28 holiday"},
		{"2026-09-24T22:10:00Z", 3, "2026-09-25 2026-12-25 2026-12-28 holiday"},
	} {
		at, err := time.Parse(time.RFC3339, c.received)
		if err != nil {
			t.Fatal(err)
		}
		r := Reckon(at, c.n)
		day := func(begins time.Time) string { return begins.Format(time.DateOnly) }
		got := fmt.Sprint(day(r.Received.Begins(time.UTC)), " ", day(r.Falls.Begins(time.UTC)), " ", day(r.Last.Begins(time.UTC)), " ", r.Moved)
		if got != c.want || !LastDay(months(at, c.n)).Equal(r.Last.Begins(time.UTC)) {
			t.Errorf("%s and %d months: %s, want %s", c.received, c.n, got, c.want)
		}
	}
}
