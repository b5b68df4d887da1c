package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestAssets: pages load under 5 MiB in all; a file's address changes with it, what a
// browser kept is not sent again, and compressed it is the same file.
func TestAssets(t *testing.T) {
	t.Parallel()
	all, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	c := &Console{files: all}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Root+"/assets/{file}", c.asset)
	ask := func(path string, with map[string]string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for k, v := range with {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	total := 0
	for name, a := range all {
		total += len(a.raw)
		href, err := c.href(name)
		if err != nil {
			t.Fatal(err)
		}
		whole := ask(href, nil)
		if !bytes.Equal(whole.Body.Bytes(), a.raw) || whole.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d bytes of %d, %s", name, whole.Body.Len(), len(a.raw), whole.Header().Get("Cache-Control"))
		}
		small := ask(href, map[string]string{"Accept-Encoding": "gzip, br"})
		z, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(z); err != nil || !bytes.Equal(b, a.raw) || small.Header().Get("Etag") == whole.Header().Get("Etag") {
			t.Errorf("%s compressed is another file: %v", name, err)
		}
		if again := ask(href, map[string]string{"If-None-Match": whole.Header().Get("Etag")}); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s kept: %d", name, again.Code)
		}
		if stale := ask(Root+"/assets/"+name+"?v=0", nil); stale.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s under another version is kept: %s", name, stale.Header().Get("Cache-Control"))
		}
	}
	if total < 50<<10 || total > 5<<20 {
		t.Errorf("pages load %d bytes", total)
	}
	if w := ask(Root+"/assets/pico.LICENSE", nil); w.Code != http.StatusNotFound {
		t.Errorf("what is no asset: %d", w.Code)
	}
}
