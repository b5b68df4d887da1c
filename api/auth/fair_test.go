package auth

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
)

// beside is another node on the same log, or this one after a restart.
func (o *office) beside() *People {
	p := o.vouching()
	p.Facts, p.Open, p.Alone = o, o.People.Open, o.People.Alone
	return p
}

// From the third wrong password on, a node that has counted nothing itself, another one
// or one that was started anew, says the same of a name that somebody has and of one
// that nobody has.
func TestNoNodeTellsNames(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.hire("jmartin", "dpo")
	from := 0
	try := func(p *People, login string) string {
		from++
		_, err := p.Password(t.Context(), login, "wrong", "", netip.AddrFrom4([4]byte{10, 3, byte(from >> 8), byte(from)}))
		return fmt.Sprint(problem.From(err).Code, problem.From(err).RetryAfter)
	}
	for i := range account.MaxFailures + 2 {
		try(o.People, "jmartin")
		try(o.People, "nobody")
		other := o.beside()
		known, unknown := try(other, "jmartin"), try(other, "nobody")
		if known != unknown {
			t.Fatalf("after %d tries another node says %q of a name, and %q of nobody's", i+1, known, unknown)
		}
		if limited := known != fmt.Sprint(problem.CredentialsInvalid, time.Duration(0)); limited != (i+1 >= account.Recorded) && i < account.Recorded {
			t.Errorf("after %d tries another node says %q", i+1, known)
		}
		o.now = o.now.Add(20 * time.Second)
	}
}

// A flood of names that nobody has is put into the log at a bounded rate; accounts are
// put there all the same.
func TestFloodOfNamesIsBounded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id, _ := o.hire("jmartin", "dpo")
	p := o.People.parts()
	before := len(o.said)
	wrong := func(what string, of domain.ID) {
		g := guess{key: loginKey{1}, of: of, what: what, logged: account.Throttle{Failures: account.Recorded, Until: o.now.Add(time.Second)}, where: home.String()}
		if err := p.wrong(t.Context(), g); code(err) != problem.CredentialsInvalid {
			t.Fatal(err)
		}
	}
	for i := range 3 * strangersBurst {
		wrong(account.WhatName, domain.ID{9, byte(i >> 8), byte(i), 6: 0x80, 8: 0x80})
	}
	if n := len(o.said) - before; n != strangersBurst {
		t.Errorf("%d facts about names that nobody has", n)
	}
	wrong(account.WhatPassword, id)
	if n := len(o.said) - before; n != strangersBurst+1 {
		t.Errorf("the account's is not told: %d facts", n)
	}
}

// A block that is lifted is lifted on the nodes that counted, too; what they count
// afterwards counts.
func TestEnablingLiftsABlockEverywhere(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	of, _ := o.hire("jmartin", "agent")
	other := o.beside()
	for i := range account.MaxFailures {
		o.now = o.now.Add(20 * time.Minute)
		if _, err := other.Password(t.Context(), "jmartin", "Wrong-Password-42", "", netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})); code(err) != problem.CredentialsInvalid {
			t.Fatal(err)
		}
	}
	disabled := false
	_, err := o.People.Change(t.Context(), domain.ID{1}, of, Change{Disabled: &disabled})
	must(t, err)
	if _, err := other.Password(t.Context(), "jmartin", "Wrong-Password-42", "", home); code(err) != problem.CredentialsInvalid {
		t.Errorf("still blocked on the node that counted: %v", err)
	}
	if _, err := other.Password(t.Context(), "jmartin", goodPassword, "", home); err != nil {
		t.Errorf("still blocked on the node that counted: %v", err)
	}
	for range account.Recorded {
		_, err = other.Password(t.Context(), "jmartin", "Wrong-Password-42", "", home)
	}
	if _, again := other.Password(t.Context(), "jmartin", goodPassword, "", home); code(err) != problem.CredentialsInvalid || code(again) != problem.RateLimited {
		t.Errorf("wrong ones count no more: %v, %v", err, again)
	}
}

