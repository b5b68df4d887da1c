package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
)

// asset is a file that pages load: its bytes, as they are and compressed, and a name that
// changes with them.
type asset struct {
	media      string
	raw, small []byte
	version    string // 16 hexadecimal digits of SHA-256
}

// sheet is the style of the pages: every console*.css, one after the other.
const sheet = "console.css"

// readAssets reads what is in assets, once. Licences are kept in the binary and not served.
func readAssets() (map[string]asset, error) {
	names, err := fs.Glob(files, "assets/*.*")
	if err != nil {
		return nil, err
	}
	texts := map[string][]byte{}
	for _, name := range slices.Sorted(slices.Values(names)) {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		short := path.Base(name)
		if strings.HasPrefix(short, "console") && strings.HasSuffix(short, ".css") {
			short = sheet
		}
		texts[short] = append(texts[short], b...)
	}
	out := map[string]asset{}
	for name, b := range texts {
		media := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}[path.Ext(name)]
		if media == "" {
			continue
		}
		sum := sha256.Sum256(b)
		a := asset{media: media, raw: b, version: hex.EncodeToString(sum[:8])}
		if a.small, err = squeezed(b); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = a
	}
	return out, nil
}

func squeezed(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// href is the address of an asset, which changes with it, so that browsers may keep what
// they have.
func (c *Console) href(name string) (string, error) {
	a, ok := c.files[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return Root + "/assets/" + name + "?v=" + a.version, nil
}

// asset gives a file that pages load. Nothing in it is secret, so it may be compressed
// beside what is.
func (c *Console) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := c.files[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	secure(w.Header())
	h := w.Header()
	h.Set("Content-Type", a.media)
	h.Set("Etag", `"`+a.version+`"`)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := a.raw
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		h.Set("Etag", `"`+a.version+`-gzip"`)
		body = a.small
	}
	if r.Header.Get("If-None-Match") == h.Get("Etag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body)
}
