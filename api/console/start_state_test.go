package console

import (
	"strings"
	"testing"
)

// TestVerificationSaysUntilWhere: the start page says up to which fact the last
// verification looked and how many came since, whichever answer came first; nothing of
// the kind of one that found something.
func TestVerificationSaysUntilWhere(t *testing.T) {
	t.Parallel()
	v := &visit{caller: &caller{}, words: wordsOf(t, "en")}
	for _, c := range []struct{ verdict, size, want, not string }{
		{"intact", "3040", "up to fact no. 3000, on", "9999"}, {"intact", "3040", "40 facts recorded since", "9999"}, {"intact", "3001", "1 fact recorded since", "facts recorded"},
		{"intact", "3000", "up to fact no. 3000", "since"}, {"findings", "3040", "", "up to fact"},
	} {
		last, err := parse([]byte(`{"last":{"verdict":"` + c.verdict + `","head":3000,"ended":"2026-03-02T10:00:00Z"}}`))
		if err != nil {
			t.Fatal(err)
		}
		head, err := parse([]byte(`{"size":` + c.size + `,"at":"2026-03-02T11:00:00Z"}`))
		if err != nil {
			t.Fatal(err)
		}
		for _, first := range []bool{true, false} {
			p := &startPage{}
			if first {
				showHead(v, head, p)
			}
			showVerification(v, last, p)
			if !first {
				showHead(v, head, p)
			}
			p.sinceChecked(v)
			p.settle()
			if note := p.State[0].Note; !strings.Contains(note, c.want) || strings.Contains(note, c.not) {
				t.Errorf("%+v: %q", c, note)
			}
		}
	}
}
