package app

import (
	"context"
	"errors"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/eventstore"
	"greffe/eventstore/vault"
	"greffe/projections"
)

// Ready implements httpapi.Node: whether the ledger goes on, its stores can be reached,
// and every read model follows. Read models that lag are ready: what needs a position
// waits for it.
func (n node) Ready(ctx context.Context) error {
	if err := n.a.Ledger.Cause(); err != nil {
		return standstill("ledger", "halted", errors.Join(errStateUnknown, err))
	}
	if away := n.a.away(ctx); len(away) > 0 {
		return &httpapi.AwayError{Stores: away}
	}
	states, err := n.a.runner.States(ctx)
	if err != nil {
		return standstill("log", "unread", err)
	}
	for _, s := range states {
		if s.Halted != nil {
			return standstill("projection:"+s.Name, "halted", s.Halted)
		}
		if s.Stalled != nil && !(s.Name == n.a.Audit.Name() && n.a.auditApart()) { // else all nodes would go at once
			return standstill("projection:"+s.Name, "stalled", s.Stalled)
		}
	}
	if n.a.auditStalled(ctx) && n.a.auditApart() {
		return &httpapi.AwayError{Stores: []string{"audit dataset"}, Ready: true}
	}
	return nil
}

var errStateUnknown = errors.New("the ledger stopped: its state is unknown")

// standstill names a component and the kind of its error.
func standstill(component, state string, err error) error {
	cause := "other"
	for _, c := range []struct {
		name string
		is   []error
	}{
		{"state_unknown", []error{errStateUnknown}},
		{"damaged", []error{eventstore.ErrCorrupt, projections.ErrGap}},
		{"ahead", []error{projections.ErrAhead}},
		{"no_room", []error{projections.ErrNoRoom}},
		{"away", []error{projections.ErrUnavailable, eventstore.ErrUnavailable, vault.ErrUnavailable}},
		{"panic", []error{projections.ErrPanic}},
		{"timeout", []error{context.DeadlineExceeded, context.Canceled}},
	} {
		for _, is := range c.is {
			if errors.Is(err, is) && cause == "other" {
				cause = c.name
			}
		}
	}
	return &httpapi.StoppedError{Stopped: problem.Stopped{Component: component, State: state, Cause: cause}, Err: err}
}
