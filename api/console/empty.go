package console

import (
	"net/http"
	"net/url"
)

// emptiness is what a list that shows nothing says: what the desk is for and which act
// fills it, or that the criteria are too narrow and how to be rid of them.
type emptiness struct {
	Text, Clear string
	Links       []link
}

// emptied says why a desk's list shows nothing; acts are those that begin something.
func (v *visit) emptied(slug string, acts []link) *emptiness {
	if v.narrowed() {
		return &emptiness{Text: v.words.t("empty_filtered"), Clear: v.r.URL.Path}
	}
	return &emptiness{Text: v.words.t("empty_" + slug), Links: acts}
}

// Begins reports a desk that shows what can be begun in place of its list.
func (p *deskPage) Begins() bool {
	return p.Section != nil && p.Section.Empty != nil && len(p.Section.Empty.Links) > 0
}

// narrowed reports a page whose address holds criteria.
func (v *visit) narrowed() bool { return v.r.Method == http.MethodGet && narrow(v.r.URL.Query()) }

func narrow(q url.Values) bool {
	for name := range q {
		switch name {
		case "language", "done", "tab", "limit":
		default:
			if q.Get(name) != "" {
				return true
			}
		}
	}
	return false
}

// Clear is the page without its criteria, "" if it has none.
func (l layout) Clear() string { return l.clear }
