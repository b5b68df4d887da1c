package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-json-experiment/json"
)

// markers are values that stand nowhere else. Each is long enough that chance
// does not make it.
var markers = map[string]string{
	"given name":  "Zorglubine",
	"family name": "Quezaltenan",
	"e-mail":      "zorglubine.quezaltenan.7731@example.org",
	"phone":       "+33639987731",
	"birth date":  "1931-07-17",
	"street":      "77 impasse du Xylophone-Perdu",
	"city":        "Villequezal",
	"notes":       "aime les xylophones rares zq7731",
	"custom":      "segment-zq-7731",
	"origin":      "salon-zq-7731",
	"subject":     "C-zq-7731-client",
	"event id":    "ev-zq-7731",
	"actor":       "user:zq7731-agent",
	"ip":          "203.0.113.177",
	"user agent":  "XyloBrowser/77.31",
	"reference":   "REF-ZQ-7731-CONTRAT",
	"campaign":    "campagne-zq-7731",
	"ticket":      "TCK-ZQ-7731",
	"notice text": "Nous utilisons vos donnees zq7731 pour vous ecrire",
	"source":      "crm/zq-7731-source",
	"query":       "zorglubine.autre.7732@example.org",
	"forbidden":   "255081416802538",
	"quarantined": "quarantaine-zq-7731",
	"code":        "jean.quezaltenan.zq7731", // what a person may be called where a code is expected
}

// TestCanary records, changes, searches, reads and exports a person with a
// marker in every field, stops the service, and looks for the markers in every
// byte that is left: data directory, key file, temporary files, the log.
func TestCanary(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serve(t, dir, "--log", "debug")
	m := markers
	src := m["source"]
	ev := func(n int, typ, rest string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d","source":%q,"type":%q,"subject":%q,"actor":%q,"time":"2026-03-02T09:14:%02dZ","data":%s}`,
			m["event id"], n, src, typ, m["subject"], m["actor"], n, rest)
	}
	r, ok, err := p.events(
		ev(1, "contact.created", fmt.Sprintf(`{"kind":"prospect","person":{"given_name":%q,"family_name":%q,"birth_date":%q,"emails":[%q],"phones":[%q],
			"postal_address":{"lines":[%q],"postal_code":"69003","city":%q,"country":"FR"}},"custom":{"segment":%q},"notes":%q,
			"collection":{"channel":"web_form","origin":%q,"collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"],"notice":{"id":"n-zq","version":"3"}}}`,
			m["given name"], m["family name"], m["birth date"], m["e-mail"], m["phone"], m["street"], m["city"], m["custom"], m["notes"], m["origin"])),
		ev(2, "consent.granted", fmt.Sprintf(`{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false,
			"notice":{"id":"n-zq","version":"3","language":"fr","text":%q},"proof":{"ip":%q,"user_agent":%q,"reference":%q}}`, m["notice text"], m["ip"], m["user agent"], m["reference"])),
		ev(3, "interaction.recorded", fmt.Sprintf(`{"kind":"call","direction":"in","channel":"phone","campaign":%q}`, m["campaign"])),
		ev(4, "contract.started", fmt.Sprintf(`{"reference":%q,"amount_cents":12000}`, m["reference"])),
		ev(5, "contact.changed", fmt.Sprintf(`{"set":{"notes":"NIR %s"}}`, m["forbidden"])),
		strings.Replace(ev(6, "contact.changed", fmt.Sprintf(`{"set":{"notes":%q}}`, m["quarantined"])), `"time":"2026-03-02T09:14:06Z",`, "", 1),
		ev(7, "access.recorded", fmt.Sprintf(`{"reason":"customer_call","ticket":%q,"categories":["contact_details"],"action":"read","subjects":[%q]}`, m["ticket"], m["subject"])),
	)
	if err != nil || !ok || len(r.Results) != 7 {
		t.Fatalf("record: %v %+v", err, r)
	}
	id := r.Results[0].SubjectID
	reason := []string{"X-Greffe-Reason", "customer_call:" + m["ticket"], "X-Greffe-Min-Position", r.Position}
	found := p.must(200, http.MethodPost, "/v1/subjects/search", "application/json", fmt.Sprintf(`{"email":%q}`, m["e-mail"]), reason...)
	if !strings.Contains(string(found.body), id) {
		t.Errorf("search by e-mail did not find the person: %s", found.body)
	}
	p.must(200, http.MethodPost, "/v1/subjects/search", "application/json", fmt.Sprintf(`{"email":%q}`, m["query"]), reason...)
	view := p.must(200, http.MethodGet, "/v1/subjects/"+id, "", "", reason...)
	for _, field := range []string{"given name", "e-mail", "phone", "street", "custom"} {
		if !strings.Contains(string(view.body), m[field]) {
			t.Errorf("the view lacks the %s: the canary would prove nothing\n%s", field, view.body)
		}
	}
	for _, path := range []string{"/history", "/accesses", "/consents", "/export?article=15&format=html", "/export?article=20&format=csv"} {
		p.must(200, http.MethodGet, "/v1/subjects/"+id+path, "", "", reason...)
	}
	var held struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := json.Unmarshal(p.must(200, http.MethodGet, "/v1/quarantine", "", "", reason...).body, &held); err != nil || len(held.Items) != 1 {
		t.Fatalf("quarantine: %v %+v", err, held)
	}
	raw := p.must(200, http.MethodGet, "/v1/quarantine/"+held.Items[0].ID, "", "", reason...)
	if !strings.Contains(string(raw.body), m["quarantined"]) {
		t.Errorf("the quarantined input does not show: %s", raw.body)
	}
	p.must(404, http.MethodGet, "/v1/subjects/"+m["subject"], "", "", reason...)
	metrics := p.must(200, http.MethodGet, "/metrics", "", "")
	p.stop()
	hunt(t, "metrics", metrics.body)
	hunt(t, "the service's log", []byte(p.said()))
	huntFiles(t, append(filesOf(dir, "data")[1:], dir)...)
}

