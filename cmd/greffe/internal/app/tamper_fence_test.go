package app

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFenceCutUnremembered takes the last erasure, of one class, out of the fence, and
// with it all that remembers how far the fence went: the log still has the order.
func TestFenceCutUnremembered(t *testing.T) {
	t.Parallel()
	o := everything(t)
	v, err := o.victim(o.path("cut"))
	o.ok(err)
	path := filepath.Join(v.cfg.FenceDir, "fence.jsonl")
	b, err := os.ReadFile(path)
	o.ok(err)
	at := bytes.LastIndexByte(b[:len(b)-1], '\n') + 1
	if !bytes.Contains(b[at:], []byte(`"keys"`)) {
		t.Fatal("the last line is of no class")
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(v.cfg.Data, "vault.db"))
	o.ok(err)
	_, err = db.Exec("DELETE FROM meta WHERE name='fence'")
	o.ok(errors.Join(err, db.Close(), os.WriteFile(path, b[:at], 0o600), os.Remove(filepath.Join(v.cfg.FenceDir, "head"))))
	said, found := v.verify(t.Context())
	if !found || !strings.Contains(said, "fence_missing") {
		t.Errorf("a line of the fence is gone: %q", said)
	}
}
