package auth

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
)

// An unknown name, an account without a password and a wrong password cannot be told
// apart, not by the answer and not by how long one has to wait.
func TestNobodyIsEnumerated(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.hire("jmartin", "dpo")
	_, err := o.People.Create(t.Context(), domain.ID{1}, NewAccount{Kind: account.Human, Label: "x", Login: "provider", Roles: []string{"agent"}})
	must(t, err)
	from := 0
	try := func(login string) string {
		from++
		_, err := o.signIn(login, "wrong", netip.AddrFrom4([4]byte{10, 0, byte(from >> 8), byte(from)}))
		p := problem.From(err)
		return fmt.Sprint(p.Code, p.RetryAfter, p.Field)
	}
	for i := range 14 {
		known, none, unknown := try("jmartin"), try("provider"), try("nobody")
		if known != none || none != unknown {
			t.Fatalf("try %d: %q, %q and %q", i+1, known, none, unknown)
		}
		o.now = o.now.Add(20 * time.Second)
	}
}

// 1,000 wrong passwords of one account from everywhere: ten are looked at, then one in
// a while; others sign in, and so does the holder on a known device; memory stays.
// It runs alone, as the memory of a hash made beside it would count as its own.
func TestThousandWrongPasswords(t *testing.T) {
	o := newOffice(t)
	id, first := o.hire("jmartin", "dpo")
	o.enrol(first)
	o.hire("anne", "agent")
	device, err := o.People.Device(id)
	must(t, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	looked := 0
	for i := range 1000 {
		_, err := o.signIn("jmartin", "wrong", netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
		switch code(err) {
		case problem.CredentialsInvalid:
			looked++
		case problem.RateLimited:
		default:
			t.Fatalf("try %d: %v", i, err)
		}
		o.now = o.now.Add(3600 * time.Millisecond) // 1,000 tries in an hour
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if looked != account.MaxFailures {
		t.Errorf("%d of 1,000 wrong passwords in an hour were looked at", looked)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	if a := o.account(id); a.Wrong.Failures != account.MaxFailures || a.Wrong.Level != 1 {
		t.Errorf("the log says %+v", a.Wrong)
	}
	if _, err := o.signIn("jmartin", goodPassword, home); code(err) != problem.RateLimited {
		t.Errorf("the right password meanwhile, from elsewhere: %v", err)
	}
	if _, err := o.signIn("anne", goodPassword, home); err != nil {
		t.Errorf("somebody else is locked out: %v", err)
	}
	if step, err := o.People.Password(t.Context(), "jmartin", goodPassword, device, home); err != nil || len(step.Next) != 1 {
		t.Errorf("the holder on a known device is locked out: %v", err)
	}
	if _, err := o.People.Start(t.Context(), Login{Account: id, Method: "passkey", Factors: []string{"passkey"}}); err != nil {
		t.Errorf("the holder with a passkey is locked out: %v", err)
	}
	o.now = o.now.Add(account.FirstBlock)
	if _, err := o.signIn("jmartin", goodPassword, home); err != nil {
		t.Errorf("after the block: %v", err)
	}
}

// Another node goes by the log's count.
func TestAnotherNodeKnowsTheCount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.hire("jmartin", "dpo")
	for range account.Recorded {
		if _, err := o.signIn("jmartin", "wrong", home); code(err) != problem.CredentialsInvalid {
			t.Fatal(err)
		}
	}
	other := newOffice(t).People
	other.Staff, other.Open, other.Now = o.store, o.People.Open, o.People.Now
	if _, err := other.Password(t.Context(), "jmartin", goodPassword, "", home); code(err) != problem.RateLimited {
		t.Errorf("another node: %v", err)
	}
}

// Many at once are no more tries than one after the other, and one network cannot
// try name after name.
func TestTriesAtOnceAndByNetwork(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.hire("jmartin", "dpo")
	var wg sync.WaitGroup
	looked := make(chan bool, 40)
	for i := range 40 {
		wg.Go(func() {
			_, err := o.signIn("jmartin", "wrong", netip.AddrFrom4([4]byte{10, 2, 0, byte(i)}))
			looked <- code(err) == problem.CredentialsInvalid
		})
	}
	wg.Wait()
	close(looked)
	n := 0
	for l := range looked {
		if l {
			n++
		}
	}
	if n > account.Recorded {
		t.Errorf("%d of 40 at once were looked at", n)
	}
	p := newOffice(t)
	limited := 0
	for i := range networkBurst + 20 {
		if _, err := p.signIn(fmt.Sprintf("name-%d", i), "wrong", home); code(err) == problem.RateLimited {
			limited++
		}
	}
	if limited != 20 {
		t.Errorf("%d of %d names from one network had to wait", limited, networkBurst+20)
	}
}

func TestCookiesAreNotForged(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id, first := o.hire("jmartin", "dpo")
	_, full := o.enrol(first)
	for i := range full.Cookie {
		b := []byte(full.Cookie)
		if b[i]++; b[i] == '{' {
			b[i] = 'A'
		}
		if who, _, err := o.People.identify(string(b)); err == nil && i < len(b)-1 { // the last character has bits that say nothing
			t.Fatalf("altered at %d it is of %s", i, who.Account)
		}
	}
	other := o.vouching()
	other.Key = []byte("another ledger's")
	if _, _, err := other.identify(full.Cookie); code(err) != problem.SessionInvalid {
		t.Errorf("another ledger takes it: %v", err)
	}
	who, err := o.who(&full)
	must(t, err)
	if full.CSRF != who.CSRF || len(who.CSRF) != 64 || who.Account != id {
		t.Error("the CSRF value is not the session's")
	}
	if c := SetCookie("x", true); c.Name != "__Host-greffe" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != 3 {
		t.Errorf("the cookie is %s", c)
	}
}

func TestStaffRules(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin, first := o.hire("root", "admin")
	o.enrol(first)
	id, _ := o.hire("jmartin", "dpo")
	roles, off, login := []string{"agent"}, true, "ROOT"
	for name, c := range map[string]struct {
		err  error
		want problem.Code
	}{
		"own roles":     {second(o.People.Change(t.Context(), admin, admin, Change{Roles: &roles})), problem.ActorForbidden},
		"last admin":    {second(o.People.Change(t.Context(), id, admin, Change{Roles: &roles})), problem.LastAdmin},
		"admin off":     {second(o.People.Change(t.Context(), id, admin, Change{Disabled: &off})), problem.LastAdmin},
		"admin reset":   {second(o.People.Reset(t.Context(), id, admin, nil)), problem.LastAdmin},
		"taken login":   {second(o.People.Change(t.Context(), admin, id, Change{Login: &login})), problem.LoginTaken},
		"nobody":        {second(o.People.Change(t.Context(), admin, domain.ID{5}, Change{Disabled: &off})), problem.NotFound},
		"service":       {second(o.People.Create(t.Context(), admin, NewAccount{Kind: account.Service, Label: "x", Roles: roles})), problem.FieldInvalid},
		"unknown role":  {second(o.People.Create(t.Context(), admin, NewAccount{Kind: account.Human, Label: "x", Roles: []string{"king"}})), problem.FieldInvalid},
		"no label":      {second(o.People.Create(t.Context(), admin, NewAccount{Kind: account.Human, Roles: roles})), problem.FieldRequired},
		"taken by new":  {second(o.People.Create(t.Context(), admin, NewAccount{Kind: account.Human, Label: "x", Login: "JMartin", Roles: roles})), problem.LoginTaken},
		"endless guest": {second(o.People.Create(t.Context(), admin, NewAccount{Kind: account.Guest, Label: "x", Roles: roles, Inspection: domain.ID{1}})), problem.FieldInvalid},
	} {
		if code(c.err) != c.want {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	until := o.now.Add(time.Hour)
	guest, err := o.People.Create(t.Context(), admin, NewAccount{Kind: account.Guest, Label: "x", Roles: []string{"auditor"}, Inspection: domain.ID{8, 6: 0x40, 8: 0x80}, Until: until})
	must(t, err)
	s, err := o.People.Start(t.Context(), Login{Account: guest.Account, Method: "passkey", Factors: []string{"passkey"}})
	must(t, err)
	if who, err := o.who(&s); err != nil || who.Inspection.IsZero() || s.Expires.After(until) {
		t.Errorf("a guest's session: %+v %v", s, err)
	}
	o.now = until
	if _, err := o.who(&s); code(err) != problem.SessionInvalid {
		t.Errorf("a guest after the end: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// What is sealed is what was said, and hashes are argon2id with the salt of each.
func TestHashes(t *testing.T) {
	t.Parallel()
	a, err := hashPassword(rand.Reader, goodPassword)
	must(t, err)
	b, err := hashPassword(rand.Reader, goodPassword)
	must(t, err)
	if a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=47104,t=1,p=1$") {
		t.Errorf("hashed as %s", a)
	}
	for password, want := range map[string]bool{goodPassword: true, "": false, goodPassword + " ": false} {
		if same, err := samePassword(a, password); err != nil || same != want {
			t.Errorf("a password of %d characters: %t %v", len(password), same, err)
		}
	}
	if same, _ := samePassword(decoy(), ""); same {
		t.Error("the decoy has a password")
	}
	for _, broken := range []string{"", "$argon2i$v=19$m=1,t=1,p=1$AA$AA", strings.Replace(a, "m=47104", "m=99999999", 1), a[:len(a)-4]} {
		if _, err := samePassword(broken, goodPassword); err == nil {
			t.Errorf("a damaged hash of %d characters is compared", len(broken))
		}
	}
}
