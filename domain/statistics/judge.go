package statistics

import (
	"slices"
	"strings"
)

// TestName is one of the three tests of WP216.
type TestName string

// The tests.
const (
	Individualisation TestName = "individualisation" // singling out: can somebody be isolated?
	Correlation       TestName = "correlation"       // linkability: can two sets be joined on somebody?
	Inference         TestName = "inference"         // can something be deduced of somebody?
)

// Answer is how one test came out, and why.
type Answer struct {
	Test   TestName `json:"test"`
	Passed bool     `json:"passed"`
	Why    Reason   `json:"why"`
}

// Reason is a code for why a test is passed or not; Text puts it into words.
type Reason string

// The reasons.
const (
	CellsOfK      Reason = "cells_of_k"     // no cell stands for fewer than k people, no total gives one away
	NoCells       Reason = "no_cells"       // nothing is released
	Noise         Reason = "noise"          // one person more or less changes what is released by a factor of e^ε at most
	FirstOfItsDim Reason = "no_earlier"     // no other exact table of these people in 12 months
	Differencing  Reason = "differencing"   // an earlier exact table can be subtracted from this one
	Diverse       Reason = "diverse"        // l values in each cell, none of more than MaxShare
	Uniform       Reason = "uniform"        // a combination has one value only: who knows the others knows it
	NothingToTell Reason = "nothing_to_add" // the table has no attribute beside what identifies
)

// Earlier is a release of the 12 months before.
type Earlier struct {
	Exact     bool
	By        []Dimension
	Sensitive Dimension
}

// Judge answers the three tests of a table, given the releases of the 12 months before
// it. Of a noisy one, the budget was held (Spend).
func Judge(t *Table, before []Earlier) []Answer {
	if t.Order.Milli > 0 {
		return []Answer{{Individualisation, true, Noise}, {Correlation, true, Noise}, {Inference, true, Noise}}
	}
	if len(t.Cells) == 0 {
		return []Answer{{Individualisation, true, NoCells}, {Correlation, true, NoCells}, {Inference, true, NoCells}}
	}
	out := []Answer{{Individualisation, true, CellsOfK}, {Correlation, true, FirstOfItsDim}}
	if slices.ContainsFunc(before, func(e Earlier) bool { return e.Exact }) {
		out[1] = Answer{Correlation, false, Differencing}
	}
	switch {
	case t.Order.Sensitive != "":
		out = append(out, Answer{Inference, true, Diverse})
	case t.uniform():
		out = append(out, Answer{Inference, false, Uniform})
	case len(t.Order.By) == 1:
		out = append(out, Answer{Inference, true, NothingToTell})
	default:
		out = append(out, Answer{Inference, true, Diverse})
	}
	return out
}

// Anonymous reports that every test is passed: only then may the release be called so.
func Anonymous(answers []Answer) bool {
	return len(answers) == 3 && !slices.ContainsFunc(answers, func(a Answer) bool { return !a.Passed })
}

// uniform reports that, for some dimension that is not a mere place or time, the
// others' values leave one value of it only.
func (t *Table) uniform() bool {
	for i, d := range t.Order.By {
		if d == Age || d == Department || d == Collected || len(t.Order.By) == 1 || t.Levels[i] == d.Levels()-1 {
			continue
		}
		values := map[string]string{}
		several := map[string]bool{}
		for _, c := range t.Cells {
			rest := strings.Join(slices.Delete(slices.Clone(c.Values), i, i+1), "\x1f")
			if v, met := values[rest]; met && v != c.Values[i] {
				several[rest] = true
			}
			values[rest] = c.Values[i]
		}
		if len(several) < len(values) {
			return true
		}
	}
	return false
}
