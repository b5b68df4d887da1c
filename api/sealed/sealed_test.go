package sealed

import (
	"bytes"
	"crypto/rand"
	"io"
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

func newWorld(of []escrow.Share) *world {
	w := &world{}
	printed := map[[32]byte]bool{}
	for i := range of {
		printed[of[i].Digest()] = true
	}
	w.Handler = New(slog.New(slog.NewTextHandler(&w.logs, nil)), func(s *escrow.Share) bool { return printed[s.Digest()] },
		func(_ string, key []byte) { w.key = bytes.Clone(key) })
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
	w := newWorld(all)
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
	if !bytes.Equal(w.key, key) || len(w.came) != 0 {
		t.Errorf("the key is another, or shares are kept: %d", len(w.came))
	}
	for _, s := range all {
		if strings.Contains(w.logs.String(), s.Compact()[20:40]) {
			t.Error("a share is in the log")
		}
	}
}

// TestForgedShare: a share that says to be of the set and was not printed is refused,
// whenever it comes, and the printed ones that came before go on counting.
func TestForgedShare(t *testing.T) {
	t.Parallel()
	key, all := divided(t)
	forged, err := escrow.Split("k1", make([]byte, 32), 3, 2, io.MultiReader(bytes.NewReader(all[0].Set[:]), rand.Reader))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(all)
	for i, c := range []struct {
		share  *escrow.Share
		status int
		says   string
	}{
		{&forged[1], 422, "share_refused"}, {&all[0], 200, `"have":1,"need":2`}, {&forged[0], 422, "share_refused"},
		{&forged[2], 422, "share_refused"}, {&all[0], 200, `"have":1,"need":2`}, {&all[2], 200, `"sealed":false`},
	} {
		if status, body := w.send(t, here, c.share.Compact()); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("share %d: %d %s", i, status, body)
		}
	}
	if !bytes.Equal(w.key, key) {
		t.Error("the key is another")
	}
}
