package kek

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// keyFile makes a key file with one key and something it wrapped.
func keyFile(t *testing.T) (path string, wrapped []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "kek")
	if err := Create(path, "k1", rand.Reader); err != nil {
		t.Fatal(err)
	}
	wrapped, err := reopened(t, path).Wrap(t.Context(), []byte("root"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	return path, wrapped
}

func reopened(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// nothingBeside demands that the directory holds the key file and nothing more,
// and that no file there has a key's bytes.
func nothingBeside(t *testing.T, path string, key [keyLen]byte) {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("the directory holds %v: %v", files, err)
	}
	if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, key[:]) {
		t.Errorf("the key is still in the file: %v", err)
	}
}

// TestRotation: a new key wraps, both open, then only the new one does, and what
// the old one wrapped says when that ended.
func TestRotation(t *testing.T) {
	t.Parallel()
	path, wrapped := keyFile(t)
	old := reopened(t, path).keys[0].key
	name, err := Add(path, rand.Reader)
	if err != nil || name != "k2" {
		t.Fatal(name, err)
	}
	both := reopened(t, path)
	if both.ID() != "k2" || strings.Join(both.Names(), " ") != "k2 k1" || len(both.Retired()) != 0 {
		t.Errorf("%s of %v", both.ID(), both.Names())
	}
	if got, err := both.Unwrap(t.Context(), wrapped, []byte("aad")); err != nil || string(got) != "root" {
		t.Errorf("between: %v", err)
	}
	alone, err := both.Only("k2")
	if err != nil || alone.ID() != "k2" || len(alone.Names()) != 1 {
		t.Error(err)
	}
	if _, err := alone.Unwrap(t.Context(), wrapped, []byte("aad")); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("by the new key alone: %v", err)
	}
	gone, err := Retire(path, "k2", noon)
	if err != nil || strings.Join(gone, " ") != "k1" {
		t.Fatal(gone, err)
	}
	nothingBeside(t, path, old)
	after := reopened(t, path)
	_, err = after.Unwrap(t.Context(), wrapped, []byte("aad"))
	var retired *RetiredError
	if !errors.As(err, &retired) || !errors.Is(err, ErrUnknownKey) || retired.Name != "k1" || !retired.At.Equal(noon) ||
		!strings.Contains(err.Error(), "made under KEK k1, which was retired on 2026-09-01") {
		t.Error(err)
	}
	if _, err := after.Only("k1"); !errors.As(err, &retired) {
		t.Error(err)
	}
	if _, err := after.Only("k9"); !errors.Is(err, ErrUnknownKey) || errors.As(err, &retired) && retired.Name == "k9" {
		t.Error(err)
	}
	if gone, err := Retire(path, "k2", noon); gone != nil || err != nil {
		t.Errorf("again: %v %v", gone, err)
	}
	if name, err := Add(path, rand.Reader); name != "k3" || err != nil {
		t.Errorf("a third: %s %v", name, err)
	}
	if got := reopened(t, path).Retired(); len(got) != 1 || got[0].Name != "k1" {
		t.Errorf("retired: %v", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}

// TestNamesComeOnce: also when the newest number was retired, or a name is of
// another kind.
func TestNamesComeOnce(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		keys    []namedKey
		retired []Retired
	}{
		"k1": {keys: []namedKey{key("2026-01", 1)}}, "k2": {keys: []namedKey{key("k1", 1)}},
		"k8": {keys: []namedKey{key("k2", 1)}, retired: []Retired{{"k7", noon}}},
		"k3": {keys: []namedKey{key("k2", 1), key("key-9", 2)}},
	} {
		if got := nextName(c.keys, c.retired); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestRetireRefuses to leave no key, and what is no key file.
func TestRetireRefuses(t *testing.T) {
	t.Parallel()
	path, wrapped := keyFile(t)
	if _, err := Retire(path, "k7", noon); !errors.Is(err, ErrUnknownKey) {
		t.Error(err)
	}
	if _, err := reopened(t, path).Unwrap(t.Context(), wrapped, []byte("aad")); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
	if _, err := Add(path, bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("added a key of too few bytes")
	}
	absent := filepath.Join(t.TempDir(), "kek")
	if _, err := Add(absent, rand.Reader); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if _, err := Retire(absent, "k1", noon); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

// TestCrashes: whatever a crash leaves opens, and the next Retire leaves one key
// and nothing of the others.
func TestCrashes(t *testing.T) {
	t.Parallel()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	former := func(path string) []byte {
		b, err := os.ReadFile(path)
		check(err)
		return b
	}
	for name, crash := range map[string]func(path string){
		"a torn new file": func(path string) {
			check(os.WriteFile(path+nextSuffix, former(path)[:30], 0o600))
		},
		"a whole new file": func(path string) {
			keys, _, err := readKeys(path)
			check(err)
			check(writeNext(path, keys[:1], []Retired{{"k1", noon}}))
		},
		"linked, not renamed": func(path string) {
			keys, _, err := readKeys(path)
			check(err)
			check(writeNext(path, keys[:1], []Retired{{"k1", noon}}))
			check(os.Link(path, path+formerSuffix))
		},
		"renamed, not overwritten": func(path string) {
			keys, _, err := readKeys(path)
			check(err)
			check(swap(path, keys[:1], []Retired{{"k1", noon}}))
		},
	} {
		path, _ := keyFile(t)
		old := reopened(t, path).keys[0].key
		_, err := Add(path, rand.Reader)
		check(err)
		wrapped, err := reopened(t, path).Wrap(t.Context(), []byte("root"), nil)
		check(err)
		crash(path)
		if got, err := reopened(t, path).Unwrap(t.Context(), wrapped, nil); err != nil || string(got) != "root" {
			t.Errorf("%s: after the crash: %v", name, err)
		}
		if _, err := Retire(path, "k2", noon); err != nil {
			t.Errorf("%s: again: %v", name, err)
		}
		nothingBeside(t, path, old)
		if got, err := reopened(t, path).Unwrap(t.Context(), wrapped, nil); err != nil || string(got) != "root" {
			t.Errorf("%s: in the end: %v", name, err)
		}
	}
}

// TestFormerBytesAreOverwritten: who held the old file open sees zeros.
func TestFormerBytesAreOverwritten(t *testing.T) {
	t.Parallel()
	path, _ := keyFile(t)
	if _, err := Add(path, rand.Reader); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Retire(path, "k2", noon); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 200)
	n, _ := f.ReadAt(b, 0)
	if n < 80 || len(bytes.TrimLeft(b[:n], "\x00")) > 0 {
		t.Errorf("%d bytes of the former file are left: %x", n, b[:n])
	}
}
