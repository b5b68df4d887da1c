package kek_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/kek/kektest"
)

func create(t *testing.T, name string) (path string, k *kek.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "kek")
	if err := kek.Create(path, name, rand.Reader); err != nil {
		t.Fatal(err)
	}
	k, err := kek.Open(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return path, k
}

func TestConformance(t *testing.T) {
	t.Parallel()
	_, k := create(t, "2026-01")
	_, sameName := create(t, "2026-01")
	_, otherName := create(t, "2026-02")
	kektest.Run(t, k, sameName)
	kektest.Run(t, k, otherName)
}

// complaints is a T that counts.
type complaints int

func (c *complaints) Helper()               {}
func (c *complaints) Errorf(string, ...any) { *c++ }

// broken is a KEK with a planted fault.
type broken struct {
	kek.KEK
	wrap   func(ctx context.Context, plain, aad []byte) ([]byte, error)
	unwrap func(ctx context.Context, wrapped, aad []byte) ([]byte, error)
}

func (b broken) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	if b.wrap == nil {
		return b.KEK.Wrap(ctx, plain, aad)
	}
	return b.wrap(ctx, plain, aad)
}

func (b broken) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if b.unwrap == nil {
		return b.KEK.Unwrap(ctx, wrapped, aad)
	}
	return b.unwrap(ctx, wrapped, aad)
}

