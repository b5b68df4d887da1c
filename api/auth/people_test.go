package auth

import (
	"context"
	"crypto/rand"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/projections"
)

// office is a book that also keeps what is sealed, and takes an id once, as a ledger
// does.
type office struct {
	*book
	People *People
	sealed map[domain.ID][]event.Field
	taken  map[domain.ID]bool
	said   []string // every fact, as it is stored
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{book: newBook(t), sealed: map[domain.ID][]event.Field{}, taken: map[domain.ID]bool{}}
	o.People = o.vouching()
	o.People.Facts = o
	o.People.Open = func(_ context.Context, id domain.ID) ([]event.Field, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.sealed[id], nil
	}
	var deciding sync.Mutex
	o.People.Alone = func(_ context.Context, work func(Facts) error) error {
		deciding.Lock()
		defer deciding.Unlock()
		return work(o)
	}
	return o
}

func (o *office) Write(ctx context.Context, owns []ledger.Own) (out []ledger.Written, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, own := range owns {
		if own.ID.IsZero() {
			if own.ID, err = domain.RandomID(rand.Reader); err != nil {
				return nil, err
			}
		}
		if o.taken[own.ID] {
			return nil, ledger.ErrTaken
		}
		o.taken[own.ID] = true
		f := &event.Fact{ID: own.ID, Type: own.Type, Actor: own.Actor, Codes: own.Codes, Time: domain.NewTime(o.now), Recorded: domain.NewTime(o.now)}
		for _, p := range own.Parts {
			o.sealed[own.ID] = p.Fields
			f.Parts = append(f.Parts, event.PartRef{Owner: p.Key.Owner, Class: p.Key.Class, Epoch: part.EpochWhole})
		}
		b, err := event.AppendFact(nil, f)
		if err != nil {
			return nil, err
		}
		if f, err = event.DecodeFact(b); err != nil {
			return nil, err
		}
		at := domain.Position(len(o.said))
		if err := o.store.Apply(ctx, []projections.Fact{{Position: at, Fact: f}}); err != nil {
			return nil, err
		}
		o.said, out = append(o.said, string(b)), append(out, ledger.Written{Event: f.ID, Position: at})
	}
	return out, nil
}

// home is where people sign in from.
var home = netip.MustParseAddr("192.0.2.9")

const goodPassword = "Rouge-lapin42-Toit"

// hire makes a person who has chosen a password, and gives the session that may enrol.
func (o *office) hire(login string, roles ...string) (domain.ID, *Started) {
	o.t.Helper()
	made, err := o.People.Create(o.t.Context(), domain.ID{1}, NewAccount{Kind: account.Human, Label: "Jeanne Martin", Login: login, Roles: roles, Invite: true})
	must(o.t, err)
	step, err := o.People.Accept(o.t.Context(), made.Secret, goodPassword, home)
	must(o.t, err)
	if step.Session == nil || len(step.Next) != 0 || step.Session.Complete {
		o.t.Fatalf("an accepted invitation leads to %+v", step)
	}
	return made.Account, step.Session
}

func (o *office) who(s *Started) (*Principal, error) {
	p, _, err := o.People.identify(s.Cookie)
	return p, err
}

// enrol gives a person an authenticator application; seed makes its codes.
func (o *office) enrol(s *Started) (seed []byte, full Started) {
	o.t.Helper()
	who, err := o.who(s)
	must(o.t, err)
	offer, err := o.People.OfferTOTP(who)
	must(o.t, err)
	seed, ok := o.People.readOffer(who.Session, offer.Ticket)
	if !ok {
		o.t.Fatal("an offered seed cannot be read")
	}
	full, err = o.People.ConfirmTOTP(o.t.Context(), who, offer.Ticket, o.code(seed), home)
	must(o.t, err)
	return seed, full
}

func (o *office) code(seed []byte) string {
	o.t.Helper()
	c, err := totpAt(seed, o.now.Unix()/totpStep)
	must(o.t, err)
	return c
}

