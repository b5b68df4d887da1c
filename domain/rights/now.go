package rights

import (
	"errors"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
)

// Step names what can be done with a file.
type Step string

// The steps, by the last word of their routes; end is that of tasks/{task}.
const (
	StepVerify   Step = "verify"
	StepAssign   Step = "assign"
	StepTasks    Step = "tasks"
	StepEnd      Step = "end"
	StepNotes    Step = "notes"
	StepExtend   Step = "extend"
	StepAnswer   Step = "answer"
	StepRefuse   Step = "refuse"
	StepDispatch Step = "dispatch"
	StepWithdraw Step = "withdraw"
	StepClose    Step = "close"
)

// Now is what the state of a file allows at an instant, and what it asks for next.
type Now struct {
	Next     Step // "": nothing
	Steps    []Step
	Outcomes []Outcome // of the step answer
	Letters  []Letter  // whose dispatch can be recorded
	Grounds  []Ground  // on which it can be refused, wholly or in part
	Waits    []Wait    // outcomes that it can have once something was done
}

// Wait is an outcome that an answer cannot have yet.
type Wait struct {
	Outcome Outcome
	Lacks   Obstacle
}

// At is what a file allows now. It asks the commands themselves, so that it never
// offers what Decide refuses for the file's state, nor leaves out what it allows.
func At(s *casefile.Summary, now time.Time) Now {
	n := Now{}
	if undecided(s) == nil {
		n.Grounds = GroundsOf(Right(s.Kind))
	}
	can := func(c Command) bool { _, err := c.Decide(s, now); return err == nil }
	offer := func(step Step, yes bool) {
		if yes {
			n.Steps = append(n.Steps, step)
		}
	}
	for _, o := range Outcomes() {
		c := Conclude{Outcome: o, Words: "-"}
		if o == Partly {
			c.Grounds, c.Remedies = first(n.Grounds), Remedies()
		}
		_, err := c.Decide(s, now)
		var lacks *StateError
		switch {
		case err == nil:
			n.Outcomes = append(n.Outcomes, o)
		case errors.As(err, &lacks) && undecided(s) == nil:
			n.Waits = append(n.Waits, Wait{o, Obstacle(lacks.Lacks)})
		}
	}
	for _, l := range Letters() {
		if can(Tell{Of: l, By: "hand"}) {
			n.Letters = append(n.Letters, l)
		}
	}
	offer(StepVerify, can(verifies(s)))
	offer(StepAssign, can(Assign{domain.ID{1}}))
	offer(StepTasks, can(Search{System: SystemOther, Title: "-"}))
	offer(StepEnd, slices.ContainsFunc(OpenTasks(s), func(t int64) bool { return can(Searched{Task: t, Finding: NothingThere}) }))
	offer(StepNotes, can(Remark{Words: "-"}))
	offer(StepExtend, can(Extend{Complex, "-"}))
	offer(StepAnswer, len(n.Outcomes) > 0)
	offer(StepRefuse, can(Refuse{first(n.Grounds), Remedies(), "-"}))
	offer(StepDispatch, len(n.Letters) > 0)
	offer(StepWithdraw, can(Withdraw{By: "email"}))
	offer(StepClose, can(Close{}))
	n.Next = n.next(s)
	return n
}

func first(g []Ground) []Ground { return g[:min(len(g), 1)] }

// verifies is a verification as this file takes one.
func verifies(s *casefile.Summary) Verify {
	v := Verify{Means: ByCallback}
	if who := RequesterOf(s); who != InPerson {
		if all := standings(who); len(all) > 0 {
			v.Standing = all[0]
		}
		if who == Heir && HeirGroundOf(s) == "" {
			v.Ground = ForEstate
		}
	}
	return v
}

// next is what brings a file nearer to its end: the person is told of an extension
// before anything else, as it counts only inside the first month.
func (n *Now) next(s *casefile.Summary) Step {
	told := s.Status == StatusAnswered || s.Status == StatusRefused
	switch {
	case slices.Contains(n.Steps, StepClose):
		return StepClose
	case told, slices.Contains(n.Letters, LetterExtension):
		return StepDispatch
	case slices.Contains(n.Steps, StepEnd):
		return StepEnd
	case slices.Contains(n.Outcomes, Granted):
		return StepAnswer
	case slices.Contains(n.Steps, StepVerify):
		return StepVerify
	case slices.Contains(n.Steps, StepAnswer):
		return StepAnswer
	}
	return ""
}
