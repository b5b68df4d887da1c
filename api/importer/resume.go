package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
)

// resume is how far an import came: a place in the file, a digest of what lies
// before it, and what the import was. It holds nothing of the file's content.
type resume struct {
	Version     int    `json:"version"`
	Fingerprint string `json:"fingerprint"` // hex SHA-256 of options and header
	Size        int64  `json:"size"`        // of the file, 0 if not known
	Mark        mark   `json:"mark"`        // all before it is acknowledged
	Rejects     int64  `json:"rejects"`     // bytes of the rejects file

	path string
}

// fingerprint covers all that shapes the events of the file.
func (r *run) fingerprint() string {
	o := r.opt
	b, err := json.Marshal([]any{o.Source, o.Controller, o.Actor, o.Collection, o.At, o.Location.String(), o.Region, o.Purpose,
		o.Mapping.Dates, o.Mapping.Columns, o.Mapping.Constants, o.Mapping.ShortRows, r.report.Columns, r.report.Delimiter}, json.Deterministic(true))
	if err != nil { // only for a type of our own that JSON has no form for
		panic("importer: options have no JSON form: " + err.Error())
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func openResume(path, fingerprint string, size int64) (*resume, error) {
	s := &resume{Version: 1, Fingerprint: fingerprint, Size: size, path: path}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("import: resume: %w", err)
	}
	var old resume
	if err := json.Unmarshal(b, &old); err != nil || old.Version != 1 {
		return nil, fmt.Errorf("import: resume: the resume file cannot be read: %w", ErrChanged)
	}
	if old.Fingerprint != fingerprint || old.Size != size {
		return nil, fmt.Errorf("import: resume: %w", ErrChanged)
	}
	old.path = path
	return &old, nil
}

// save replaces the file as a whole, durably, with mode 0600.
func (s *resume) save(m mark, rejects int64) error {
	s.Mark, s.Rejects = m, rejects
	b, err := json.Marshal(s)
	if err == nil {
		err = replace(s.path, b)
	}
	if err != nil {
		return fmt.Errorf("import: resume file not written, the batch before line %d is committed: %w", m.Line, err)
	}
	return nil
}

func replace(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, werr := f.Write(b)
	if err = errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, derr := os.Open(filepath.Dir(path))
	if derr != nil {
		return nil // renamed; the directory cannot be opened everywhere
	}
	return errors.Join(d.Sync(), d.Close())
}
