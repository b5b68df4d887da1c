package ledger_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	vmemory "greffe/eventstore/vault/memory"
)

// eraseOn orders the erasure of a person on a node and, if whole, destroys its keys.
func eraseOn(t *testing.T, n *node, subject domain.ID, destroyed bool) {
	t.Helper()
	id, err := domain.RandomID(config(nil, nil).Rand)
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.Erase(t.Context(), ledger.Erasure{Whole: true, Orders: []ledger.SubjectOrder{{ID: id, Subject: subject}}, Codes: event.Codes{}.With("whole", true)})
	if err == nil && destroyed {
		err = n.c.vault.Destroy(t.Context(), vault.Whole(part.SubjectOwner(subject)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestOrderOnAnotherNode: from the moment an order is answered, no other node takes
// anything about the person, nor answers a retry as if it were there.
func TestOrderOnAnotherNode(t *testing.T) {
	t.Parallel()
	for _, destroyed := range []bool{false, true} {
		for _, next := range []string{visit("e4", "C-1"), visit("e2", "C-1"), noTime("e5", "C-1"), ""} {
			c := onMemory(t, 2)
			a, b := c.nodes[0], c.nodes[1]
			who := b.record(created("e1", "C-1", "a@example.org"), visit("e2", "C-1"))[0].Subject // B knows link and keys
			a.record(visit("e3", "C-1"))
			eraseOn(t, a, who, destroyed)
			order := len(c.facts()) - 1
			if next == "" {
				if _, err := b.Write(t.Context(), []ledger.Own{{Type: event.HoldPlaced, Subject: who}}); !errors.Is(err, ledger.ErrErased) {
					t.Errorf("destroyed %v: a hold on an erased person: %v", destroyed, err)
				}
			} else if r := b.record(next)[0]; r.Status != ledger.Erased {
				t.Errorf("destroyed %v: %s of an erased person is answered %s", destroyed, r.ID, r.Status)
			}
			for _, f := range c.facts()[order+1:] {
				if f.Type != event.ErasureContested {
					t.Errorf("destroyed %v: a %s was recorded after the order", destroyed, f.Type)
				}
			}
		}
	}
}

// TestReturnOnAnotherNode: a node that knows the external id of somebody erased learns
// that the person came back, whatever it takes next.
func TestReturnOnAnotherNode(t *testing.T) {
	t.Parallel()
	back := strings.NewReplacer(`"collected_at":"2026-03-02T09:14:07Z"`, `"collected_at":"2026-03-02T10:00:01Z"`).Replace(created("e9", "C-1", "b@example.org"))
	access := `{"specversion":"1.0","id":"a1","source":"crm/eu","type":"access.recorded","subject":"C-1","time":"2026-03-02T09:14:07Z","data":{"reason":"customer_call","categories":["contact_details"],"action":"read"}}`
	merged := `{"specversion":"1.0","id":"m1","source":"crm/eu","type":"contact.merged","subject":"C-2","time":"2026-03-02T09:14:07Z","data":{"into":{"source":"crm/eu","subject":"C-1"},"reason":"duplicate"}}`
	for i, next := range []string{visit("e3", "C-1"), access, merged, visit("e3", "C-1"), merged} {
		synctest.Test(t, func(t *testing.T) { returned(t, back, next, i > 2) })
	}
}

// returned lets a person be erased and come back on one node, and another node take
// what is next: with the keys in memory, or only the link.
func returned(t *testing.T, back, next string, later bool) {
	c := onMemory(t, 2)
	a, b := c.nodes[0], c.nodes[1]
	was := b.record(created("e1", "C-1", "a@example.org"), visit("e2", "C-2"))[0].Subject
	eraseOn(t, a, was, true)
	now := a.record(back)[0]
	if now.Status != ledger.Recorded || now.Subject == was {
		t.Fatalf("who came back is answered %+v", now)
	}
	if later {
		time.Sleep(6 * time.Second)
	}
	r := b.record(next)[0]
	if r.Status != ledger.Recorded {
		t.Fatalf("%s about who came back is answered %s", r.ID, r.Status)
	}
	f := c.facts()[r.Position]
	switch f.Type {
	case event.InteractionRecorded:
		if f.Subject != now.Subject {
			t.Error("the event is the erased person's")
		}
	case event.ContactMerged:
		if f.Codes.ID("into") != now.Subject {
			t.Error("the contact is merged with the erased")
		}
	default:
		opened, err := b.Keyring().Open(t.Context(), []*event.Fact{f}, nil)
		if err != nil || !strings.Contains(fmt.Sprintf("%s", opened[0].Fields), now.Subject.String()) {
			t.Errorf("the access is to another person: %s %v", opened[0].Fields, err)
		}
	}
}

// TestHoldOnAnotherNode: a hold or restriction that one node placed or released counts
// on the others at once, both ways.
func TestHoldOnAnotherNode(t *testing.T) {
	t.Parallel()
	c := onMemory(t, 2)
	a, b := c.nodes[0], c.nodes[1]
	who := b.record(created("e1", "C-1", "a@example.org"))[0].Subject
	erase := func(n *node) error {
		_, err := n.Erase(t.Context(), ledger.Erasure{Whole: true, Orders: []ledger.SubjectOrder{{ID: domain.ID{byte(time.Now().Nanosecond()), 1}, Subject: who}}})
		return err
	}
	for _, placed := range []ledger.Own{{Type: event.HoldPlaced, Subject: who}, {Type: event.RestrictionPlaced, Subject: who}} {
		b.record(visit("v"+string(placed.Type), "C-1")) // B has the keys, unheld
		w, err := a.Write(t.Context(), []ledger.Own{placed})
		if err != nil {
			t.Fatal(err)
		}
		if err := erase(b); !errors.Is(err, ledger.ErrHeld) {
			t.Errorf("%s on another node: an erasure is answered %v", placed.Type, err)
		}
		end := ledger.Own{Type: event.HoldReleased, Subject: who, Codes: event.Codes{}.With("hold", w[0].Event.String())}
		if placed.Type == event.RestrictionPlaced {
			end = ledger.Own{Type: event.RestrictionLifted, Subject: who, Codes: event.Codes{}.With("restriction", w[0].Event.String())}
		}
		if _, err := b.Write(t.Context(), []ledger.Own{end}); err != nil {
			t.Errorf("%s: %v", end.Type, err)
		}
		if _, err := a.Write(t.Context(), []ledger.Own{end}); !errors.Is(err, ledger.ErrNoHold) {
			t.Errorf("%s once more: %v", end.Type, err)
		}
	}
	if err := erase(a); err != nil {
		t.Errorf("nothing is held any more: %v", err)
	}
	if err := erase(b); !errors.Is(err, ledger.ErrErased) {
		t.Errorf("erased already: %v", err)
	}
}

// TestHoldsKnownFromBefore: a node that knows of a hold that another released, or does
// not know of one that another placed, answers by what is.
func TestHoldsKnownFromBefore(t *testing.T) {
	t.Parallel()
	c := onMemory(t, 2)
	a, b := c.nodes[0], c.nodes[1]
	who := b.record(created("e1", "C-1", "a@example.org"))[0].Subject
	hold := func(n *node) domain.ID {
		w, err := n.Write(t.Context(), []ledger.Own{{Type: event.HoldPlaced, Subject: who}})
		if err != nil {
			t.Fatal(err)
		}
		return w[0].Event
	}
	release := func(n *node, id domain.ID) error {
		_, err := n.Write(t.Context(), []ledger.Own{{Type: event.HoldReleased, Subject: who, Codes: event.Codes{}.With("hold", id.String())}})
		return err
	}
	if err := release(b, hold(a)); err != nil {
		t.Errorf("the other node's hold: %v", err)
	}
	if err := release(a, hold(b)); err != nil {
		t.Errorf("the other node's hold: %v", err)
	}
	if _, err := b.Erase(t.Context(), ledger.Erasure{Whole: true, Orders: []ledger.SubjectOrder{{ID: domain.ID{9}, Subject: who}}}); err != nil {
		t.Errorf("nothing is held: %v", err)
	}
}

// TestClassRetiredOnAnotherNode: what is sealed after an order to destroy a class is
// sealed under the next generation of its key, on every node.
func TestClassRetiredOnAnotherNode(t *testing.T) {
	t.Parallel()
	c := onMemory(t, 2)
	a, b := c.nodes[0], c.nodes[1]
	who := b.record(created("e1", "C-1", "a@example.org"))[0].Subject
	_, err := a.Erase(t.Context(), ledger.Erasure{Classes: []string{"notes"}, Orders: []ledger.SubjectOrder{{ID: domain.ID{7}, Subject: who}}})
	if err != nil {
		t.Fatal(err)
	}
	r := b.record(created("e2", "C-1", "a@example.org"))[0]
	for _, p := range c.facts()[r.Position].Parts {
		if p.Class == "notes" && !strings.HasSuffix(p.Epoch, ".1") {
			t.Errorf("notes are sealed under epoch %s", p.Epoch)
		}
	}
}

// TestQuarantineOnTwoNodes: two bad bodies of one id that come at once are one item in
// the end, and an item is closed once.
func TestQuarantineOnTwoNodes(t *testing.T) {
	t.Parallel()
	c := onMemory(t, 2)
	a, b := c.nodes[0], c.nodes[1]
	b.record(noTime("e0", "C-9")) // the producer is known
	var first ledger.Result
	b.vault.set(func(v *vaultLine) { v.before = func() { first = a.record(noTime("e1", "C-1"))[0] } })
	second := b.record(noTime("e1", "C-2"))[0]
	if first.Status != ledger.Quarantined || second.Status != ledger.Quarantined || first.Quarantine == second.Quarantine {
		t.Fatalf("%+v\n%+v", first, second)
	}
	held := func() (open []domain.ID) {
		items := map[string]bool{}
		for _, f := range c.facts() {
			switch f.Type {
			case event.IngestQuarantined:
				open = append(open, f.ID)
			case event.IngestReleased:
				if id := f.Codes.String("item"); items[id] {
					t.Errorf("item %s was closed twice", id)
				} else {
					items[id] = true
				}
			}
		}
		kept := open[:0]
		for _, id := range open {
			if !items[id.String()] {
				kept = append(kept, id)
			}
		}
		return kept
	}
	if open := held(); len(open) != 2 || open[1] != second.Quarantine {
		t.Errorf("open are %v, of the two the second is to be", open)
	}
	var item *event.Fact
	for _, f := range c.facts() {
		if f.ID == second.Quarantine {
			item = f
		}
	}
	b.vault.set(func(v *vaultLine) {
		v.before = func() {
			if _, err := a.CloseHeld(t.Context(), domain.ID{}, item, ledger.OutcomeDiscarded); err != nil {
				t.Error(err)
			}
		}
	})
	if _, err := b.CloseHeld(t.Context(), domain.ID{}, item, ledger.OutcomeExpired); !errors.Is(err, ledger.ErrNotHeld) {
		t.Errorf("closed by two: %v", err)
	}
	if open := held(); len(open) != 1 {
		t.Errorf("open are %v", open)
	}
}

// TestLedgersOwnKeysOnTwoNodes: a node whose keys of the ledger are old goes on writing
// accesses and answering duplicates.
func TestLedgersOwnKeysOnTwoNodes(t *testing.T) {
	t.Parallel()
	c := onMemory(t, 2)
	a, b := c.nodes[0], c.nodes[1]
	access := func(epoch string) ledger.Own {
		return ledger.Own{Type: event.AccessRecorded, Codes: event.Codes{}.With("reason", "audit"), Parts: []ledger.PlainPart{{
			Key: part.KeyID{Owner: part.LedgerOwner(), Class: "access", Epoch: epoch}, Fields: ledger.AccessFields(domain.ID{1}, nil)}}}
	}
	if _, err := b.Write(t.Context(), []ledger.Own{access("2026-03")}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write(t.Context(), []ledger.Own{access("2026-04")}); err != nil {
		t.Fatal(err)
	}
	nobody := `{"specversion":"1.0","id":"o1","source":"crm/eu","type":"opposition.registered","time":"2026-03-02T09:14:07Z","data":{"address":{"phone":"+33639980012"}}}`
	if r := a.record(nobody)[0]; r.Status != ledger.Recorded {
		t.Fatalf("%+v", r)
	}
	if r := b.record(nobody)[0]; r.Status != ledger.Duplicate {
		t.Errorf("a duplicate about nobody, on a node that lacks the key: %+v", r)
	}
	if _, err := b.Write(t.Context(), []ledger.Own{access("2026-04"), access("2026-05")}); err != nil {
		t.Errorf("an access under an old key row: %v", err)
	}
}

// TestPolicyOnTwoNodes: of two who publish the same version one wins; the other node
// has the winner's in force, and follows what comes.
func TestPolicyOnTwoNodes(t *testing.T) {
	t.Parallel()
	c := onMemory(t, 2)
	a, b := c.nodes[0], c.nodes[1]
	text := func(s string) []byte { return append([]byte("# "+s+"\n"), deploy.Policy()...) }
	if v, _, err := a.PublishPolicy(t.Context(), domain.ID{}, text("a2")); err != nil || v != 2 {
		t.Fatal(v, err)
	}
	if _, _, err := b.PublishPolicy(t.Context(), domain.ID{}, text("b2")); !errors.Is(err, ledger.ErrPublished) {
		t.Errorf("the loser is told %v", err)
	}
	if _, v := b.Policy(); v != 2 || !strings.HasPrefix(string(b.PolicySource()), "# a2") {
		t.Errorf("version %d in force at the loser's", v)
	}
	v, at, err := b.PublishPolicy(t.Context(), domain.ID{}, text("b3"))
	if err != nil || v != 3 {
		t.Fatal(v, err)
	}
	fact := c.facts()[at]
	a.vault.set(func(v *vaultLine) { v.down = true })
	a.Follow(fact, at)
	if _, v := a.Policy(); v != 2 {
		t.Errorf("version %d in force without the vault", v)
	}
	a.vault.set(func(v *vaultLine) { v.down = false })
	for v = 0; v != 3; _, v = a.Policy() {
		runtime.Gosched()
	}
	a.Follow(c.facts()[0], 0)
	for version := range int64(3) {
		if _, err := a.PolicyVersion(t.Context(), version+1); err != nil {
			t.Errorf("version %d: %v", version+1, err)
		}
	}
	if _, v := a.Policy(); v != 3 {
		t.Errorf("an old policy was followed: version %d in force", v)
	}
}

// TestFirstStart: nodes that open empty stores at once make one ledger.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	for range 20 {
		c := newCluster(t, (&vmemory.Disk{}).Open(), 0)
		opened := make(chan *node)
		for range 3 {
			go func() {
				n, err := c.open()
				if err != nil {
					t.Error(err)
				}
				opened <- n
			}()
		}
		for range 3 {
			c.nodes = append(c.nodes, <-opened)
		}
		if t.Failed() {
			return
		}
		if facts := c.facts(); len(facts) != 1 || facts[0].Type != event.PolicyPublished {
			t.Fatalf("%d facts", len(facts))
		}
		first := c.nodes[0].record(created("e1", "C-1", "a@example.org"))[0]
		id, err := c.nodes[0].ID(t.Context())
		for _, n := range c.nodes[1:] {
			if r := n.record(created("e1", "C-1", "a@example.org"))[0]; r.Status != ledger.Duplicate || r.Position != first.Position || r.Subject != first.Subject {
				t.Errorf("%+v", r)
			}
			if other, err2 := n.ID(t.Context()); err != nil || err2 != nil || other != id {
				t.Error("two ids", err, err2)
			}
		}
	}
}
