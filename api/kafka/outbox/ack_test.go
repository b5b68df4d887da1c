package outbox_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"greffe/api/kafka/outbox"
	"greffe/domain"
	"greffe/projections/changes"
)

const acks = "greffe.acknowledgements"

func ackOf(g got) string { return fmt.Sprintf(`{"recipient":%q,"id":%q}`, g.Recipient, g.ID) }

// Acknowledgements in any order advance the recipient only over what is
// acknowledged all; an erasure counts at once, and its staged message is due.
func TestAcknowledgements(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	due := make(chan struct{}, 9)
	w.facts.Taken = func() { due <- struct{}{} }
	s1 := w.created("crm/eu", "C-1")
	w.withdrawn("C-1")
	w.withdrawn("C-1")
	order, staged := w.erase(s1, changes.OwnID{Source: "crm/eu", Subject: "C-1"})
	run(t, w.outbox(b, "{recipients: [crm], acknowledgements: {topic: greffe.acknowledgements}}"))
	w.published("crm", staged)
	withdrawals, erasure := b.messages("greffe.consent"), b.messages("greffe.erasure")
	if len(withdrawals) != 2 || len(erasure) != 1 {
		t.Fatal(withdrawals, erasure)
	}
	b.ack(acks, 2, ackOf(erasure[0]))
	<-due
	d, _, err := w.feed.View.Staged(t.Context(), order)
	w.ok(err)
	crm, _ := w.rules().Recipient("crm")
	state, err := w.feed.State(t.Context(), crm, d)
	w.ok(err)
	if p := w.progress("crm"); state != changes.StateAcknowledged || p.Acknowledged != 0 {
		t.Errorf("the erasure is %s, all up to %s is acknowledged", state, p.Acknowledged)
	}
	b.ack(acks, 0, fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"crm","type":"ack","data":%s}`, ackOf(withdrawals[1])))
	b.ack(acks, 1, ackOf(withdrawals[0]))
	w.acknowledged("crm", staged)
	if n := len(w.wrote()); n > 4 || slices.Contains(w.wrote()[1:], "notification.sent crm taken") {
		t.Errorf("%q", w.wrote())
	}
}

// What cannot be used is set aside by its reason, without a word of it in the
// log, and what follows on the same partition is taken.
func TestAcknowledgementsSetAside(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t, "crm.acks")
	w.created("crm/eu", "C-1")
	at := w.withdrawn("C-1")
	var mu sync.Mutex
	var said bytes.Buffer
	o := w.outbox(b, "{recipients: [crm, mailing, dialer], acknowledgements: {topics: [{topic: crm.acks, recipient: crm}, {topic: greffe.acknowledgements}]}}",
		func(d *outbox.Deps) { d.Logger = slog.New(slog.NewTextHandler(locked{&mu, &said}, nil)) })
	run(t, o)
	w.published("crm", at)
	w.published("mailing", at)
	var ofCRM, ofMailing got
	for _, g := range b.messages("greffe.consent") {
		if g.Recipient == "crm" {
			ofCRM = g
		} else {
			ofMailing = g
		}
	}
	event, rest, _ := strings.Cut(ofCRM.ID, ":")
	b.ack("crm.acks", 1,
		"zq@example.org", "", "[]", "null", `{"recipient":"crm"}`, `{"id":"zq","up_to":"1"}`, `{"recipient":"crm","up_to":1}`, `{"recipient":"crm","up_to":"-1"}`,
		strings.Repeat(" ", 20<<10)+ackOf(ofCRM),
		`{"specversion":"1.0","id":"1"}`,
		ackOf(ofMailing), `{"recipient":"zq@example.org","up_to":"1"}`,
		`{"id":"zq@example.org"}`, fmt.Sprintf(`{"id":%q}`, ofMailing.ID), fmt.Sprintf(`{"id":%q}`, strings.Replace(ofCRM.ID, "crm:", "crm:zq@example.org", 1)),
		fmt.Sprintf(`{"id":%q}`, domain.ID{1}.String()+":"+rest), `{"change":"0"}`, `{"up_to":"99999"}`, `{"change":"99999"}`,
		fmt.Sprintf(`{"id":%q}`, event+":99999:crm:-:1"),
		fmt.Sprintf(`{"id":%q,"at":"2026-03-02T10:00:00Z","note":"known to us alone"}`, ofCRM.ID))
	w.acknowledged("crm", at)
	next := w.withdrawn("C-1")
	b.ack("crm.acks", 1, fmt.Sprintf(`{"up_to":"%d"}`, next)) // after it the first are counted
	w.acknowledged("crm", next)
	s, err := o.State(t.Context())
	w.ok(err)
	want := map[string]int64{"malformed": 10, "recipient": 2, "unknown": 8, "too_far": 0}
	if fmt.Sprint(s.Aside) != fmt.Sprint(want) || s.Acknowledged == 0 {
		t.Errorf("%d taken, set aside %v, want %v", s.Acknowledged, s.Aside, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if log := said.String(); strings.Count(log, "set aside") != 20 || strings.Contains(log, "zq") || !strings.Contains(log, "reason=unknown") || !strings.Contains(log, "offset=3") {
		t.Errorf("%s", log)
	}
}

type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Offsets are committed only up to the first acknowledgement that waits for
// others; a successor reads the rest again, and loses nothing.
func TestAcknowledgementsSurviveARestart(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	w.created("crm/eu", "C-1")
	first := w.withdrawn("C-1")
	var last domain.Position
	for range 4 {
		last = w.withdrawn("C-1")
	}
	const text = "{recipients: [crm], acknowledgements: {group: g, topics: [{topic: greffe.acknowledgements, recipient: crm}]}}"
	read := make(chan struct{}, 100)
	stop := run(t, w.outbox(b, text, func(d *outbox.Deps) { d.Logger = slog.New(slog.NewTextHandler(signal(read), nil)) }))
	w.published("crm", last)
	of := func(i int) string { return fmt.Sprintf(`{"change":"%d"}`, first+domain.Position(i)) }
	b.ack(acks, 0, of(0), "nothing", of(2), of(3), of(2), "nothing")
	w.acknowledged("crm", first)
	b.ack(acks, 1, of(4))
	b.ack(acks, 2, "nothing")
	for range 3 { // what is set aside is logged after it was read
		<-read
	}
	w.ok(stop())
	if p := w.progress("crm"); p.Acknowledged != first+1 {
		t.Fatalf("%s is acknowledged", p.Acknowledged)
	}
	if c := b.committed("g", acks); c[0] != 2 || c[1] > 0 {
		t.Errorf("committed %v", c)
	}
	run(t, w.outbox(b, text))
	b.ack(acks, 2, of(1))
	w.acknowledged("crm", last)
}

// signal tells of each line.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) { s <- struct{}{}; return len(p), nil }

// A change told under two ids of a person is carried out when both messages are.
func TestAChangeOfTwoIDs(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	w.created("crm/eu", "C-1")
	w.created("crm/eu", "C-2")
	w.record("crm/eu", "contact.merged", "C-2", `{"into":{"source":"crm/eu","subject":"C-1"},"reason":"duplicate"}`)
	at := w.withdrawn("C-1")
	granted := w.record("crm/eu", "consent.granted", "C-2", `{"purpose":"prospecting","channels":["sms"],"method":"web_form"}`).Position
	run(t, w.outbox(b, "{recipients: [crm], acknowledgements: {topic: greffe.acknowledgements}}"))
	w.published("crm", granted)
	all := b.messages("greffe.consent")
	inOrder(t, all)
	var both []string
	for _, g := range all {
		if g.Position == at {
			both = append(both, g.Subject)
		}
	}
	slices.Sort(both)
	want := []string{hmacOf(w, "crm", "C-1"), hmacOf(w, "crm", "C-2")}
	if slices.Sort(want); len(all) != 3 || !slices.Equal(both, want) {
		t.Fatalf("%v", all)
	}
	byPosition := func(p domain.Position) (out []string) {
		for _, g := range all {
			if g.Position == p {
				out = append(out, ackOf(g))
			}
		}
		return out
	}
	b.ack(acks, 0, byPosition(granted)[0], byPosition(at)[0], byPosition(at)[0])
	b.ack(acks, 0, byPosition(at)[1])
	w.acknowledged("crm", granted)
	if n := slices.Index(w.wrote(), "notification.acknowledged crm kafka"); n != len(w.wrote())-1 {
		t.Errorf("half of a change was taken for the whole: %q", w.wrote())
	}
}

// The group's coordinator fails, forgets the member, and cannot commit; the topic
// of acknowledgements is not there at first. All acknowledgements count.
func TestGroupTroubles(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	w.created("crm/eu", "C-1")
	at := w.withdrawn("C-1")
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorNotAvailable, Count: 1, TopLevel: true},
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.RebalanceInProgress, Count: 1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: 2},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, Count: 1, TopLevel: true})
	run(t, w.outbox(b, "{recipients: [crm], acknowledgements: {topic: greffe.acknowledgements}}"))
	w.published("crm", at)
	b.ack(acks, 0, fmt.Sprintf(`{"recipient":"crm","up_to":"%d"}`, at))
	w.acknowledged("crm", at)
	next := w.withdrawn("C-1")
	w.published("crm", next)
	for _, g := range b.messages("greffe.consent") {
		b.ack(acks, 1, ackOf(g))
	}
	w.acknowledged("crm", next)
}
