package changes

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
)

func (w *world) notify(ty event.Type, codes event.Codes) {
	w.t.Helper()
	if _, err := w.Write(w.t.Context(), []ledger.Own{{Type: ty, Codes: codes}}); err != nil {
		w.t.Fatal(err)
	}
	w.catchUp()
}

func (w *world) acks(code string, upTo domain.Position) {
	w.t.Helper()
	w.notify(event.NotificationTaken, event.Codes{}.With("recipient", code).With("up_to", int64(upTo)))
}

func (w *world) standing(code string) Standing {
	w.t.Helper()
	w.catchUp()
	all, err := w.feed.Standings(w.t.Context(), []policy.Recipient{w.recipient(code)}, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return all[0]
}

// The lag counts what a recipient is told of and has not acknowledged, nothing else.
func TestLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.created("crm/eu", "C-1")
	w.created("shop/web", "W-1")
	var last ledger.Result
	for range 3 {
		last = w.record("crm/eu", "consent.withdrawn", "C-1", `{"purpose":"prospecting"}`)
		w.record("shop/web", "consent.withdrawn", "W-1", `{"purpose":"prospecting"}`)
	}
	if s := w.standing("crm"); s.Lag != 3 || s.More || !s.Oldest.Equal(w.now) || s.Overdue != 0 {
		t.Errorf("crm: %+v", s)
	}
	if a, b := w.standing("mailing").Lag, w.standing("dialer").Lag; a != 6 || b != 0 {
		t.Errorf("mailing lacks %d, dialer %d", a, b)
	}
	cs, _ := w.read("crm", 0, 10)
	w.acks("crm", cs[1].ID)
	if s := w.standing("crm"); s.Lag != 1 || s.Acknowledged != cs[1].ID+1 {
		t.Errorf("after an acknowledgement: %+v", s)
	}
	w.acks("crm", last.Position)
	if s := w.standing("crm"); s.Lag != 0 || !s.Oldest.IsZero() {
		t.Errorf("after the last: %+v", s)
	}
}

func TestOverdueErasures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne, jean := w.created("crm/eu", "C-1"), w.created("crm/eu", "C-2")
	first, _ := w.erase(anne, true, OwnID{"crm/eu", "C-1"})
	w.now = day.Add(24 * time.Hour)
	_, at := w.erase(jean, true, OwnID{"crm/eu", "C-2"})
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{Overdue, 0}, {Overdue + time.Second, 1}, {Overdue + 25*time.Hour, 2}} {
		w.now = day.Add(c.after)
		if s := w.standing("crm"); s.Overdue != c.want || s.Lag != 2 {
			t.Errorf("after %s: %d overdue of %d", c.after, s.Overdue, s.Lag)
		}
	}
	w.notify(event.NotificationTaken, event.Codes{}.With("recipient", "crm").With("order", first.String()))
	if s := w.standing("crm"); s.Overdue != 1 || s.Lag != 1 {
		t.Errorf("one order acknowledged: %d overdue of %d", s.Overdue, s.Lag)
	}
	w.acks("crm", at)
	if s := w.standing("crm"); s.Overdue != 0 || s.Lag != 0 {
		t.Errorf("all acknowledged: %d overdue of %d", s.Overdue, s.Lag)
	}
	if s := w.standing("dialer"); s.Overdue != 0 {
		t.Errorf("the dialer never had them: %d overdue", s.Overdue)
	}
}

