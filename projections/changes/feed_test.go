package changes

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/access"
)

// Each recipient learns what it is told of, under its own ids and nobody else's.
func TestOwnIDsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.created("crm/eu", "C-1")
	w.created("callcentre/fr", "A-1")
	w.created("shop/web", "W-1")
	w.record("crm/eu", "consent.withdrawn", "C-1", `{"purpose":"prospecting","channels":["email"],"method":"unsubscribe_link"}`)
	w.record("callcentre/fr", "opposition.registered", "A-1", `{"channels":["phone"],"purpose":"prospecting"}`)
	w.record("shop/web", "opposition.registered", "W-1", `{"scope":"all"}`)
	w.record("shop/web", "request.received", "W-1", `{"right":"access"}`)
	w.record("crm/eu", "contact.changed", "C-1", `{"set":{"person.given_name":"Anna"},"reason":"rectification"}`)
	w.record("crm/eu", "restriction.placed", "C-1", `{"ground":"art18.1.a"}`)
	w.record("crm/eu", "opposition.registered", "", `{"address":{"phone":"+33199000001"}}`)

	w.says("crm", "consent.withdrawn crm/eu:C-1", "contact.changed crm/eu:C-1", "restriction.placed crm/eu:C-1", "opposition.registered")
	w.says("dialer", "opposition.registered callcentre/fr:A-1", "opposition.registered")
	w.says("mailing", "consent.withdrawn ref", "opposition.registered ref", "opposition.registered ref", "contact.changed ref", "restriction.placed ref", "opposition.registered")

	cs, _ := w.read("crm", 0, 100)
	first := cs[0]
	if first.Purpose != "prospecting" || !slices.Equal(first.Channels, []string{"email"}) || first.Controller != "acme" || first.Time.IsZero() {
		t.Errorf("the withdrawal is told as %+v", first)
	}
	if !slices.Equal(cs[1].Fields, []string{"person.given_name"}) || cs[2].Ground != "art18.1.a" {
		t.Errorf("%+v %+v", cs[1], cs[2])
	}
	ms, _ := w.read("mailing", 0, 1)
	key, err := RefKey(w.Secret, "mailing")
	if err != nil {
		t.Fatal(err)
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(anne.String()))
	if want := hex.EncodeToString(m.Sum(nil)); ms[0].Ref != want {
		t.Errorf("the pseudonym is %s, a recipient computes %s", ms[0].Ref, want)
	}
	other, _ := RefKey(w.Secret, "dialer")
	hooks, _ := WebhookKey(w.Secret, "mailing")
	if bytes.Equal(key, other) || bytes.Equal(key, hooks) || len(key) != 32 {
		t.Error("two recipients or two uses share a key")
	}
	b, err := json.Marshal(append(cs, ms...))
	if err != nil || bytes.Contains(b, []byte("zq@")) || bytes.Contains(b, []byte("Ann")) || bytes.Contains(b, []byte(anne.String())) {
		t.Errorf("the feed says more than it may: %s %v", b, err)
	}
}

// What binds one person is told under the ids of all their contacts; a grant is
// of its contact alone.
func TestMergedPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.created("crm/eu", "C-1")
	w.created("shop/web", "W-1")
	w.created("crm/eu", "C-2")
	w.record("shop/web", "contact.merged", "W-1", `{"into":{"source":"crm/eu","subject":"C-1"}}`)
	w.record("crm/eu", "contact.merged", "C-2", `{"into":{"source":"crm/eu","subject":"C-1"}}`)
	w.record("shop/web", "consent.granted", "W-1", `{"purpose":"prospecting","channels":["email"],"method":"web_form"}`)
	w.record("shop/web", "consent.refused", "W-1", `{"purpose":"prospecting"}`)
	w.record("crm/eu", "consent.granted", "C-2", `{"purpose":"prospecting","channels":["sms"],"method":"web_form"}`)
	w.says("crm", "consent.refused crm/eu:C-1 crm/eu:C-2", "consent.granted crm/eu:C-2")
	cs, p := w.read("crm", 0, 100)
	if !cs[1].Unproven || len(p.Subjects()) != 2 {
		t.Errorf("a grant without proof is told as proven, or the access is for %d people", len(p.Subjects()))
	}
}

// Somebody first named by another event than contact.created is known as well.
func TestFirstNamedOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record("crm/eu", "interaction.recorded", "C-7", `{"kind":"visit"}`)
	w.record("crm/eu", "consent.withdrawn", "C-7", `{"purpose":"prospecting"}`)
	w.record("crm/eu", "opposition.registered", "C-8", `{"scope":"all"}`)
	w.record("shop/web", "opposition.registered", "W-8", `{"scope":"all"}`)
	w.says("crm", "consent.withdrawn crm/eu:C-7", "opposition.registered crm/eu:C-8")
	w.says("dialer")
}

