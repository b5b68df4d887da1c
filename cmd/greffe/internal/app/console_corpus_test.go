package app

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// corpus is markup that would do something in a page that does not escape it: elements,
// ways out of attributes, of texts and of scripts, addresses, styles, templates, and signs
// that readers of text treat in ways of their own. What it would make has a name with zq.
func corpus() []string {
	return []string{
		`<img src=x zq onerror=zq()>`, `"><img zq src=x onerror=zq()>`, `'><svg zq onload=zq()>`, `</textarea><svg/zq/onload=zq()>`, `</title></style></script><script>zq()</script>`,
		`</select></option><b zq>`, `" autofocus zq onfocus="zq()`, `' zq=1 onmouseover='zq()`, "` zq onclick=zq()", `javascript:zq()//`, `java&#x73;cript:zq()`, `data:text/html,<script>zq()</script>`,
		`<a href="javascript:zq()">zq</a>`, `<meta http-equiv="refresh" content="0;url=//zq.example">`, `<base href="//zq.example/">`, `<form action="//zq.example"><button>zq`,
		`<style>@import "//zq.example"</style>`, `x;background:url(//zq.example)`, `<iframe srcdoc="<script>zq()</script>">`, `<object data="//zq.example">`, `<!--zq--><![CDATA[zq]]>`,
		`{{.Lang}}${7*7}#{7*7}<%= 7*7 %>`, `&lt;script&gt;zq()&lt;/script&gt;`, "\u202ezq\u2066<b zq>", "＜script＞zq()＜/script＞ <b zq>", "<\u200bimg zq src=x>",
		"x\r\nX-Zq: 1\r\n\r\n<b zq>", `\"><b zq>\u003cb zq\u003e`, `=cmd|'/c zq'!A1`,
	}
}

// ours are the elements that the console's pages are made of.
var ours = strings.Fields(`html head meta title link script body a header div span nav details summary ul ol li p main aside h1 h2 h3 h4 form label select option optgroup button small input textarea
	fieldset legend section article samp table caption thead tbody tfoot tr th td colgroup col dl dt dd time code pre strong em b i abbr footer figure figcaption meter progress br hr output datalist
	dialog ins del svg path g line rect circle text polyline polygon title defs use blockquote template kbd mark noscript`)

// judgedPage is what a parser makes of a page: everything that a reader is told, and what
// is in it that data must have made.
type judgedPage struct {
	said    string // texts and values of attributes, as they are shown
	foreign []string
}

// judge parses a page as a browser does.
func judge(page io.Reader) (judgedPage, error) {
	root, err := html.Parse(page)
	if err != nil {
		return judgedPage{}, err
	}
	var out judgedPage
	var said strings.Builder
	note := func(format string, args ...any) { out.foreign = append(out.foreign, fmt.Sprintf(format, args...)) }
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			said.WriteString(n.Data + "\n")
		case html.CommentNode:
			note("a comment: %.80s", n.Data)
		case html.ElementNode:
			if !slices.Contains(ours, n.Data) {
				note("an element %s", n.Data)
			}
			for _, a := range n.Attr {
				said.WriteString(a.Val + "\n")
				if why := strangeAttribute(n, a); why != "" {
					note("<%s %s=%.80q>: %s", n.Data, a.Key, a.Val, why)
				}
			}
			if n.Data == "script" && n.FirstChild != nil {
				note("a script with a text: %.80s", n.FirstChild.Data)
			}
		}
	}
	out.said = said.String()
	return out, nil
}

// strangeAttribute says why an attribute is not the console's.
func strangeAttribute(n *html.Node, a html.Attribute) string {
	key := strings.ToLower(a.Key)
	switch {
	case strings.HasPrefix(key, "on"), key == "style", key == "srcdoc", key == "formaction" && a.Val != "/console/find/requests", key == "ping", key == "background", strings.Contains(key, "zq"), strings.ContainsAny(key, "<>\"'`="):
		return "no attribute of the console"
	case key == "http-equiv":
		return "a page that sends elsewhere"
	case n.Data == "script" && key == "src", n.Data == "link" && key == "href":
		if !strings.HasPrefix(a.Val, "/console/assets/") && !strings.HasPrefix(a.Val, "/signin/") && !strings.HasPrefix(a.Val, "/docs/") && a.Val != "/u/style.css" {
			return "a file of elsewhere"
		}
	case n.Data == "a" && a.Val == "mailto:dpo@acme.example": // of the policy's controller
	case key == "href", key == "src", key == "action", key == "data", key == "poster", key == "xlink:href":
		if u, err := url.Parse(a.Val); err != nil || u.Scheme != "" || u.Host != "" || strings.Contains(a.Val, "\\") || a.Val != "" && !strings.ContainsAny(a.Val[:1], "/#?") {
			return "an address of elsewhere"
		}
	}
	return ""
}

// hrefs are the addresses that a page leads to by links.
func hrefs(page string) []string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil
	}
	var out []string
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" {
			for _, a := range n.Attr {
				if a.Key == "href" {
					out = append(out, a.Val)
				}
			}
		}
	}
	return out
}

// pageForm are the fields of the page's first form of a class (any if ""), with what they
// hold, and what kind each is.
type pageForm struct {
	action, method string
	fields         []pageField
}

type pageField struct {
	name, kind, value string
	choices           []string
	required, checked bool
}

// formsOf are the forms of a page.
func formsOf(page string) []pageForm {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil
	}
	var out []pageForm
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		f := pageForm{action: attribute(n, "action"), method: strings.ToLower(attribute(n, "method"))}
		for m := range n.Descendants() {
			if m.Type != html.ElementNode || attribute(m, "name") == "" {
				continue
			}
			one := pageField{name: attribute(m, "name"), kind: attribute(m, "type"), value: attribute(m, "value"), required: carries(m, "required"), checked: carries(m, "checked")}
			switch m.Data {
			case "textarea":
				one.kind = "textarea"
				if m.FirstChild != nil {
					one.value = m.FirstChild.Data
				}
			case "select":
				one.kind = "select"
				for o := range m.Descendants() {
					if o.Type == html.ElementNode && o.Data == "option" && attribute(o, "value") != "" {
						one.choices = append(one.choices, attribute(o, "value"))
						if carries(o, "selected") {
							one.value = attribute(o, "value")
						}
					}
				}
			case "input":
			case "button":
				one.kind = "submit"
			default:
				continue
			}
			f.fields = append(f.fields, one)
		}
		out = append(out, f)
	}
	return out
}

func carries(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