func (o *office) signIn(login, password string, from netip.Addr) (Step, error) {
	return o.People.Password(o.t.Context(), login, password, "", from)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id, first := o.hire("jmartin", "dpo")
	who, err := o.who(first)
	must(t, err)
	if err := who.May(rules(t), "subjects.read"); code(err) != problem.SecondFactorMissing {
		t.Errorf("without a second factor: %v", err)
	}
	if err := who.May(rules(t), "session.own"); err != nil {
		t.Errorf("it may not enrol: %v", err)
	}
	seed, full := o.enrol(first)
	if _, err := o.who(first); code(err) != problem.SessionInvalid {
		t.Errorf("the session that enrolled goes on: %v", err)
	}
	if who, err = o.who(&full); err != nil || who.Account != id || who.May(rules(t), "subjects.read") != nil || o.People.IsFresh(who) != nil {
		t.Errorf("after enrolling: %+v %v", who, err)
	}
	must(t, o.People.End(t.Context(), id, id, who.Session, "signed_out"))
	if _, err := o.who(&full); code(err) != problem.SessionInvalid {
		t.Errorf("after signing out: %v", err)
	}
	step, err := o.signIn(" JMartin ", goodPassword, home)
	must(t, err)
	if step.Session != nil || !slices.Equal(step.Next, []string{"totp"}) || step.Ticket == "" {
		t.Fatalf("a password alone gives %+v", step)
	}
	if _, err := o.People.TOTP(t.Context(), step.Ticket, o.code(seed), home); code(err) != problem.CredentialsInvalid {
		t.Errorf("the code that enrolled is good again: %v", err)
	}
	o.now = o.now.Add(totpStep * time.Second)
	if _, err := o.People.TOTP(t.Context(), step.Ticket[1:]+"A", o.code(seed), home); code(err) != problem.CredentialsInvalid {
		t.Errorf("another ticket: %v", err)
	}
	s, err := o.People.TOTP(t.Context(), step.Ticket, o.code(seed), home)
	must(t, err)
	if !s.Complete {
		t.Error("two factors are not complete")
	}
	if _, err := o.People.TOTP(t.Context(), step.Ticket, o.code(seed), home); code(err) != problem.CredentialsInvalid {
		t.Errorf("a code is good twice: %v", err)
	}
	o.now = o.now.Add(TicketFor)
	if _, err := o.People.TOTP(t.Context(), step.Ticket, o.code(seed), home); code(err) != problem.CredentialsInvalid {
		t.Errorf("a ticket is good after its time: %v", err)
	}
}

