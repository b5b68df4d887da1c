package minimisation

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sentence is one labelled comment; label is "" of a harmless one.
type sentence struct{ label, language, text string }

func labelled(t testing.TB, name string) (out []sentence) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if strings.HasPrefix(in.Text(), "#") {
			continue
		}
		p := strings.Split(in.Text(), "\t")
		if len(p) != 3 {
			t.Fatalf("%s: a line of %d columns", name, len(p))
		}
		if p[0] == "none" {
			p[0] = ""
		}
		out = append(out, sentence{p[0], p[1], p[2]})
	}
	return out
}

// rates are how well the scorer tells forbidden comments from harmless ones.
type rates struct{ hit, miss, alarm, right, category int }

func (r rates) precision() float64 { return float64(r.hit) / float64(max(1, r.hit+r.alarm)) }
func (r rates) recall() float64    { return float64(r.hit) / float64(max(1, r.hit+r.miss)) }

func measure(s *Scorer, all []sentence, each func(x sentence, got []Mark)) (r rates) {
	for _, x := range all {
		got := s.Marks(x.text)
		found := len(got) > 0
		switch {
		case x.label != "" && found:
			r.hit++
			for _, m := range got {
				if m.Category == x.label {
					r.category++
				}
			}
		case x.label != "":
			r.miss++
		case found:
			r.alarm++
		default:
			r.right++
		}
		if each != nil && (x.label != "") != found {
			each(x, got)
		}
	}
	return r
}

func TestScorer(t *testing.T) {
	t.Parallel()
	s := NewScorer()
	for _, set := range []struct {
		name              string
		precision, recall float64 // floors
		show              bool
	}{{"tuned.tsv", 0.97, 0.98, true}, {"heldout.tsv", 0.88, 0.95, false}} {
		all := labelled(t, set.name)
		for _, language := range []string{"", "fr", "en"} {
			var some []sentence
			for _, x := range all {
				if language == "" || x.language == language {
					some = append(some, x)
				}
			}
			r := measure(s, some, func(x sentence, got []Mark) {
				if set.show && language == "" {
					t.Logf("%s: wrong on %q (%s): %v", set.name, x.text, x.label, got)
				}
			})
			t.Logf("%-11s %-2s %d sentences: precision %.3f, recall %.3f, right category %.3f (%d found, %d missed, %d false alarms, %d rightly left)",
				set.name, language, len(some), r.precision(), r.recall(), float64(r.category)/float64(max(1, r.hit)), r.hit, r.miss, r.alarm, r.right)
			if language == "" && (r.precision() < set.precision || r.recall() < set.recall) {
				t.Errorf("%s: precision %.3f, recall %.3f; at least %.3f and %.3f", set.name, r.precision(), r.recall(), set.precision, set.recall)
			}
		}
	}
}
