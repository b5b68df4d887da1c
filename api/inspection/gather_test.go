package inspection

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"

	signednote "golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/bundle"
	mission "greffe/domain/inspection"
	"greffe/domain/proof"
)

// verified is the verifier's report on a bundle, given the key alone.
func (w *world) verified(b written) *bundle.Report {
	w.t.Helper()
	z, err := bundle.OpenZip(bytes.NewReader(b.zip), int64(len(b.zip)))
	must(w.t, err)
	r, err := bundle.Verify(z, bundle.Options{Key: w.key.Public().(ed25519.PublicKey), Language: "en"})
	must(w.t, err)
	return r
}

// TestAStrangerFindsItWhole: the verifier, which was written by others, finds
// nothing wrong; the facts are those of the period, and all.
func TestAStrangerFindsItWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1500)
	b, err := w.write(w.order(100, 1200))
	must(t, err)
	r := w.verified(b)
	for _, f := range r.Findings {
		t.Errorf("%+v", f)
	}
	if r.Checked.Facts != 1100 || r.From != 100 || r.To != 1200 {
		t.Errorf("%d facts of [%d,%d)", r.Checked.Facts, r.From, r.To)
	}
	if b.done.Figures.Proofs == 0 || b.done.Figures.Sampled != 20 || b.done.Figures.Events != 1100 || b.done.Figures.Entries != 5 {
		t.Errorf("figures %+v", b.done.Figures)
	}
	if len(b.done.Manifest) == 0 || int64(len(b.done.Files)) != b.done.Figures.Files {
		t.Error("what is recorded is not what was written")
	}
	again := bytes.Replace(b.zip, []byte("contact.created"), []byte("contact.changed"), 1)
	if r := w.verified(written{zip: again}); r.Total == 0 {
		t.Error("an edited bundle passes")
	}
}

// TestTablesAgree: each fact of a type is in its table, and only there.
func TestTablesAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 900)
	b, err := w.write(w.order(0, 900))
	must(t, err)
	for _, k := range kinds() {
		want := 0
		for _, f := range w.facts {
			if k.types(f.Type) {
				want++
			}
		}
		if got := bytes.Count(b.read(t, "tables/"+k.name+".ndjson"), []byte("\n")); got != want {
			t.Errorf("%s has %d rows, want %d", k.name, got, want)
		}
	}
	for _, name := range []string{"accesses", "notices", "contacts_by_year", "opposition_entries", "opposition", "policies", "role_rights", "habilitations", "producers", "sampled_persons"} {
		if len(b.read(t, "tables/"+name+".ndjson")) == 0 {
			t.Errorf("table %s is empty", name)
		}
	}
	if !strings.Contains(string(b.read(t, "tables/producers.ndjson")), `"missing":["3-5"]`) {
		t.Error("the gap of a producer is not said")
	}
}

// TestScope: what is not asked for is not there; events and their proof always are.
func TestScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 300)
	o := w.order(0, 300)
	o.Scope = []mission.Section{mission.Counts}
	b, err := w.write(o)
	must(t, err)
	var tables []string
	for _, f := range b.done.Files {
		if name, ok := strings.CutSuffix(f.Path, ".ndjson"); ok && strings.HasPrefix(name, "tables/") {
			tables = append(tables, strings.TrimPrefix(name, "tables/"))
		}
	}
	if !slices.Equal(tables, []string{"events", "contacts_by_year", "sampled_persons"}) {
		t.Errorf("tables %v", tables)
	}
	if r := w.verified(b); r.Total > 0 {
		t.Errorf("%+v", r.Findings)
	}
}

// TestSamplesAreDrawn: the persons are those of the lowest rank, in clear only
// where that was ordered, each chunk after its access; proofs open without the rest.
func TestSamplesAreDrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 600)
	b, err := w.write(w.order(0, 600))
	must(t, err)
	if bytes.Contains(b.zip, []byte("Lefèvre")) || len(w.opened) > 0 {
		t.Error("persons are shown in clear although nobody asked")
	}
	o := w.order(0, 600)
	o.Samples = true
	b, err = w.write(o)
	must(t, err)
	draw := mission.NewDraw(o.ID, 20)
	for _, p := range w.people {
		draw.Offer(p)
	}
	if len(w.opened) != 1 || !slices.Equal(w.opened[0], draw.Drawn()) || !bytes.Contains(b.zip, []byte("Lefèvre")) {
		t.Errorf("opened %v", w.opened)
	}
	w.refuse = errors.New("not recorded")
	if _, err := w.write(o); !errors.Is(err, w.refuse) {
		t.Errorf("without an access: %v", err)
	}
	v, err := signednote.NewVerifier(w.vkey)
	must(t, err)
	n := 0
	for _, f := range b.done.Files {
		if !strings.HasPrefix(f.Path, bundle.ProofsDir) {
			continue
		}
		given, err := proof.ParseGiven(b.read(t, f.Path))
		must(t, err)
		proved, err := given.Verify(v)
		if err != nil || !slices.Contains(draw.Drawn(), proved.Fact.Subject) || !strings.Contains(f.Path, proved.Fact.ID.String()) {
			t.Errorf("%s: %v", f.Path, err)
		}
		n++
	}
	if n == 0 {
		t.Error("no proof")
	}
}

// TestNothingIsLeft: what fails on the way leaves no bundle; what could not be
// recorded is not signed.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	refused := errors.New("not recorded")
	var out bytes.Buffer
	err := Write(t.Context(), w.sources(), w.order(0, 100), bundle.NewZip(&out, func() (bundle.Spill, error) { return &spill{}, nil }), func(Done) error { return refused })
	if !errors.Is(err, refused) || bytes.Contains(out.Bytes(), []byte(`"vkey":"`)) {
		t.Errorf("%v", err)
	}
	if _, err := bundle.OpenZip(bytes.NewReader(out.Bytes()), int64(out.Len())); err == nil {
		t.Error("what was cut opens")
	}
	o := w.order(0, 100)
	o.To = domain.Position(100)
	s := w.sources()
	s.FactsOf, s.Counts = nil, nil
	o.Scope = []mission.Section{mission.Retention}
	o.Inspection.Samples = 0
	if err := Write(t.Context(), s, o, bundle.NewZip(&out, nil), func(Done) error { return nil }); err != nil {
		t.Errorf("what is out of scope was asked for: %v", err)
	}
}
