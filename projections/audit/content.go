package audit

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"greffe/domain"
)

// Content writes what d answers as tab-separated lines, in the form of a dump: every
// event and access below a position, 0 for all there are, and, unless it is given,
// every count by month. Two implementations that were given the same facts, and
// dropped the same accesses, give the same bytes.
func Content(ctx context.Context, w io.Writer, d Dataset, below domain.Position) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "# events\tposition\tevent\ttype\tsubject\tsource\tactor\tcontroller\tpurposes\ttime\trecorded\tpolicy\twarnings\tunproven")
	for e, err := range d.Events(ctx, Filter{Before: below}) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%t\n", e.Position, e.ID, e.Type, e.Subject, e.Source, e.Actor,
			e.Controller, strings.Join(e.Purposes, ","), e.Time.UnixMicro(), e.Recorded.UnixMicro(), e.Policy, e.Warnings, e.Unproven)
	}
	fmt.Fprintln(out, "# accesses\tposition\tevent\tsource\taccount\tsubjects\taction\treason\tticketed\tcategories\tcount\ttime\trecorded")
	for a, err := range d.Accesses(ctx, AccessFilter{Before: below}) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%t\t%s\t%d\t%d\t%d\n", a.Position, a.ID, a.Source, a.Account, a.Subjects, a.Action, a.Reason,
			a.Ticketed, strings.Join(a.Categories, ","), a.Count, a.Time.UnixMicro(), a.Recorded.UnixMicro())
	}
	if below == 0 {
		if err := counts(ctx, out, d); err != nil {
			return err
		}
	}
	return out.Flush()
}

func counts(ctx context.Context, out io.Writer, d Dataset) error {
	whole, err := d.Summary(ctx, Span{})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "# counts\tmonth\tdim\tkey\tn")
	for _, name := range slices.Sorted(maps.Keys(whole.ByMonth)) {
		from, err := time.Parse("2006-01", name)
		if err != nil {
			return fmt.Errorf("a month of the counts: %w", err)
		}
		s, err := d.Summary(ctx, Span{From: from, To: from.AddDate(0, 1, 0)})
		if err != nil {
			return err
		}
		for _, c := range []struct {
			dim string
			n   map[string]int64
		}{{"type", s.ByType}, {"source", s.BySource}, {"purpose", s.ByPurpose}, {"access_reason", s.AccessesByReason},
			{"access_account", s.AccessesByAccount}, {"unproven", s.UnprovenBySource}, {"warning", s.WarningsByRule}} {
			for _, key := range slices.Sorted(maps.Keys(c.n)) {
				fmt.Fprintf(out, "%s\t%s\t%q\t%d\n", name, c.dim, key, c.n[key])
			}
		}
		for _, c := range s.SortedConsents() {
			fmt.Fprintf(out, "%s\tconsent\t%q\t%d\n", name, c.Purpose+" "+string(c.Type), s.Consents[c])
		}
	}
	return nil
}
