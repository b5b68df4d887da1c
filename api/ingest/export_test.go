package ingest

import "time"

// SetLimit changes a mapping's time for one record.
func SetLimit(m *Mapping, d time.Duration) { m.limit = d }
