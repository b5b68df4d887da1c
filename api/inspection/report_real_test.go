//go:build real

package inspection

import (
	"image"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReportIsReadByOthers: poppler draws each page of the report, with ink on it, and
// reads its French out of it.
func TestReportIsReadByOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 400)
	b, err := w.write(w.order(0, 400))
	must(t, err)
	dir := t.TempDir()
	name := filepath.Join(dir, ReportPath)
	must(t, os.WriteFile(name, b.read(t, ReportPath), 0o600))
	if out, err := exec.Command("pdftoppm", "-r", "40", "-png", name, filepath.Join(dir, "page")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("pdftoppm: %v\n%s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "page-*.png"))
	must(t, err)
	if len(pages) < 2 || len(pages) > 4 {
		t.Errorf("%d pages", len(pages))
	}
	for _, p := range pages {
		if n := inked(t, p); n < 500 {
			t.Errorf("%s: %d dark points", filepath.Base(p), n)
		}
	}
	text, err := exec.Command("pdftotext", "-layout", name, "-").Output()
	must(t, err)
	for _, want := range []string{"Dossier de contrôle", "Réponse attendue le", "Démarchage téléphonique", "Consultations par motif", BookPath} {
		if !strings.Contains(string(text), want) {
			t.Errorf("pdftotext finds no %q", want)
		}
	}
}

// inked counts the dark points of a picture.
func inked(t *testing.T, name string) (n int) {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	picture, _, err := image.Decode(f)
	must(t, err)
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if r, g, b, _ := picture.At(x, y).RGBA(); r+g+b < 3*0x8000 {
				n++
			}
		}
	}
	return n
}
