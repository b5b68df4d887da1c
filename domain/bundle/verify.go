package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"greffe/domain/proof"
	"greffe/domain/proof/stamp"
)

// ErrKey: the key is no Ed25519 public key in PEM, and no C2SP verifier key.
var ErrKey = errors.New("not a public key: give key.pem or the line of a C2SP verifier key, from another source than the bundle")

// ParseKey reads the ledger's public key as it was given apart from the bundle:
// PEM (PKIX, Ed25519) or a C2SP verifier key.
func ParseKey(text []byte) (ed25519.PublicKey, error) {
	text = bytes.TrimSpace(text)
	if block, rest := pem.Decode(text); block != nil && len(bytes.TrimSpace(rest)) == 0 && block.Type == "PUBLIC KEY" {
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if k, ok := key.(ed25519.PublicKey); ok {
				return k, nil
			}
		}
		return nil, ErrKey
	}
	key, err := proof.PublicKey(string(text))
	if err != nil {
		return nil, ErrKey
	}
	return key, nil
}

func encodeKey(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// Options say how to verify.
type Options struct {
	Key       ed25519.PublicKey            // given apart from the bundle
	Language  string                       // of the report: fr, else English
	Authority *stamp.Authority             // roots for timestamps; nil: their authority is not checked
	Progress  func(doneBytes, total int64) // may be nil
	Address   *AddressQuery                // may be nil
}

// Verify checks a bundle against nothing but itself and the key. Memory stays
// flat but for one entry for each file. A finding does not end it, except where
// what follows would read what nobody vouches for: without a signature that holds
// no table, tile or proof is read; a file whose hash differs is only compared,
// never parsed. The error says that the bundle could not be read, not that it is bad.
func Verify(src Source, o Options) (*Report, error) {
	v := &verifier{src: src, o: o, r: newReport(o.Language, o.Key), entries: map[string]*Entry{}, intact: map[string]bool{}}
	if len(o.Key) != ed25519.PublicKeySize {
		return nil, ErrKey
	}
	for _, step := range []func() error{v.list, v.manifest, v.files, v.meaning} {
		if err := step(); errors.Is(err, errStop) {
			return v.r, nil
		} else if err != nil {
			return nil, err
		}
	}
	if v.r.Checked.Facts == 0 && v.r.Checked.Tiles == 0 {
		v.r.add(Finding{Code: CodeNothing})
	}
	return v.r, nil
}

// errStop ends a verification whose findings say why.
var errStop = errors.New("stop")

type verifier struct {
	src     Source
	o       Options
	r       *Report
	entries map[string]*Entry
	order   []string // the Source's
	m       *Manifest
	intact  map[string]bool // files that are as signed
	done    int64
	total   int64
}

func (v *verifier) list() error {
	list, err := v.src.List()
	if err != nil {
		return fmt.Errorf("list the bundle: %w", err)
	}
	for i := range list {
		e := &list[i]
		if e.Foreign != "" || !validPath(e.Path) || v.entries[e.Path] != nil {
			v.r.add(Finding{Code: CodeForeign, File: e.Path})
			continue
		}
		v.entries[e.Path] = e
		v.order = append(v.order, e.Path)
		v.total += 2 * e.Bytes // once for its hash, once for its meaning
	}
	return nil
}

// manifest reads what was signed. Without it there is nothing to hold to.
func (v *verifier) manifest() error {
	raw, err := v.whole(manifestPath, maxManifest)
	if err != nil {
		return err
	}
	sig, err := v.whole(signaturePath, ed25519.SignatureSize)
	if err != nil {
		return err
	}
	signed := len(sig) == ed25519.SignatureSize && ed25519.Verify(v.o.Key, raw, sig)
	if !signed {
		v.r.add(Finding{Code: CodeSignature, File: signaturePath})
	}
	m, err := ParseManifest(raw)
	switch {
	case errors.Is(err, ErrNewer):
		v.r.add(Finding{Code: CodeNewer, File: manifestPath})
		return errStop
	case err != nil:
		v.r.add(Finding{Code: CodeManifest, File: manifestPath})
		return errStop
	}
	v.m = m
	v.describe()
	if key, err := proof.PublicKey(m.VKey); err != nil || !key.Equal(v.o.Key) {
		v.r.add(Finding{Code: CodeKey, File: manifestPath})
	}
	return nil
}

func (v *verifier) describe() {
	r, m := v.r, v.m
	r.Ledger, r.Inspection, r.From, r.To, r.Requester, r.Reference = m.Ledger, m.Inspection, m.From, m.To, m.Requester, m.Reference
	if b, err := m.Made.MarshalText(); err == nil {
		r.Made = string(b)
	}
}

// whole reads a file that must be small; nil and a finding if it is missing or
// too long, which stops.
func (v *verifier) whole(path string, most int64) ([]byte, error) {
	e := v.entries[path]
	if e == nil {
		v.r.add(Finding{Code: CodeMissing, File: path})
		return nil, errStop
	}
	if e.Bytes > most {
		v.r.add(Finding{Code: CodeSize, File: path})
		return nil, errStop
	}
	b, err := v.read(path)
	if err == nil && e.CRC32 != nil && crc32.ChecksumIEEE(b) != *e.CRC32 {
		v.r.add(Finding{Code: CodeZip, File: path})
	}
	return b, err
}

// read reads all of a file that is known to be small.
func (v *verifier) read(path string) ([]byte, error) {
	in, err := v.open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(in.reader())
	return b, errors.Join(err, in.Close())
}

// files holds every file to its length and hash, and the Source to the list.
func (v *verifier) files() error {
	listed := map[string]bool{manifestPath: true, signaturePath: true}
	buf := make([]byte, min(v.total+1, 4*chunk))
	for i := range v.m.Files {
		f := &v.m.Files[i]
		listed[f.Path] = true
		if err := v.file(f, buf); err != nil {
			return err
		}
	}
	for _, p := range v.order {
		if !listed[p] {
			v.r.add(Finding{Code: CodeForeign, File: p})
		}
	}
	if v.src.Ordered() {
		v.inOrder()
	}
	for _, f := range v.r.Findings {
		if f.Code == CodeSignature || f.Code == CodeKey {
			return errStop
		}
	}
	return nil
}

func (v *verifier) file(f *FileInfo, buf []byte) error {
	e := v.entries[f.Path]
	if e == nil {
		v.r.add(Finding{Code: CodeMissing, File: f.Path})
		return nil
	}
	in, err := v.open(f.Path)
	if err != nil {
		return err
	}
	sum, crc := sha256.New(), crc32.NewIEEE()
	n, err := io.CopyBuffer(io.MultiWriter(sum, crc), struct{ io.Reader }{in.reader()}, buf)
	if err := errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	v.r.Checked.Files++
	v.r.Checked.Bytes += n
	switch {
	case n != f.Bytes:
		v.r.add(Finding{Code: CodeSize, File: f.Path})
	case !bytes.Equal(sum.Sum(nil), f.SHA256[:]):
		v.r.add(Finding{Code: CodeHash, File: f.Path})
	case e.CRC32 != nil && crc.Sum32() != *e.CRC32:
		v.r.add(Finding{Code: CodeZip, File: f.Path})
	default:
		v.intact[f.Path] = true
	}
	return nil
}

// inOrder holds the order of a zip: the manifest's, then manifest and signature.
func (v *verifier) inOrder() {
	want := make([]string, 0, len(v.m.Files)+2)
	for i := range v.m.Files {
		want = append(want, v.m.Files[i].Path)
	}
	want = append(want, manifestPath, signaturePath)
	for i, p := range v.order {
		if i >= len(want) || p != want[i] {
			v.r.add(Finding{Code: CodeOrder, File: p})
			return
		}
	}
}

// meaning checks what the intact files say.
func (v *verifier) meaning() error {
	for _, step := range []func() error{v.identity, v.tree, v.tables, v.proofs, v.receipts, v.address} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// identity holds key.pem and checkpoint to the signed header.
func (v *verifier) identity() error {
	key, err := encodeKey(v.o.Key)
	if err != nil {
		return err
	}
	if err := v.is(keyPath, key); err != nil {
		return err
	}
	if err := v.is(checkpointPath, v.m.Checkpoint); err != nil {
		return err
	}
	v.r.Size, v.r.Root = positionOf(v.m.head.Size), v.m.head.Root.String()
	return nil
}

func (v *verifier) is(path string, want []byte) error {
	if !v.intact[path] {
		return nil
	}
	got, err := v.read(path)
	if err == nil && !bytes.Equal(got, want) {
		v.r.add(Finding{Code: CodeKey, File: path})
	}
	return err
}
