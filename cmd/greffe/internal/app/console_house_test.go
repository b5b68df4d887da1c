package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
)

// house is a console's site in which every desk has something, told through the API: in
// each text that a route or an event takes stands what say gives for it.
type house struct {
	*consoleSite
	doc   map[string]any
	say   func(field string) string
	said  map[string]string // what was taken, by "ROUTE PATH" of its field
	codes map[string]bool   // fields that take codes and no other text
	plain map[string]bool   // fields that take no text of any kind, and are given a plainer one
	known map[string]string // ids by the name under which a step keeps them
	by    map[string]auth.Made
}

// step is one request of the story: a route of the API, the least that it asks for as a
// body, the role that sends it, what to keep of the answer, as NAME or NAME=MEMBER, and
// which members are left out, as they exclude others.
type step struct{ role, route, body, keep, without string }

func openHouse(t *testing.T, say func(field string) string) *house {
	t.Helper()
	h := &house{say: say, said: map[string]string{}, codes: map[string]bool{}, plain: map[string]bool{}, known: map[string]string{}, by: map[string]auth.Made{}}
	h.consoleSite = openConsoleOf(t, openMatrixOf(t, func(c *Config) { c.RightsForm, c.Mappings = true, h.mappings(t) }))
	h.ok(json.Unmarshal([]byte(h.get("/openapi.json").text), &h.doc))
	_, _, err := h.open.Ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(h.policy()))
	h.ok(err)
	h.rules, _ = h.open.Ledger.Policy()
	h.people()
	h.producers()
	h.asked()
	h.known["task"] = "4"
	for _, s := range houseStory() {
		h.tell(s)
	}
	h.ok(h.open.CaughtUp(t.Context()))
	return h
}

// policy is the shipped one with other names for every code, and two persons for some acts.
func (h *house) policy() string {
	n := 0
	text := regexp.MustCompile(`\b(fr|en): ([^,}\n]+)`).ReplaceAllStringFunc(string(deploy.Policy()), func(s string) string {
		n++
		b, err := json.Marshal(strings.Join(strings.Fields(h.say(fmt.Sprintf("policy label %d", n))), " "))
		h.ok(err)
		return s[:4] + string(b)
	})
	text = strings.Replace(text, "persons_hour: {soft: 60, hard: 300}", "persons_hour: {soft: 5, hard: 200}", 1)
	return text + "\napprovals: [{act: hold_release}]\n"
}

// people are one for each type of event, each with every text that the type takes.
func (h *house) people() {
	h.Helper()
	var all []string
	last := map[event.Type]int{}
	defer func() {
		for kind, i := range last {
			name := strings.ReplaceAll(string(kind), ".", "_")
			h.known[name], h.known[name+"_of"] = h.known["event"+fmt.Sprint(i)], h.known["subject"+fmt.Sprint(i)]
		}
	}()
	for i, d := range event.Describe() {
		who := fmt.Sprintf("H-%d", i)
		if d.Type != event.ContactCreated {
			all = append(all, h.event(i, "0", who, "contact.created", map[string]any{"kind": "client", "person": map[string]any{"given_name": fmt.Sprint("Person ", i)},
				"collection": map[string]any{"channel": "phone", "purposes": []string{"prospecting"}}}))
		}
		data := map[string]any{}
		for _, f := range d.Fields {
			h.put(data, string(d.Type), f)
		}
		last[d.Type] = len(all)
		all = append(all, h.event(i, "1", who, d.Type, data))
	}
	res := record(h.T, h.open, all...)
	for i, r := range res {
		if r.Event.IsZero() && r.Quarantine.IsZero() {
			h.Errorf("%s: %+v", all[i], r)
		}
		if !r.Quarantine.IsZero() {
			h.Logf("set aside: %s: %s", r.Refusal, all[i])
		}
		if !r.Event.IsZero() {
			h.known["event"+fmt.Sprint(i)], h.known["subject"+fmt.Sprint(i)] = r.Event.String(), r.Subject.String()
		}
	}
	h.known["subject"] = h.real["/v1/subjects/"]
	h.ok(h.open.CaughtUp(h.Context()))
}

