package problem

import (
	"regexp"
	"testing"
)

// TestFrenchIsSpacedAlike: what a refusal says in French has a space before ; : ? ! and
// within « », and one kind of apostrophe; a header's own colon has none.
func TestFrenchIsSpacedAlike(t *testing.T) {
	t.Parallel()
	header := regexp.MustCompile(`(Authorization|X-Greffe-[A-Za-z]+): (CODE(\[:ticket\]|:ticket))?`)
	unspaced := regexp.MustCompile(`[^ \x{a0}\x{202f}][;?!»]|«[^ \x{a0}\x{202f}]|[^ \x{a0}\x{202f}]:([^/0-9]|$)|’`)
	for _, e := range table {
		for _, text := range []string{e.Title.FR, e.Action.FR} {
			if bad := unspaced.FindString(header.ReplaceAllString(text, "")); bad != "" {
				t.Errorf("%s: %q in %q", e.Code, bad, text)
			}
		}
	}
}
