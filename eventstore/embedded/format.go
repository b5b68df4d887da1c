package embedded

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"greffe/domain"
	"greffe/eventstore"
)

// The byte table is in doc.go. Integers are little-endian.
const (
	segmentMagic  = "GREFFLOG"
	formatVersion = 1
	headerSize    = 32
	frameMarker   = "GFRM"
	frameHead     = 24
	entrySize     = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // never changed

// salt is a segment's random 8 bytes. It seeds its CRCs, so that no fact can
// hold the bytes of a valid frame, and a frame of another segment is not valid.
type salt [8]byte

func (s salt) seed() uint32 { return crc32.Checksum(s[:], castagnoli) }

func encodeHeader(base domain.Position, s salt) []byte {
	b := append(make([]byte, 0, headerSize), segmentMagic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint64(b, uint64(base))
	b = append(b, s[:]...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeHeader returns a non-empty detail if b is not a header of ours.
func decodeHeader(b []byte) (base domain.Position, s salt, detail string) {
	if string(b[:8]) != segmentMagic {
		return 0, s, "not a segment of the log"
	}
	if crc32.Checksum(b[:28], castagnoli) != binary.LittleEndian.Uint32(b[28:]) {
		return 0, s, "segment header has another checksum"
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != formatVersion {
		return 0, s, fmt.Sprintf("segment format %d, this program reads %d", v, formatVersion)
	}
	return domain.Position(binary.LittleEndian.Uint64(b[12:])), salt(b[20:28]), ""
}

// frameSize is the bytes of a frame with facts.
func frameSize(facts [][]byte) int64 {
	n := int64(frameHead + entrySize*len(facts))
	for _, f := range facts {
		n += int64(len(f))
	}
	return n
}

// appendFrame appends the frame of facts at position pos to b.
func appendFrame(b []byte, seed uint32, pos domain.Position, facts [][]byte) []byte {
	start := len(b)
	body := int(frameSize(facts)) - frameHead - entrySize*len(facts)
	b = append(b, frameMarker...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(facts)))
	b = binary.LittleEndian.AppendUint32(b, uint32(body))
	b = binary.LittleEndian.AppendUint64(b, uint64(pos))
	b = append(b, 0, 0, 0, 0)
	for _, f := range facts {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f)))
		b = binary.LittleEndian.AppendUint32(b, crc32.Update(seed, castagnoli, f))
	}
	sum := crc32.Update(seed, castagnoli, b[start:start+20])
	sum = crc32.Update(sum, castagnoli, b[start+frameHead:])
	binary.LittleEndian.PutUint32(b[start+20:], sum)
	for _, f := range facts {
		b = append(b, f...)
	}
	return b
}

// frame is a frame's head and table, checked; its facts are not.
type frame struct {
	pos   domain.Position
	count int
	body  int64  // bytes of its facts
	table []byte // count entries
	head  [frameHead]byte
}

func (f *frame) size() int64 { return frameHead + int64(f.count)*entrySize + f.body }

// entry is the length and checksum of fact i.
func (f *frame) entry(i int) (int, uint32) {
	e := f.table[i*entrySize:]
	return int(binary.LittleEndian.Uint32(e)), binary.LittleEndian.Uint32(e[4:])
}

// parseHead reads the 24 bytes before a frame's table; a non-empty detail says
// what is wrong. The checksum is parseTable's.
func (f *frame) parseHead(b []byte) string {
	copy(f.head[:], b)
	f.count = int(binary.LittleEndian.Uint32(b[4:]))
	f.body = int64(binary.LittleEndian.Uint32(b[8:]))
	f.pos = domain.Position(binary.LittleEndian.Uint64(b[12:]))
	switch {
	case string(b[:4]) != frameMarker:
		return "no frame begins here"
	case f.count < 1 || f.count > eventstore.MaxAppendFacts || f.body > eventstore.MaxAppendBytes:
		return "frame head has impossible sizes"
	}
	return ""
}

// parseTable keeps a copy of the table b if head, table and sizes agree.
func (f *frame) parseTable(seed uint32, b []byte) string {
	sum := crc32.Update(crc32.Update(seed, castagnoli, f.head[:20]), castagnoli, b)
	if sum != binary.LittleEndian.Uint32(f.head[20:]) {
		return "frame head has another checksum"
	}
	f.table = append(f.table[:0], b...)
	body := int64(0)
	for i := range f.count {
		n, _ := f.entry(i)
		body += int64(n)
	}
	if body != f.body {
		return "frame's facts do not add up"
	}
	return ""
}
