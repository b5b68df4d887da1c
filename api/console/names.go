package console

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// namesOp asks whose accounts ids are; the API records that they were shown.
const namesOp = "GET /v1/accounts/names"

// The bounds of what is remembered of names that were shown.
const (
	namesFor    = 10 * time.Minute
	maxSessions = 2_000
	maxAtOnce   = 200 // accounts, as the API takes
)

// names remembers which names of staff a session was shown, for ten minutes: they were
// opened and recorded once, and are not at every page.
type names struct {
	now   func() time.Time
	mu    sync.Mutex
	shown map[string]*namesShown // by session and reason
}

type namesShown struct {
	at time.Time
	of map[string]string // "" where the visitor may not see a name
}

func newNames(now func() time.Time) *names {
	return &names{now: now, shown: map[string]*namesShown{}}
}

// known gives those of some ids that a session was shown, and which it was not.
func (n *names) known(session string, ids []string) (of map[string]string, others []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	of = map[string]string{}
	s := n.shown[session]
	for _, id := range ids {
		name, ok := "", false
		if s != nil && n.now().Sub(s.at) < namesFor {
			name, ok = s.of[id]
		}
		if ok {
			of[id] = name
		} else {
			others = append(others, id)
		}
	}
	return of, others
}

// learn remembers what a session was shown. Which session is forgotten for a new one, if
// there are too many, is chance.
func (n *names) learn(session string, of map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.shown[session]
	if s == nil || n.now().Sub(s.at) >= namesFor {
		for old, x := range n.shown {
			if len(n.shown) >= maxSessions || n.now().Sub(x.at) >= namesFor {
				delete(n.shown, old)
			}
		}
		s = &namesShown{n.now(), map[string]string{}}
		n.shown[session] = s
	}
	for id, name := range of {
		s.of[id] = name
	}
}

// nameAccounts finds out who the accounts of a page are, as far as the visitor may see
// it. Without the permission, a reason, or an answer, a page shows ids.
func (v *visit) nameAccounts(ctx context.Context) {
	ids := v.words.accounts
	if len(ids.asked) == 0 || !v.allowed(namesOp) || v.reason == "" {
		return
	}
	session := v.session.text("id") + " " + v.reason
	of, others := v.c.names.known(session, ids.asked)
	for part := range slices.Chunk(others, maxAtOnce) {
		answer, err := v.get(ctx, v.c.spec[namesOp].path+"?"+url.Values{"ids": {strings.Join(part, ",")}}.Encode())
		if err != nil {
			break
		}
		learned := map[string]string{}
		for _, id := range part {
			learned[id] = ""
		}
		for _, it := range answer.at("items").list {
			learned[it.text("id")] = v.staffName(it)
		}
		v.c.names.learn(session, learned)
		for id, name := range learned {
			of[id] = name
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
