package auth

import (
	"net/netip"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
)

// Whoever administers accounts cannot act as one of them: not by a token made for a
// person or a guest, which would need none of their factors, and not by giving a
// provider's account a password.
func TestNobodyIsActedFor(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := domain.ID{1}
	dpo, _ := o.hire("jmartin", "dpo")
	guest, err := o.People.Create(t.Context(), admin, NewAccount{Kind: account.Guest, Label: "x", Roles: []string{"auditor"},
		Inspection: domain.ID{8, 6: 0x40, 8: 0x80}, Until: o.now.Add(time.Hour)})
	must(t, err)
	for name, of := range map[string]domain.ID{"a person": dpo, "a guest": guest.Account} {
		if made, err := o.desk().Make(t.Context(), rules(t), admin, Request{Account: of}); code(err) != problem.FieldInvalid || made.Text != "" {
			t.Errorf("a token for %s: %v", name, err)
		}
	}
	vouched, err := o.People.Vouch(t.Context(), Vouched{Issuer: "https://id.example", Subject: "s", Roles: []string{"dpo"}})
	must(t, err)
	if made, err := o.People.Reset(t.Context(), admin, vouched, nil); code(err) != problem.ProviderManaged || made.Secret != "" {
		t.Errorf("a provider's account is reset: %v", err)
	}
	if a, ok := o.store.Find(vouched); !ok || !byProvider(a) {
		t.Error("a provider's account lost its provider")
	}
}

// A guest changes nothing, whatever role somebody gave it.
func TestGuestsOnlyLook(t *testing.T) {
	t.Parallel()
	guest := &Principal{Account: domain.ID{2}, Inspection: domain.ID{8}, Roles: []string{"admin", "dpo", "auditor", "service", "security"}}
	for permission, may := range map[string]bool{"audit.read": true, "subjects.history": true, "proofs.read": true, "inspections.read": true,
		"accounts.manage": false, "tokens.manage": false, "subjects.erase": false, "subjects.hold": false, "events.write": false, "policy.publish": false,
		"approvals.decide": false, "keys.rotate": false, "subjects.export": false, "inspections.bundle": false, "watch.close": false} {
		if err := guest.May(rules(t), permission); (err == nil) != may {
			t.Errorf("%s: %v", permission, err)
		}
	}
}

// A passkey that was taken away is not brought back by a sign-in that was on its way.
func TestWhatWasTakenAwayStaysAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	of, _ := o.hire("jmartin", "agent")
	id, err := o.People.SetCredential(t.Context(), of, of, account.Passkey, []byte("{}"))
	must(t, err)
	must(t, o.People.ReplaceCredential(t.Context(), of, of, id, account.Passkey, []byte("[]")))
	_, err = o.People.Reset(t.Context(), domain.ID{1}, of, nil)
	must(t, err)
	err = o.People.ReplaceCredential(t.Context(), of, of, id, account.Passkey, []byte("{}"))
	if a, _ := o.store.Find(of); code(err) != problem.CredentialsInvalid || len(a.Credentials) != 0 {
		t.Errorf("after a reset there are %d credentials: %v", len(a.Credentials), err)
	}
}

// Enabling an account lifts a block after wrong passwords, also on the node that counted.
func TestEnablingLiftsABlock(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	of, _ := o.hire("jmartin", "agent")
	for i := range account.MaxFailures {
		o.now = o.now.Add(20 * time.Minute)
		if _, err := o.signIn("jmartin", "Wrong-Password-42", netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})); code(err) != problem.CredentialsInvalid {
			t.Fatal(err)
		}
	}
	if _, err := o.signIn("JMartin", goodPassword, home); code(err) != problem.RateLimited {
		t.Fatalf("ten wrong passwords block nothing: %v", err)
	}
	disabled := false
	_, err := o.People.Change(t.Context(), domain.ID{1}, of, Change{Disabled: &disabled})
	must(t, err)
	if _, err := o.signIn("JMartin", goodPassword, home); err != nil {
		t.Errorf("still blocked: %v", err)
	}
}
