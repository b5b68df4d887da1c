package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"greffe/domain"
)

// ErrDerived: a table that is derived from events or accesses does not hold what
// these say. The next writer makes one anew whose number of rows differs; Reset and
// the facts make any.
var ErrDerived = errors.New("a derived table of the audit dataset was changed")

// Sound compares the derived tables with what their views give of events and accesses:
// of rows every column, of aggregates all that they answer. Content compares events and
// accesses themselves.
func (d *Dataset) Sound(ctx context.Context) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	queries, err := views()
	if err != nil {
		return err
	}
	for _, t := range derived {
		source := final(queries[t.name], t.from, "")
		if !strings.Contains(t.columns, "position, term") {
			same, err := d.derivedWhole(ctx, t.name, shown(t.name), source)
			if err != nil {
				return err
			}
			if !same {
				return fmt.Errorf("%w: %s", ErrDerived, t.name)
			}
			continue
		}
		columns := strings.Replace(strings.Replace(t.columns, "term, ", "", 1), ", term", "", 1)
		stored, said := "SELECT "+columns+" FROM ~."+t.name+" FINAL", "SELECT "+columns+" FROM ("+source+")"
		var rows, first uint64
		err := d.pool.sum(ctx, "compare the audit tables", "SELECT count(), min(position) FROM (("+stored+" EXCEPT "+said+") UNION ALL ("+said+" EXCEPT "+stored+"))",
			nil, &rows, &first)
		if err != nil {
			return err
		}
		if rows > 0 {
			return fmt.Errorf("%w: %s, %d rows from position %d on", ErrDerived, t.name, rows, domain.Position(first))
		}
	}
	return nil
}

// shown is a sum over all that a table of aggregates answers.
func shown(table string) string {
	columns := map[string]string{
		"contacts": "subject, known, made, active, erased, finalizeAggregation(kind)",
		"cells":    "month, type, source, controller, purposes, rules, unproven, finalizeAggregation(positions)",
		"reads":    "month, day, account, reason, action, source, finalizeAggregation(positions), finalizeAggregation(persons)",
	}[table]
	return "count(), sum(cityHash64(" + columns + "))"
}
