package embedded

import (
	"encoding/binary"
	"hash/crc32"

	"greffe/domain"
)

const (
	indexMagic = "GREFFIDX"
	indexHead  = 52
	sealedFlag = 1
)

// encodeIndex writes what s knows of its frames. It is written, unsynced, only
// of frames that are durable, and its checksum covers all of it: an index that
// reads right is a witness of how far the segment was durable once.
func encodeIndex(s *segment, sealed bool) []byte {
	b := append(make([]byte, 0, indexHead+8*len(s.marks)+4), indexMagic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	flags := uint32(0)
	if sealed {
		flags = sealedFlag
	}
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.base))
	b = append(b, s.salt[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.next))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.end))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.marks)))
	for _, m := range s.marks {
		b = binary.LittleEndian.AppendUint32(b, m.pos)
		b = binary.LittleEndian.AppendUint32(b, m.off)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeIndex fills s from b, or leaves it as it is if b is not its index.
func decodeIndex(s *segment, b []byte) (sealed, ok bool) {
	n := len(b)
	if n < indexHead+4 || string(b[:8]) != indexMagic ||
		binary.LittleEndian.Uint32(b[8:]) != formatVersion ||
		crc32.Checksum(b[:n-4], castagnoli) != binary.LittleEndian.Uint32(b[n-4:]) ||
		domain.Position(binary.LittleEndian.Uint64(b[16:])) != s.base || salt(b[24:32]) != s.salt {
		return false, false
	}
	next := domain.Position(binary.LittleEndian.Uint64(b[32:]))
	end := int64(binary.LittleEndian.Uint64(b[40:]))
	count := int(binary.LittleEndian.Uint32(b[48:]))
	if n != indexHead+8*count+4 || end < headerSize || next < s.base {
		return false, false
	}
	marks := make([]mark, count)
	for i := range marks {
		m := mark{binary.LittleEndian.Uint32(b[indexHead+8*i:]), binary.LittleEndian.Uint32(b[indexHead+8*i+4:])}
		if int64(m.off) >= end || s.base+domain.Position(m.pos) >= next || i > 0 && (m.pos <= marks[i-1].pos || m.off <= marks[i-1].off) {
			return false, false
		}
		marks[i] = m
	}
	s.next, s.end, s.marks = next, end, marks
	return binary.LittleEndian.Uint32(b[12:])&sealedFlag != 0, true
}

// saveIndex writes the index file. Its failure costs the next opening a scan,
// nothing else, so nobody is told.
func saveIndex(fs fsys, s *segment, sealed bool) {
	f, err := fs.Open(s.path+indexExt, true)
	if err != nil {
		return
	}
	_, _ = f.WriteAt(encodeIndex(s, sealed), 0)
	_ = f.Close()
}

// loadIndex fills s from its index file if that is whole and its own.
func loadIndex(fs fsys, s *segment) (sealed, ok bool) {
	f, err := fs.Open(s.path+indexExt, false)
	if err != nil {
		return false, false
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil || size > 1<<30 {
		return false, false
	}
	b := make([]byte, size)
	if n, _ := f.ReadAt(b, 0); int64(n) != size {
		return false, false
	}
	return decodeIndex(s, b)
}
