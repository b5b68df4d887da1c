package app

import (
	"net/http"
	"testing"

	"greffe/domain"
	"greffe/eventstore/ledger"
)

// TestNoSuchMerge: a merge into nobody is not undone, and nothing is written that no read
// model could take: the ledger goes on.
func TestNoSuchMerge(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	person := record(t, d.a, `{"specversion":"1.0","id":"m1","source":"crm/eu","type":"contact.created","subject":"M-1","time":"`+past+`","data":{"kind":"client","person":{"given_name":"Ana"}}}`)[0]
	if person.Status != ledger.Recorded {
		t.Fatalf("%+v", person)
	}
	before, err := d.a.Ledger.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stranger := domain.ID{9, 6: 0x40, 8: 0x80}
	for _, into := range []string{domain.ID{}.String(), stranger.String(), "nobody"} {
		if code := d.call(http.MethodDelete, "/v1/subjects/"+person.Subject.String()+"/merge/"+into, "", "", nil); code != http.StatusNotFound {
			t.Errorf("into %s: %d", into, code)
		}
	}
	if code := d.call(http.MethodDelete, "/v1/subjects/"+domain.ID{}.String()+"/merge/"+person.Subject.String(), "", "", nil); code != http.StatusNotFound {
		t.Errorf("of nobody: %d", code)
	}
	after, err := d.a.Ledger.Head(t.Context())
	if err != nil || after != before {
		t.Errorf("%d facts were written: %v", after-before, err)
	}
	if err := d.a.CaughtUp(t.Context()); err != nil {
		t.Errorf("the ledger stands still: %v", err)
	}
}
