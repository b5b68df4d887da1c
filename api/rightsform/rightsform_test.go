package rightsform_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"greffe/api/rightsform"
	"greffe/domain/rights"
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// wrongs are all fields that can be wrong.
func wrongs() []string {
	return append(rightsform.Fields(), rightsform.AnswerKey, rightsform.ObjectKey, rightsform.Trap)
}

func pages() (out []rightsform.View) {
	for _, lang := range []string{"fr", "en"} {
		base := rightsform.View{Lang: lang, Company: "ACME SAS", Contact: "dpo@acme.example", Once: "48daceb6-c33e-8219-81fe-df5af8eb46ec"}
		empty, bad, received, later := base, base, base, base
		empty.Kind, bad.Kind, received.Kind, later.Kind = rightsform.Ask, rightsform.Ask, rightsform.Received, rightsform.Later
		bad.Wrong = wrongs()
		bad.Values = map[string]string{"right": "erasure", "name": `"><script>`, "message": "deux\nlignes", "requester": "proxy"}
		received.Number, received.Due, received.InForce = base.Once, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), true
		out = append(out, empty, bad, received, later)
	}
	return out
}

func render(t *testing.T, v rightsform.View) (string, *html.Node) {
	t.Helper()
	b, err := rightsform.HTML(v)
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b), root
}

func attrs(n *html.Node) map[string]string {
	out := map[string]string{}
	for _, a := range n.Attr {
		out[a.Key] = a.Val
	}
	return out
}

// TestPagesAreReadable: a language, one heading, no code, nothing from elsewhere, a
// label on every field, and ids that what refers to them finds.
func TestPagesAreReadable(t *testing.T) {
	t.Parallel()
	for _, v := range pages() {
		text, root := render(t, v)
		ids, labels, refs, h1 := map[string]int{}, map[string]bool{}, []string{}, 0
		var fields []string
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			a := attrs(n)
			if a["id"] != "" {
				ids[a["id"]]++
			}
			refs = append(refs, strings.Fields(a["aria-describedby"]+" "+a["aria-labelledby"])...)
			switch n.Data {
			case "html":
				if a["lang"] != v.Lang {
					t.Errorf("language %q", a["lang"])
				}
			case "h1":
				h1++
			case "script", "img", "iframe", "object":
				t.Errorf("a page holds a %s", n.Data)
			case "label":
				labels[a["for"]] = true
			case "a":
				if id, ok := strings.CutPrefix(a["href"], "#"); ok {
					refs = append(refs, id)
				}
			case "input", "textarea":
				if a["type"] != "hidden" && a["type"] != "radio" {
					fields = append(fields, a["id"])
				}
			}
			for name := range a {
				if strings.HasPrefix(name, "on") || name == "style" {
					t.Errorf("%s has %s", n.Data, name)
				}
			}
		}
		for _, id := range refs {
			if ids[id] != 1 {
				t.Errorf("%s %s: %d elements have the id %q", v.Kind, v.Lang, ids[id], id)
			}
		}
		for _, f := range fields {
			if !labels[f] {
				t.Errorf("%s has no label", f)
			}
		}
		if h1 != 1 || strings.Contains(text, "//") && strings.Contains(text, `src="`) || !strings.Contains(text, "<title>") || strings.Contains(text, "<script") {
			t.Errorf("%s %s: %d headings", v.Kind, v.Lang, h1)
		}
	}
}

// TestNothingIsLeftToSay: each word there is in both languages, and no problem
// without its sentence.
func TestNothingIsLeftToSay(t *testing.T) {
	t.Parallel()
	for _, v := range pages() {
		text, root := render(t, v)
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && slices.Contains([]string{"label", "legend", "li", "h1", "h2", "button", "dt", "p"}, n.Data) && strings.TrimSpace(inner(n)) == "" {
				t.Errorf("%s %s: an empty %s", v.Kind, v.Lang, n.Data)
			}
		}
		if v.Wrong != nil && strings.Count(text, "<li>") != len(v.Wrong) {
			t.Errorf("%d problems of %d", strings.Count(text, "<li>"), len(v.Wrong))
		}
		if v.Kind == rightsform.Received && (!strings.Contains(text, v.Number) || !strings.Contains(text, map[string]string{"fr": "1er avril 2026", "en": "1 April 2026"}[v.Lang])) {
			t.Errorf("received: %s", text)
		}
	}
}

func inner(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
		if c.Data == "input" {
			b.WriteString("field")
		}
	}
	return b.String()
}

// TestEveryRightOfTheFormIsOne, and what is read of a good form can be taken in.
func TestEveryRightOfTheFormIsOne(t *testing.T) {
	t.Parallel()
	for _, r := range rightsform.Offered() {
		form := url.Values{"right": {string(r)}, "name": {"Anne"}, "email": {"anne@example.org"}, "message": {"?"}, "agent": {"Paul"}}
		if r == rights.PostMortem {
			form.Set("requester", string(rights.Heir))
		}
		in, _, wrong := rightsform.Read(form, "fr", now)
		if len(wrong) > 0 || in.Right != r || in.Origin != rights.OriginForm || in.Channel != "web_form" || in.Language != "fr" || !in.Received.Equal(now) {
			t.Errorf("%s: %v %+v", r, wrong, in)
		}
	}
}

// TestWhatIsWrong names each field once, in the order of the form.
func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 9000)
	for name, c := range map[string]struct {
		form url.Values
		want []string
	}{
		"nothing": {url.Values{}, []string{"right", "name", "answer"}},
		"all too long": {url.Values{"right": {"access"}, "name": {long}, "email": {long}, "phone": {long}, "address": {long}, "customer_number": {long}, "agent": {long}, "message": {long}},
			[]string{"name", "email", "phone", "address", "customer_number", "agent", "message"}},
		"control":       {url.Values{"right": {"access"}, "name": {"A\x07"}, "address": {"1 rue X"}}, []string{"name"}},
		"blank address": {url.Values{"right": {"access"}, "name": {"A"}, "email": {" a b@c.fr"}}, []string{"email"}},
		"no host":       {url.Values{"right": {"access"}, "name": {"A"}, "email": {"a@localhost"}}, []string{"email"}},
		"right of none": {url.Values{"right": {"directives"}, "name": {"A"}, "email": {"a@b.fr"}}, []string{"right"}},
		"heir of none":  {url.Values{"right": {"access"}, "requester": {"heir"}, "agent": {"P"}, "name": {"A"}, "email": {"a@b.fr"}}, []string{"requester"}},
	} {
		if _, _, wrong := rightsform.Read(c.form, "en", now); !slices.Equal(wrong, c.want) {
			t.Errorf("%s: %v, want %v", name, wrong, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("right=access&name=A&email=a%40b.fr")
	f.Add("right=objection&phone=06\x00")
	f.Fuzz(func(t *testing.T, body string) {
		form, _ := url.ParseQuery(body)
		in, values, wrong := rightsform.Read(form, "fr", now)
		if len(wrong) == 0 && in.Check(now) != nil {
			t.Fatal("taken in though the desk refuses it")
		}
		if _, err := rightsform.HTML(rightsform.View{Kind: rightsform.Ask, Lang: "fr", Values: values, Wrong: wrong}); err != nil {
			t.Fatal(err)
		}
	})
}
