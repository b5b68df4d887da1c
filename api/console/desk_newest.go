package console

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// newest asks for a list; of a desk that people read from its end the newest first, as far
// as a few pages hold it whole.
func (v *visit) newest(ctx context.Context, d desk, where string) (value, error) {
	answer, err := v.get(ctx, where)
	if err != nil || !d.newest || v.r.URL.Query().Has("cursor") {
		return answer, err
	}
	path, raw, _ := strings.Cut(where, "?")
	q, err := url.ParseQuery(raw)
	if err != nil {
		return answer, nil
	}
	items, more := answer.at("items").list, answer.text("next")
	for page := 1; more != ""; page++ {
		if page == newestPages {
			return answer, nil
		}
		q.Set("cursor", more)
		next, err := v.get(ctx, path+"?"+q.Encode())
		if err != nil {
			return next, err
		}
		items, more = append(items, next.at("items").list...), next.text("next")
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	answer = answer.without("items", "next")
	answer.members = append(answer.members, member{"items", value{kind: '[', list: items}})
	return answer, nil
}

// newestPages is how many pages a list may have to be shown from its end.
const newestPages = 5

// lone is an item of a desk that shows none alone, as its list has it.
func (v *visit) lone(ctx context.Context, d desk, href string) (value, bool) {
	items, _, err := v.all(ctx, v.c.spec[d.list].path, url.Values{}, newestPages)
	if err != nil {
		return value{}, false
	}
	i := slices.IndexFunc(items, func(it value) bool { return d.href(it) == href })
	if i < 0 {
		return value{}, false
	}
	return items[i], true
}
