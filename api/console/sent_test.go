package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain/bundle"
)

// takingAPI has every route that a desk names, lets the visitor do all, and counts what it
// is asked to do. While held is there, it does nothing.
type takingAPI struct {
	document []byte
	mu       sync.Mutex
	done     map[string]int
	held     chan struct{}
}

func newTakingAPI() *takingAPI {
	paths := map[string]map[string]any{}
	add := func(op string) {
		method, path, _ := strings.Cut(op, " ")
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		o := map[string]any{"x-permission": "all"}
		if method != http.MethodGet {
			o["requestBody"] = map[string]any{"content": map[string]any{"application/json": map[string]any{"schema": map[string]any{"type": "object", "properties": map[string]any{"words": map[string]any{"type": "string"}}}}}}
		}
		paths[path][strings.ToLower(method)] = o
	}
	for _, d := range desks() {
		for _, op := range d.operations() {
			add(op)
		}
	}
	b, err := json.Marshal(map[string]any{"paths": paths})
	if err != nil {
		panic(err)
	}
	return &takingAPI{document: b, done: map[string]int{}}
}

func (a *takingAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/openapi.json":
		_, _ = w.Write(a.document)
	case r.URL.Path == "/v1/session":
		_, _ = w.Write([]byte(`{"id":"one","csrf":"the-number-of-the-page","login":"anne","permissions":["all"],"reasons":[]}`))
	case r.Method == http.MethodGet:
		_, _ = w.Write([]byte(`{"items":[]}`))
	default:
		if a.held != nil {
			<-a.held
		}
		a.mu.Lock()
		a.done[r.Method+" "+r.URL.Path]++
		a.mu.Unlock()
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"event_id":"x"}`))
	}
}

// taken is how often the API was asked to do something, and forgets it.
func (a *takingAPI) taken() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range a.done {
		n += k
	}
	clear(a.done)
	return n
}

// actions are the addresses that forms are sent to: every act of every desk, and those that
// other handlers take.
func actions() []string {
	var out []string
	for _, d := range desks() {
		for _, a := range d.makes {
			out = append(out, Root+"/"+d.slug+"/new/"+a.slug)
		}
		for _, a := range d.acts {
			id := "0190a0a0-0000-7000-8000-00000000ffff"
			if len(d.keys) > 1 {
				id += separator + "1"
			}
			out = append(out, Root+"/"+d.slug+"/"+id+"/"+a.slug)
		}
	}
	return out
}

func sendForm(c *Console, where string, form url.Values) *httptest.ResponseRecorder {
	if form != nil {
		form = maps.Clone(form)
		form.Set("understood", "yes") // of those that ask for it
	}
	r := httptest.NewRequest(http.MethodPost, where, strings.NewReader(form.Encode()))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

// TestSentOnce: every form of every desk that changes something refuses who does not know
// the page's number or has no number of the form, and is sent once: twice in turn and
// eight times at once are one act, and lead to the same place.
func TestSentOnce(t *testing.T) {
	t.Parallel()
	api := newTakingAPI()
	c, err := New(Config{API: api, Now: time.Now, Scratch: func() (bundle.Spill, error) { return nil, errors.New("none") }, LogKey: func() []byte { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	const csrf = "the-number-of-the-page"
	all := actions()
	if len(all) < 60 {
		t.Fatalf("only %d forms", len(all))
	}
	asks := 0
	for n, where := range all {
		number := fmt.Sprintf("%032x", n)
		for _, bad := range []struct {
			name string
			form url.Values
			want int
		}{
			{"no number of the page", url.Values{"number": {number}}, http.StatusForbidden},
			{"a forged one", url.Values{"number": {number}, "csrf": {csrf + "0"}}, http.StatusForbidden},
			{"no number of the form", url.Values{"csrf": {csrf}}, http.StatusBadRequest},
			{"a number that no page made", url.Values{"csrf": {csrf}, "number": {"1"}}, http.StatusBadRequest},
		} {
			p := sendForm(c, where, bad.form)
			if asking(where) && p.Code < 400 {
				continue
			}
			if p.Code != bad.want {
				t.Errorf("%s: %s: %d, want %d", where, bad.name, p.Code, bad.want)
			}
		}
		if did := api.taken(); did != 0 && !asking(where) {
			t.Errorf("%s: the API was asked %d times by forged forms", where, did)
		}
		if asking(where) {
			asks++
			continue
		}
		form := url.Values{"csrf": {csrf}, "number": {number}, "words": {"x"}}
		first, again := sendForm(c, where, form), sendForm(c, where, form)
		if did := api.taken(); did != 1 || first.Code != again.Code || first.Header().Get("Location") != again.Header().Get("Location") {
			t.Errorf("%s: sent twice: %d acts, %d %s, %d %s", where, did, first.Code, first.Header().Get("Location"), again.Code, again.Header().Get("Location"))
		}
		if did := atOnce(c, api, where, url.Values{"csrf": {csrf}, "number": {fmt.Sprintf("%032x", 1000+n)}, "words": {"x"}}); did != 1 {
			t.Errorf("%s: sent eight times at once: %d acts", where, did)
		}
	}
	t.Logf("%d forms, %d of them ask and change nothing", len(all), asks)
}

// asking reports the forms of desks that only ask.
func asking(where string) bool {
	return slices.Contains([]string{Root + "/policy/new/compare", Root + "/opposition/new/check", Root + "/contactability/new/check"}, where)
}

// atOnce is how often the API was asked by a form that was sent eight times before it
// answered the first.
func atOnce(c *Console, api *takingAPI, where string, form url.Values) int {
	api.held = make(chan struct{})
	ended := make(chan int, 8)
	for range 8 {
		go func() { ended <- sendForm(c, where, form).Code }()
	}
	refused := 0
	for refused < 7 {
		select {
		case <-ended:
			refused++
		case <-time.After(5 * time.Second): // more than one is with the API
			close(api.held)
			return 8 - refused
		}
	}
	close(api.held)
	<-ended
	api.held = nil
	return api.taken()
}

// TestFormsHandled: whoever adds a handler of forms says whether it changes something; one
// that does is sent once.
func TestFormsHandled(t *testing.T) {
	t.Parallel()
	known := map[string]string{
		"/{desk}/new/{act}": "act", "/{desk}/{id}/{act}": "act", "/screenings": "begun", "/objections/{id}": "begun",
		"/opposition/new/object": "begun", "/opposition/new/import": "begun", "/merge/{pair}": "begun", "/quarantine/{id}": "begun",
		"/reason": "", "/again": "", "/people": "", "/contactability": "", "/opposition": "", "/policy/new/compare": "", "/glossary": "", "/guide": "", // ask, or keep a choice of the browser's
		"/bundles/{id}": "begun", "/guests/{id}": "begun", "/guests/{id}/{account}/invitation": "begun", "/guests/{id}/{account}/end": "begun", "/reveal/{id}": "begun", "/asked/{id}": "begun", "/find/{slug}": "",
		"/searches/{slug}": "begun", "/search/{id}": "", // another name, or none any more: the same however often it is sent
	}
	names, err := filesOf(".")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`HandleFunc\("POST "\+Root\+"([^"]+)", c\.page\(c\.([A-Za-z]+)\)\)`)
	seen := 0
	for _, text := range names {
		if n := bytes.Count(text, []byte(`HandleFunc("POST`)); n != len(found.FindAll(text, -1)) {
			t.Errorf("%d handlers of forms are not read", n)
		}
		for _, m := range found.FindAllSubmatch(text, -1) {
			seen++
			if how, ok := known[string(m[1])]; !ok {
				t.Errorf("POST %s is in no table: does it change something?", m[1])
			} else if body := regexp.MustCompile(`(?s)func \(c \*Console\) ` + string(m[2]) + `\(.*?\n}`).Find(bytes.Join(names, nil)); how != "" && !bytes.Contains(body, []byte("c.begun(v)")) {
				t.Errorf("POST %s is not sent once", m[1])
			}
		}
	}
	if seen != len(known) {
		t.Errorf("%d handlers of forms, %d in the table", seen, len(known))
	}
}

// filesOf are the sources of the package that are no tests.
func filesOf(dir string) (out [][]byte, err error) {
	root := http.Dir(dir)
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	all, err := d.Readdir(-1)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			f, err := root.Open(e.Name())
			if err != nil {
				return nil, err
			}
			b, err := io.ReadAll(f)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}
	return out, nil
}
