package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// What of a house is told otherwise than by a route with a JSON body: the operator's own
// mappings, names of sources, what cannot be taken in, and the public form.

// mappings is a folder with an operator's mapping of which each text is said.
func (h *house) mappings(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	about, source := jsonText(t, h.take("mapping about")), jsonText(t, printed(h.take("mapping source")))
	text := fmt.Sprintf("#: name: house\n#: about: %s\n#: source: %s\n#: input: json\n#: id: .id\n#: subject: .id\n{}\n", about, source)
	if err := os.WriteFile(filepath.Join(dir, "house.jq"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// printed is a text without the signs that no mapping's source may have.
func printed(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '/' // separates attributes as well
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
}

func jsonText(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// producers send under names that are said, with a gap, and what has to be set aside.
func (h *house) producers() {
	h.Helper()
	send := func(id, source, kind, sequence string, data map[string]any) {
		b, err := json.Marshal(map[string]any{"specversion": "1.0", "id": id, "source": source, "type": kind, "subject": "P-" + id, "time": past, "sequence": sequence, "data": data})
		h.ok(err)
		record(h.T, h.open, string(b))
	}
	name := h.take("source name")
	client := map[string]any{"kind": "client", "person": map[string]any{"given_name": "Person"}}
	send("s1", name, "contact.created", "1", client)
	send("s3", name, "contact.created", "9", client)
	send("s4", name, "contact."+h.say("type of what is set aside"), "10", client)
	send("s5", name, "contact.created", "11", map[string]any{"kind": h.say("code of what is set aside"), "notes": h.take("notes of what is set aside")})
	send("s6", name, "contact.exploded", "12", client)
	send("s7", name, "contact.exploded", "13", client)
	h.ok(h.open.CaughtUp(h.Context()))
}

// asked is a request by the public form.
func (h *house) asked() {
	h.Helper()
	p := h.get("/rights")
	form := url.Values{"right": {"access"}, "requester": {"proxy"}, "email": {"zqpublic@example.org"}}
	for _, m := range regexp.MustCompile(`name="(once)" value="([^"]*)"`).FindAllStringSubmatch(p.text, -1) {
		form.Set(m[1], m[2])
	}
	for _, name := range []string{"name", "phone", "address", "customer_number", "agent", "message"} {
		form.Set(name, h.take("public form "+name))
	}
	if p := h.send(http.MethodPost, "/rights", form, nil); p.status != http.StatusOK {
		h.Errorf("the public form: %d %.600s", p.status, p.text)
	}
}

// openPages are those that nobody signs in for, with markup wherever an address takes a
// text.
func openPages(payload string) []string {
	q := url.QueryEscape(payload)
	return []string{"/signin?next=" + q + "&language=" + q + "&error=" + q, "/invitation?x=" + q, "/docs", "/docs?language=" + q, "/rights?right=" + q + "&language=" + q,
		"/u/" + url.PathEscape(payload), "/console/" + url.PathEscape(payload), "/" + url.PathEscape(payload), "/me?x=" + q}
}
