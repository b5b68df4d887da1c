package clickhouse

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// DropAccessesBefore implements audit.Dataset: it writes the horizon down, from
// when on no answer has an older access, then drops the partitions. A crash leaves
// some of them; calling again, or the next session, finishes.
func (d *Dataset) DropAccessesBefore(ctx context.Context, t time.Time) (int64, error) {
	t = t.UTC()
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	d.write.Lock()
	defer d.write.Unlock()
	if err := d.ready(ctx); err != nil {
		return 0, err
	}
	const what = "drop accesses"
	var had uint64
	err := d.pool.row(ctx, what, "SELECT count() FROM ~.accesses FINAL WHERE time < fromUnixTimestamp64Micro({before:Int64}, 'UTC')",
		[]any{named("before", first.UnixMicro())}, &had)
	if err != nil {
		return 0, err
	}
	if err := d.pool.exec(ctx, what, "INSERT INTO ~.horizon (time) SELECT fromUnixTimestamp64Micro({before:Int64}, 'UTC')",
		named("before", first.UnixMicro())); err != nil {
		return 0, err
	}
	if s := d.session; s != nil {
		s.horizon = max(s.horizon, first.UnixMicro())
	}
	return int64(had), d.clear(ctx, first.UnixMicro())
}

// Horizon implements audit.Dataset.
func (d *Dataset) Horizon(ctx context.Context) (time.Time, error) {
	if err := d.ready(ctx); err != nil {
		return time.Time{}, err
	}
	var at int64
	err := d.pool.row(ctx, "audit horizon", "SELECT toUnixTimestamp64Micro(max(time)) FROM ~.horizon", nil, &at)
	if err != nil || at == 0 {
		return time.Time{}, err
	}
	return time.UnixMicro(at).UTC(), nil
}

// clear drops the partitions of the months before the horizon, in microseconds,
// and what is derived from them, which stands in no partitions: an insert would
// make a part for each month that it touches.
func (d *Dataset) clear(ctx context.Context, horizon int64) error {
	const what = "drop accesses"
	before := month(time.UnixMicro(horizon))
	var old []string
	err := d.pool.each(ctx, what, "SELECT DISTINCT partition FROM system.parts WHERE active AND database = {db:String} "+
		"AND table = 'accesses' AND toUInt32OrZero(partition) < {month:UInt32}",
		[]any{named("db", d.database), named("month", before)}, func(rows driver.Rows) (bool, error) {
			var p string
			err := rows.Scan(&p)
			old = append(old, p)
			return true, err
		})
	for _, p := range old {
		n, bad := strconv.ParseUint(p, 10, 32)
		if err == nil && bad == nil {
			err = d.pool.work(ctx, what, "ALTER TABLE ~.accesses DROP PARTITION "+strconv.FormatUint(n, 10))
		}
	}
	for _, t := range []string{"reads", "seen"} {
		var left uint64
		if err == nil {
			err = d.pool.sum(ctx, what, "SELECT count() FROM ~."+t+" WHERE month < {month:UInt32}", []any{named("month", before)}, &left)
		}
		if err == nil && left > 0 {
			err = d.pool.work(ctx, what, "ALTER TABLE ~."+t+" DELETE WHERE month < "+strconv.FormatUint(uint64(before), 10)+" SETTINGS mutations_sync = 2")
		}
	}
	return err
}
