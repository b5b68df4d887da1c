package bundle_test

import (
	"bytes"
	"strings"
	"testing"

	"greffe/domain/bundle"
)

func verify(t testing.TB, l *ledger, src bundle.Source) *bundle.Report {
	t.Helper()
	r, err := bundle.Verify(src, bundle.Options{Key: l.public(), Language: "en"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found says whether a report names this code and file.
func found(r *bundle.Report, code bundle.Code, file string) bool {
	for _, f := range r.Findings {
		if f.Code == code && f.File == file {
			return true
		}
	}
	return false
}

func TestABundleVerifies(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 20, 256, 257, 600} {
		l, m := newLedger(t, n), newMemory()
		l.small(t, m, n/4, n)
		r := verify(t, l, m)
		c := r.Checked
		if r.Verdict != bundle.Intact || r.Total != 0 || c.Facts != int64(n-n/4) || c.Rows != c.Facts || c.Heads != int64(n+2)/3 ||
			c.Files != int64(len(m.files)-2) || c.Tables != 1 {
			t.Errorf("%d: %+v", n, r)
		}
		z := zipped(t, l, n/4, n)
		src, err := bundle.OpenZip(bytes.NewReader(z), int64(len(z)))
		if err != nil {
			t.Fatal(err)
		}
		if zr := verify(t, l, src); zr.Verdict != bundle.Intact || zr.Checked != c {
			t.Errorf("%d: as zip %+v, as directory %+v", n, zr.Checked, c)
		}
		for _, lang := range []string{"fr", "en"} {
			r.Language = lang
			var b strings.Builder
			if err := r.Text(&b); err != nil || !strings.Contains(b.String(), "intact") {
				t.Error(b.String(), err)
			}
		}
	}
}

// stride: each byte, but for the long texts, whose bytes are all alike to a
// verifier.
func stride(path string) int {
	if path == "README.txt" || path == "LISEZMOI.txt" {
		return 61
	}
	return 1
}

// TestEveryByteOfADirectory edits each byte of each file of a small bundle.
func TestEveryByteOfADirectory(t *testing.T) {
	t.Parallel()
	l, m := newLedger(t, 2), newMemory()
	l.small(t, m, 0, 2)
	n := 0
	for path, b := range m.files {
		for i := 0; i < b.Len(); i += stride(path) {
			b.Bytes()[i] ^= 1
			r := verify(t, l, m)
			b.Bytes()[i] ^= 1
			if n++; r.Verdict == bundle.Intact || !named(r, path) {
				t.Fatalf("byte %d of %s: %+v", i, path, r.Findings)
			}
		}
	}
	t.Logf("%d bytes edited, each refused", n)
}

// named: the file, or by the manifest that all hangs on.
func named(r *bundle.Report, path string) bool {
	for _, f := range r.Findings {
		if f.File == path || strings.HasPrefix(path, "manifest.json") && strings.HasPrefix(f.File, "manifest.json") {
			return true
		}
	}
	return false
}

// TestEveryByteOfAZip edits, cuts and lengthens a small zip at each byte.
func TestEveryByteOfAZip(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 2)
	good := zipped(t, l, 0, 2)
	refused := func(b []byte) bool {
		z, err := bundle.OpenZip(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			r, ok := bundle.Refused(err, "fr", l.public())
			return ok && r.Verdict == bundle.Findings
		}
		return verify(t, l, z).Verdict == bundle.Findings
	}
	if refused(good) {
		t.Fatal("the good one is refused")
	}
	text, end := bytes.Index(good, []byte("DOSSIER DE CONTR")), bytes.LastIndex(good, []byte("opposition-key.txt"))
	for i := range good {
		if i <= text || i >= end || i%61 == 0 {
			good[i] ^= 0x10
			if !refused(good) {
				t.Errorf("byte %d can be edited", i)
			}
			good[i] ^= 0x10
		}
		if !refused(good[:i]) {
			t.Errorf("it can be cut at %d", i)
		}
	}
	if !refused(append(bytes.Clone(good), 0)) {
		t.Error("it can be lengthened")
	}
	t.Logf("%d bytes", len(good))
}
