//go:build real

package bundle_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"greffe/domain/bundle"
)

// TestOthersToolsAgree runs what the README tells an inspector to do by hand.
func TestOthersToolsAgree(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 600)
	columns := []bundle.Column{{Name: "position", Type: bundle.Int}, {Name: "id", Type: bundle.ID}, {Name: "at", Type: bundle.Time},
		{Name: "proven", Type: bundle.Bool}, {Name: "channels", Type: bundle.List}, {Name: "words", Type: bundle.Text}}
	m := l.tell(t, told{to: 600, more: func(w *bundle.Writer) {
		rows(t, w, "consents", bundle.Schema{Columns: columns, People: true},
			[]bundle.Value{bundle.IntOf(0), {}, bundle.TimeOf(when(3)), bundle.BoolOf(true), bundle.ListOf([]string{"email", "phone"}), bundle.TextOf("=1+1;\"x\"\r\nà")},
			[]bundle.Value{bundle.IntOf(599), {}, {}, bundle.BoolOf(false), {}, {}},
			[]bundle.Value{bundle.IntOf(-1 << 52), bundle.IDOf(l.id), bundle.TimeOf(when(9)), {}, bundle.ListOf([]string{""}), bundle.TextOf("")})
	}})
	dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key.pem")
	for p, b := range m.files {
		name := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(key, m.files["key.pem"].Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	venv := filepath.Join(t.TempDir(), "venv")
	byHand := func(readme string) ([]byte, error) {
		c := exec.Command("sh", "thirdparty/check.sh", dir, key, readme)
		c.Env = append(os.Environ(), "DUCKDB_VENV="+venv)
		return c.CombinedOutput()
	}
	for _, readme := range []string{"README.txt", "LISEZMOI.txt"} {
		out, err := byHand(readme)
		t.Logf("%s", out)
		if err != nil {
			t.Fatalf("%s: %v", readme, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "checkpoint"), append(m.files["checkpoint"].Bytes(), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := byHand("README.txt"); err == nil {
		t.Errorf("an edited file passes by hand:\n%s", out)
	}
}
