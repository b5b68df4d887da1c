package sealed

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/eventstore/vault/kek/escrow"
)

type world struct {
	*Handler
	logs bytes.Buffer
	key  []byte
}

func newWorld(set string) *world {
	w := &world{}
	w.Handler = New(slog.New(slog.NewTextHandler(&w.logs, nil)), set, func(_ string, key []byte) { w.key = bytes.Clone(key) })
	return w
}

func (w *world) send(t *testing.T, from, share string) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"share": share})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/unseal", bytes.NewReader(body))
	r.RemoteAddr = from
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

func divided(t *testing.T) ([]byte, []escrow.Share) {
	t.Helper()
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	all, err := escrow.Split("k1", key, 3, 2, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key, all
}

const here, there = "127.0.0.1:5000", "192.0.2.7:5000"

// TestUnseal: the key is given out once, whole; shares of others, from elsewhere in the
// clear, or misread do not count, and none is in an answer or a log.
func TestUnseal(t *testing.T) {
	t.Parallel()
	key, all := divided(t)
	_, others := divided(t)
	w := newWorld(all[0].Name())
	for name, c := range map[string]struct {
		from, share string
		status      int
		says        string
	}{
		"in the clear":       {there, all[0].Compact(), 403, "plain_refused"},
		"another division":   {here, others[0].Compact(), 422, "share_refused"},
		"misread":            {here, all[0].Compact()[:70], 422, "share_refused"},
		"nothing":            {here, "", 422, "share_refused"},
		"longer than shares": {here, strings.Repeat("A", maxBody), 400, "field_invalid"},
	} {
		if status, body := w.send(t, c.from, c.share); status != c.status || !strings.Contains(body, c.says) || w.key != nil {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	for i, want := range []string{`"have":1,"need":2`, `"sealed":false`, `"sealed":false`} {
		if status, body := w.send(t, here, all[i].Compact()); status != 200 || !strings.Contains(body, want) {
			t.Errorf("share %d: %d %s", i, status, body)
		}
	}
	if !bytes.Equal(w.key, key) || len(w.sets) != 0 {
		t.Errorf("the key is another, or shares are kept: %d", len(w.sets))
	}
	for _, s := range all {
		if strings.Contains(w.logs.String(), s.Compact()[20:40]) {
			t.Error("a share is in the log")
		}
	}
}

// TestAlteredShare: a share of the set that was altered makes no key, and all of the set
// come again; afterwards the right ones open.
func TestAlteredShare(t *testing.T) {
	t.Parallel()
	key, all := divided(t)
	again, err := escrow.Split("k1", key, 3, 2, bytes.NewReader(append(all[0].Set[:], make([]byte, 40)...))) // the same set, other polynomials
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld("")
	w.send(t, here, again[1].Compact())
	if status, body := w.send(t, here, all[0].Compact()); status != 422 || w.key != nil {
		t.Errorf("shares that do not fit: %d %s", status, body)
	}
	w.send(t, here, all[1].Compact())
	if status, _ := w.send(t, here, all[2].Compact()); status != 200 || !bytes.Equal(w.key, key) {
		t.Errorf("the right ones: %d", status)
	}
}
