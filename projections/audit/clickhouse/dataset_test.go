//go:build real

package clickhouse

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"greffe/domain"
	"greffe/projections/audit"
	"greffe/projections/audit/audittest"
	"greffe/projections/audit/clickhouse/chtest"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

var databases atomic.Int64

// newDatabase is a name that no other test of the process has.
func newDatabase() string { return fmt.Sprintf("greffe_%d", databases.Add(1)) }

var ledgerID = domain.ID{7, 6: 0x40, 8: 0x80}

// protocols are the URLs of a server.
func protocols(s *chtest.Server) map[string]string {
	return map[string]string{"native": "clickhouse://default@" + s.Addr + "/", "http": "http://default@" + s.HTTP + "/"}
}

func config(url string, o audit.Opener) Config {
	return Config{URL: url, Ledger: ledgerID, Opener: o, Pace: -1}
}

func mustOpen(t testing.TB, cfg Config) *Dataset {
	t.Helper()
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, url := range protocols(chtest.Shared(t)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			audittest.Run(t, func(t *testing.T, o audit.Opener) audit.Dataset {
				return mustOpen(t, config(url+newDatabase(), o))
			})
		})
	}
}

// TestConformance runs the suite of projections. The directory that it gives
// stands for the files of a store: here it holds the name of a database, and a
// copy of it that of a copy of the database as it was then.
func TestConformance(t *testing.T) {
	t.Parallel()
	s := chtest.Shared(t)
	projtest.Run(t, func(dir string, w *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
		file := filepath.Join(dir, "database")
		name, err := os.ReadFile(file)
		if err != nil {
			name = []byte(newDatabase())
		}
		cfg := config("clickhouse://default@"+s.Addr+"/"+string(name), w)
		if hook != nil {
			cfg.hook = func(step string) error {
				snapshot, err := snapshot(t, s, string(name))
				if err == nil {
					err = os.WriteFile(file, []byte(snapshot), 0o600)
				}
				if err != nil {
					return err
				}
				return hook(sqlfile.Step(step))
			}
		}
		if err := os.WriteFile(file, name, 0o600); err != nil {
			return nil, err
		}
		return Open(cfg)
	})
}

// snapshot copies the tables of a database into a new one, with the rows they
// have now. The views come with the first that opens it.
func snapshot(t *testing.T, s *chtest.Server, from string) (string, error) {
	d := mustOpen(t, config("clickhouse://default@"+s.Addr+"/"+from, projtest.NewWorld(1, 1)))
	to := newDatabase()
	if err := d.pool.exec(t.Context(), "snapshot", "CREATE DATABASE "+to); err != nil {
		return "", err
	}
	for _, table := range tables() {
		if err := d.pool.exec(t.Context(), "snapshot", "CREATE TABLE "+to+"."+table+" CLONE AS ~."+table); err != nil {
			return "", err
		}
	}
	return to, nil
}

// tables are those of the schema that keep rows.
func tables() (out []string) {
	all, _ := migrations()
	for _, m := range all {
		for _, s := range m.statements {
			if name, is := strings.CutPrefix(s, "CREATE TABLE IF NOT EXISTS ~."); is && !strings.Contains(s, "ENGINE = Memory") {
				out = append(out, strings.Fields(name)[0])
			}
		}
	}
	return out
}
