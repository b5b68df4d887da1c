package inspection

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"greffe/domain/bundle"
	"greffe/domain/proof/stamp"
	"greffe/eventstore/anchor"
	"greffe/eventstore/anchor/anchortest"
)

// TestAnchoredBundle: a head that OpenSSL's authority stamped is in the bundle with its
// token; whoever has the authority's certificate sees since when the facts exist, whoever
// has another's sees that it is foreign.
func TestAnchoredBundle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 300)
	here, other := anchortest.New(t), anchortest.New(t)
	client, err := anchor.NewClient(anchor.ClientConfig{URL: here.URL, Authority: authority(t, here), Now: time.Now, Random: rand.Reader})
	must(t, err)
	head, err := w.notary.Covering(t.Context(), 300)
	must(t, err)
	a, err := client.Stamp(t.Context(), head.Size, head.Note)
	must(t, err)
	must(t, w.notary.Anchored(t.Context(), *a))
	must(t, here.Verify(t, a.Token, head.Note))

	b, err := w.write(w.order(0, 300))
	must(t, err)
	for _, c := range []struct {
		by      *stamp.Authority
		trusted bool
		found   bool
	}{{nil, false, false}, {authority(t, here), true, false}, {authority(t, other), false, true}} {
		z, err := bundle.OpenZip(bytes.NewReader(b.zip), int64(len(b.zip)))
		must(t, err)
		r, err := bundle.Verify(z, bundle.Options{Key: w.key.Public().(ed25519.PublicKey), Language: "fr", Authority: c.by})
		must(t, err)
		if r.Checked.Anchors == 0 || (r.Total > 0) != c.found || (r.Anchored == nil) != c.found {
			t.Errorf("%d anchors, %+v, %+v", r.Checked.Anchors, r.Anchored, r.Findings)
		}
		if r.Anchored != nil && (r.Anchored.Trusted != c.trusted || r.Anchored.Size != 300) {
			t.Errorf("%+v, trusted: %v wanted", r.Anchored, c.trusted)
		}
		if c.found && r.Findings[0].Code != bundle.CodeAnchor {
			t.Errorf("%+v", r.Findings)
		}
	}
}

func authority(t *testing.T, a *anchortest.Authority) *stamp.Authority {
	t.Helper()
	pem, err := os.ReadFile(a.CA)
	must(t, err)
	out, err := stamp.ParseAuthority(pem)
	must(t, err)
	return out
}
