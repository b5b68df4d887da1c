package clickhouse

import (
	"context"
	"fmt"
	"io"
	"time"

	"greffe/projections/audit"
)

// Dump implements projections.Projection: the checkpoint, what audit.Content
// writes, and the horizon. Nothing may be applied meanwhile.
func (d *Dataset) Dump(ctx context.Context, w io.Writer) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	var next uint64
	var horizon int64
	err := d.pool.row(ctx, "dump", "SELECT ("+claimed+"), (SELECT toUnixTimestamp64Micro(max(time)) FROM ~.horizon)", nil, &next, &horizon)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "# checkpoint\tposition\n%d\n", next); err != nil {
		return err
	}
	if err := audit.Content(ctx, w, d, 0); err != nil {
		return fmt.Errorf("dump audit: %w", err)
	}
	if horizon == 0 {
		return nil
	}
	_, err = fmt.Fprintf(w, "# horizon\tmonth\n%s\n", time.UnixMicro(horizon).UTC().Format("2006-01"))
	return err
}
