package bundle_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"greffe/domain/bundle"
)

// TestHostileZips: what common tools write, and what breaks those that unpack it, is
// refused before a byte of content is read.
func TestHostileZips(t *testing.T) {
	t.Parallel()
	stored := func(name string) *zip.FileHeader { return &zip.FileHeader{Name: name, Method: zip.Store} }
	link := stored("a.csv")
	link.SetMode(fs.ModeSymlink | 0o777)
	bomb := &zip.FileHeader{Name: "a.csv", Method: zip.Deflate}
	liar := stored("a.csv")
	liar.UncompressedSize64, liar.CompressedSize64 = 1<<40, 1<<40
	for name, headers := range map[string][]*zip.FileHeader{
		"a path out": {stored("../a.csv")}, "absolute": {stored("/a.csv")}, "inside and out": {stored("a/../../b.csv")}, "a drive": {stored(`C:\a.csv`)},
		"a link": {link}, "deflated": {bomb}, "a zip inside, deflated": {{Name: "b.zip", Method: zip.Deflate}}, "twice": {stored("a.csv"), stored("a.csv")},
		"a device": {stored("NUL")}, "hidden": {stored(".a")}, "an option": {stored("-rf")}, "a lie about its size": {liar},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, h := range headers {
			put := z.CreateHeader
			if h == liar {
				put = z.CreateRaw
			}
			w, err := put(h)
			if err == nil {
				_, err = w.Write(make([]byte, 1<<20))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.OpenZip(bytes.NewReader(b.Bytes()), int64(b.Len())); !errors.Is(err, bundle.ErrZip) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCaseCollision: two names that are one file on other systems, in a zip that is
// canonical otherwise.
func TestCaseCollision(t *testing.T) {
	t.Parallel()
	for second, ok := range map[string]bool{"tables/b.csv": true, "Tables/A.csv": false, "tables/a.csv": false} {
		var b bytes.Buffer
		z := bundle.NewZip(&b, nil)
		for _, name := range []string{"tables/a.csv", second} {
			w, err := z.Create(name)
			if err == nil {
				err = errors.Join(func() error { _, err := w.Write([]byte("x")); return err }(), w.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Commit(); err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.OpenZip(bytes.NewReader(b.Bytes()), int64(b.Len())); (err == nil) != ok {
			t.Errorf("%s beside tables/a.csv: %v", second, err)
		}
	}
}
