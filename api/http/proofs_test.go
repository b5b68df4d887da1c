package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore/access"
)

// testEvidence has one event, whose part of class notes was destroyed.
type testEvidence struct{ data *testData }

const aTile = "tile/0/x001/067.p/5"

func (e testEvidence) Checkpoint(_ context.Context, size uint64) (*Checkpoint, error) {
	if size > 7 {
		return nil, ErrNotFound
	}
	return &Checkpoint{Origin: "greffe/x", Size: 7, Root: "00", At: time.Unix(0, 0).UTC(), Note: "greffe/x\n7\nAA==\n\n— sig\n", Key: "greffe/x+1+A"}, nil
}

func (e testEvidence) Tile(_ context.Context, path string) ([]byte, error) {
	if path != aTile {
		return nil, ErrNotFound
	}
	return []byte{1, 2, 3}, nil
}

func (e testEvidence) Proof(_ context.Context, event domain.ID) ([]byte, error) {
	if event != anEvent {
		return nil, ErrNotFound
	}
	return []byte("c2sp.org/tlog-proof@v1\n"), nil
}

func (e testEvidence) Opened(_ context.Context, r access.Receipt, event domain.ID, class string) ([]byte, error) {
	switch {
	case !r.Covers(person):
		return nil, access.ErrNotCovered
	case class == "notes":
		return nil, access.ErrGone
	case e.data.get().panics:
		panic(marker)
	}
	return []byte("c2sp.org/tlog-proof@v1\nextra " + marker + "\n"), nil
}

func (e testEvidence) Receipt(_ context.Context, r access.Receipt, event domain.ID) ([]byte, error) {
	if !r.Covers(person) {
		return nil, access.ErrNotCovered
	}
	if e.data.get().panics {
		panic(marker)
	}
	return []byte(`{"text":"` + marker + `"}`), nil
}

func TestCheckpointAndTiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		path, accept string
		status       int
		media, says  string
	}{
		{"/v1/checkpoint", "", 200, mediaText, "greffe/x\n7\n"},
		{"/v1/checkpoint?size=7", mediaJSON, 200, mediaJSON, `"size":"7"`},
		{"/v1/checkpoint?size=8", "", 404, mediaProblem, "not_found"},
		{"/v1/checkpoint?size=-1", "", 400, mediaProblem, "parameter_invalid"},
		{"/checkpoint", mediaJSON, 200, mediaText, "— sig\n"},
		{"/" + aTile, "", 200, mediaBytes, "\x01\x02\x03"},
		{"/tile/0/000", "", 404, mediaProblem, "not_found"},
		{"/tile/", "", 404, mediaProblem, "not_found"},
		{"/v1/proofs/" + anEvent.String(), "", 200, mediaText, "c2sp.org/tlog-proof@v1\n"},
		{"/v1/proofs/" + person.String(), "", 404, mediaProblem, "not_found"},
	} {
		got := w.call(http.MethodGet, c.path, "", "Accept", c.accept)
		if got.status != c.status || got.header.Get("Content-Type") != c.media || !strings.Contains(got.body, c.says) {
			t.Errorf("%s as %q: %d %s %s", c.path, c.accept, got.status, got.header.Get("Content-Type"), got.body)
		}
	}
	if n := len(w.journal.all()); n != 0 {
		t.Errorf("%d accesses recorded for what holds nothing of persons", n)
	}
}

func TestOpenedProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := "/v1/proofs/" + anEvent.String() + "/opened"
	reason := []string{"X-Greffe-Reason", "audit"}
	for _, c := range []struct {
		query  string
		status int
		says   string
	}{
		{"?class=evidence", 200, marker}, {"?class=notes", 410, "erased"}, {"", 400, "parameter_invalid"}, {"?class=nothing", 400, "parameter_invalid"},
	} {
		before := len(w.journal.all())
		got := w.call(http.MethodGet, at+c.query, "", reason...)
		if got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%q: %d %s", c.query, got.status, got.body)
		}
		recorded := w.journal.all()[before:]
		if want := c.status == 200 || c.status == 410; want != (len(recorded) == 1) {
			t.Errorf("%q: %d accesses", c.query, len(recorded))
		} else if want && (recorded[0].Action != "export" || len(recorded[0].Categories) != 1) {
			t.Errorf("%q is recorded as %+v", c.query, recorded[0])
		}
	}
	auditor := append(reason, "Authorization", "Bearer "+w.token(authRequest("auditor")))
	if got := w.call(http.MethodGet, at+"?class=identity", "", auditor...); got.code(t) != "permission_missing" {
		t.Errorf("a class that the role does not see: %d %s", got.status, got.body)
	}
	got := w.call(http.MethodGet, "/v1/consents/"+anEvent.String()+"/receipt", "", reason...)
	if got.status != 200 || got.header.Get("Content-Type") != mediaLD || !strings.Contains(got.body, marker) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
