package signin_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"greffe/api/signin"
)

func views() (out []signin.View) {
	for _, p := range []signin.Page{signin.SignInPage, signin.InvitationPage, signin.MePage} {
		for _, away := range []bool{false, true} {
			out = append(out, signin.View{Page: p, Lang: "fr", Away: away, Providers: []signin.Provider{{Name: "ACME", Href: "/v1/session/oidc"}}})
		}
	}
	return out
}

func rendered(t *testing.T, v signin.View, lang string) *html.Node {
	t.Helper()
	v.Lang = lang
	b, err := signin.HTML(v)
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func attributes(n *html.Node) map[string]string {
	out := map[string]string{}
	for _, a := range n.Attr {
		out[a.Key] = a.Val
	}
	return out
}

// Each page: one heading, a language, nothing inline, nothing from elsewhere, a
// label on each field that is seen, what errors are read aloud from, and ids that
// are found and stand once.
func TestPagesAreReadableAndHoldNoCode(t *testing.T) {
	t.Parallel()
	for _, v := range views() {
		for _, lang := range []string{"fr", "en"} {
			count, ids, labels, refs := map[string]int{}, map[string]int{}, map[string]bool{}, []string{}
			var inputs []map[string]string
			for n := range rendered(t, v, lang).Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				attr := attributes(n)
				count[n.Data]++
				if id := attr["id"]; id != "" {
					ids[id]++
				}
				for _, name := range []string{"aria-describedby", "aria-labelledby", "aria-controls"} {
					if attr[name] != "" {
						refs = append(refs, attr[name])
					}
				}
				for name, value := range attr {
					if strings.HasPrefix(name, "on") || name == "style" || strings.Contains(value, "//") || strings.HasPrefix(value, "javascript") {
						t.Errorf("%s %s: <%s %s=%q>", v.Page, lang, n.Data, name, value)
					}
				}
				switch n.Data {
				case "html":
					if attr["lang"] != lang {
						t.Errorf("%s: the page says it is in %q", v.Page, attr["lang"])
					}
				case "script":
					checkAsset(t, attr["src"])
					if n.FirstChild != nil || attr["type"] != "module" {
						t.Errorf("%s: a script within the page", v.Page)
					}
				case "link":
					checkAsset(t, attr["href"])
				case "label":
					labels[attr["for"]] = true
				case "input":
					inputs = append(inputs, attr)
				case "form":
					if attr["method"] != "post" || attr["action"] != "" {
						t.Errorf("%s: a form that would put its fields into an address", v.Page)
					}
				case "style", "img", "iframe", "object", "base":
					t.Errorf("%s has a <%s>", v.Page, n.Data)
				}
			}
			for _, name := range []string{"h1", "main", "title", "noscript"} {
				if count[name] != 1 {
					t.Errorf("%s %s: %d <%s>", v.Page, lang, count[name], name)
				}
			}
			for _, in := range inputs {
				if _, hidden := in["hidden"]; !hidden && !labels[in["id"]] {
					t.Errorf("%s: the field %s has no label", v.Page, in["id"])
				}
				if in["autocomplete"] == "" {
					t.Errorf("%s: the field %s says nothing to a password manager", v.Page, in["id"])
				}
			}
			for id, n := range ids {
				if n > 1 {
					t.Errorf("%s: the id %s stands %d times", v.Page, id, n)
				}
			}
			for _, r := range refs {
				if ids[r] == 0 {
					t.Errorf("%s: %q is referred to and not there", v.Page, r)
				}
			}
			if ids["problem"] != 1 || ids["status"] != 1 {
				t.Errorf("%s has nowhere to tell what went wrong", v.Page)
			}
		}
	}
}

func checkAsset(t *testing.T, at string) {
	t.Helper()
	name, ok := strings.CutPrefix(at, signin.AssetPath)
	if b, _, known := signin.Asset(name); !ok || !known || len(b) == 0 {
		t.Errorf("a page loads %q, which is not there", at)
	}
}

