package vaulttest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"greffe/eventstore/vault"
)

func nodesCases() []Case {
	return []Case{
		{"swap/from what it is, and from nothing else", swaps},
		{"race/one of 64 swaps a value", raceSwap},
		{"relay/lines in order, the same again", relays},
		{"relay/refuses a gap and another line", relayRefuses},
		{"relay/many lines, and what comes after a number", relaysMany},
		{"relay/the callback may use the store, its error stops it", relayCallback},
		{"race/one of 64 adds a line", raceRelay},
	}
}

func swaps(e *Env) {
	a, b, none := []byte("a"), []byte("b"), []byte(nil)
	is := func(want []byte) {
		e.Helper()
		for range 2 {
			got, err := e.S.Meta(e.ctx, "name")
			e.ok("meta", err)
			if (got == nil) != (want == nil) || !bytes.Equal(got, want) {
				e.Errorf("the value is %q, want %q", got, want)
				e.FailNow()
			}
			e.reopen()
		}
	}
	for _, s := range []struct {
		old, new []byte
		stale    bool
		want     []byte
	}{
		{a, b, true, none}, {[]byte{}, b, true, none}, {none, none, false, none}, {none, a, false, a},
		{none, b, true, a}, {b, a, true, a}, {[]byte{}, b, true, a}, {a, a, false, a}, {a, b, false, b},
		{b, []byte{}, false, []byte{}}, {none, a, true, []byte{}}, {[]byte{}, none, false, none}, {none, a, false, a},
	} {
		err := e.S.SwapMeta(e.ctx, "name", s.old, s.new)
		if s.stale {
			e.is("swap from what it is not", err, vault.ErrStale)
		} else {
			e.ok("swap", err)
		}
		is(s.want)
	}
	e.ok("set", e.S.SetMeta(e.ctx, "name", b))
	e.is("swap from the value before", e.S.SwapMeta(e.ctx, "name", a, none), vault.ErrStale)
	e.ok("swap of another name", e.S.SwapMeta(e.ctx, "other", none, a))
	is(b)
}

func raceSwap(e *Env) {
	old := []byte(nil)
	for round := range 3 {
		errs := make([]error, racers)
		var wg sync.WaitGroup
		for i := range racers {
			wg.Go(func() { errs[i] = e.S.SwapMeta(e.ctx, "name", old, fmt.Appendf(nil, "%d of %d", i, round)) })
		}
		wg.Wait()
		winners := 0
		for i, err := range errs {
			if err == nil {
				winners++
				old = fmt.Appendf(nil, "%d of %d", i, round)
			} else if !errors.Is(err, vault.ErrStale) {
				e.Errorf("a loser's error is %v", err)
			}
		}
		e.same("winners", winners, 1)
		got, err := e.S.Meta(e.ctx, "name")
		e.ok("meta", err)
		e.same("the winner's value", got, old)
	}
}

// line is the fence's line n: bytes of any length, without meaning to the vault.
func line(n int) []byte { return blobOf("line", n, n%50) }

func lines(from, to int) (all [][]byte) {
	for n := from; n <= to; n++ {
		all = append(all, line(n))
	}
	return all
}

// relayed demands that exactly the lines up to last are there.
func (e *Env) relayed(what string, last int) {
	e.Helper()
	for _, after := range []int{0, last / 2, last - 1, last, last + 7} {
		next := max(after, 0)
		e.ok(what, e.S.FenceLines(e.ctx, int64(after), func(n int64, l []byte) error {
			next++
			if n != int64(next) || !bytes.Equal(l, line(next)) {
				e.Errorf("%s: after %d, line %d is not what it must be in place %d", what, after, n, next)
				return errStop
			}
			return nil
		}))
		e.same(what+": last line", next, max(last, after))
	}
}

func relays(e *Env) {
	e.relayed("a new vault", 0)
	e.ok("no lines", e.S.AppendFence(e.ctx, 1, nil))
	given := lines(1, 3)
	e.ok("append", e.S.AppendFence(e.ctx, 1, given))
	for _, l := range given {
		clear(l)
	}
	e.relayed("three", 3)
	e.ok("the same again", e.S.AppendFence(e.ctx, 1, lines(1, 3)))
	e.ok("one of them", e.S.AppendFence(e.ctx, 2, lines(2, 2)))
	e.relayed("three", 3)
	e.ok("some and new ones", e.S.AppendFence(e.ctx, 2, lines(2, 6)))
	e.relayed("six", 6)
	e.reopen()
	e.relayed("six, after a reopen", 6)
	e.ok("behind the last", e.S.AppendFence(e.ctx, 7, lines(7, 7)))
	e.relayed("seven", 7)
}

func relayRefuses(e *Env) {
	e.is("a gap at the beginning", e.S.AppendFence(e.ctx, 2, lines(2, 3)), vault.ErrStale)
	e.relayed("none", 0)
	e.ok("append", e.S.AppendFence(e.ctx, 1, lines(1, 3)))
	for what, c := range map[string]struct {
		first int64
		lines [][]byte
	}{
		"a gap":                     {5, lines(5, 6)},
		"number zero":               {0, lines(0, 0)},
		"a number below":            {-3, lines(1, 2)},
		"another first":             {1, lines(9, 9)},
		"another last":              {2, [][]byte{line(2), line(9)}},
		"another last and new ones": {3, [][]byte{line(9), line(4), line(5)}},
		"a shorter one":             {3, [][]byte{line(3)[:1], line(4)}},
		"an empty one":              {3, [][]byte{nil, line(4)}},
	} {
		e.is(what, e.S.AppendFence(e.ctx, c.first, c.lines), vault.ErrStale)
		e.relayed("after "+what, 3)
	}
}

func relaysMany(e *Env) {
	const many = 1500
	for n := 1; n <= many; n += 500 {
		e.ok("append", e.S.AppendFence(e.ctx, int64(n), lines(n, n+499)))
	}
	e.relayed("many", many)
	e.ok("all again", e.S.AppendFence(e.ctx, 1, lines(1, many+1)))
	e.relayed("many and one", many+1)
}

func relayCallback(e *Env) {
	e.ok("append", e.S.AppendFence(e.ctx, 1, lines(1, 3)))
	err := e.S.FenceLines(e.ctx, 0, func(n int64, l []byte) error {
		clear(l)
		if n == 2 {
			return errStop
		}
		return e.S.SetMeta(e.ctx, "name", []byte("used"))
	})
	if err != errStop {
		e.Errorf("the callback's error came back as %v", err)
	}
	e.relayed("after a callback that wrote over its lines", 3)
}

func raceRelay(e *Env) {
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() { errs[i] = e.S.AppendFence(e.ctx, 1, [][]byte{line(1), fmt.Appendf(nil, "of %d", i/2)}) })
	}
	wg.Wait()
	var got []byte
	e.ok("lines", e.S.FenceLines(e.ctx, 1, func(_ int64, l []byte) error {
		got = bytes.Clone(l)
		return nil
	}))
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			e.same("the winner's line", got, fmt.Appendf(nil, "of %d", i/2))
		} else if !errors.Is(err, vault.ErrStale) {
			e.Errorf("a loser's error is %v", err)
		}
	}
	e.same("winners, who added the same", winners, 2)
}