// TestCanaryIsSeen: the hunt finds what is there, in every form.
func TestCanaryIsSeen(t *testing.T) {
	t.Parallel()
	word := markers["e-mail"]
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("… " + word + " …"))
	_ = z.Close()
	for name, b := range map[string][]byte{
		"raw":     []byte("x" + word),
		"utf-16":  utf16le(word),
		"hex":     []byte(hex.EncodeToString([]byte(word))),
		"base64":  []byte(base64.StdEncoding.EncodeToString([]byte("a" + word))),
		"gzip":    append([]byte("before"), zipped.Bytes()...),
		"escaped": []byte(escaped(word)),
	} {
		if len(sightings(b)) == 0 {
			t.Errorf("%s is not seen", name)
		}
	}
}

func huntFiles(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		huntIn(t, dir)
	}
}

func huntIn(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		rel, _ := filepath.Rel(dir, path)
		hunt(t, rel, b)
		hunt(t, "the name of "+rel, []byte(rel))
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}

func hunt(t *testing.T, where string, b []byte) {
	t.Helper()
	for _, s := range sightings(b) {
		t.Errorf("%s holds %s", where, s)
	}
}

// sightings names the markers found in b and their form.
func sightings(b []byte) []string {
	var seen []string
	low := bytes.ToLower(b)
	for name, word := range markers {
		for form, want := range forms(word) {
			if bytes.Contains(low, bytes.ToLower(want)) {
				seen = append(seen, fmt.Sprintf("the %s (%s)", name, form))
			}
		}
	}
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte{0x1f, 0x8b, 8})
		if i < 0 {
			return seen
		}
		at += i
		if z, err := gzip.NewReader(bytes.NewReader(b[at:])); err == nil {
			plain, _ := io.ReadAll(io.LimitReader(z, 64<<20))
			seen = append(seen, sightings(plain)...)
		}
		at += 3
	}
}

func forms(word string) map[string][]byte {
	f := map[string][]byte{
		"raw": []byte(word), "utf-16": utf16le(word), "hex": []byte(hex.EncodeToString([]byte(word))), "escaped": []byte(escaped(word)),
	}
	for shift := range 3 { // base64 of the inner bytes, whatever stands before
		enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + word))
		f[fmt.Sprintf("base64 at %d", shift)] = []byte(enc[(shift*4+2)/3+1 : len(enc)-4])
	}
	return f
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// escaped writes every character as JSON's \u escape.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}
