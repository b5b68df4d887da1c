package screening

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"greffe/domain/screening"
)

// ErrReport: the report does not fit the file.
var ErrReport = errors.New("the report does not fit the file")

// Sifter makes the cleansed file of a file and its report, for who sent the file and
// got the report back. Its memory is one part of the file.
type Sifter struct {
	cut      *cutter
	out      io.Writer
	cleansed hash.Hash
	lot      lot
	next     int   // record of lot
	at       int   // where it begins
	line     int64 // on which
}

// NewSifter reads src, which is written as ask and layout say.
func NewSifter(src io.Reader, ask screening.Ask, layout screening.Layout, out io.Writer) *Sifter {
	return &Sifter{cut: newCutter(&Job{Ask: ask, Layout: layout}, src), out: out, cleansed: sha256.New()}
}

// Refuse passes on every record before a line, and not the one that begins there.
// Lines are given in their order.
func (s *Sifter) Refuse(line int64) error {
	for {
		rec, raw, at, err := s.record()
		switch {
		case errors.Is(err, io.EOF) || err == nil && at > line:
			return ErrReport
		case err != nil:
			return err
		case at == line:
			return nil
		}
		if err := s.pass(rec, raw); err != nil {
			return err
		}
	}
}

// End passes on the rest, and gives the digests of the file and of the cleansed file.
func (s *Sifter) End() (source, cleansed screening.Digest, err error) {
	for {
		rec, raw, _, err := s.record()
		if errors.Is(err, io.EOF) {
			s.cut.sum.Sum(source[:0])
			s.cleansed.Sum(cleansed[:0])
			return source, cleansed, nil
		}
		if err == nil {
			err = s.pass(rec, raw)
		}
		if err != nil {
			return source, cleansed, err
		}
	}
}

// record takes the next one.
func (s *Sifter) record() (rec *screening.Record, raw []byte, line int64, err error) {
	for s.next == len(s.lot.recs) {
		if err := s.cut.cut(&s.lot); err != nil {
			return nil, nil, 0, err
		}
		if err := put(s.out, s.cleansed, s.lot.head); err != nil {
			return nil, nil, 0, err
		}
		s.next, s.at, s.line = 0, 0, s.lot.line
	}
	rec, line = &s.lot.recs[s.next], s.line
	raw = s.lot.raw[s.at:][:rec.Len]
	s.next, s.at, s.line = s.next+1, s.at+rec.Len, s.line+int64(rec.Lines)
	return rec, raw, line, nil
}

// pass writes a record that the report does not name.
func (s *Sifter) pass(rec *screening.Record, raw []byte) error {
	switch {
	case rec.Blank:
		return nil
	case rec.Bad != "":
		return ErrReport
	}
	return put(s.out, s.cleansed, raw)
}
