package eraser

import (
	"context"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
)

// Certificate says what an erasure did. Its number answers, later, the question
// whether anything is held still.
type Certificate struct {
	Number    domain.ID // of the subject.erased (or part.redacted) fact
	Operation domain.ID
	Subject   domain.ID
	Position  domain.Position
	Erased    domain.Time // when it was certified
	Whole     bool
	Ground    string
	Destroyed []string
	Epochs    []erasure.ClassEpoch // of classes of which some keys went
	Kept      []erasure.Kept
	Stores    []string // that were asked and hold nothing of what was destroyed
	Checked   time.Time
	Told      []string // recipients, by code
}

// State is where an operation is.
type State struct {
	Operation   domain.ID
	Subject     domain.ID
	Ordered     domain.Position
	Certificate *Certificate // nil until it is done
	Err         error        // why the last pass did not finish it; it will be taken up again
}

// Wait returns when a pass has dealt with the operation: nil if it is done, or not
// known here, else why it is not; or ctx's error.
func (e *Eraser) Wait(ctx context.Context, operation domain.ID) error {
	e.mu.Lock()
	j := e.jobs[operation]
	var done chan struct{}
	var err error
	if j != nil {
		done, err = j.done, j.err
	}
	e.mu.Unlock()
	if j == nil || err != nil {
		return err
	}
	select {
	case <-done:
		e.mu.Lock()
		defer e.mu.Unlock()
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// State tells where an operation is, by what the log says; ErrUnknown for what is
// no order.
func (e *Eraser) State(ctx context.Context, operation domain.ID) (State, error) {
	at, f, err := e.cfg.Facts.Fact(ctx, operation)
	if err != nil {
		return State{}, err
	}
	if f.Type != event.ErasureOrdered {
		return State{}, ErrUnknown
	}
	s := State{Operation: operation, Subject: f.Subject, Ordered: at}
	err = e.cfg.Facts.Of(ctx, f.Subject, func(p domain.Position, x *event.Fact) error {
		if p > at && x.Codes.ID("order") == operation && (x.Type == event.SubjectErased || x.Type == event.PartRedacted) {
			c := CertificateOf(p, x)
			c.Ground = f.Codes.String("ground")
			s.Certificate = &c
		}
		return nil
	})
	if err != nil {
		return State{}, fmt.Errorf("state of an erasure: %w", err)
	}
	if s.Certificate == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if j := e.jobs[operation]; j != nil {
			s.Err = j.err
		}
	}
	return s, nil
}

// CertificateOf reads a subject.erased or part.redacted fact.
func CertificateOf(at domain.Position, f *event.Fact) Certificate {
	c := Certificate{Number: f.ID, Operation: f.Codes.ID("operation"), Subject: f.Subject, Position: at, Erased: f.Recorded, Whole: f.Codes.Bool("whole"),
		Destroyed: f.Codes.Strings("classes"), Epochs: erasure.Named(f.Codes.Strings("epochs")), Stores: f.Codes.Strings("stores"), Checked: f.Codes.Time("checked_at"), Told: f.Codes.Strings("recipients")}
	if f.Type == event.PartRedacted {
		c.Destroyed = []string{f.Codes.String("class")}
	}
	c.Kept = keptOf(f)
	return c
}

// keptOf reads what a fact says is kept.
func keptOf(f *event.Fact) (out []erasure.Kept) {
	grounds, until := f.Codes.Strings("kept_grounds"), f.Codes.Strings("kept_until")
	for i, class := range f.Codes.Strings("kept") {
		k := erasure.Kept{Class: class}
		if i < len(grounds) && i < len(until) {
			k.Ground = grounds[i]
			if t, err := domain.ParseTime(until[i]); err == nil {
				k.Until = domain.NewTime(t)
			}
		}
		out = append(out, k)
	}
	return out
}
