package clickhouse

import (
	"context"
	"iter"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"greffe/domain"
	"greffe/projections/audit"
)

// Hours implements audit.Dataset.
func (d *Dataset) Hours(ctx context.Context, f audit.HoursFilter) iter.Seq2[audit.Hour, error] {
	return func(yield func(audit.Hour, error) bool) {
		end, err := d.Checkpoint(ctx)
		if err != nil {
			yield(audit.Hour{}, err)
			return
		}
		if end == 0 {
			return
		}
		q := selecting("accesses", "", 0, end, 0)
		q.where = append(q.where, "time >= (SELECT max(time) FROM ~.horizon)", "account != toUUID('00000000-0000-0000-0000-000000000000')")
		q.id("account", f.Account)
		q.code("reason", f.Reason)
		q.span("time", f.Time)
		query := "SELECT account, intDiv(toUnixTimestamp64Micro(time), 3600000000) AS hour, count(), sum(count) FROM ~.accesses FINAL WHERE " +
			q.conditions() + " GROUP BY account, hour ORDER BY toString(account), hour"
		for x, err := range listing(ctx, d, "audit hours", query, q.args, scanHour) {
			if !yield(x, err) {
				return
			}
		}
	}
}

func scanHour(rows driver.Rows) (audit.Hour, error) {
	var x audit.Hour
	var account uuid.UUID
	var hour int64
	var accesses uint64
	err := rows.Scan(&account, &hour, &accesses, &x.Persons)
	x.Account, x.Start, x.Accesses = domain.ID(account), time.Unix(hour*3600, 0).UTC(), int64(accesses)
	return x, err
}
