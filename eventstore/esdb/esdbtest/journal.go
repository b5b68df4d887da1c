package esdbtest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// journal keeps a store in one file: an append is one frame of length, CRC-32C
// and records, synced before it shows. A torn last frame is cut at opening.
type journal struct {
	f   *os.File
	buf []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	frameHead = 8
	maxFrame  = 64 << 20 // a longer one is a torn head
)

// openJournal gives put every record of the file in order.
func openJournal(path string, put func(*record)) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	end, err := replay(bufio.NewReaderSize(f, 1<<20), put)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &journal{f: f}, nil
}

func replay(r io.Reader, put func(*record)) (end int64, err error) {
	var head [frameHead]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return end, tail(err)
		}
		size := binary.LittleEndian.Uint32(head[:])
		if size > maxFrame {
			return end, nil
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return end, tail(err)
		}
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
			return end, nil
		}
		for b := body; len(b) > 0; {
			var rec *record
			if rec, b, err = decodeRecord(b); err != nil {
				return end, err
			}
			put(rec)
		}
		end += frameHead + int64(len(body))
	}
}

func tail(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func (j *journal) append(recs []*record) error {
	j.buf = append(j.buf[:0], make([]byte, frameHead)...)
	for _, r := range recs {
		j.buf = appendRecord(j.buf, r)
	}
	body := j.buf[frameHead:]
	binary.LittleEndian.PutUint32(j.buf, uint32(len(body)))
	binary.LittleEndian.PutUint32(j.buf[4:], crc32.Checksum(body, castagnoli))
	if _, err := j.f.Write(j.buf); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	return nil
}

func (j *journal) close() error { return j.f.Close() }

func appendRecord(b []byte, r *record) []byte {
	b = binary.AppendUvarint(b, r.pos)
	b = binary.AppendUvarint(b, uint64(r.rev))
	b = binary.AppendVarint(b, r.created)
	b = append(b, r.id[:]...)
	for _, s := range []string{r.stream, r.typ, r.ctype} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, s := range [][]byte{r.data, r.meta} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

var errJournal = errors.New("journal holds what is not a record")

func decodeRecord(b []byte) (*record, []byte, error) {
	r := new(record)
	ok := true
	number := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			ok, b = false, nil
			return 0
		}
		b = b[n:]
		return v
	}
	bytes := func(n uint64) []byte {
		if n > uint64(len(b)) {
			ok, b = false, nil
			return nil
		}
		v := b[:n:n]
		b = b[n:]
		return v
	}
	r.pos, r.rev = number(), int64(number())
	created, n := binary.Varint(b)
	if n <= 0 {
		return nil, nil, errJournal
	}
	r.created, b = created, b[n:]
	copy(r.id[:], bytes(16))
	r.stream, r.typ, r.ctype = string(bytes(number())), string(bytes(number())), string(bytes(number()))
	r.data, r.meta = bytes(number()), bytes(number())
	if !ok {
		return nil, nil, errJournal
	}
	return r, b, nil
}
