package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// apiDocument is what the fuzzer reads of OpenAPI.
type apiDocument struct {
	Paths      map[string]map[string]*apiOperation `json:"paths"`
	Components struct {
		Schemas map[string]*apiSchema `json:"schemas"`
	} `json:"components"`
}

type apiOperation struct {
	method, path string
	Access       string                        `json:"x-access"`
	Parameters   []apiParameter                `json:"parameters"`
	Body         *struct{ Content apiContent } `json:"requestBody"`
	Responses    map[string]struct {
		Description string
		Content     apiContent
	} `json:"responses"`
}

type apiContent map[string]struct {
	Schema *apiSchema `json:"schema"`
}

type apiParameter struct {
	Name, In, Description string
	Required              bool
	Schema                *apiSchema
}

type apiSchema struct {
	Ref         string                `json:"$ref"`
	Type        any                   `json:"type"` // a name, or several
	Format      string                `json:"format"`
	Description string                `json:"description"`
	Enum        []any                 `json:"enum"`
	Properties  map[string]*apiSchema `json:"properties"`
	Required    []string              `json:"required"`
	Items       *apiSchema            `json:"items"`
	Others      any                   `json:"additionalProperties"`
}

func (s *apiSchema) kind() string {
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		for _, x := range t {
			if x != "null" {
				return fmt.Sprint(x)
			}
		}
	}
	return ""
}

// values makes what is sent: mostly what the document asks for, with ids that
// earlier answers named, else what it does not.
type values struct {
	rand    *rand.Rand
	doc     *apiDocument
	pool    map[string][]string // ids by the first segment of the path that answered them
	named   map[string]string   // by path and parameter: what the story made
	cursors []string
	events  []string // lines of the sample data
	persons []string // ids of those in it
	calm    bool     // this request keeps to the document, so that steps that follow others are reached
}

// echoed stands in what the fuzzer invents; no error and no log may repeat it.
const echoed = "zqFUZZqz"

func hostile() []string {
	return []string{"", " ", echoed, echoed + strings.Repeat("x", 600), strings.Repeat("é", 5000), "' OR 1=1 --" + echoed, `"; DROP TABLE x; --`, "%00", "\x00" + echoed, "../../" + echoed,
		"=cmd|'/c calc'!A1", "+1" + echoed, "a\r\nX-Injected: " + echoed, "\u202e" + echoed, "e\u0301\u0301\u0301" + echoed, "<script>alert(1)</script>" + echoed, "{{.}}" + echoed, "null", "-1", "0", "1e400",
		"9007199254740993", "18446744073709551616", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2026-03-02", "2026-13-45", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
		"𝒜\uFFFD" + echoed, "*", "_", "%", "[", "\\", "SELECT", "anne@example.org", "+33639980001", "P1Y", "Europe/Paris", "true", "[]", "{}"}
}

var (
	uuidForm = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	nextForm = regexp.MustCompile(`"next":"([^"]+)"`)
	wordForm = regexp.MustCompile(`[a-z][a-z0-9_.]{1,30}`)
)

func deskOf(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/v1"), "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// learn takes ids and cursors out of an answer. Those of tokens, accounts and
// sessions stay out: the fuzzer would shut itself out.
func (v *values) learn(path string, body []byte) {
	seg := deskOf(path)
	if slices.Contains([]string{"tokens", "accounts", "session", "sessions", "me", "invitations"}, seg) || strings.HasPrefix(seg, "open") {
		return
	}
	found := uuidForm.FindAllString(string(body[:min(len(body), 64<<10)]), 40)
	for _, key := range []string{seg, "any"} {
		v.pool[key] = append(v.pool[key], found...)
		if over := len(v.pool[key]) - 400; over > 0 {
			v.rand.Shuffle(len(v.pool[key]), func(i, j int) { v.pool[key][i], v.pool[key][j] = v.pool[key][j], v.pool[key][i] })
			v.pool[key] = v.pool[key][over:]
		}
	}
	if m := nextForm.FindSubmatch(body); m != nil {
		v.cursors = append(v.cursors, string(m[1]))
		v.cursors = v.cursors[max(0, len(v.cursors)-50):]
	}
}

func (v *values) one(of []string) string { return of[v.rand.IntN(len(of))] }

func (v *values) chance(percent int) bool { return v.rand.IntN(100) < percent }

// odd is chance, but for calm requests.
func (v *values) odd(percent int) bool { return !v.calm && v.chance(percent) }

func (v *values) id(path string) string {
	if desk := deskOf(path); desk == "accounts" || desk == "tokens" { // never its own, which other answers name
		if known, ok := v.named[path+" id"]; ok {
			return known
		}
		return "01890000-0000-8000-8000-000000000001"
	}
	if strings.HasPrefix(path, "/v1/subjects/{id}") && v.chance(80) {
		return v.one(v.persons)
	}
	pool := v.pool[deskOf(path)]
	if len(pool) == 0 || v.chance(20) {
		pool = v.pool["any"]
	}
	if len(pool) == 0 {
		return "01890000-0000-8000-8000-000000000001"
	}
	return v.one(pool)
}

// text is a string for a place that is described so.
func (v *values) text(path, name, description, format string) string {
	if v.odd(15) {
		return v.one(hostile())
	}
	if name == "cursor" && len(v.cursors) > 0 && v.chance(70) {
		return v.one(v.cursors)
	}
	if format == "date-time" || strings.Contains(description, "RFC 3339") || strings.HasSuffix(name, "_at") || slices.Contains([]string{"from", "to", "at", "until", "as_of", "time"}, name) {
		return v.one([]string{"2026-01-01T00:00:00Z", "2025-06-30T12:00:00.123456Z", "2024-02-29T23:59:59+02:00", "2026-12-31T00:00:00Z", "2030-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "2026-01-01"})
	}
	if format == "uuid" || name == "id" || strings.HasSuffix(name, "_id") {
		return v.id(path)
	}
	if words := wordForm.FindAllString(description, -1); len(words) > 0 && v.chance(50) {
		return v.one(words)
	}
	return v.one([]string{v.id(path), "prospecting", "email", "phone", "crm/eu", "shop/web", "fr", "en", "json", "csv", "html", "pdf", "txt", "xlsx", "art17.1.b", "consent_withdrawn", "contact_details", "identity", "C-00001",
		"acme", "crm", "dialer", "0", "10", "42", "2026-01", "Une phrase en français.", "dpo@acme.example", "anne@example.org", "true", "day", "month", "client", "prospect", "controller", "access", "erasure", "person", "refusal"})
}

// of makes a value of a schema; deep bounds references that go round.
func (v *values) of(path, name string, s *apiSchema, deep int) any {
	if s == nil || deep > 8 {
		return nil
	}
	if s.Ref != "" {
		return v.of(path, name, v.doc.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]], deep+1)
	}
	if v.odd(4) {
		return []any{nil, v.one(hostile()), -1, 1.5, true, []any{}, map[string]any{echoed: 1}, 1e300}[v.rand.IntN(8)]
	}
	if len(s.Enum) > 0 && v.chance(90) {
		return s.Enum[v.rand.IntN(len(s.Enum))]
	}
	switch s.kind() {
	case "object", "":
		return v.object(path, s, deep)
	case "array":
		out := []any{}
		for range v.rand.IntN(4) {
			out = append(out, v.of(path, name, s.Items, deep+1))
		}
		if v.odd(2) {
			for range 1200 {
				out = append(out, v.of(path, name, s.Items, 7))
			}
		}
		return out
	case "integer", "number":
		return []any{0, 1, 2, 5, 30, 100, 1000, -1, 1001, 1 << 31, 1 << 53, -1 << 40}[v.rand.IntN(12)]
	case "boolean":
		return v.chance(50)
	}
	return v.text(path, name, s.Description, s.Format)
}

func (v *values) object(path string, s *apiSchema, deep int) any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		percent := 40
		if slices.Contains(s.Required, name) {
			percent = 95
		}
		if v.chance(percent) {
			out[name] = v.of(path, name, s.Properties[name], deep+1)
		}
	}
	if len(s.Properties) == 0 && v.chance(50) {
		out[v.one([]string{"a", echoed, "person.emails", "__proto__"})] = v.one(hostile())
	}
	if v.odd(3) {
		out[echoed] = v.one(hostile())
	}
	return out
}