func (h *house) event(i int, nth, who string, kind event.Type, data map[string]any) string {
	h.Helper()
	b, err := json.Marshal(map[string]any{"specversion": "1.0", "id": fmt.Sprintf("h-%d-%s", i, nth), "source": "crm/eu", "type": kind, "subject": who, "time": past, "actor": h.take("event actor"), "data": data})
	h.ok(err)
	return string(b)
}

// put gives a field of an event what it takes; a text takes what is said.
func (h *house) put(data map[string]any, kind string, f event.FieldDescription) {
	var v any
	switch f.Form {
	case "text":
		switch field := kind + " " + f.Path; f.Path {
		case "amount_cents":
			v = 1200
		case "person.emails", "person.phones", "partners":
			v = []any{h.take(field)}
		case "person.postal_address":
			v = map[string]any{"lines": []any{h.take(field + ".lines")}, "city": h.take(field + ".city"), "postal_code": h.take(field + ".postal_code"), "country": h.take(field + ".country")}
		default:
			v = h.take(field)
		}
	case "code":
		if len(f.Values) == 0 {
			return
		}
		v = f.Values[0]
	case "codes":
		v = f.Values[:1]
	case "purpose":
		v = "prospecting"
	case "purposes":
		v = []string{"prospecting"}
	case "channel":
		v = "phone"
	case "channels":
		v = []string{"phone"}
	case "reason":
		v = "audit"
	case "classes":
		v = []string{"notes"}
	case "boolean":
		v = false
	case "time":
		v = past
	case "number":
		v = 1
	case "contact":
		v = map[string]string{"source": "crm/eu", "subject": h.take(kind + " " + f.Path + ".subject")}
	case "contacts":
		v = []string{"H-1"}
	case "address":
		v = map[string]string{"phone": "0639980078"}
	case "contact fields":
		v = map[string]any{"notes": h.take(kind + " set.notes"), "person.family_name": h.take(kind + " set.person.family_name")}
	default:
		return
	}
	path := strings.Split(f.Path, ".")
	for _, p := range path[:len(path)-1] {
		if data[p] == nil {
			data[p] = map[string]any{}
		}
		data = data[p].(map[string]any)
	}
	data[path[len(path)-1]] = v
}

func (h *house) take(field string) string {
	text := h.say(field)
	h.said[field] = text
	return text
}

var inBraces = regexp.MustCompile(`\{([a-z_0-9]+)\}`)

// withKnown puts in what is known.
func (h *house) withKnown(text string) string {
	return inBraces.ReplaceAllStringFunc(text, func(s string) string {
		if v, ok := h.known[s[1:len(s)-1]]; ok {
			return v
		}
		return s
	})
}

// tell sends a step with every text that its route takes. A field that takes codes alone
// is found by the refusal, and left as the step has it.
func (h *house) tell(s step) {
	h.Helper()
	method, pattern, _ := strings.Cut(s.route, " ")
	path, _, _ := strings.Cut(pattern, " ")
	path, _, _ = strings.Cut(path, "?")
	h.known["now"] = h.now.read().Format(time.RFC3339Nano)
	var base any
	for name := range strings.FieldsSeq(s.without) {
		h.codes[s.route+" "+name] = true
	}
	if s.body != "" {
		h.ok(json.Unmarshal([]byte(h.withKnown(s.body)), &base))
	}
	schema := h.schema(method, path)
	for range 120 {
		texts := map[string]string{}
		body := h.full(schema, base, s.route, "", texts)
		status, raw := h.call(s.role, method, h.withKnown(s.route[len(method)+1:]), body)
		if status < 300 {
			maps.Copy(h.said, texts)
			h.keep(s, raw)
			return
		}
		var no struct{ Code, Field, Detail string }
		_ = json.Unmarshal([]byte(raw), &no)
		if !h.blame(s.route, no.Field, texts) {
			h.Errorf("%s: %d %.500s\n%.300s", s.route, status, raw, body)
			return
		}
	}
	h.Errorf("%s is refused whatever is left out", s.route)
}

