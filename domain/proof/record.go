package proof

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
)

// ErrRecord: not an entry of a heads stream in its one form.
var ErrRecord = errors.New("not a record of heads")

// ErrNewerRecord: an entry of a heads stream that a newer version wrote.
var ErrNewerRecord = errors.New("the record of heads is newer than this program knows; upgrade")

const (
	recordVersion = 1
	maxRecord     = 64 << 10
)

// AnchorRFC3161 is the kind of a time-stamp token (RFC 3161) over the SHA-256 of a
// signed checkpoint's bytes.
const AnchorRFC3161 = "rfc3161"

// Anchor is what somebody else said of a checkpoint.
type Anchor struct {
	Kind  string
	Size  uint64 // of the checkpoint
	At    domain.Time
	Token []byte // DER for rfc3161
}

// Record is an entry of a heads stream: a checkpoint, as it was signed, or an anchor
// of one that came before.
type Record struct {
	At         domain.Time
	Checkpoint []byte
	Anchor     *Anchor
}

type recordForm struct {
	V          int         `json:"v"`
	At         domain.Time `json:"at"`
	Checkpoint string      `json:"checkpoint,omitempty"`
	Anchor     *anchorForm `json:"anchor,omitempty"`
}

type anchorForm struct {
	Kind  string      `json:"kind"`
	Size  uint64      `json:"size,string"`
	At    domain.Time `json:"at"`
	Token []byte      `json:"token"`
}

// AppendRecord appends the canonical JSON (RFC 8785) of r to dst.
func AppendRecord(dst []byte, r *Record) ([]byte, error) {
	if (len(r.Checkpoint) == 0) == (r.Anchor == nil) || r.At.IsZero() {
		return nil, fmt.Errorf("%w: it is of a time, and has a checkpoint or an anchor", ErrRecord)
	}
	f := recordForm{V: recordVersion, At: r.At, Checkpoint: string(r.Checkpoint)}
	if a := r.Anchor; a != nil {
		f.Anchor = &anchorForm{a.Kind, a.Size, a.At, a.Token}
	}
	b, err := json.Marshal(&f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if len(v) > maxRecord {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrRecord, maxRecord)
	}
	return append(dst, v...), nil
}

// DecodeRecord reads what AppendRecord writes and nothing else. Errors are ErrRecord
// and ErrNewerRecord.
func DecodeRecord(b []byte) (*Record, error) {
	var f recordForm
	if len(b) > maxRecord || json.Unmarshal(b, &f) != nil {
		return nil, ErrRecord
	}
	if f.V > recordVersion {
		return nil, ErrNewerRecord
	}
	r := &Record{At: f.At, Checkpoint: []byte(f.Checkpoint)}
	if a := f.Anchor; a != nil {
		r.Anchor = &Anchor{a.Kind, a.Size, a.At, a.Token}
	}
	if again, err := AppendRecord(nil, r); err != nil || !bytes.Equal(again, b) || f.V != recordVersion {
		return nil, fmt.Errorf("%w in its one form", ErrRecord)
	}
	return r, nil
}
