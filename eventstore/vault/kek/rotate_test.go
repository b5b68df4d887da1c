package kek

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func key(name string, b byte) namedKey {
	return namedKey{name: name, key: [keyLen]byte(bytes.Repeat([]byte{b}, keyLen))}
}

// TestSeveralKeys demands that the first key wraps and all unwrap: the room that
// rotation needs.
func TestSeveralKeys(t *testing.T) {
	t.Parallel()
	open := func(keys ...namedKey) *File {
		path := filepath.Join(t.TempDir(), "kek")
		if err := writeNew(path, encodeKeys(keys, nil)); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, bytes.NewReader(bytes.Repeat([]byte{1}, 120)))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	old := open(key("old", 1))
	wrapped, err := old.Wrap(t.Context(), []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	both := open(key("new", 2), key("old", 1))
	if got, err := both.Unwrap(t.Context(), wrapped, nil); err != nil || string(got) != "secret" || both.ID() != "new" {
		t.Errorf("after a rotation: %v", err)
	}
	rewrapped, err := both.Wrap(t.Context(), []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := WrappedBy(rewrapped); name != "new" || err != nil {
		t.Errorf("rewrapped by %q, %v", name, err)
	}
	if _, err := old.Unwrap(t.Context(), rewrapped, nil); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the older file: %v", err)
	}
	if got, err := open(key("new", 2)).Unwrap(t.Context(), rewrapped, nil); err != nil || string(got) != "secret" {
		t.Errorf("once the old key is gone: %v", err)
	}
	var many []namedKey
	for i := range byte(maxKeys) {
		many = append(many, key(string([]byte{'a' + i%26, 'a' + i/26}), i))
	}
	if got := open(many...); len(got.keys) != maxKeys {
		t.Errorf("%d keys", len(got.keys))
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]namedKey{
		"no key":        {},
		"a name twice":  {key("a", 1), key("a", 2)},
		"an empty name": {key("", 1)},
		"a bad name":    {key("A b", 1)},
	} {
		if _, _, err := decodeKeys(encodeKeys(keys, nil)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	short := encodeKeys([]namedKey{key("a", 1)}, nil)
	short[len(fileMagic)+1] = 2
	if _, _, err := decodeKeys(short); !errors.Is(err, ErrDamaged) {
		t.Errorf("a wrong count: %v", err)
	}
}

// TestWriteNewLeavesNothing demands that a failure leaves no file aside.
func TestWriteNewLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	if err := os.WriteFile(path, []byte("there"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(path, []byte("new")); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	b, err2 := os.ReadFile(path)
	if err := errors.Join(err, err2); err != nil || len(files) != 1 || string(b) != "there" {
		t.Error(files, err)
	}
}

func FuzzDecodeKeys(f *testing.F) {
	f.Add(encodeKeys([]namedKey{key("a", 1), key("b", 2)}, nil))
	f.Add(encodeKeys([]namedKey{key("a", 1)}, []Retired{{"b", time.UnixMicro(5)}, {"c", time.UnixMicro(6)}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, retired, err := decodeKeys(b)
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
		if err == nil && !bytes.Equal(encodeKeys(keys, retired), b) {
			t.Error("a file has two forms")
		}
	})
}

func FuzzParseWrapped(f *testing.F) {
	f.Add([]byte("\x01\x01aXXXXXXXXXXXXYYYYYYYYYYYYYYYY"))
	f.Fuzz(func(t *testing.T, b []byte) {
		name, head, err := parseWrapped(b)
		if err == nil && (len(b) < head+nonceLen+tagLen || checkName(name) != nil) {
			t.Error("accepted")
		}
	})
}