// Whoever shares an address with somebody who tries many passwords signs in all the same
// from a device on which they did before, with password and code, and goes on in a
// session.
func TestKnownDeviceBehindANoisyAddress(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id, first := o.hire("jmartin", "dpo")
	seed, full := o.enrol(first)
	device, err := o.People.Device(id)
	must(t, err)
	for range 2 * networkBurst {
		o.People.parts().tries.networks.Take(network(home))
	}
	if _, err := o.signIn("jmartin", goodPassword, home); code(err) != problem.RateLimited {
		t.Errorf("an unknown device: %v", err)
	}
	o.now = o.now.Add(time.Minute)
	for o.People.tries.networks.Wait(network(home)) == 0 {
		o.People.tries.networks.Take(network(home))
	}
	step, err := o.People.Password(t.Context(), "jmartin", goodPassword, device, home)
	must(t, err)
	if _, err := o.People.TOTP(t.Context(), step.Ticket, o.code(seed), home); err != nil {
		t.Errorf("the code after a right password: %v", err)
	}
	if _, err := o.who(&full); err != nil {
		t.Errorf("a session: %v", err)
	}
}

func refused(turn chan bool) bool {
	select {
	case mine := <-turn:
		return !mine
	default:
		return false
	}
}

func granted(turn chan bool) bool {
	select {
	case mine := <-turn:
		return mine
	default:
		return false
	}
}

// One source's flood is told to come later, and another's first wait is for one hash.
func TestFloodStarvesNobody(t *testing.T) {
	t.Parallel()
	g := newGate()
	join := func(source string) chan bool {
		t.Helper()
		turn, err := g.join(source)
		must(t, err)
		return turn
	}
	for range hashesAtATime {
		if !granted(join("flood")) {
			t.Fatal("a free place is not given")
		}
	}
	var flood []chan bool
	for range hashesOfOne {
		flood = append(flood, join("flood"))
	}
	_, err := g.join("flood")
	if p := problem.From(err); p.Code != problem.RateLimited || p.RetryAfter <= 0 {
		t.Fatalf("one more of the flood: %v", err)
	}
	anne := join("anne")
	g.leave()
	g.leave()
	if !granted(flood[0]) || !granted(anne) || granted(flood[1]) {
		t.Error("the flood is before her")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.enter(gone, "bob"); code(err) != problem.Busy || len(g.queues["bob"]) != 0 {
		t.Errorf("who went away still waits: %v", err)
	}
	for range len(flood) + 1 { // five of the seven are left
		g.leave()
	}
	if g.running != 0 || g.waiting != 0 || len(g.turns) != 0 || len(g.queues) != 0 {
		t.Errorf("left behind: %d running, %d waiting", g.running, g.waiting)
	}
}

// When many networks fill the queue, a newcomer takes the place of who has several.
func TestFloodOfManyNetworks(t *testing.T) {
	t.Parallel()
	g := newGate()
	var all []chan bool
	for i := range hashesAtATime + hashesWaiting {
		turn, err := g.join(fmt.Sprint("network ", i/hashesOfOne))
		must(t, err)
		all = append(all, turn)
	}
	newcomer, err := g.join("anne")
	must(t, err)
	if g.waiting != hashesWaiting || granted(newcomer) {
		t.Errorf("%d wait", g.waiting)
	}
	if n := slices.IndexFunc(all, refused); n < hashesAtATime {
		t.Errorf("%d was sent away", n)
	}
	for range len(g.turns) {
		g.leave()
	}
	if !granted(newcomer) {
		t.Error("the newcomer waits for more than one hash of each")
	}
	full := newGate()
	for i := range hashesAtATime + hashesWaiting {
		_, err := full.join(fmt.Sprint("network ", i))
		must(t, err)
	}
	if _, err := full.join("anne"); code(err) != problem.Busy {
		t.Errorf("beyond the bound: %v", err)
	}
}
