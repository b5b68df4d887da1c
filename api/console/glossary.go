package console

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lawTerm is a legal term in one language: what it means and where the law says so.
type lawTerm struct {
	Key, Term, Meaning, Law string
	forms                   []string // how pages write it, in lower case
}

// glossaryFile holds a term a line: key, the term, its meaning and its law in French and
// in English, and how pages write it in each.
const glossaryFile = "words/glossary.tsv"

// mostScanned bounds how much of a page is searched for terms, in bytes.
const mostScanned = 96 << 10

// mostTerms is how many terms are explained beside one page.
const mostTerms = 12

// readGlossary reads the terms of a language, in its alphabetical order.
func readGlossary(lang string) ([]lawTerm, error) {
	b, err := files.ReadFile(glossaryFile)
	if err != nil {
		return nil, err
	}
	var out []lawTerm
	for n, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		if strings.HasPrefix(l, "#") {
			continue
		}
		p := strings.Split(l, "\t")
		if len(p) != 9 || slices.Contains(p, "") || slices.ContainsFunc(out, func(e lawTerm) bool { return e.Key == p[0] }) {
			return nil, fmt.Errorf("%s, line %d: not a new key with eight texts", glossaryFile, n+1)
		}
		at := 0
		if lang == "en" {
			at = 1
		}
		out = append(out, lawTerm{Key: p[0], Term: p[1+at], Meaning: p[3+at], Law: p[5+at], forms: strings.Split(p[7+at], "|")})
	}
	slices.SortFunc(out, func(a, b lawTerm) int { return strings.Compare(plainLetters(a.Term), plainLetters(b.Term)) })
	return out, nil
}

// saidTerms are the terms that a page says, by where it says them first, at most mostTerms.
// What it shows in fields, and texts as they are written, are not read.
func saidTerms(all []lawTerm, page []byte) []lawTerm {
	text := strings.ToLower(html.UnescapeString(readable(page[:min(len(page), mostScanned)])))
	at := map[string]int{}
	var out []lawTerm
	for _, e := range all {
		first := -1
		for _, f := range e.forms {
			if i := word(text, f); i >= 0 && (first < 0 || i < first) {
				first = i
			}
		}
		if first >= 0 {
			at[e.Key] = first
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b lawTerm) int { return at[a.Key] - at[b.Key] })
	return out[:min(len(out), mostTerms)]
}

// explained are the terms of a page that is shown, which the glossary has no need of.
func (v *visit) explained(page, title string, body []byte) []lawTerm {
	if page == "glossary" || v.session.kind == 0 {
		return nil
	}
	return saidTerms(v.c.terms[v.lang], append([]byte(html.EscapeString(title)+" <p>"), body...))
}

// word is where a text first holds a form between characters that are no letters, or -1.
func word(text, form string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], form)
		if i < 0 {
			return -1
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(form):])
		if !unicode.IsLetter(before) && !unicode.IsLetter(after) && !unicode.IsDigit(after) {
			return i
		}
		from = i + len(form)
	}
}

// readable is the text of a page's elements, without those that hold what was typed or
// recorded at length.
func readable(page []byte) string {
	var b strings.Builder
	rest := string(page)
	for {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			b.WriteString(rest)
			return b.String()
		}
		b.WriteString(rest[:i])
		b.WriteByte(' ')
		rest = rest[i:]
		for _, name := range []string{"textarea", "option", "pre", "td", "script"} {
			if strings.HasPrefix(rest, "<"+name+">") || strings.HasPrefix(rest, "<"+name+" ") {
				if end := strings.Index(rest, "</"+name+">"); end > 0 {
					rest = rest[end:]
				}
			}
		}
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return b.String()
		}
		rest = rest[end+1:]
	}
}

// glossaryPage is every term, or those that hold what was typed.
type glossaryPage struct {
	Typed   string
	Letters []letter
	None    bool
}

// letter is the terms that begin alike.
type letter struct {
	Name  string
	Terms []lawTerm
}

func (c *Console) helpRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/glossary", c.page(c.glossary))
	mux.HandleFunc("POST "+Root+"/glossary", c.page(c.glossary))
	mux.HandleFunc("GET "+Root+"/guide", c.page(c.guide))
	mux.HandleFunc("POST "+Root+"/guide", c.page(c.putGuide))
	mux.HandleFunc("GET "+Root+"/reason", c.page(c.askReason))
}

// glossary shows the legal terms. What is looked for comes in a form, so that no address
// holds it.
func (c *Console) glossary(_ context.Context, v *visit) error {
	p := &glossaryPage{}
	if v.r.Method == http.MethodPost {
		p.Typed = strings.TrimSpace(v.r.PostForm.Get("q"))
	}
	wanted := plainLetters(p.Typed)
	for _, begin := range []string{"article ", "art. ", "art "} { // "art. 4(12), 33 et 34" names article 33
		wanted = strings.TrimPrefix(wanted, begin)
	}
	for _, e := range c.terms[v.lang] {
		if !strings.Contains(plainLetters(e.Term+" "+e.Meaning+" "+e.Law), wanted) {
			continue
		}
		first, _ := utf8.DecodeRuneInString(strings.ToUpper(plainLetters(e.Term)))
		if n := len(p.Letters); n == 0 || p.Letters[n-1].Name != string(first) {
			p.Letters = append(p.Letters, letter{Name: string(first)})
		}
		last := &p.Letters[len(p.Letters)-1]
		last.Terms = append(last.Terms, e)
	}
	p.None = len(p.Letters) == 0
	v.show(http.StatusOK, "glossary", v.words.t("glossary"), p)
	return nil
}

// plainLetters are those of a text in lower case and without their accents, so that who
// types "fidelite" finds "fidélité".
func plainLetters(s string) string {
	return strings.NewReplacer("é", "e", "è", "e", "ê", "e", "ë", "e", "à", "a", "â", "a", "î", "i", "ï", "i", "ô", "o", "û", "u", "ù", "u", "ç", "c", "œ", "oe", "’", "'").Replace(strings.ToLower(s))
}
