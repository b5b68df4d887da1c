package bundle

import (
	"archive/zip"
	"io"
	"slices"
	"testing"
)

// sparse is a zip of files of zeros, of which only the headers are kept.
type sparse struct {
	at    []int64
	parts [][]byte
	size  int64
}

func (s *sparse) add(b []byte, zeros int64) {
	s.at, s.parts = append(s.at, s.size), append(s.parts, b)
	s.size += int64(len(b)) + zeros
}

func (s *sparse) ReadAt(b []byte, at int64) (int, error) {
	if at >= s.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), s.size-at))
	clear(b[:n])
	i, _ := slices.BinarySearch(s.at, at+1)
	for i = max(i-1, 0); i < len(s.at) && s.at[i] < at+int64(n); i++ {
		from, to := max(s.at[i], at), min(s.at[i]+int64(len(s.parts[i])), at+int64(n))
		if from < to {
			copy(b[from-at:to-at], s.parts[i][from-s.at[i]:to-s.at[i]])
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// makeSparse lays out a zip as Zip would.
func makeSparse(sizes ...int64) *sparse {
	s := &sparse{}
	var entries []zipEntry
	for i, n := range sizes {
		e := zipEntry{path: string(rune('a' + i)), size: uint64(n), offset: uint64(s.size), crc: 7}
		s.add(e.appendLocal(nil), n)
		entries = append(entries, e)
	}
	start := s.size
	var b []byte
	for i := range entries {
		b = entries[i].appendCentral(b)
	}
	s.add(appendEnd(b, len(entries), uint64(start), uint64(len(b))), 0)
	return s
}

// TestBeyond4GiB: others read what ZIP64 says, and so do we.
func TestBeyond4GiB(t *testing.T) {
	t.Parallel()
	for _, sizes := range [][]int64{{1, 2}, {5 << 30, 1}, {1, 5 << 30}, {3 << 30, 3 << 30, 3}, {max32, 0}, {max32 - 1, 0}} {
		s := makeSparse(sizes...)
		r, err := zip.NewReader(s, s.size)
		if err != nil || len(r.File) != len(sizes) {
			t.Fatalf("%v: %v", sizes, err)
		}
		z, err := OpenZip(s, s.size)
		if err != nil {
			t.Fatalf("%v: %v", sizes, err)
		}
		list, err := z.List()
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range r.File {
			if off, err := f.DataOffset(); f.UncompressedSize64 != uint64(sizes[i]) || err != nil || list[i].Bytes != sizes[i] ||
				off != int64(z.entries[i].offset)+int64(len(z.entries[i].appendLocal(nil))) {
				t.Errorf("%v, %s: %d bytes at %d, ours %+v, %v", sizes, f.Name, f.UncompressedSize64, off, list[i], err)
			}
		}
		for _, part := range s.parts {
			for i := range part {
				part[i] ^= 0x20
				if _, err := OpenZip(s, s.size); err == nil {
					t.Errorf("%v: byte %d of a header can be edited", sizes, i)
				}
				part[i] ^= 0x20
			}
		}
	}
}

func TestManyEntries(t *testing.T) {
	t.Parallel()
	s := &sparse{}
	var entries []zipEntry
	name := func(i int) string {
		return string([]byte{'a' + byte(i>>12&15), 'a' + byte(i>>8&15), 'a' + byte(i>>4&15), 'a' + byte(i&15), 'a' + byte(i>>16)})
	}
	var locals []byte
	const n = max16 + 5
	for i := range n {
		e := zipEntry{path: name(i), offset: uint64(len(locals))}
		locals = e.appendLocal(locals)
		entries = append(entries, e)
	}
	s.add(locals, 0)
	var b []byte
	for i := range entries {
		b = entries[i].appendCentral(b)
	}
	s.add(appendEnd(b, n, uint64(len(locals)), uint64(len(b))), 0)
	if r, err := zip.NewReader(s, s.size); err != nil || len(r.File) != n {
		t.Fatal(err)
	}
	if z, err := OpenZip(s, s.size); err != nil || len(z.entries) != n {
		t.Fatal(err)
	}
}
