package console

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
)

// namesOp asks whose accounts ids are; the API records that they were shown.
const namesOp = "GET /v1/accounts/names"

// The bounds of what is remembered of names that were shown.
const (
	namesFor  = 10 * time.Minute
	maxNames  = 100_000
	maxAtOnce = 200 // accounts, as the API takes
)

// names remembers which names of staff a session was shown, "" where it may not see one:
// they were opened and recorded once, and are not at every page.
type names = recent[nameShown, string]

type nameShown struct{ session, reason, account string }

func newNames(now func() time.Time) *names {
	return newRecent[nameShown](now, bounds[string]{lasts: namesFor, most: maxNames})
}

// nameAccounts finds out who the accounts of a page are, as far as the visitor may see
// it. Without the permission, a reason, or an answer, a page shows ids.
func (v *visit) nameAccounts(ctx context.Context) {
	ids := v.words.accounts
	if len(ids.asked) == 0 || !v.allowed(namesOp) || v.reason == "" {
		return
	}
	shown := nameShown{session: v.session.text("id"), reason: v.reason}
	of := map[string]string{}
	var others []string
	for _, id := range ids.asked {
		shown.account = id
		if name, ok := v.c.names.find(shown); ok {
			of[id] = name
		} else {
			others = append(others, id)
		}
	}
	for part := range slices.Chunk(others, maxAtOnce) {
		answer, err := v.get(ctx, v.c.spec[namesOp].path+"?"+url.Values{"ids": {strings.Join(part, ",")}}.Encode())
		if err != nil {
			break
		}
		for _, id := range part {
			of[id] = ""
		}
		for _, it := range answer.at("items").list {
			of[it.text("id")] = v.staffName(it)
		}
		for _, id := range part {
			shown.account = id
			v.c.names.put(shown, of[id])
		}
	}
	ids.names = of
}

// staffName is how an account is called: by its name, or by its roles and the end of its
// id if the visitor is not shown names.
func (v *visit) staffName(it value) string {
	if label := it.text("label"); label != "" {
		return label
	}
	var roles []string
	for _, r := range it.at("roles").strings() {
		roles = append(roles, v.words.code("roles", r))
	}
	if len(roles) == 0 {
		return ""
	}
	return strings.Join(roles, ", ") + " " + short(it.text("id"))
}

// accounts are those that a page shows, and what they are called once that is known.
type accounts struct {
	asked []string
	names map[string]string
}

func (a *accounts) ask(id string) {
	if !slices.Contains(a.asked, id) {
		a.asked = append(a.asked, id)
	}
}
