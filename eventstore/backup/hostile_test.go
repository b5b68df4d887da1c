package backup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"greffe/eventstore/backup"
)

// TestHostileNames: no name in a manifest leads outside the directory that a backup
// is unpacked to, and none stands for two files.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, m := w.create()
	path := filepath.Join(dir, backup.ManifestName)
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := `"name":"` + m.Files[len(m.Files)-1].Name + `"`
	for _, bad := range []string{"../vault.db", "/etc/cron.d/x", "a/../../x", "..", ".", "", "a//b", "./a", `..\\x`, `C:\\x`, m.Files[0].Name} {
		b := bytes.Replace(right, []byte(name), []byte(`"name":"`+bad+`"`), 1)
		if bytes.Equal(b, right) {
			t.Fatal("the manifest does not name " + name)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Read(dir); !errors.Is(err, backup.ErrNone) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestHostileFiles: links, pipes and files of another size are named and not read,
// and nothing is written but in the directory that was asked for.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(path string) error{
		"a link":           func(path string) error { return linked(path, filepath.Join(outside, filepath.Base(path))) },
		"a link to itself": func(path string) error { return errors.Join(os.Remove(path), os.Symlink(filepath.Base(path), path)) },
		"a pipe":           func(path string) error { return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600)) },
		"a directory":      func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"more bytes":       func(path string) error { return os.Truncate(path, 1<<40) },
		"a linked folder":  func(path string) error { return linked(filepath.Dir(path), filepath.Join(outside, "folder")) },
	} {
		w := newWorld(t)
		dir, m := w.create()
		at := ""
		for _, f := range m.Files {
			if filepath.Dir(f.Name) != "." {
				at = f.Name
			}
		}
		if err := spoil(filepath.Join(dir, at)); err != nil {
			t.Fatal(err)
		}
		dest := filepath.Join(t.TempDir(), "dest")
		var altered *backup.AlteredError
		err := m.Unpack(t.Context(), dir, dest, nil)
		if name == "a linked folder" && err == nil || name != "a linked folder" && !errors.As(err, &altered) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadDir(filepath.Dir(dest)); len(left) != 1 {
			t.Errorf("%s left %v", name, left)
		}
	}
}

// linked moves what is at path and leaves a link to it.
func linked(path, to string) error { return errors.Join(os.Rename(path, to), os.Symlink(to, path)) }
