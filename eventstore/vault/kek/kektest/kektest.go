// Package kektest holds every kek.KEK to its port.
package kektest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"greffe/eventstore/vault/kek"
)

// T is what a demand needs of a test. *testing.T has it.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// Run demands the port of k, and that other, a KEK of other keys, opens nothing
// of k's.
func Run(t *testing.T, k, other kek.KEK) {
	t.Helper()
	Demand(t, t.Context(), k, other)
}

// Demand is Run for a test of the demands themselves.
func Demand(t T, ctx context.Context, k, other kek.KEK) {
	t.Helper()
	if id := k.ID(); id == "" || len(id) > 255 || id != k.ID() {
		t.Errorf("the id is %q", id)
	}
	for _, n := range []int{0, 1, 32, 400, kek.MaxPlain} {
		roundTrip(t, ctx, k, bytes.Repeat([]byte{7}, n))
	}
	plain, aad := []byte("thirty-two bytes of a secret key"), []byte("subject")
	wrapped, err := k.Wrap(ctx, plain, aad)
	if err != nil {
		t.Errorf("wrap: %v", err)
		return
	}
	if bytes.Contains(wrapped, plain[:8]) {
		t.Errorf("the secret is in what wraps it")
	}
	tampered(t, ctx, k, wrapped, aad)
	if _, err := other.Unwrap(ctx, wrapped, aad); !errors.Is(err, kek.ErrWrongKey) && !errors.Is(err, kek.ErrUnknownKey) {
		t.Errorf("another KEK's answer is %v", err)
	}
	if _, err := k.Wrap(ctx, make([]byte, kek.MaxPlain+1), nil); err == nil {
		t.Errorf("more than MaxPlain was wrapped")
	}
	cancelled(t, ctx, k, wrapped, aad)
	atOnce(t, ctx, k)
}

func roundTrip(t T, ctx context.Context, k kek.KEK, plain []byte) {
	t.Helper()
	aad := []byte("what it is for")
	before := slices.Concat(plain, aad)
	one, err1 := k.Wrap(ctx, plain, aad)
	two, err2 := k.Wrap(ctx, plain, aad)
	if err := errors.Join(err1, err2); err != nil || bytes.Equal(one, two) {
		t.Errorf("wrapping twice: equal is %v, %v", bytes.Equal(one, two), err)
	}
	for _, w := range [][]byte{one, two} {
		kept := bytes.Clone(w)
		got, err := k.Unwrap(ctx, w, aad)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("unwrapping %d bytes: %d bytes, %v", len(plain), len(got), err)
		}
		if !bytes.Equal(kept, w) || !bytes.Equal(before, slices.Concat(plain, aad)) {
			t.Errorf("an argument was written over")
		}
	}
}

// tampered demands an error for every flipped bit, every cut and other aad.
func tampered(t T, ctx context.Context, k kek.KEK, wrapped, aad []byte) {
	t.Helper()
	for i := range wrapped {
		for bit := range 8 {
			bad := bytes.Clone(wrapped)
			bad[i] ^= 1 << bit
			if _, err := k.Unwrap(ctx, bad, aad); err == nil {
				t.Errorf("unwrapped with bit %d of byte %d flipped", bit, i)
			}
		}
		if _, err := k.Unwrap(ctx, wrapped[:i], aad); err == nil {
			t.Errorf("unwrapped, cut to %d bytes", i)
		}
	}
	if _, err := k.Unwrap(ctx, append(bytes.Clone(wrapped), 0), aad); err == nil {
		t.Errorf("unwrapped with a byte too many")
	}
	for _, other := range []string{"", "subjec", "subjects", "account"} {
		if _, err := k.Unwrap(ctx, wrapped, []byte(other)); !errors.Is(err, kek.ErrWrongKey) {
			t.Errorf("unwrapped with other aad: %v", err)
		}
	}
	if _, err := k.Unwrap(ctx, wrapped, aad); err != nil {
		t.Errorf("unwrapped as it was: %v", err)
	}
}

func cancelled(t T, ctx context.Context, k kek.KEK, wrapped, aad []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := k.Wrap(ctx, []byte("x"), aad); !errors.Is(err, context.Canceled) {
		t.Errorf("wrap with a cancelled context: %v", err)
	}
	if _, err := k.Unwrap(ctx, wrapped, aad); !errors.Is(err, context.Canceled) {
		t.Errorf("unwrap with a cancelled context: %v", err)
	}
}

// atOnce wraps from many goroutines: all open, no two alike.
func atOnce(t T, ctx context.Context, k kek.KEK) {
	t.Helper()
	all := make([][]byte, 64)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i], _ = k.Wrap(ctx, []byte("same"), nil) }) // an error shows as nil below
	}
	wg.Wait()
	slices.SortFunc(all, bytes.Compare)
	for i, w := range all {
		if got, err := k.Unwrap(ctx, w, nil); err != nil || string(got) != "same" {
			t.Errorf("wrapped at once: %v", err)
		}
		if i > 0 && bytes.Equal(all[i-1], w) {
			t.Errorf("two wrappings at once are alike")
		}
	}
}
