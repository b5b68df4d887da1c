// Package minimisation keeps what the last audit of package domain/minimisation
// found, in one file: records in the order in which they were found, then the
// report. It holds our own ids, positions and closed codes; nothing personal.
//
// Promised: a file appears whole, by a rename after fsync, or not at all; a crash
// leaves the one before, and at most a file ending in .new, which the next audit
// overwrites. Readers of an older file go on reading it. A file that is damaged is
// an error (ErrDamaged), never a shorter list: each record and the report has its
// own CRC. It can be made anew at any time by another audit.
package minimisation

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	rules "greffe/domain/minimisation"
)

var (
	// ErrNone: no audit has ended here yet.
	ErrNone = errors.New("no minimisation audit has ended on this node yet")
	// ErrDamaged: the file is not what was written; run another audit.
	ErrDamaged = errors.New("the findings of the last minimisation audit are damaged; run another")
)

// A record is its kind's place in rules.Rules (1 byte), the length of its detail (1),
// the detail, subject (16), event (16), position (8) and the CRC-32C of all that (4).
const (
	fixed     = 2 + 16 + 16 + 8 + 4
	magic     = "greffe/minimisation/1\n"
	trailing  = 8 + 4 // length of the report, its CRC
	maxDetail = 200
	maxReport = 4 << 20
)

func sum() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// Writer writes the findings of one audit.
type Writer struct {
	path  string
	file  *os.File
	out   *bufio.Writer
	kinds map[rules.Kind]byte
	buf   []byte
}

// Create begins the file that will replace the one at path.
func Create(path string) (*Writer, error) {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("findings of an audit: %w", err)
	}
	w := &Writer{path: path, file: f, out: bufio.NewWriterSize(f, 64<<10), kinds: map[rules.Kind]byte{}}
	for i, r := range rules.Rules() {
		w.kinds[r.Kind] = byte(i)
	}
	if _, err := w.out.WriteString(magic); err != nil {
		return nil, errors.Join(fmt.Errorf("findings of an audit: %w", err), w.Abort())
	}
	return w, nil
}

// Add writes one finding.
func (w *Writer) Add(f *rules.Finding) error {
	kind, ok := w.kinds[f.Kind]
	if !ok || len(f.Detail) > maxDetail {
		return errors.New("findings of an audit: not a finding")
	}
	b := append(w.buf[:0], kind, byte(len(f.Detail)))
	b = append(b, f.Detail...)
	b = append(b, f.Subject[:]...)
	b = append(b, f.Event[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Position))
	h := sum()
	_, _ = h.Write(b)
	w.buf = h.Sum(b)
	if _, err := w.out.Write(w.buf); err != nil {
		return fmt.Errorf("findings of an audit: %w", err)
	}
	return nil
}

// Close ends the file with its report and puts it in place.
func (w *Writer) Close(r *rules.AuditReport) error {
	b, err := json.Marshal(r)
	if err == nil {
		h := sum()
		_, _ = h.Write(b)
		n := uint64(len(b))
		b = binary.BigEndian.AppendUint64(b, n)
		_, err = w.out.Write(h.Sum(b))
	}
	if err == nil {
		err = errors.Join(w.out.Flush(), w.file.Sync())
	}
	if err = errors.Join(err, w.file.Close()); err == nil {
		err = os.Rename(w.path+".new", w.path)
	}
	if err != nil {
		return fmt.Errorf("findings of an audit: %w", errors.Join(err, os.RemoveAll(w.path+".new")))
	}
	dir, err := os.Open(filepath.Dir(w.path))
	if err != nil {
		return fmt.Errorf("findings of an audit: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Abort leaves what was there before.
func (w *Writer) Abort() error {
	return errors.Join(w.file.Close(), os.Remove(w.path+".new"))
}

// Results are the findings of one audit; the caller closes them.
type Results struct {
	file   *os.File
	end    int64 // of the records
	report rules.AuditReport
	rules  []rules.KindRule
}

// Open opens those of the last audit, or ErrNone.
func Open(path string) (*Results, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("findings of an audit: %w", err)
	}
	r := &Results{file: f, rules: rules.Rules()}
	if err := r.head(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *Results) head() error {
	info, err := r.file.Stat()
	if err != nil {
		return fmt.Errorf("findings of an audit: %w", err)
	}
	tail := make([]byte, trailing)
	if info.Size() < int64(len(magic)+trailing) {
		return ErrDamaged
	}
	if _, err := r.file.ReadAt(tail, info.Size()-trailing); err != nil {
		return fmt.Errorf("findings of an audit: %w", err)
	}
	n := int64(binary.BigEndian.Uint64(tail))
	r.end = info.Size() - trailing - n
	if n < 0 || n > maxReport || r.end < int64(len(magic)) {
		return ErrDamaged
	}
	b := make([]byte, n)
	if _, err := r.file.ReadAt(b, r.end); err != nil {
		return fmt.Errorf("findings of an audit: %w", err)
	}
	h := sum()
	_, _ = h.Write(b)
	if h.Sum32() != binary.BigEndian.Uint32(tail[8:]) || json.Unmarshal(b, &r.report) != nil {
		return ErrDamaged
	}
	begin := make([]byte, len(magic))
	if _, err := r.file.ReadAt(begin, 0); err != nil || string(begin) != magic {
		return ErrDamaged
	}
	return nil
}

// Close releases the file.
func (r *Results) Close() error { return r.file.Close() }

// Report is what the audit found, in counts.
func (r *Results) Report() rules.AuditReport { return r.report }

// List gives findings from a place on, 0 at first, of one kind and detail ("": all),
// at most limit; next is the place to go on from, 0 at the end.
func (r *Results) List(kind rules.Kind, detail string, from int64, limit int) (out []rules.Finding, next int64, err error) {
	at := max(from, int64(len(magic)))
	if at > r.end {
		return nil, 0, ErrDamaged
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r.file, at, r.end-at), 64<<10)
	for at < r.end {
		f, n, err := r.one(in)
		if err != nil {
			return nil, 0, err
		}
		if (kind == "" || f.Kind == kind) && (detail == "" || f.Detail == detail) {
			if len(out) == limit {
				return out, at, nil
			}
			out = append(out, f)
		}
		at += int64(n)
	}
	return out, 0, nil
}

// one reads a record and says how long it is.
func (r *Results) one(in *bufio.Reader) (f rules.Finding, n int, err error) {
	begin, err := in.Peek(2)
	if err != nil {
		return f, 0, ErrDamaged
	}
	n = fixed + int(begin[1])
	b, err := in.Peek(n)
	if err != nil || int(b[0]) >= len(r.rules) {
		return f, 0, ErrDamaged
	}
	h := sum()
	_, _ = h.Write(b[:n-4])
	if h.Sum32() != binary.BigEndian.Uint32(b[n-4:]) {
		return f, 0, ErrDamaged
	}
	f.Kind = r.rules[b[0]].Kind
	b = b[2:]
	f.Detail, b = string(b[:n-fixed]), b[n-fixed:]
	copy(f.Subject[:], b)
	copy(f.Event[:], b[16:])
	f.Position = domain.Position(binary.BigEndian.Uint64(b[32:]))
	_, err = in.Discard(n)
	return f, n, err
}
