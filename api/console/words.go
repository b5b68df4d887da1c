package console

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// words are what pages say in one language: sentences of the console by key, names of
// the API's fields, and names of its codes. Each is a line KEY, French, English of a
// file in words, KIND.tsv or KIND-ROOM.tsv, so that whoever corrects the French needs
// no Go.
type words struct {
	lang                        string
	texts, labels, codes, helps map[string]string
	terms                       map[string][]Term      // of the policy, by field
	names                       map[string]string      // of what has no word, such as an account, on one page
	accounts                    *accounts              // of the page
	desk                        string                 // of the page, the first part of its address
	now                         time.Time              // of the page
	opens                       func(desk string) bool // where ids may lead; nil: everywhere
}

// with are the words at a desk and an instant, together with the policy's.
func (w *words) with(terms map[string][]Term, path string, now time.Time) *words {
	out := *w
	out.terms, out.accounts, out.now = terms, &accounts{}, now
	out.desk, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, Root), "/"), "/")
	return &out
}

func readWords(lang string) (*words, error) {
	w := &words{lang: lang, texts: map[string]string{}, labels: map[string]string{}, codes: map[string]string{}, helps: map[string]string{}}
	for kind, into := range map[string]map[string]string{"texts": w.texts, "labels": w.labels, "codes": w.codes, "helps": w.helps} {
		names, err := fs.Glob(files, "words/"+kind+"*.tsv")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := readList(name, lang, into); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

// readList reads one file of words. A key that another file of its kind holds is an error.
func readList(name, lang string, into map[string]string) error {
	b, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	for n, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		parts := strings.Split(l, "\t")
		if len(parts) != 3 || into[parts[0]] != "" {
			return fmt.Errorf("%s, line %d: not a new key with two texts", name, n+1)
		}
		into[parts[0]] = parts[1]
		if lang == "en" {
			into[parts[0]] = parts[2]
		}
	}
	return nil
}

// t is a sentence of the console.
func (w *words) t(key string) string {
	if s, ok := w.texts[key]; ok {
		return s
	}
	return w.texts["missing"] + " " + key
}

// label names a field of the API: by its desk first (DESK.FIELD), as the period of an
// inspection is not that of a search. What nobody named is shown as it is written.
func (w *words) label(name string) string {
	if s, ok := w.labels[w.desk+"."+name]; ok {
		return s
	}
	if s, ok := w.labels[name]; ok {
		return s
	}
	if s, ok := w.codes[name]; ok {
		return s
	}
	s := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):]
}

// labelIn names a field within a group, of which the name alone would say too little.
func (w *words) labelIn(group, name string) string {
	if s, ok := w.labels[last(strings.TrimSuffix(group, "."))+"."+name]; ok {
		return s
	}
	return w.label(name)
}

// code names a value of a closed list: by its field first, as "open" of a request is
// not that of a breach.
func (w *words) code(field, code string) string {
	for _, t := range w.terms[field] {
		if t.Code == code {
			return w.term(t)
		}
	}
	if s, ok := w.names[code]; ok {
		return s
	}
	if s, ok := w.codes[field+"."+code]; ok {
		return s
	}
	if s, ok := w.codes[code]; ok {
		return s
	}
	return code
}

func (w *words) term(t Term) string {
	if w.lang == "fr" {
		return w.typeset(t.FR)
	}
	return t.EN
}

// typeset puts the apostrophe of print into a sentence of the policy or of a rule.
func (w *words) typeset(s string) string {
	if w.lang == "fr" {
		return printed(s)
	}
	return s
}

// do says what to do about a refusal: one of the API's, which has a request's number, in
// the words of who sits before a page if there are some.
func (w *words) do(no *refused) string {
	if s, ok := w.texts["said_"+no.Code]; ok && no.RequestID != "" {
		return s
	}
	return no.Detail
}

// help explains a field, with its article; "" if it needs none. A field that means
// something of its own on a desk is explained as DESK.FIELD, which is "-" for nothing.
func (w *words) help(name string) string {
	switch own := w.helps[w.desk+"."+name]; own {
	case "":
		return w.helps[name]
	case "-":
		return ""
	default:
		return own
	}
}

// time writes an instant as people read it, in the zone of the controller's days.
func (w *words) time(t time.Time) string {
	t = t.In(zone())
	if w.lang == "en" {
		return t.Format("2 January 2006, 15:04")
	}
	return fmt.Sprintf("%d %s %d à %s", t.Day(), frenchMonth(t.Month()), t.Year(), t.Format("15:04"))
}

// date writes a day.
func (w *words) date(t time.Time) string {
	if w.lang == "en" {
		return t.Format("2 January 2006")
	}
	return fmt.Sprintf("%d %s %d", t.Day(), frenchMonth(t.Month()), t.Year())
}

// month writes a month, which the API writes YYYY-MM, as plots and their tables name it.
func (w *words) month(s string) string {
	t, err := time.Parse("2006-01", s)
	switch {
	case err != nil:
		return s
	case w.lang == "en":
		return t.Format("Jan 2006")
	}
	short := [...]string{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."}
	return short[t.Month()-1] + " " + strconv.Itoa(t.Year())
}

func frenchMonth(m time.Month) string {
	return [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}[m-1]
}

// zone is that of the days the law counts in.
func zone() *time.Location {
	z, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.UTC
	}
	return z
}
