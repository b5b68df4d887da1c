package sqlite

import (
	"bytes"
	"errors"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/projtest"
)

func storedBlock(tb testing.TB) []byte {
	w := projtest.NewWorld(3, 9)
	b := &block{}
	for _, f := range projtest.Decode(tb, 0, w.Bytes(30)) {
		b.add(f, audit.Purposes(f.Fact), func(byte, []byte) {})
	}
	return b.appendTo(nil)
}

// TestBlockDamage: a block cut anywhere, or with a row less or a number too high,
// is an error.
func TestBlockDamage(t *testing.T) {
	t.Parallel()
	good := storedBlock(t)
	read := func(data []byte) (n int, err error) {
		b, err := readBlock(0, data)
		if err != nil {
			return 0, err
		}
		err = b.events(audit.Filter{}, func(audit.Event) bool { n++; return true })
		return n, err
	}
	if n, err := read(good); n != 30 || err != nil {
		t.Fatalf("%d events, %v", n, err)
	}
	for i := range good {
		if _, err := read(good[:i]); !errors.Is(err, errBlock) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := read(append(bytes.Clone(good), 0)); !errors.Is(err, errBlock) {
		t.Fatalf("one byte more: %v", err)
	}
	b, err := readBlock(0, good)
	if err != nil {
		t.Fatal(err)
	}
	b.ids.values = b.ids.values[:1]
	if err := b.events(audit.Filter{}, func(audit.Event) bool { return true }); !errors.Is(err, errBlock) {
		t.Fatalf("an id that is not there: %v", err)
	}
}

// TestPosts: a value is posted once for each column it stands in, whatever other
// column had it before, and again after the block was read back.
func TestPosts(t *testing.T) {
	t.Parallel()
	who := domain.DeriveID([]byte("sixteen bytes of"))
	f := projections.Fact{Fact: &event.Fact{ID: who, Type: event.ConsentGranted, Subject: who, Source: who, Actor: who}}
	b := &block{}
	for i, want := range [][]byte{{roleType, roleSubject, roleSource, roleActor, rolePurpose, rolePurpose}, {rolePurpose}, nil} {
		var got []byte
		b.add(f, [][]string{{"a", "b"}, {string(event.ConsentGranted)}, nil}[i], func(role byte, _ []byte) { got = append(got, role) })
		if !bytes.Equal(got, want) {
			t.Errorf("event %d is posted in %v, want %v", i, got, want)
		}
	}
	b, err := readBlock(0, b.appendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	b.add(f, nil, func(byte, []byte) { n++ })
	if n != 4 {
		t.Errorf("%d posts after the block was read back, want 4", n)
	}
}

// FuzzBlock: no bytes make the reader panic, and those it reads whole are
// written the same.
func FuzzBlock(f *testing.F) {
	good := storedBlock(f)
	f.Add(good)
	f.Add(good[:50])
	f.Add([]byte{blockVersion, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := readBlock(0, data)
		if err != nil {
			return
		}
		if err := b.events(audit.Filter{}, func(audit.Event) bool { return true }); err != nil {
			return
		}
		c, err := readBlock(0, b.appendTo(nil))
		if err != nil || !bytes.Equal(c.appendTo(nil), b.appendTo(nil)) {
			t.Fatalf("read back otherwise: %v", err)
		}
	})
}
