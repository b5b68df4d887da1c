package app

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/domain/event"
)

// inspector visits pages and notes what is strange in them, and what they say.
type inspector struct {
	*house
	role  string
	shown map[string]map[string]bool // by mark, the patterns of pages that say it
	pages map[string]int             // pages seen, by role and pattern
	dull  map[string]int             // pages in a row, by role and pattern, that said nothing new of their kind
	bored int                        // so many dull pages in a row are enough of a kind
	asked int
	each  func(where string, p shownPage) // told of each page on a walk; nil: nobody is
}

var (
	idForm   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	markForm = regexp.MustCompile(`zq[0-9]{4}z`)
	dayForm  = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}`)
)

// marked says a payload of the corpus under a mark of the field's own.
func marked(fields *[]string) func(string) string {
	all := corpus()
	return func(field string) string {
		n := slices.Index(*fields, field)
		if n < 0 {
			n, *fields = len(*fields), append(*fields, field)
		}
		return fmt.Sprintf("zq%04dz", n) + all[n%len(all)]
	}
}

// patternOf is what pages of one kind have in common: the address without its ids.
func patternOf(where string) string {
	u, err := url.Parse(where)
	if err != nil {
		return where
	}
	path := dayForm.ReplaceAllString(idForm.ReplaceAllString(u.Path, "*"), "*")
	path = regexp.MustCompile(`^(/console/(?:notices|policy|operations))/[^/]+`).ReplaceAllString(path, "$1/*")
	var keys []string
	for k, v := range u.Query() {
		if k == "tab" || k == "step" || k == "view" {
			k += "=" + v[0]
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return path + "?" + strings.Join(keys, "&")
}

func (i *inspector) look(where string, p shownPage) {
	i.Helper()
	i.asked++
	if p.status >= 500 {
		i.Errorf("%s: %s: %d %.500s", i.role, where, p.status, p.text)
	}
	for name, values := range p.header {
		if strings.Contains(strings.ToLower(name), "zq") || name != "Location" && markForm.MatchString(strings.Join(values, " ")) {
			i.Errorf("%s: the answer's header %s: %.200q", where, name, values)
		}
	}
	if !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
		return
	}
	if !strings.Contains(p.header.Get("Content-Security-Policy"), "default-src 'none'") {
		i.Errorf("%s: the policy of its contents: %q", where, p.header.Get("Content-Security-Policy"))
	}
	j, err := judge(strings.NewReader(p.text))
	i.ok(err)
	for n, f := range j.foreign {
		if n < 3 {
			i.Errorf("%s: %s: %s", i.role, where, f)
		}
	}
	kind := patternOf(where)
	i.dull[i.role+" "+kind]++
	for _, m := range markForm.FindAllString(j.said, -1) {
		if i.shown[m] == nil {
			i.shown[m] = map[string]bool{}
		}
		if !i.shown[m][kind] {
			i.shown[m][kind], i.dull[i.role+" "+kind] = true, 0
		}
	}
}

// walk follows every link of the console from the start page, so many of each kind at
// most, and as long as pages of the kind say what none of the kind said before.
func (i *inspector) walk(role string, most int) []string {
	i.Helper()
	i.role = role
	// Of events there are more than it opens; the few of this type come first.
	queue, seen := []string{"/console/audit?period=all&type=erasure.ordered", "/console"}, map[string]bool{"/console": true}
	for _, d := range event.Describe() {
		name := strings.ReplaceAll(string(d.Type), ".", "_")
		queue = append(queue, "/console/events/"+i.known[name], "/console/people/"+i.known[name+"_of"])
	}
	for len(queue) > 0 {
		where := queue[0]
		queue = queue[1:]
		key := role + " " + patternOf(where)
		if i.pages[key] >= most || i.dull[key] >= i.bored {
			continue
		}
		i.pages[key]++
		i.now.pass(200 * time.Millisecond)
		p := i.get(where)
		i.look(where, p)
		if i.each != nil {
			i.each(where, p)
		}
		if p.status >= 300 && p.status < 400 {
			p.text = `<a href="` + p.to + `">`
		}
		for _, href := range hrefs(p.text) {
			if u, err := url.Parse(href); err == nil && strings.HasPrefix(u.Path, "/console") && u.Query().Get("language") == "" {
				if href = u.RequestURI(); !seen[href] {
					seen[href] = true
					queue = append(queue, href)
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestConsoleHostile: markup in any text that the API takes - of every field of every
// event, of every route, of the policy - makes no element and no attribute of any page of
// the console, for any role; and every such text is shown somewhere, or is one of those
// that say why not.
func TestConsoleHostile(t *testing.T) {
	t.Parallel()
	var fields []string
	i := &inspector{house: openHouse(t, marked(&fields)), shown: map[string]map[string]bool{}, pages: map[string]int{}, dull: map[string]int{}, bored: 3}
	for _, role := range []string{"dpo", "admin", "security", "auditor", "agent"} {
		i.signIn(role)
		if r := i.reasonOf(role); r != "" {
			i.because(strings.TrimSuffix(r, ":T-1"))
		}
		i.walk(role, map[string]int{"dpo": 110}[role]+8)
	}
	i.cookies = map[string]string{}
	for _, payload := range corpus() {
		i.role = "nobody"
		for _, where := range openPages("zq0000z" + payload) {
			i.now.pass(time.Second)
			i.look(where, i.get(where))
		}
		i.look("/rights", i.send(http.MethodPost, "/rights", url.Values{"right": {payload}, "name": {payload}, "message": {payload}, "email": {payload}}, nil))
	}
	shown, unseen := 0, 0
	for n, field := range fields {
		switch mark := fmt.Sprintf("zq%04dz", n); {
		case len(i.shown[mark]) > 0:
			shown++
		case i.said[field] == "" && !strings.HasPrefix(field, "policy label"): // a code
		case unshown(field) == "":
			unseen++
			t.Errorf("no page shows what is said in %q", field)
		}
	}
	kinds := map[string]bool{}
	for key := range i.pages {
		kinds[key[strings.IndexByte(key, ' ')+1:]] = true
	}
	t.Logf("%d fields take a text, %d are shown; %d pages of %d kinds were seen; %d pairs of field and page", len(i.said), shown, i.asked, len(kinds), pairs(i.shown))
	if len(fields) < 250 || shown < 200 || i.asked < 300 || len(kinds) < 80 {
		t.Errorf("only %d fields, %d shown, %d pages, %d kinds", len(fields), shown, i.asked, len(kinds))
	}
}

func pairs(shown map[string]map[string]bool) (n int) {
	for _, at := range shown {
		n += len(at)
	}
	return n
}

// unshown says why a text that was taken is on no page.
func unshown(field string) string {
	for part, why := range map[string]string{
		"event actor": "an id stands for it", "access.recorded ticket": "withheld from everybody", "access.recorded query_digest": "withheld from everybody", "access.recorded detail": "withheld from everybody",
		"into.subject": "an id stands for it", "to.subject": "an id stands for it", "contact.created notes": "redacted in the story; contact.changed has it",
		"opposition list.name": "no route gives it", "reviews/{review}/plan text": "no route gives it", "/close remark": "no route gives it", "/decision note": "no route gives it",
		"POST /v1/accounts label": "changed in the story", "POST /v1/requests objection.": "a code that is not known widens the objection", "tokens sources[]": "the list of tokens names roles and networks", "activities/organisation": "no page yet",
	} {
		if strings.Contains(field, part) {
			return why
		}
	}
	return ""
}

// TestConsoleHostileForms: what is typed into any field of any form, and in any filter,
// comes back as text, whether the form was taken or refused.
func TestConsoleHostileForms(t *testing.T) {
	t.Parallel()
	i := &inspector{house: openHouse(t, func(string) string { return "Zqstory" }), shown: map[string]map[string]bool{}, pages: map[string]int{}, dull: map[string]int{}, bored: 3}
	payloads, filled, forms := corpus(), 0, map[string]bool{}
	for _, role := range []string{"dpo", "admin", "security"} {
		i.signIn(role)
		if r := i.reasonOf(role); r != "" {
			i.because(strings.TrimSuffix(r, ":T-1"))
		}
		for _, where := range i.walk(role, 1) {
			key := patternOf(where)
			if forms[key] {
				continue
			}
			forms[key] = true
			i.now.pass(time.Second)
			for _, f := range formsOf(i.get(where).text) {
				action := f.action
				if action == "" {
					action = where
				}
				sent := role + " " + f.method + " " + patternOf(action)
				if forms[sent] {
					continue
				}
				forms[sent] = true
				form, n := typed(f, payloads, filled)
				filled += n
				i.now.pass(time.Second)
				if f.method == "get" {
					u, _ := url.Parse(action)
					i.look("filters of "+where, i.get(u.Path+"?"+form.Encode()))
					continue
				}
				p := i.send(http.MethodPost, action, form, nil)
				i.look("the form "+action, p)
				if p.status < 300 || p.status >= 400 {
					continue
				}
				i.look("after the form "+action, i.get(p.to))
			}
			if i.cookies["greffe_reason"] == "" || strings.HasPrefix(where, "/console/reason") {
				i.because(strings.TrimSuffix(i.reasonOf(role), ":T-1"))
			}
		}
	}
	back := 0
	for range i.shown {
		back++
	}
	t.Logf("%d fields of %d forms were filled, %d came back", filled, len(forms), back)
	if filled < 300 || back < filled/3 {
		t.Errorf("%d fields were filled, %d came back", filled, back)
	}
}

// typed fills a form with payloads, each under a mark of its own.
func typed(f pageForm, payloads []string, from int) (url.Values, int) {
	form, n := url.Values{}, 0
	for _, x := range f.fields {
		switch {
		case x.name == "csrf" || x.name == "number":
			form.Set(x.name, x.value)
		case x.kind == "select" && len(x.choices) > 0 && n%2 == 0:
			form.Set(x.name, x.choices[0])
		case x.kind == "checkbox" || x.kind == "hidden" || x.kind == "submit":
		default:
			form.Set(x.name, fmt.Sprintf("zq%04dz", from+n)+payloads[(from+n)%len(payloads)])
			n++
		}
	}
	return form, n
}