// body makes a body for one of the media types of an operation.
func (v *values) body(op *apiOperation, media string) string {
	var raw []byte
	switch schema := op.Body.Content[media].Schema; {
	case strings.Contains(op.path, "/events") || strings.Contains(media, "cloudevents") || strings.Contains(op.path, "/repair") || strings.Contains(op.path, "/ingest"):
		raw = v.someEvents(media)
	case schema != nil && strings.HasSuffix(media, "json"):
		raw, _ = json.Marshal(v.of(op.path, "", schema, 0), json.Deterministic(true))
	case strings.Contains(media, "form"):
		raw = []byte("name=" + echoed + "&email=anne%40example.org&right=access&message=a&all=1&List-Unsubscribe=One-Click&channel=email&confirm=yes")
	default:
		raw = []byte(v.one([]string{"anne@example.org\n+33639980001\n" + echoed + "\n", "a;b;c\n=1+1;" + echoed + ";x\n", "name: x\nversion: 1\n", "\ufeffid,email\n1,anne@example.org\n", "PK\x03\x04" + echoed, echoed}))
	}
	return v.damage(string(raw))
}

func (v *values) someEvents(media string) []byte {
	n := 1
	if strings.Contains(media, "batch") || strings.Contains(media, "ndjson") {
		n = v.rand.IntN(20)
	}
	var out []string
	for range n {
		line := v.one(v.events)
		var e map[string]any
		if json.Unmarshal([]byte(line), &e) == nil && v.chance(70) {
			v.change(e, 0)
			e["id"] = fmt.Sprintf("fuzz-%d", v.rand.Int64())
			if b, err := json.Marshal(e, json.Deterministic(true)); err == nil {
				line = string(b)
			}
		}
		out = append(out, line)
	}
	if strings.Contains(media, "batch") {
		return []byte("[" + strings.Join(out, ",") + "]")
	}
	return []byte(strings.Join(out, "\n"))
}

// change alters one place of an event.
func (v *values) change(e map[string]any, deep int) {
	names := slices.Sorted(maps.Keys(e))
	if len(names) == 0 {
		return
	}
	name := v.one(names)
	if inner, ok := e[name].(map[string]any); ok && deep < 4 && v.chance(80) {
		v.change(inner, deep+1)
		return
	}
	switch v.rand.IntN(4) {
	case 0:
		delete(e, name)
	case 1:
		e[name] = []any{nil, 1, -1.5, true, []any{}, []any{[]any{echoed}}, map[string]any{echoed: echoed}}[v.rand.IntN(7)]
	case 2:
		e[name+echoed] = e[name]
	default:
		e[name] = v.one(hostile())
	}
}

// damage spoils some bodies as bytes.
func (v *values) damage(text string) string {
	if len(text) == 0 || !v.odd(8) {
		return text
	}
	at := v.rand.IntN(len(text))
	switch v.rand.IntN(5) {
	case 0:
		return text[:at]
	case 1:
		return text[:at] + "\xff\x00" + text[at:]
	case 2:
		return text + text
	case 3:
		return strings.Repeat("[", 2000) + text
	}
	return `{"a":1,"a":2}`
}
