package console

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	httpapi "greffe/api/http"
)

// elsewhere are the routes that change something and that no page of the console asks,
// by what their addresses begin with, and why.
var elsewhere = map[string]string{
	"/v1/session":     "the page /signin",
	"/v1/me":          "the page /me",
	"/v1/invitations": "the page /invitation",
	"/rights":         "a page for everybody",
	"/u/":             "a page for everybody",
	"/v1/events":      "systems send events",
	"/v1/links":       "systems ask for links to send",
	"/v1/ingest/":     "systems send files",
	"/v1/changes/":    "recipients acknowledge",
}

// TestEveryTask: whatever changes something through the API can be done in the console,
// but for what people do not do there.
func TestEveryTask(t *testing.T) {
	t.Parallel()
	var asked []string
	for _, d := range desks() {
		asked = append(asked, d.operations()...)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, name := range sources {
		if !strings.HasSuffix(name, "_test.go") {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text += string(b)
		}
	}
	tasks, used := 0, map[string]bool{}
	for _, r := range httpapi.Routes() {
		if r.Method == "GET" {
			continue
		}
		tasks++
		op := r.Method + " " + r.Pattern
		if slices.Contains(asked, op) || strings.Contains(text, `"`+op+`"`) || strings.Contains(text, `"`+r.Pattern+`"`) {
			continue
		}
		why := ""
		for begins := range elsewhere {
			if strings.HasPrefix(r.Pattern, begins) {
				why, used[begins] = elsewhere[begins], true
			}
		}
		if why == "" {
			t.Errorf("no page asks %s (%s)", op, r.Summary)
		}
	}
	for begins := range elsewhere {
		if !used[begins] {
			t.Errorf("nothing needs the exception %s", begins)
		}
	}
	if tasks < 80 {
		t.Errorf("only %d routes change something", tasks)
	}
}
