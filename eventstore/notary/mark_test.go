package notary

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
)

// anchored makes a ledger with heads and anchors between them, and a mark.
func anchored(t *testing.T) *world {
	t.Helper()
	w, log, _ := inMemory(t)
	n := w.open(t)
	stop := running(t, n)
	for size := uint64(300); size <= 900; size += 300 {
		fill(t, log, size)
		s := covering(t, n, size)
		a := proof.Anchor{Kind: proof.AnchorRFC3161, Size: s.Size, At: domain.NewTime(time.Unix(1, 0)), Token: []byte{byte(size / 300)}}
		if err := n.Anchored(bg(), a); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestAMarkIsNotBelieved: whatever a mark says, the notary opens with the last head, the
// anchors there are, and no other.
func TestAMarkIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := anchored(t)
	path := filepath.Join(w.dir, "mark")
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.said.b.Reset()
	if w.open(t); w.said.has("from its beginning") {
		t.Error("a right mark is not used")
	}
	for name, change := range map[string]func(m map[string]any){
		"as it was":        func(map[string]any) {},
		"another version":  func(m map[string]any) { m["v"] = 2 },
		"another origin":   func(m map[string]any) { m["origin"] = "greffe/other" },
		"no version":       func(m map[string]any) { delete(m, "v") },
		"too many facts":   func(m map[string]any) { m["size"] = "70000" },
		"no facts":         func(m map[string]any) { m["size"] = "0" },
		"first after last": func(m map[string]any) { m["first"] = "5" },
		"turned round": func(m map[string]any) {
			m["first"], m["last"], m["head_size"], m["anchors"] = "4", "2", "600", []any{}
		},
		"first is an anchor":  func(m map[string]any) { m["first"] = "1" },
		"last is an anchor":   func(m map[string]any) { m["last"] = "3" },
		"last beyond":         func(m map[string]any) { m["last"] = "18446744073709551615" },
		"an earlier last":     func(m map[string]any) { m["last"], m["head_size"] = "2", "600" },
		"another size":        func(m map[string]any) { m["head_size"] = "1" },
		"anchors after last":  func(m map[string]any) { m["anchors"] = []any{anchorIn("5", "900")} },
		"anchors of no order": func(m map[string]any) { m["anchors"] = []any{anchorIn("3", "600"), anchorIn("1", "300")} },
		"not a number":        func(m map[string]any) { m["size"] = -1 },
	} {
		var m map[string]any
		if err := json.Unmarshal(right, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		b, err := json.Marshal(m)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		n := w.open(t)
		if s, ok := n.Latest(); !ok || s.Size != 900 || s.Root != rootOf(900) {
			t.Errorf("%s: opened with %+v", name, s.Head)
		}
		if a, ok := n.LastAnchor(); !ok || a.Size != 900 {
			t.Errorf("%s: the last anchor is %+v", name, a)
		}
		if as, err := n.Anchors(bg(), 0); err != nil || len(as) != 3 {
			t.Errorf("%s: %d anchors, %v", name, len(as), err)
		}
		checkHeads(t, n)
	}
}

func anchorIn(pos, size string) any { return map[string]any{"pos": pos, "size": size} }