// due lists the orders that are done.
func (w *world) due(rs []policy.Recipient, pushed ...string) (out []string) {
	w.t.Helper()
	w.catchUp()
	for from := domain.Position(0); ; {
		list, next, err := w.feed.Due(w.t.Context(), rs, func(code string) bool { return slices.Contains(pushed, code) }, w.now, from)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, d := range list {
			out = append(out, fmt.Sprint(d.Order, d.Expired))
		}
		if from = next; next == 0 {
			return out
		}
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.created("crm/eu", "C-1")
	other := w.created("shop/web", "W-1")
	order, at := w.erase(anne, true, OwnID{"crm/eu", "C-1"})
	nobodys, _ := w.erase(other, true, OwnID{"shop/web", "W-1"})
	crm, dialer, mailing := w.recipient("crm"), w.recipient("dialer"), w.recipient("mailing")
	pull := crm
	pull.Code, pull.Acknowledges = "reader", false
	deaf := crm
	deaf.Code, deaf.Receives = "deaf", []string{"consent"}
	is := func(what string, rs []policy.Recipient, want []string, pushed ...string) {
		t.Helper()
		if diff := cmp.Diff(want, w.due(rs, pushed...)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	both := []string{order.String() + " false", nobodys.String() + " false"}
	free := both[1:]
	is("no recipients", nil, both)
	is("one who is not told of erasures", []policy.Recipient{deaf}, both)
	is("one who never had them", []policy.Recipient{dialer}, both)
	is("one who needs no ids and says nothing", []policy.Recipient{mailing}, both)
	is("one who acknowledges", []policy.Recipient{crm, dialer}, free)
	is("one who only reads", []policy.Recipient{pull}, free)
	is("one who only reads, beside one to come", []policy.Recipient{pull, crm}, free)
	is("one who is pushed to", []policy.Recipient{pull}, free, "reader")
	is("one who is pushed to without ids", []policy.Recipient{mailing}, nil, "mailing")
	w.acks("crm", at-1)
	is("the one before is acknowledged", []policy.Recipient{crm}, free)
	w.acks("crm", at)
	is("acknowledged", []policy.Recipient{crm, dialer}, both)
	is("acknowledged, the other only reads", []policy.Recipient{crm, pull}, both)
	is("acknowledged, the other is pushed to", []policy.Recipient{crm, pull}, free, "reader")
	w.acks("reader", at)
	is("taken by webhook", []policy.Recipient{crm, pull}, both, "reader")
	w.now = day.Add(KeptStaged - time.Second)
	is("before the term", []policy.Recipient{deaf, mailing}, nil, "mailing")
	w.now = day.Add(KeptStaged)
	is("at the term", []policy.Recipient{mailing}, []string{order.String() + " true", nobodys.String() + " true"}, "mailing")
}

// What is destroyed is not due again, and pages of it follow each other.
func TestDueInPages(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	const n = scanned + 5
	f := NewFeed(Config{View: s.v, Synced: func(ctx context.Context, _ domain.Position) error { return ctx.Err() }})
	for i := range n {
		var order, ev domain.ID
		order[0], order[1], order[2], ev[0], ev[1], ev[2] = 1, byte(i>>8), byte(i), 2, byte(i>>8), byte(i)
		s.say(&event.Fact{Type: event.ErasureStaged, ID: ev, Subject: id(1), Codes: event.Codes{}.With("order", order.String())})
		if i == 0 {
			s.say(&event.Fact{Type: event.PartRedacted, Subject: id(1), Codes: event.Codes{}.With("event", ev.String()).With("class", ClassDelivery)})
		}
	}
	total, pages := 0, 0
	for from := domain.Position(0); ; {
		list, next, err := f.Due(t.Context(), nil, nil, day, from)
		if err != nil {
			t.Fatal(err)
		}
		total, pages = total+len(list), pages+1
		if from = next; next == 0 {
			break
		}
	}
	if total != n-1 || pages != 2 {
		t.Errorf("%d due in %d pages", total, pages)
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.created("crm/eu", "C-1")
	order, at := w.erase(anne, true, OwnID{"crm/eu", "C-1"})
	w.catchUp()
	d, ok, err := w.view.Staged(t.Context(), order)
	if !ok || err != nil {
		t.Fatal(err)
	}
	is := func(code, want string) {
		t.Helper()
		if got, err := w.feed.State(t.Context(), w.recipient(code), d); got != want || err != nil {
			t.Errorf("%s is %s, %v, want %s", code, got, err, want)
		}
	}
	is("crm", StateTold)
	is("dialer", StateUnknown)
	is("mailing", StateTold)
	w.acks("crm", at)
	w.notify(event.NotificationTaken, event.Codes{}.With("recipient", "mailing").With("order", order.String()))
	is("crm", StateAcknowledged)
	is("mailing", StateAcknowledged)
}

// exact counts what a recipient lacks by reading its feed, change by change.
func (w *world) exact(code string) (lag int, oldest time.Time) {
	w.t.Helper()
	w.catchUp()
	r := w.recipient(code)
	progress, err := w.view.Progress(w.t.Context(), code)
	if err != nil {
		w.t.Fatal(err)
	}
	who := w.feed.who(r, 1<<40)
	for from := progress.Acknowledged; ; {
		w.view.firsts = firstFacts{} // what is remembered is not what is compared with
		p, err := w.feed.Select(w.t.Context(), r, from, 0, 7)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, it := range p.items {
			if took, err := who.tookErasure(w.t.Context(), it.event); err != nil || took {
				continue
			}
			if lag++; lag == 1 {
				oldest = it.recorded
			}
		}
		if from == p.Next {
			return lag, oldest
		}
		from = p.Next
	}
}

// What is counted at once is what the feed says change by change: over two sources, persons
// first named by an interaction, merges, erasures, acknowledgements, addresses of nobody
// known; asked twice, and again after more was recorded.
func TestLagIsAnExactCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := rand.New(rand.NewPCG(5, 6))
	orders := []domain.ID{}
	counted := 0
	for round := range 6 {
		for n := range 8 {
			w.now = w.now.Add(time.Minute)
			source, subject := []string{"crm/eu", "shop/web"}[d.IntN(2)], fmt.Sprintf("P-%d-%d", round, n)
			if d.IntN(3) == 0 {
				w.record(source, "interaction.recorded", subject, `{"kind":"click","direction":"in"}`)
			}
			var who domain.ID
			if d.IntN(4) > 0 {
				who = w.created(source, subject)
			} else {
				who = w.record(source, "interaction.recorded", subject, `{"kind":"visit"}`).Subject
			}
			w.record(source, "consent.withdrawn", subject, `{"purpose":"prospecting"}`)
			switch d.IntN(5) {
			case 0:
				w.record(source, "consent.granted", subject, `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"x"}`)
			case 1:
				order, _ := w.erase(who, true, OwnID{source, subject})
				orders = append(orders, order)
			case 2:
				w.record(source, "opposition.registered", "", `{"channels":["phone"],"address":{"phone":"+33639980123"}}`)
			case 3:
				w.created("shop/web", subject+"-too")
				w.record("shop/web", "contact.merged", subject+"-too", fmt.Sprintf(`{"into":{"source":%q,"subject":%q},"reason":"duplicate"}`, source, subject))
			}
		}
		if len(orders) > 0 && round%2 == 1 {
			w.notify(event.NotificationTaken, event.Codes{}.With("recipient", "crm").With("order", orders[d.IntN(len(orders))].String()))
		}
		if cs, _ := w.read("crm", 0, 100); round == 4 {
			w.acks("crm", cs[len(cs)/3].ID)
		}
		for _, code := range []string{"crm", "mailing", "dialer"} {
			want, oldest := w.exact(code)
			counted += want
			for range 2 {
				if s := w.standing(code); s.Lag != want || !s.Oldest.Equal(oldest) || s.More {
					t.Errorf("round %d, %s: %d since %s, more %v; change by change %d since %s", round, code, s.Lag, s.Oldest, s.More, want, oldest)
				}
			}
		}
	}
	if counted < 200 {
		t.Errorf("only %d were counted", counted)
	}
}
