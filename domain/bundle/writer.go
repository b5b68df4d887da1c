package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"greffe/domain/proof"
)

var (
	// ErrClosed: the writer, table or file is closed, or failed before.
	ErrClosed = errors.New("the bundle is closed or failed before")
	// ErrPath: a path that no bundle may have, or that it has already.
	ErrPath = errors.New("not a path that a bundle may have")
	// ErrOpen: a table or file is still open.
	ErrOpen = errors.New("a table or file of the bundle is still open")
	// ErrSigned: what came back is no signature by the ledger's key.
	ErrSigned = errors.New("the manifest is not signed by the ledger's key")
)

// Writer writes one bundle, for one goroutine. Memory stays flat whatever the
// number of rows. After the first error of any kind nothing more is taken, and
// Close discards all; Abort does so at once. Either must be called.
type Writer struct {
	sink  Sink
	m     Manifest
	key   ed25519.PublicKey
	paths map[string]bool
	open  int
	err   error
}

// NewWriter begins a bundle: the key, the checkpoint and the README texts.
func NewWriter(root Sink, h Header) (*Writer, error) {
	w := &Writer{sink: root, m: Manifest{Header: h}, paths: map[string]bool{manifestPath: true, signaturePath: true}}
	_, err := h.open()
	if err == nil {
		w.key, err = proof.PublicKey(h.VKey)
	}
	if err == nil {
		err = w.preface()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin the bundle: %w", err), root.Discard())
	}
	return w, nil
}

func (w *Writer) preface() error {
	key, err := encodeKey(w.key)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path, media string
		content     []byte
	}{
		{keyPath, MediaPEM, key},
		{checkpointPath, MediaText, w.m.Checkpoint},
		{lisezmoiPath, MediaText, []byte(lisezmoi)},
		{readmePath, MediaText, []byte(readme)},
	} {
		if err := w.put(f.path, f.media, f.content); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) put(path, media string, b []byte) error {
	f, err := w.File(path, media)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// File begins a file of any kind; Close ends it, and only then is it counted.
// Paths under tables/ are for Table alone.
func (w *Writer) File(path, media string) (io.WriteCloser, error) {
	if len(path) >= len(TablesDir) && path[:len(TablesDir)] == TablesDir {
		return nil, w.fail(ErrPath)
	}
	return w.create(path, media)
}

func (w *Writer) create(path, media string) (*file, error) {
	if w.err != nil {
		return nil, w.err
	}
	if !validPath(path) || w.paths[path] {
		return nil, w.fail(ErrPath)
	}
	w.paths[path] = true
	out, err := w.sink.Create(path)
	if err != nil {
		return nil, w.fail(fmt.Errorf("create %s: %w", path, err))
	}
	w.open++
	return &file{w: w, out: out, sum: sha256.New(), info: FileInfo{Path: path, Media: media}}, nil
}

// fail keeps the first error; the writer takes nothing more.
func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = err
	}
	return err
}

// Table begins a table: NDJSON and Parquet at once, CSV too if s.People.
func (w *Writer) Table(name string, s Schema) (*Table, error) {
	if w.err != nil {
		return nil, w.err
	}
	if err := s.check(name); err != nil {
		return nil, w.fail(fmt.Errorf("table %s: %w", name, err))
	}
	return newTable(w, name, s)
}

// Close ends the bundle: the manifest, signed by sign, which is given its bytes
// and gives 64 bytes of raw Ed25519; the signature is checked before it counts.
// On any error, also an earlier one, everything is discarded.
func (w *Writer) Close(sign func(manifest []byte) ([]byte, error)) error {
	err := w.err
	if err == nil && w.open > 0 {
		err = ErrOpen
	}
	if err == nil {
		err = w.seal(sign)
	}
	if err == nil {
		err = w.sink.Commit()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("bundle, discarded: %w", err), w.Abort())
	}
	w.err = ErrClosed
	return nil
}

// Abort discards everything. After Close it does nothing.
func (w *Writer) Abort() error {
	if w.sink == nil || errors.Is(w.err, ErrClosed) {
		return nil
	}
	w.err = ErrClosed
	return w.sink.Discard()
}

func (w *Writer) seal(sign func([]byte) ([]byte, error)) error {
	if err := w.m.check(); err != nil {
		return err
	}
	b, err := w.m.Encode()
	if err != nil {
		return err
	}
	sig, err := sign(b)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if !ed25519.Verify(w.key, b, sig) {
		return ErrSigned
	}
	if err := w.bare(manifestPath, b); err != nil {
		return fmt.Errorf("write %s: %w", manifestPath, err)
	}
	if err := w.bare(signaturePath, sig); err != nil {
		return fmt.Errorf("write %s: %w", signaturePath, err)
	}
	return nil
}

// bare writes a file that the manifest does not list.
func (w *Writer) bare(path string, b []byte) error {
	out, err := w.sink.Create(path)
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return errors.Join(err, out.Close())
}

// file counts and hashes what goes to the sink.
type file struct {
	w    *Writer
	out  io.WriteCloser
	sum  hash.Hash
	info FileInfo
	done bool
}

// Write writes to the sink.
func (f *file) Write(b []byte) (int, error) {
	if f.done || f.w.err != nil {
		return 0, ErrClosed
	}
	n, err := f.out.Write(b)
	f.sum.Write(b[:n])
	f.info.Bytes += int64(n)
	if err != nil {
		return n, f.w.fail(fmt.Errorf("write %s: %w", f.info.Path, err))
	}
	return n, nil
}

// Close enters the file into the manifest.
func (f *file) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	f.w.open--
	if err := f.out.Close(); err != nil {
		return f.w.fail(fmt.Errorf("close %s: %w", f.info.Path, err))
	}
	f.sum.Sum(f.info.SHA256[:0])
	f.w.m.Files = append(f.w.m.Files, f.info)
	return nil
}
