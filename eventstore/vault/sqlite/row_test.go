package sqlite

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func someRow() *vault.Row {
	one, two := part.SubjectOwner(domain.ID{1}), part.AccountOwner(domain.ID{2})
	return &vault.Row{
		Event: domain.ID{9}, Owner: one, BodyMAC: []byte("0123456789abcdef"), Tokens: []byte("tokens"),
		Parts: []vault.Part{
			{Key: part.KeyID{Owner: one, Class: "identity", Epoch: "whole"}, Bytes: []byte("first")},
			{Key: part.KeyID{Owner: two, Class: "notes", Epoch: "2026"}, Bytes: []byte("second")},
		},
	}
}

// TestRowLayout fixes the bytes: a vault written today is read tomorrow.
func TestRowLayout(t *testing.T) {
	t.Parallel()
	id := func(b byte) string { return string(append([]byte{b}, make([]byte, 15)...)) }
	want := "\x00\x00\x00\x90" + id(9) + "\x00" + "\x01" + id(1) + "\x100123456789abcdef" + "\x00\x00\x00\x06tokens" + "\x00\x02" +
		"\x00\x01" + id(1) + "\x08identity\x05whole\x00\x00\x00\x05first" +
		"\x00\x02" + id(2) + "\x05notes\x042026\x00\x00\x00\x06second"
	if got := appendRow(nil, someRow()); string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRowsRoundTrip(t *testing.T) {
	t.Parallel()
	bare := &vault.Row{Event: domain.ID{7}}
	chunk := appendRow(appendRow(appendRow(nil, someRow()), bare), someRow())
	var seqs []int64
	err := decodeRows(40, chunk, func(seq int64, r *stored) error {
		seqs = append(seqs, seq)
		if seq != 41 && (!bytes.Equal(r.parts[1].bytes, []byte("second")) || r.parts[1].key != someRow().Parts[1].Key || r.owner != someRow().Owner) {
			t.Errorf("row %d is %+v", seq, r)
		}
		return nil
	})
	if err != nil || !reflect.DeepEqual(seqs, []int64{40, 41, 42}) {
		t.Error(seqs, err)
	}
	for seq, want := range map[int64]domain.ID{40: {9}, 41: {7}, 42: {9}} {
		if r, err := rowAt(40, seq, chunk); err != nil || r.event != want {
			t.Errorf("row %d: %v", seq, err)
		}
	}
	if r, err := rowAt(40, 43, chunk); r != nil || err != nil {
		t.Errorf("a row past the end: %v, %v", r, err)
	}
}

// TestWipe demands that an owner's bytes are zero, everybody else's as before,
// and every length the same.
func TestWipe(t *testing.T) {
	t.Parallel()
	before := appendRow(nil, someRow())
	after := bytes.Clone(before)
	r, err := rowAt(0, 0, after)
	if err != nil {
		t.Fatal(err)
	}
	one, two := someRow().Owner, someRow().Parts[1].Key.Owner
	doom := func(o part.Owner) *vault.Doom { return &vault.Doom{Owner: o} }
	if r.wipe(doom(part.LedgerOwner())) || !bytes.Equal(before, after) {
		t.Error("something went for an owner of nothing")
	}
	if !r.wipe(doom(one)) || r.wipe(doom(one)) {
		t.Error("it is not said what was left")
	}
	for _, gone := range []string{"0123456789abcdef", "tokens", "first"} {
		if bytes.Contains(after, []byte(gone)) {
			t.Errorf("%q is left", gone)
		}
	}
	if !bytes.Contains(after, []byte("second")) || len(after) != len(before) {
		t.Error("another owner's part, or a length, changed")
	}
	if !r.wipe(doom(two)) || bytes.Contains(after, []byte("second")) {
		t.Error("the second owner's part is left")
	}
}

// TestCutRows cuts a chunk at every byte: an error or whole rows, never a panic.
func TestCutRows(t *testing.T) {
	t.Parallel()
	chunk := appendRow(appendRow(nil, someRow()), someRow())
	for n := range chunk {
		err := decodeRows(0, chunk[:n], func(int64, *stored) error { return nil })
		if whole := n%(len(chunk)/2) == 0; whole != (err == nil) || err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add(appendRow(nil, someRow()))
	f.Add(appendRow(appendRow(nil, &vault.Row{}), someRow()))
	f.Fuzz(func(t *testing.T, chunk []byte) {
		size := len(chunk)
		err := decodeRows(0, chunk, func(_ int64, r *stored) error {
			d := &vault.Doom{Owner: r.owner}
			r.wipe(d)
			if r.wipe(d) {
				t.Error("something is left")
			}
			return nil
		})
		if err != nil && !errors.Is(err, errDamaged) || len(chunk) != size {
			t.Error(err)
		}
	})
}

func FuzzDelta(f *testing.F) {
	d := newDelta(1)
	d.events[domain.ID{1}] = 5
	d.links[token.Token{2}] = linked{domain.ID{3}, vault.MAC{4}}
	d.owners[part.LedgerOwner()] = ownerState{rev: 1, slot: 2, destroyed: true, by: domain.ID{4}, at: 5}
	d.postings = []posting{{-4, 5}}
	f.Add(d.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decodeDelta(b, true)
		if err != nil {
			return
		}
		again, err := decodeDelta(d.encode(), true)
		if err != nil || !reflect.DeepEqual(d, again) {
			t.Error("a journal does not survive being written again")
		}
	})
}

// TestSlots writes keys of all lengths into cells and over each other.
func TestSlots(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		room := (n + slotRound - 1) / slotRound * slotRound
		cell := make([]byte, slotHead+room+5)
		cell[2], cell[3] = byte(room>>8), byte(room)
		fillSlot(cell, 0, 3, bytes.Repeat([]byte{7}, n))
		got, row, err := slotIn(cell, 0)
		if err != nil || got != room || row.Rev != 3 || !bytes.Equal(row.Wrapped, bytes.Repeat([]byte{7}, n)) {
			t.Fatalf("length %d: %v", n, err)
		}
		fillSlot(cell, 0, 0, nil)
		if bytes.IndexByte(cell, 7) >= 0 {
			t.Fatalf("length %d: bytes are left", n)
		}
		for cut := range slotHead {
			if _, _, err := slotIn(cell[:cut], 0); !errors.Is(err, errDamaged) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
		}
		if _, _, err := slotIn(cell, len(cell)); !errors.Is(err, errDamaged) {
			t.Fatal("a slot past the end was read")
		}
	}
}
