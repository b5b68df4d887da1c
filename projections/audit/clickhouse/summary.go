package clickhouse

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"greffe/domain/event"
	"greffe/projections/audit"
)

// month is a month as the tables write it, 202603.
func month(t time.Time) uint32 {
	t = t.UTC()
	return uint32(t.Year()*100 + int(t.Month()))
}

const countCells = "SELECT month, type, source, purposes, rules, unproven, " +
	"bitmapCardinality(bitmapSubsetInRange(groupBitmapMergeState(positions), toUInt64(0), assumeNotNull((" + claimed + ")))) " +
	"FROM ~.cells WHERE month >= {lo:UInt32} AND month < {hi:UInt32} GROUP BY month, type, source, purposes, rules, unproven"

const countReads = "SELECT reason, account, " +
	"bitmapCardinality(bitmapSubsetInRange(groupBitmapMergeState(positions), toUInt64(0), assumeNotNull((" + claimed + ")))) " +
	"FROM ~.reads WHERE month >= {lo:UInt32} AND month < {hi:UInt32} " +
	"AND month >= (SELECT toYYYYMM(max(time)) FROM ~.horizon) GROUP BY reason, account"

// Summary implements audit.Dataset.
func (d *Dataset) Summary(ctx context.Context, span audit.Span) (*audit.Summary, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	lo, hi := uint32(0), uint32(math.MaxUint32)
	if !span.From.IsZero() {
		lo = month(span.From)
	}
	if !span.To.IsZero() {
		hi = month(span.To.Add(-1)) + 1
	}
	args := []any{named("lo", lo), named("hi", hi)}
	out := &audit.Summary{ByType: map[string]int64{}, ByMonth: map[string]int64{}, BySource: map[string]int64{}, ByPurpose: map[string]int64{},
		AccessesByReason: map[string]int64{}, AccessesByAccount: map[string]int64{}, UnprovenBySource: map[string]int64{}, WarningsByRule: map[string]int64{},
		Consents: map[audit.Consent]int64{}}
	err := d.pool.each(ctx, "audit summary", countCells, args, func(rows driver.Rows) (bool, error) { return true, countCell(rows, out) })
	if err == nil {
		err = d.pool.each(ctx, "audit summary", countReads, args, func(rows driver.Rows) (bool, error) {
			var reason string
			var account uuid.UUID
			var n uint64
			err := rows.Scan(&reason, &account, &n)
			if n > 0 {
				out.AccessesByReason[reason] += int64(n)
				out.AccessesByAccount[account.String()] += int64(n)
			}
			return true, err
		})
	}
	if err != nil {
		d.forget(err)
		return nil, err
	}
	return out, nil
}

func countCell(rows driver.Rows, out *audit.Summary) error {
	var month uint32
	var kind string
	var source uuid.UUID
	var purposes, rules []string
	var unproven bool
	var cardinality uint64
	if err := rows.Scan(&month, &kind, &source, &purposes, &rules, &unproven, &cardinality); err != nil || cardinality == 0 {
		return err
	}
	n := int64(cardinality)
	out.Events += n
	out.ByType[kind] += n
	name := fmt.Sprintf("%04d-%02d", month/100, month%100)
	out.ByMonth[name] += n
	for _, p := range audit.ConsentPurposes(event.Type(kind), purposes) {
		out.Consents[audit.Consent{Month: name, Purpose: p, Type: event.Type(kind)}] += n
	}
	if source != (uuid.UUID{}) {
		out.BySource[source.String()] += n
		if unproven {
			out.UnprovenBySource[source.String()] += n
		}
	}
	for _, p := range purposes {
		out.ByPurpose[p] += n
	}
	for _, r := range rules {
		out.WarningsByRule[r] += n
	}
	return nil
}
