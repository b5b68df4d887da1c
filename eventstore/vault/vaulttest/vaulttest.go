// Package vaulttest holds every vault.Store to its port. Run is what an
// implementation's test calls; Check is the same for a test of the suite itself,
// which shows that a broken store turns it red.
//
// A case opens its own empty vault and judges by the port's methods alone, so
// one suite serves files, memory and servers. What only files show (that no byte
// is left after Destroy, that a killed process loses nothing) each
// implementation tests for itself.
package vaulttest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"greffe/eventstore/vault"
)

// T is what a case needs of a test. *testing.T has it.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}

// Opener opens one vault: empty the first time, with what it held when it was
// closed the next times.
type Opener func() (vault.Store, error)

// Case is one named demand on a store.
type Case struct {
	Name string
	Run  func(e *Env)
}

// Cases are all demands.
func Cases() []Case {
	var all []Case
	for _, group := range [][]Case{prepareCases(), refusalCases(), keyCases(), pendingCases(), readCases(), walkCases(), destroyCases(), doomCases(), moveCases(), retokenCases(), leaseCases(), nodesCases(), lifeCases()} {
		all = append(all, group...)
	}
	return all
}

// Run demands all of Cases of the store, each on a vault of its own.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			run(t, t.Context(), fresh(t), c)
		})
	}
}

// Check runs the cases whose name contains match and returns the first complaint
// of each that fails, by name.
func Check(ctx context.Context, match string, fresh func() Opener) map[string]string {
	failed := map[string]string{}
	for _, c := range Cases() {
		if !strings.Contains(c.Name, match) {
			continue
		}
		r := &recorder{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			run(r, ctx, fresh(), c)
		}()
		<-done
		if r.complaint != "" {
			failed[c.Name] = r.complaint
		}
	}
	return failed
}

func run(t T, ctx context.Context, open Opener, c Case) {
	e := &Env{T: t, ctx: ctx, open: open}
	e.Open()
	defer func() { _ = e.S.Close() }() // cases that test closing look at its error
	c.Run(e)
}

// recorder is a T that keeps the first complaint.
type recorder struct{ complaint string }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	if r.complaint == "" {
		r.complaint = fmt.Sprintf(format, args...)
	}
}

func (r *recorder) FailNow() { runtime.Goexit() }
