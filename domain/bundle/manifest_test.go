package bundle_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/bundle"
)

func TestAManifestHasOneForm(t *testing.T) {
	t.Parallel()
	l, m := newLedger(t, 5), newMemory()
	l.small(t, m, 1, 5)
	good := m.files["manifest.json"].String()
	for name, c := range map[string]struct{ old, new string }{
		"white space":          {`{`, `{ `},
		"an unknown member":    {`{"checkpoint"`, `{"a":1,"checkpoint"`},
		"a member twice":       {`"language":"fr"`, `"language":"fr","language":"fr"`},
		"another order":        {`"from":"1","inspection"`, `"inspection"`},
		"an escape":            {`"CNIL"`, `"\u0043NIL"`},
		"another language":     {`"language":"fr"`, `"language":"de"`},
		"more than the head":   {`"to":"5"`, `"to":"6"`},
		"backwards":            {`"from":"1"`, `"from":"6"`},
		"a number":             {`"to":"5"`, `"to":5`},
		"another ledger":       {`"ledger":"0`, `"ledger":"1`},
		"a path out":           {`"path":"policy.yaml"`, `"path":"../olicy.yaml"`},
		"an absolute path":     {`"path":"policy.yaml"`, `"path":"/policy.yaml"`},
		"a hidden file":        {`"path":"policy.yaml"`, `"path":".policy.yaml"`},
		"a path twice":         {`"path":"policy.yaml"`, `"path":"heads.ndjson"`},
		"itself":               {`"path":"policy.yaml"`, `"path":"manifest.json"`},
		"rows of another form": {`"rows":4,"sha256"`, `"rows":5,"sha256"`},
		"rows of no table":     {`"path":"policy.yaml",`, `"path":"policy.yaml","rows":1,`},
		"a form of no table":   {`"name":"events"`, `"name":"evil"`},
		"an unknown type":      {`"type":"time"`, `"type":"tame"`},
		"no key":               {`"path":"key.pem"`, `"path":"kex.pem"`},
		"a short hash":         {`"sha256":"`, `"sha256":"00`},
		"negative bytes":       {`"bytes":`, `"bytes":-`},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%s: nothing was edited", name)
		}
		if _, err := bundle.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%s is taken", name)
		} else if !errors.Is(err, bundle.ErrManifest) && !errors.Is(err, bundle.ErrHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := bundle.ParseManifest([]byte(strings.Replace(good, `"v":1`, `"v":2`, 1))); !errors.Is(err, bundle.ErrNewer) {
		t.Errorf("a later version: %v", err)
	}
}

func FuzzParseManifest(f *testing.F) {
	l, m := newLedger(f, 2), newMemory()
	l.small(f, m, 0, 2)
	f.Add(m.files["manifest.json"].Bytes())
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		man, err := bundle.ParseManifest(b)
		if err != nil {
			return
		}
		if again, err := man.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("it has another form: %v", err)
		}
	})
}

func TestAHeaderThatDoesNotHold(t *testing.T) {
	t.Parallel()
	l, other := newLedger(t, 5), newLedger(t, 5)
	other.seed = bytes.Repeat([]byte{9}, 32)
	for name, edit := range map[string]func(h *bundle.Header){
		"another key":       func(h *bundle.Header) { h.Checkpoint = other.head(t, 5) },
		"no key":            func(h *bundle.Header) { h.VKey = "" },
		"another ledger":    func(h *bundle.Header) { h.Ledger[0]++ },
		"no inspection":     func(h *bundle.Header) { h.Inspection = domain.ID{} },
		"beyond the head":   func(h *bundle.Header) { h.To = 6 },
		"no time":           func(h *bundle.Header) { h.Made = domain.Time{} },
		"an unknown tongue": func(h *bundle.Header) { h.Language = "de" },
		"an edited head":    func(h *bundle.Header) { h.Checkpoint[60] ^= 1 },
		"from behind to":    func(h *bundle.Header) { h.From = 4; h.To = 3 },
	} {
		h, m := l.header(t, 0, 5), newMemory()
		edit(&h)
		if _, err := bundle.NewWriter(m, h); err == nil || !m.discarded {
			t.Errorf("%s: %v, discarded %v", name, err, m.discarded)
		}
	}
}

func TestNothingIsLeftBehindOnError(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 5)
	broken := errors.New("broken")
	begin := func(m *memory) *bundle.Writer {
		w, err := bundle.NewWriter(m, l.header(t, 0, 5))
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for name, c := range map[string]struct {
		do   func(m *memory, w *bundle.Writer)
		sign func([]byte) ([]byte, error)
		want error
	}{
		"the key is another's": {nil, newSigner(t, 9), bundle.ErrSigned},
		"no signature":         {nil, func([]byte) ([]byte, error) { return nil, broken }, broken},
		"a table is open":      {func(_ *memory, w *bundle.Writer) { _, _ = w.Table("a", bundle.Schema{Columns: eventColumns}) }, l.sign, bundle.ErrOpen},
		"a path of a table":    {func(_ *memory, w *bundle.Writer) { _, _ = w.File("tables/x.csv", "") }, l.sign, bundle.ErrPath},
		"a path out":           {func(_ *memory, w *bundle.Writer) { _, _ = w.File("../x", "") }, l.sign, bundle.ErrPath},
		"a path twice":         {func(_ *memory, w *bundle.Writer) { _, _ = w.File("key.pem", "") }, l.sign, bundle.ErrPath},
		"the manifest's path":  {func(_ *memory, w *bundle.Writer) { _, _ = w.File("manifest.json", "") }, l.sign, bundle.ErrPath},
		"no columns":           {func(_ *memory, w *bundle.Writer) { _, _ = w.Table("a", bundle.Schema{}) }, l.sign, bundle.ErrSchema},
		"a row of another type": {func(_ *memory, w *bundle.Writer) {
			tab, _ := w.Table("a", bundle.Schema{Columns: []bundle.Column{{Name: "n", Type: bundle.Int}}})
			_ = tab.Append([]bundle.Value{bundle.TextOf("secret")})
		}, l.sign, bundle.ErrRow},
		"no UTF-8": {func(_ *memory, w *bundle.Writer) {
			tab, _ := w.Table("a", bundle.Schema{Columns: []bundle.Column{{Name: "n", Type: bundle.Text}}})
			_ = tab.Append([]bundle.Value{bundle.TextOf("\xff")})
		}, l.sign, bundle.ErrRow},
		"a full disk": {func(m *memory, w *bundle.Writer) {
			m.fail = func(string) error { return broken }
			f, _ := w.File("x", "")
			_, _ = f.Write([]byte("x"))
		}, l.sign, broken},
	} {
		m := newMemory()
		w := begin(m)
		if c.do != nil {
			c.do(m, w)
		}
		err := w.Close(c.sign)
		if !errors.Is(err, c.want) || !m.discarded || len(m.files) != 0 || m.committed {
			t.Errorf("%s: %v; %d files left", name, err, len(m.files))
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows a value: %v", name, err)
		}
		if err := w.Abort(); err != nil {
			t.Errorf("%s: after all: %v", name, err)
		}
	}
}

func newSigner(t *testing.T, b byte) func([]byte) ([]byte, error) {
	t.Helper()
	l := newLedger(t, 0)
	l.seed = bytes.Repeat([]byte{b}, 32)
	return l.sign
}