// After an erasure the ids come from what was staged, for earlier changes too;
// once that is destroyed nothing names the person.
func TestErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.created("crm/eu", "C-1")
	w.record("crm/eu", "consent.withdrawn", "C-1", `{"purpose":"prospecting"}`)
	order, staged := w.erase(anne, true, OwnID{"crm/eu", "C-1"}, OwnID{"callcentre/fr", "A-secret"})
	w.destroy(part.SubjectOwner(anne))
	w.says("crm", "consent.withdrawn crm/eu:C-1", "erasure.ordered crm/eu:C-1")
	w.says("dialer")
	w.says("mailing", "consent.withdrawn ref", "erasure.ordered ref")
	cs, p := w.read("crm", staged, 10)
	if c := cs[0]; c.ID != staged || *c.Order != order || !*c.Whole || c.Ground != "art17.1.b" || !slices.Equal(c.Classes, []string{"identity"}) {
		t.Errorf("the erasure is told as %+v", c)
	}
	if p.Last() != staged || p.Len() != 1 {
		t.Errorf("page of %d ends at %s", p.Len(), p.Last())
	}
	w.destroy(part.DeliveryOwner(order))
	w.says("crm", "consent.withdrawn", "erasure.ordered")
}

// An erasure between the choice of a page and its opening loses nothing.
func TestErasedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.created("crm/eu", "C-1")
	w.record("crm/eu", "consent.withdrawn", "C-1", `{"purpose":"prospecting"}`)
	w.catchUp()
	p, err := w.feed.Select(t.Context(), w.recipient("crm"), 0, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	receipt := w.receipt(p.Subjects())
	w.erase(anne, true, OwnID{"crm/eu", "C-1"})
	w.destroy(part.SubjectOwner(anne))
	cs, err := w.feed.Open(t.Context(), receipt, p)
	if diff := cmp.Diff([]string{"consent.withdrawn crm/eu:C-1"}, short(cs)); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestNothingOpensWithoutReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.created("crm/eu", "C-1")
	w.created("crm/eu", "C-2")
	w.record("crm/eu", "consent.withdrawn", "C-1", `{"purpose":"prospecting"}`)
	w.record("crm/eu", "consent.withdrawn", "C-2", `{"purpose":"prospecting"}`)
	w.catchUp()
	for _, code := range []string{"crm", "mailing"} {
		p, err := w.feed.Select(t.Context(), w.recipient(code), 0, 0, 10)
		if err != nil || p.Len() != 2 || len(p.Subjects()) != 2 {
			t.Fatal(p, err)
		}
		for name, r := range map[string]access.Receipt{"none": {}, "of one": w.receipt(p.Subjects()[:1])} {
			if cs, err := w.feed.Open(t.Context(), r, p); !errors.Is(err, access.ErrNotCovered) || cs != nil {
				t.Errorf("%s, receipt %s: %d changes, %v", code, name, len(cs), err)
			}
		}
	}
}

// Pages of any size give every change once, in order.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.created("crm/eu", fmt.Sprint("C-", i))
		w.created("shop/web", fmt.Sprint("W-", i))
	}
	for i := range 10 {
		w.record("crm/eu", "consent.withdrawn", fmt.Sprint("C-", i%5), `{"purpose":"prospecting"}`)
		w.record("shop/web", "consent.withdrawn", fmt.Sprint("W-", i%5), `{"purpose":"prospecting"}`)
	}
	all, whole := w.read("crm", 0, 1000)
	if head, _ := w.Head(t.Context()); len(all) != 10 || whole.Next >= head {
		t.Fatalf("%d changes, next %s", len(all), whole.Next)
	}
	everything, _ := w.read("mailing", 0, 1000) // with nobody's changes between
	for _, n := range []int{1, 3, 10, 11} {
		w.paged("crm", n, all)
		w.paged("mailing", n, everything)
	}
	p, err := w.feed.Select(t.Context(), w.recipient("crm"), all[3].ID, all[5].ID, 100)
	if err != nil || p.Len() != 2 || p.Last() != all[4].ID || p.Next != all[5].ID {
		t.Errorf("bounded: %+v, %v", p, err)
	}
	if strings.Contains(fmt.Sprintf("%+v", p), "C-3") {
		t.Error("a page that is not opened holds an id")
	}
}

// paged reads a feed in pages of n and compares with the whole.
func (w *world) paged(code string, n int, whole []Change) {
	w.t.Helper()
	var got []Change
	for from := domain.Position(0); ; {
		cs, p := w.read(code, from, n)
		if len(cs) > n || p.Next < from || len(cs) > 0 && p.Next <= cs[len(cs)-1].ID {
			w.t.Fatalf("%s: a page of %d from %s, next %s", code, len(cs), from, p.Next)
		}
		got = append(got, cs...)
		if from = p.Next; p.Len() == 0 {
			break
		}
	}
	if diff := cmp.Diff(whole, got); diff != "" {
		w.t.Errorf("%s in pages of %d: %s", code, n, diff)
	}
}