// TestMutantsFail shows the demands turn red for: aad ignored, nothing wrapped,
// nonces that repeat, the last byte ignored, contexts ignored, no bound, a wrong
// key's garbage passed on.
func TestMutantsFail(t *testing.T) {
	t.Parallel()
	path, k := create(t, "2026-01")
	_, other := create(t, "2026-02")
	constant, err := kek.Open(path, zeroes{})
	if err != nil {
		t.Fatal(err)
	}
	mutants := map[string]kek.KEK{
		"nonces repeat": constant,
		"aad ignored": broken{
			k,
			func(ctx context.Context, plain, _ []byte) ([]byte, error) { return k.Wrap(ctx, plain, nil) },
			func(ctx context.Context, wrapped, _ []byte) ([]byte, error) { return k.Unwrap(ctx, wrapped, nil) },
		},
		"nothing wrapped": broken{
			k,
			func(_ context.Context, plain, _ []byte) ([]byte, error) { return bytes.Clone(plain), nil },
			func(_ context.Context, wrapped, _ []byte) ([]byte, error) { return wrapped, nil },
		},
		"trailing bytes ignored": broken{KEK: k, unwrap: func(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
			for n := len(wrapped); ; n-- {
				if plain, err := k.Unwrap(ctx, wrapped[:n], aad); err == nil || n == 0 {
					return plain, err
				}
			}
		}},
		"contexts ignored": broken{
			k,
			func(ctx context.Context, plain, aad []byte) ([]byte, error) {
				return k.Wrap(context.WithoutCancel(ctx), plain, aad)
			},
			func(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
				return k.Unwrap(context.WithoutCancel(ctx), wrapped, aad)
			},
		},
		"no bound": broken{KEK: k, wrap: func(ctx context.Context, plain, aad []byte) ([]byte, error) {
			return k.Wrap(ctx, plain[:min(len(plain), kek.MaxPlain)], aad)
		}},
		"errors swallowed": broken{KEK: k, unwrap: func(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
			plain, _ := k.Unwrap(ctx, wrapped, aad)
			return plain, nil
		}},
	}
	for name, m := range mutants {
		var c complaints
		if kektest.Demand(&c, t.Context(), m, other); c == 0 {
			t.Errorf("%s: the demands stayed green", name)
		}
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// TestGolden fixes the bytes of the file and of what it wraps.
func TestGolden(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kek")
	if err := kek.Create(path, "k1", bytes.NewReader(bytes.Repeat([]byte{0xab}, 32))); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const wantFile = "4752454646454b454b" + "01" + "01" + "02" + "6b31" +
		"abababababababababababababababababababababababababababababababab" +
		"04db6c514a467a5c3f946fe921552fe2f2c70184ae24f0205590a6f7c0f981da"
	if got := hex.EncodeToString(file); got != wantFile {
		t.Errorf("the file is %s", got)
	}
	k, err := kek.Open(path, zeroes{})
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := k.Wrap(t.Context(), []byte("secret"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	const wantWrapped = "01" + "02" + "6b31" + "000000000000000000000000" + "82583737bff085d56940bb38ad3a08ca209aa35d5f03"
	if got := hex.EncodeToString(wrapped); got != wantWrapped {
		t.Errorf("the wrapped secret is %s", got)
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	t.Parallel()
	path, k := create(t, "first")
	wrapped, err := k.Wrap(t.Context(), []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := kek.Create(path, "second", rand.Reader); !errors.Is(err, kek.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	again, err := kek.Open(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Unwrap(t.Context(), wrapped, nil); err != nil || string(got) != "secret" || again.ID() != "first" {
		t.Errorf("after the second creation: %v", err)
	}
}

// TestCreateRace demands one winner of many, and nothing left beside its file.
func TestCreateRace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kek")
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = kek.Create(path, fmt.Sprintf("key-%d", i), rand.Reader) })
	}
	wg.Wait()
	winner := ""
	for i, err := range errs {
		switch {
		case err == nil && winner == "":
			winner = fmt.Sprintf("key-%d", i)
		case !errors.Is(err, kek.ErrExists):
			t.Errorf("creator %d: %v", i, err)
		}
	}
	k, err := kek.Open(path, rand.Reader)
	if err != nil || k.ID() != winner {
		t.Errorf("the file is not the winner's: %v", err)
	}
	onlyFile(t, path)
}

func onlyFile(t *testing.T, path string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 || files[0].Name() != filepath.Base(path) {
		t.Errorf("the directory holds %v: %v", files, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v: %v", info.Mode(), err)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	for _, name := range []string{"", "Clé", "a b", "A", strings.Repeat("a", 65), "a/b"} {
		if err := kek.Create(path, name, rand.Reader); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
	if err := kek.Create(path, "short", bytes.NewReader(make([]byte, 31))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with too few random bytes: %v", err)
	}
	if err := kek.Create(filepath.Join(dir, "absent", "kek"), "k", rand.Reader); err == nil {
		t.Error("a directory that is not there was made")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("refusals left %v: %v", files, err)
	}
	if err := kek.Create(path, strings.Repeat("a", 64), rand.Reader); err != nil {
		t.Error(err)
	}
	onlyFile(t, path)
}

// TestOpenSaysWhatToDo demands the matching error and a hint for each mistake.
func TestOpenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	path, _ := create(t, "k")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = kek.Open(path+"x", rand.Reader)
	says(t, "missing", err, kek.ErrMissing, "put it back")
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o620, 0o610, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err = kek.Open(path, rand.Reader)
		says(t, mode.String(), err, kek.ErrPermissions, "chmod 600")
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := kek.Open(path, rand.Reader); err != nil {
		t.Errorf("a read-only file: %v", err)
	}
	if err := os.Mkdir(path+"d", 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = kek.Open(path+"d", rand.Reader)
	says(t, "directory", err, kek.ErrDamaged, "copy")

	bad := filepath.Join(t.TempDir(), "kek")
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := kek.Open(bad, rand.Reader)
		says(t, name, err, kek.ErrDamaged, "put it back")
	}
	for i := range good {
		write(fmt.Sprintf("cut to %d bytes", i), good[:i])
		altered := bytes.Clone(good)
		altered[i] ^= 0x10
		write(fmt.Sprintf("byte %d altered", i), altered)
	}
	write("longer", append(bytes.Clone(good), 0))
}

func says(t *testing.T, what string, err, want error, hint string) {
	t.Helper()
	if !errors.Is(err, want) || !strings.Contains(err.Error(), hint) {
		t.Errorf("%s: error is %v", what, err)
	}
}

func TestUnwrapSaysWhatToDo(t *testing.T) {
	t.Parallel()
	_, k := create(t, "one")
	_, twin := create(t, "one")
	_, two := create(t, "two")
	wrapped, err := k.Wrap(t.Context(), []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = twin.Unwrap(t.Context(), wrapped, nil)
	says(t, "another key of that name", err, kek.ErrWrongKey, "restore the right pair")
	_, err = two.Unwrap(t.Context(), wrapped, nil)
	says(t, "another name", err, kek.ErrUnknownKey, "put back the file")
	_, err = k.Unwrap(t.Context(), []byte("no wrapped key"), nil)
	says(t, "other bytes", err, kek.ErrFormat, "known version")
	if name, err := kek.WrappedBy(wrapped); name != "one" || err != nil {
		t.Errorf("wrapped by %q, %v", name, err)
	}
	if _, err := kek.WrappedBy(wrapped[:10]); !errors.Is(err, kek.ErrFormat) {
		t.Errorf("cut: %v", err)
	}
	dry, err := kek.Open(pathOf(t), bytes.NewReader(make([]byte, 5)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dry.Wrap(t.Context(), nil, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("wrapped without random bytes: %v", err)
	}
}

func pathOf(t *testing.T) string {
	t.Helper()
	path, _ := create(t, "k")
	return path
}
