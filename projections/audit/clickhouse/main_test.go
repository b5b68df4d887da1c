//go:build real

package clickhouse

import (
	"flag"
	"os"
	"testing"
)

// TestMain has rapid check fewer cases than it would by itself: each makes a
// database. -rapid.checks asks for more.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		_ = flag.Set("rapid.checks", "20")
	}
	os.Exit(m.Run())
}
