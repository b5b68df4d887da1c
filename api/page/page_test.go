package page_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"greffe/api/page"
)

var at = time.Date(2026, 8, 3, 9, 14, 7, 0, time.FixedZone("", 7200))

func kinds() []page.Kind {
	return []page.Kind{page.Preferences, page.Confirm, page.Stopped, page.Confirmed, page.Already, page.Nothing, page.Later}
}

func view(k page.Kind, lang string) page.View {
	return page.View{Kind: k, Lang: lang, Company: "ACME SAS", Contact: "dpo@acme.example", Purpose: "Prospection commerciale",
		Choices:  []page.Choice{{Code: "email", Label: "Courriel", Checked: true}, {Code: "phone", Label: "Téléphone"}},
		Channels: []string{"Courriel", "Téléphone"}, ForCalls: true, At: at, Receipt: "48daceb6-c33e-8219-81fe-df5af8eb46ec", Empty: true}
}

func render(t *testing.T, v page.View) string {
	t.Helper()
	b, err := page.HTML(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// elements walks a page.
func elements(t *testing.T, text string, visit func(n *html.Node, attr map[string]string)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		visit(n, attr)
	}
}

// Every page: one heading, a language, no code, nothing from elsewhere, labels on
// every field, and ids that what refers to them finds.
func TestPagesAreReadable(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		for _, lang := range []string{"fr", "en"} {
			text := render(t, view(k, lang))
			count, ids, refs := map[string]int{}, map[string]bool{}, []string{}
			elements(t, text, func(n *html.Node, attr map[string]string) {
				count[n.Data]++
				ids[attr["id"]] = true
				if r := attr["aria-describedby"]; r != "" {
					refs = append(refs, r)
				}
				for name, value := range attr {
					if strings.HasPrefix(name, "on") || name == "style" || strings.Contains(value, "//") || name == "src" {
						t.Errorf("%s %s: <%s %s=%q>", k, lang, n.Data, name, value)
					}
				}
				switch n.Data {
				case "html":
					if attr["lang"] != lang {
						t.Errorf("%s: the page says it is in %q", k, attr["lang"])
					}
				case "input":
					if n.Parent.Data != "label" {
						t.Errorf("%s: a field without a label", k)
					}
				case "form":
					if attr["method"] != "post" || attr["action"] != "" {
						t.Errorf("%s: a form to %q", k, attr["action"])
					}
				case "link":
					if attr["href"] != page.StylePath {
						t.Errorf("%s loads %q", k, attr["href"])
					}
				case "script", "img", "iframe", "object", "base":
					t.Errorf("%s has a <%s>", k, n.Data)
				}
			})
			for _, name := range []string{"h1", "main", "title"} {
				if count[name] != 1 {
					t.Errorf("%s %s: %d <%s>", k, lang, count[name], name)
				}
			}
			for _, r := range refs {
				if !ids[r] {
					t.Errorf("%s: %q describes something and is not there", k, r)
				}
			}
			if strings.Contains(text, "<no value>") || !strings.Contains(text, "noindex") {
				t.Errorf("%s %s: %s", k, lang, text)
			}
		}
	}
}

// Only what is still to be decided has a button; only what was recorded a time.
func TestEachPageSaysItsOwn(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		text := render(t, view(k, "fr"))
		buttons := map[page.Kind]int{page.Preferences: 2, page.Confirm: 1}[k]
		if n := strings.Count(text, "<button"); n != buttons {
			t.Errorf("%s has %d buttons", k, n)
		}
		done := k == page.Stopped || k == page.Confirmed
		if strings.Contains(text, `role="status"`) != (done || k == page.Already) || done != strings.Contains(text, "3 août 2026 à 09:14:07 (heure de Paris)") && k != page.Confirm {
			t.Errorf("%s: %s", k, text)
		}
		if done != strings.Contains(text, `datetime="2026-08-03T07:14:07Z"`) && k != page.Confirm {
			t.Errorf("%s: its time", k)
		}
	}
	if text := render(t, view(page.Stopped, "en")); !strings.Contains(text, "3 August 2026 at 09:14:07 (Paris time)") || !strings.Contains(text, "Courriel, Téléphone") {
		t.Errorf("%s", text)
	}
	v := view(page.Stopped, "fr")
	v.Channels, v.Purpose = nil, ""
	if text := render(t, v); !strings.Contains(text, "tous les moyens de contact") || !strings.Contains(text, "tous nos messages") {
		t.Errorf("%s", text)
	}
	v = view(page.Preferences, "fr")
	if text := render(t, v); strings.Count(text, " checked") != 1 || !strings.Contains(text, `role="alert"`) {
		t.Errorf("%s", text)
	}
	if v.Empty = false; strings.Contains(render(t, v), `role="alert"`) {
		t.Error("a problem before anything was sent")
	}
}

func TestValuesAreText(t *testing.T) {
	t.Parallel()
	v := view(page.Preferences, "fr")
	v.Company, v.Purpose, v.Contact = `<script>alert(1)</script>`, `"><b>x`, `javascript:alert(1)`
	v.Choices = []page.Choice{{Code: `"><i>`, Label: "<i>"}}
	text := render(t, v)
	elements(t, text, func(n *html.Node, attr map[string]string) {
		if n.Data == "script" || n.Data == "b" || n.Data == "i" || strings.HasPrefix(attr["href"], "javascript") {
			t.Errorf("a value became <%s %v>", n.Data, attr)
		}
	})
}

// Both languages have every sentence, and none stands untranslated.
func TestEverySentenceIsTranslated(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		fr, en := view(k, "fr"), view(k, "en")
		fr.Company, fr.Purpose, fr.Contact, fr.Choices, fr.Channels = "", "", "", nil, nil
		en.Company, en.Purpose, en.Contact, en.Choices, en.Channels = "", "", "", nil, nil
		a, b := texts(t, render(t, fr)), texts(t, render(t, en))
		if len(a) != len(b) || len(a) < 3 {
			t.Errorf("%s: %d texts in French, %d in English", k, len(a), len(b))
			continue
		}
		for i := range a {
			if a[i] == b[i] && a[i] != fr.Receipt {
				t.Errorf("%s: %q in both", k, a[i])
			}
		}
	}
	if !reflect.DeepEqual(texts(t, render(t, view(page.Later, "de"))), texts(t, render(t, view(page.Later, "en")))) {
		t.Error("another language is not English")
	}
}

func texts(t *testing.T, page string) (out []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if s := strings.TrimSpace(n.Data); n.Type == html.TextNode && s != "" {
			out = append(out, s)
		}
	}
	return out
}

func TestStyleLoadsNothing(t *testing.T) {
	t.Parallel()
	if s := string(page.Style()); strings.Contains(s, "url(") || strings.Contains(s, "@import") || !strings.Contains(s, ":focus-visible") {
		t.Error("the style loads something, or hides where the keyboard is")
	}
}
