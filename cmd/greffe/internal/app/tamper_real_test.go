//go:build real

package app

import (
	"errors"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"greffe/projections/audit/clickhouse/chtest"
)

// TestTamperClickHouse edits, takes away and adds rows in each table of an audit dataset
// on a server: verification names the table, and says where. An event or access that is
// taken away is written again by whoever opens the dataset, before anything is answered.
func TestTamperClickHouse(t *testing.T) {
	t.Parallel()
	o, server := everything(t), chtest.Shared(t)
	const healed = "SELECT count() FROM "
	const last, first = "(SELECT max(position) FROM ", "(SELECT min(position) FROM "
	for name, c := range map[string]struct{ edit, where string }{
		"event changed":     {"ALTER TABLE events UPDATE source = generateUUIDv4() WHERE position = 300", "events position=300"},
		"event gone":        {"ALTER TABLE events DELETE WHERE position = 301", healed + "events WHERE position = 301"},
		"event added":       {"INSERT INTO events SELECT * REPLACE (generateUUIDv4() AS id, term + 1 AS term) FROM events WHERE position = 302", "events position=302"},
		"access changed":    {"ALTER TABLE accesses UPDATE account = generateUUIDv4() WHERE position = " + last + "accesses)", "accesses position="},
		"access gone":       {"ALTER TABLE accesses DELETE WHERE 1", healed + "accesses"},
		"consent changed":   {"ALTER TABLE consents UPDATE method = 'x' WHERE position = " + last + "consents)", "consents, 2 rows from position"},
		"request changed":   {"ALTER TABLE requests UPDATE subject = generateUUIDv4() WHERE position = " + first + "requests)", "requests, 2 rows from position"},
		"request gone":      {"ALTER TABLE requests DELETE WHERE position = " + first + "requests)", "requests, 1 rows from position"},
		"decision changed":  {"ALTER TABLE decisions UPDATE checked = 99 WHERE position = " + first + "decisions)", "decisions, 2 rows from position"},
		"contact changed":   {"ALTER TABLE contacts UPDATE active = now64(6) WHERE subject = (SELECT min(subject) FROM contacts)", "contacts"},
		"contact's year":    {"ALTER TABLE contacts UPDATE made = made - INTERVAL 9 YEAR WHERE subject = (SELECT max(subject) FROM contacts)", "contacts"},
		"contact's erasure": {"ALTER TABLE contacts UPDATE erased = 1 - erased WHERE subject = (SELECT max(subject) FROM contacts)", "contacts"},
		"contact gone":      {"ALTER TABLE contacts DELETE WHERE subject = (SELECT min(subject) FROM contacts)", "contacts"},
		"count gone":        {"ALTER TABLE cells DELETE WHERE type = 'consent.granted'", "counts"},
		"count moved":       {"INSERT INTO cells SELECT * REPLACE (toUInt32(month + 1) AS month) FROM cells LIMIT 1", "counts"},
		"count of reads":    {"ALTER TABLE reads DELETE WHERE account = (SELECT min(account) FROM reads)", "reads"},
		"who saw it, gone":  {"ALTER TABLE seen DELETE WHERE position = " + last + "seen)", "seen, "},
		"who saw it, added": {"INSERT INTO seen SELECT * REPLACE (generateUUIDv4() AS subject) FROM seen LIMIT 1", "seen, 1 rows from position"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := o.victim(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			database := "tamper_" + strings.NewReplacer(" ", "_", ",", "", "'", "").Replace(name)
			v.cfg.AuditStore = "clickhouse://default@" + server.Addr + "/" + database
			if said, found := v.verify(t.Context()); found { // which fills it
				t.Fatalf("untouched: %s", said)
			}
			c0, err := clickhouse.Open(&clickhouse.Options{Addr: []string{server.Addr}, Auth: clickhouse.Auth{Username: "default", Database: database}})
			if err != nil {
				t.Fatal(err)
			}
			defer c0.Close()
			edit := c.edit
			if strings.HasPrefix(edit, "ALTER") {
				edit += " SETTINGS mutations_sync = 2"
			}
			if err := c0.Exec(t.Context(), edit); err != nil {
				t.Fatal(err)
			}
			var before, after uint64
			if strings.HasPrefix(c.where, healed) {
				err = c0.QueryRow(t.Context(), c.where).Scan(&before)
			}
			said, found := v.verify(t.Context())
			if strings.HasPrefix(c.where, healed) {
				err = errors.Join(err, c0.QueryRow(t.Context(), c.where).Scan(&after))
				if err != nil || found || before > 0 || after == 0 {
					t.Errorf("%s: %d rows, then %d, said %q: %v", c.edit, before, after, said, err)
				}
				return
			}
			if !found || !strings.Contains(said, "drift of audit") || !strings.Contains(said, c.where) || strings.Count(said, "drift of") != 1 {
				t.Errorf("%s: want %q, said %q", c.edit, c.where, said)
			}
		})
	}
}