// Both languages have every sentence, and none stands untranslated. Those that
// scripts show are in attributes.
func TestEverySentenceIsInBothLanguages(t *testing.T) {
	t.Parallel()
	same := []string{"Greffe", "ACME", "Sessions"}
	for _, v := range views() {
		fr, en := sentences(rendered(t, v, "fr")), sentences(rendered(t, v, "en"))
		if len(fr) != len(en) || len(fr) < 8 {
			t.Fatalf("%s: %d sentences in French, %d in English", v.Page, len(fr), len(en))
		}
		for i := range fr {
			if fr[i] == en[i] && !slices.Contains(same, fr[i]) {
				t.Errorf("%s: %q in both languages", v.Page, fr[i])
			}
		}
	}
	if got, want := sentences(rendered(t, signin.View{Page: signin.MePage}, "de")), sentences(rendered(t, signin.View{Page: signin.MePage}, "en")); !slices.Equal(got, want) {
		t.Error("another language is not English")
	}
}

func sentences(root *html.Node) (out []string) {
	for n := range root.Descendants() {
		if s := strings.TrimSpace(n.Data); n.Type == html.TextNode && s != "" {
			out = append(out, s)
		}
		if n.Type != html.ElementNode {
			continue
		}
		attr := attributes(n)
		for _, name := range slices.Sorted(maps.Keys(attr)) {
			if strings.HasPrefix(name, "data-") && attr[name] != "" && name != "data-away" && name != "data-reveal" {
				out = append(out, attr[name])
			}
		}
	}
	return out
}

// Where passkeys cannot work nobody is sent to try.
func TestNoPasskeysWhereTheyCannotWork(t *testing.T) {
	t.Parallel()
	for _, v := range views() {
		b, err := signin.HTML(v)
		if err != nil {
			t.Fatal(err)
		}
		offers := strings.Contains(string(b), `id="with-passkey"`) || strings.Contains(string(b), `id="passkey-form"`)
		if v.Page != signin.InvitationPage && offers == v.Away {
			t.Errorf("%s: offered %t, away %t", v.Page, offers, v.Away)
		}
	}
}

// The scripts make no markup of texts, load nothing from elsewhere and keep
// nothing in the browser.
func TestAssetsAreHarmless(t *testing.T) {
	t.Parallel()
	if n := len(signin.AssetNames()); n != 5 {
		t.Errorf("%d assets", n)
	}
	for _, name := range signin.AssetNames() {
		b, media, ok := signin.Asset(name)
		if !ok || len(b) == 0 || !strings.HasPrefix(media, "text/") {
			t.Errorf("%s: %q", name, media)
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "http:", "https:", "@import", "url(", "localStorage", "sessionStorage", "document.cookie", "console."} {
			if strings.Contains(string(b), bad) {
				t.Errorf("%s has %s", name, bad)
			}
		}
	}
	for _, name := range []string{"", "base.html", "../doc.go", "pages/api.js", "api.js/", "API.js", "..%2fdoc.go"} {
		if _, _, ok := signin.Asset(name); ok || path.Ext(name) == ".html" && ok {
			t.Errorf("%q is given out", name)
		}
	}
	for _, v := range []signin.View{{Page: "base", Lang: "fr"}, {Page: "../x", Lang: "fr"}} {
		if b, err := signin.HTML(v); err == nil && strings.Contains(string(b), "<main") {
			t.Errorf("%q was rendered", v.Page)
		}
	}
}

func TestQRCodeOfWhatFits(t *testing.T) {
	t.Parallel()
	c, err := signin.QR("otpauth://totp/Greffe:anne?secret=JBSWY3DPEHPK3PXP&issuer=Greffe")
	if err != nil || c.Size < 29+8 || !strings.HasPrefix(c.Path, "M4 4h7v1h-7z") {
		t.Errorf("%d %.20q: %v", c.Size, c.Path, err)
	}
	if _, err := signin.QR(strings.Repeat("canary", 1000)); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}