// Nothing that names or signs in a person is in a fact.
func TestPeopleAreNotInFacts(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, first := o.hire("jmartin", "dpo")
	seed, full := o.enrol(first)
	all := strings.Join(o.said, "\n")
	for _, secret := range []string{"jmartin", "Jeanne", goodPassword, "argon2", seedText(seed), full.Cookie, full.CSRF, home.String()} {
		if strings.Contains(all, secret) {
			t.Errorf("facts hold a secret of %d characters", len(secret))
		}
	}
	if len(o.said) < 6 {
		t.Fatalf("%d facts", len(o.said))
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id, first := o.hire("jmartin", "dpo")
	_, full := o.enrol(first)
	cookie := full.Cookie
	for range 40 { // 40 × 20 minutes of use is past the absolute limit of ten hours
		o.now = o.now.Add(20 * time.Minute)
		_, next, err := o.People.identify(cookie)
		if code(err) == problem.SessionInvalid && !o.now.Before(full.Expires) {
			cookie = ""
			break
		}
		must(t, err)
		if next == "" {
			t.Fatal("a used session is not stamped anew")
		}
		cookie = next
	}
	if cookie != "" {
		t.Error("a session in use has no end")
	}
	begin := func() *Started {
		s, err := o.People.Start(t.Context(), Login{Account: id, Method: "passkey", Factors: []string{"passkey"}, From: home})
		must(t, err)
		if _, err := o.who(&s); err != nil {
			t.Fatal(err)
		}
		return &s
	}
	s := begin()
	o.now = o.now.Add(30 * time.Minute)
	if _, err := o.who(s); code(err) != problem.SessionInvalid {
		t.Errorf("idle for 30 minutes: %v", err)
	}
	roles, disabled := []string{"agent"}, true
	for name, end := range map[string]func() error{
		"other roles": func() error {
			_, err := o.People.Change(t.Context(), domain.ID{1}, id, Change{Roles: &roles})
			return err
		},
		"all ended": func() error { return o.People.End(t.Context(), domain.ID{1}, id, domain.ID{}, "revoked") },
		"a reset":   func() error { _, err := o.People.Reset(t.Context(), domain.ID{1}, id, nil); return err },
		"disabled": func() error {
			if _, err := o.People.Change(t.Context(), domain.ID{1}, id, Change{Disabled: &disabled}); err != nil {
				return err
			}
			_, err := o.People.Start(t.Context(), Login{Account: id, Method: "passkey", Factors: []string{"passkey"}})
			if code(err) != problem.CredentialsInvalid {
				t.Errorf("a disabled account signs in: %v", err)
			}
			again := false
			_, err = o.People.Change(t.Context(), domain.ID{1}, id, Change{Disabled: &again})
			return err
		},
	} {
		s := begin()
		must(t, end())
		if _, err := o.who(s); code(err) != problem.SessionInvalid {
			t.Errorf("%s: the session goes on: %v", name, err)
		}
	}
}

// A password that was changed ends every session but the new one.
func TestChangedPasswordEndsSessions(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id, first := o.hire("jmartin", "dpo")
	_, full := o.enrol(first)
	other, err := o.People.Start(t.Context(), Login{Account: id, Method: "passkey", Factors: []string{"passkey"}})
	must(t, err)
	who, err := o.who(&full)
	must(t, err)
	if _, err := o.People.ChangePassword(t.Context(), who, "jmartin-Password-42", home); code(err) != problem.PasswordWeak {
		t.Errorf("a password with the login in it: %v", err)
	}
	next, err := o.People.ChangePassword(t.Context(), who, "Vert-tortue42-Cave", home)
	must(t, err)
	for _, s := range []*Started{&full, &other} {
		if _, err := o.who(s); code(err) != problem.SessionInvalid {
			t.Errorf("a session of before goes on: %v", err)
		}
	}
	if _, err := o.who(&next); err != nil {
		t.Error(err)
	}
	if _, err := o.signIn("jmartin", goodPassword, home); code(err) != problem.CredentialsInvalid {
		t.Errorf("the former password: %v", err)
	}
	o.now = o.now.Add(6 * time.Minute)
	who, err = o.who(&next)
	must(t, err)
	if _, err := o.People.ChangePassword(t.Context(), who, goodPassword, home); code(err) != problem.SignInAgain {
		t.Errorf("six minutes after signing in: %v", err)
	}
}

// Somebody who knows the password alone cannot enrol a second factor in the place of
// the one there is.
func TestSecondFactorIsNotDowngraded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id, first := o.hire("jmartin", "dpo")
	half, err := o.People.Start(t.Context(), Login{Account: id, Method: "password", Factors: []string{"password"}})
	must(t, err)
	_, full := o.enrol(first)
	who, err := o.who(&half)
	must(t, err)
	if _, err := o.People.OfferTOTP(who); code(err) != problem.SecondFactorMissing {
		t.Errorf("a session of one factor enrols another: %v", err)
	}
	if _, err := o.People.SetRecovery(t.Context(), who); code(err) != problem.SecondFactorMissing {
		t.Errorf("a session of one factor makes recovery codes: %v", err)
	}
	who, err = o.who(&full)
	must(t, err)
	a := o.account(id)
	totp, _ := a.Has(account.TOTP)
	if err := o.People.RemoveCredential(t.Context(), id, id, totp.ID); code(err) != problem.LastFactor {
		t.Errorf("the last second factor is removed: %v", err)
	}
	codes, err := o.People.SetRecovery(t.Context(), who)
	must(t, err)
	step, err := o.signIn("jmartin", goodPassword, home)
	must(t, err)
	if len(codes) != RecoveryCodes || !slices.Equal(step.Next, []string{"totp", "recovery"}) {
		t.Fatalf("%d codes, next %v", len(codes), step.Next)
	}
	s, err := o.People.Recovery(t.Context(), step.Ticket, strings.ToLower(codes[3]), home)
	if err != nil || !s.Complete {
		t.Errorf("a recovery code: %v", err)
	}
	if _, err := o.People.Recovery(t.Context(), step.Ticket, codes[3], home); code(err) != problem.CredentialsInvalid {
		t.Errorf("a recovery code is good twice: %v", err)
	}
	a = o.account(id)
	if c, _ := a.Has(account.Recovery); c.Used != 1 {
		t.Errorf("%d codes are used", c.Used)
	}
}

func TestInvitationsAreGoodOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	made, err := o.People.Create(t.Context(), domain.ID{1}, NewAccount{Kind: account.Human, Label: "x", Login: "anne", Roles: []string{"agent"}, Invite: true})
	must(t, err)
	if _, err := o.People.Accept(t.Context(), made.Secret, "short", home); code(err) != problem.PasswordWeak {
		t.Errorf("a weak password: %v", err)
	}
	later, err := o.People.Invite(t.Context(), domain.ID{1}, made.Account, nil)
	must(t, err)
	if _, err := o.People.Accept(t.Context(), made.Secret, goodPassword, home); code(err) != problem.InvitationInvalid {
		t.Errorf("the former invitation: %v", err)
	}
	if _, err := o.People.Accept(t.Context(), later.Secret, goodPassword, home); err != nil {
		t.Error(err)
	}
	if _, err := o.People.Accept(t.Context(), later.Secret, goodPassword, home); code(err) != problem.InvitationInvalid {
		t.Errorf("an invitation is good twice: %v", err)
	}
	late, err := o.People.Reset(t.Context(), domain.ID{1}, made.Account, nil)
	must(t, err)
	if _, err := o.signIn("anne", goodPassword, home); code(err) != problem.CredentialsInvalid {
		t.Errorf("a password that was reset: %v", err)
	}
	o.now = late.Expires
	if _, err := o.People.Accept(t.Context(), late.Secret, goodPassword, home); code(err) != problem.InvitationInvalid {
		t.Errorf("an invitation after its time: %v", err)
	}
}