// blame has the text that a refusal names be plainer, and what is refused then be a code.
func (h *house) blame(route, field string, texts map[string]string) bool {
	plain := regexp.MustCompile(`\[[0-9]*\]|\.[0-9]+`).ReplaceAllString(field, "")
	if plain == "" {
		return false
	}
	found := false
	last := plain[strings.LastIndexByte(plain, '.')+1:]
	for name := range texts {
		at := strings.ReplaceAll(strings.TrimPrefix(name, route+" "), "[]", "")
		if at == plain || strings.HasSuffix(at, "."+plain) || strings.HasPrefix(at, plain+".") || strings.HasSuffix(plain, "."+at) || strings.Contains("."+at+".", "."+last+".") {
			h.codes[name], h.plain[name], found = h.plain[name], true, true
		}
	}
	return found
}

func (h *house) call(role, method, path string, body any) (int, string) {
	h.Helper()
	h.now.pass(50e6)
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		h.ok(err)
		text = string(b)
	}
	path, approval, _ := strings.Cut(path, " ")
	if of, person := strings.CutSuffix(role, "*"); person {
		return h.signed(of, method, path, text, approval)
	}
	if _, ok := h.by[role]; !ok {
		h.by[role] = h.token(role, auth.Request{})
	}
	return h.rightsSite.send(h.by[role], method, path, path, text, "")
}

// signed is a call of a person who just signed in.
func (h *house) signed(role, method, path, body, approval string) (int, string) {
	h.Helper()
	s := h.enter(h.hired(role))
	req, err := http.NewRequestWithContext(h.Context(), method, h.url+path, strings.NewReader(body))
	h.ok(err)
	req.Header.Set("Cookie", auth.CookieNameLocal+"="+s.Cookie)
	req.Header.Set("X-Greffe-CSRF", s.CSRF)
	req.Header.Set("X-Greffe-Reason", "rights_request")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if approval != "" {
		req.Header.Set("X-Greffe-Approval", approval)
	}
	return h.do(req)
}

func (h *house) keep(s step, raw string) {
	for k := range strings.FieldsSeq(s.keep) {
		name, member, ok := strings.Cut(k, "=")
		if !ok {
			member = name
		}
		m := regexp.MustCompile(`"` + member + `":"?([^",}]+)`).FindStringSubmatch(raw)
		if m == nil {
			h.Errorf("%s: no %s in %.300s", s.route, member, raw)
			continue
		}
		h.known[name] = m[1]
	}
	h.ok(h.open.CaughtUp(h.Context()))
}

// TestHouse: the story reaches every route of the API that takes a text of somebody's, or
// says why not.
func TestHouse(t *testing.T) {
	t.Parallel()
	h := openHouse(t, func(string) string { return "Zqstory" })
	told := map[string]bool{}
	for _, s := range houseStory() {
		method, path, _ := strings.Cut(s.route, " ")
		path, _, _ = strings.Cut(path, " ")
		path, _, _ = strings.Cut(path, "?")
		for p := range h.doc["paths"].(map[string]any) {
			if matches(p, path) {
				told[method+" "+p] = true
			}
		}
	}
	for p, all := range h.doc["paths"].(map[string]any) {
		for m := range all.(map[string]any) {
			route := strings.ToUpper(m) + " " + p
			if why := untold()[route]; m == "get" || m == "parameters" || told[route] || why != "" || strings.HasPrefix(p, "/v1/session") || strings.HasPrefix(p, "/v1/me/") {
				continue
			}
			texts := map[string]string{}
			if h.full(h.schema(strings.ToUpper(m), p), nil, route, "", texts); len(texts) > 0 {
				t.Errorf("the story does not tell %s, which takes %v", route, slices.Sorted(maps.Keys(texts)))
			}
		}
	}
	for route := range untold() {
		if told[route] {
			t.Errorf("%s is told", route)
		}
	}
}
