package importer

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greffe/domain/event"
)

// nights is a series of snapshots of one CRM.
type nights struct {
	t     *testing.T
	b     *book
	state *SQLiteState
	path  string
	opt   Options
	night int
}

func newNights(t *testing.T) *nights {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := OpenState(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	n := &nights{t: t, b: newBook(), state: s, path: path, opt: options()}
	n.opt.Snapshot = &Snapshot{State: s, Secret: []byte(strings.Repeat("s", 32)), MaxMissingShare: 0.5}
	return n
}

// take imports a snapshot a day after the one before; got are the new events.
func (n *nights) take(text string) (rep *Report, got []string) {
	n.t.Helper()
	rep, got, err := n.try(text)
	if err != nil {
		n.t.Fatal(err)
	}
	return rep, got
}

func (n *nights) try(text string) (rep *Report, got []string, err error) {
	n.t.Helper()
	from := len(n.b.docs)
	n.night++
	opt := n.opt
	opt.At = theAt.AddDate(0, 0, n.night)
	rep, err = Import(n.t.Context(), input(text), n.b, opt)
	for _, e := range n.b.events(n.t)[from:] {
		got = append(got, fmt.Sprintf("%s %s %.10s %s", e.Subject, e.Type, e.Time, e.Data))
	}
	return rep, got, err
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const head = "id;nom;ville;note;date de création\n"

func TestSnapshotWritesDifferencesOnly(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	first := head + "1;Roy;Lyon;a;01/02/2020\n2;Blanc;Brest;;\n"
	rep, got := n.take(first)
	want(t, got,
		`1 contact.created 2020-02-01 {"collection":{"channel":"partner","collected_at":"2020-02-01"},"notes":"a","person":{"family_name":"Roy","postal_address":{"city":"Lyon"}}}`,
		`2 contact.created 2026-03-03 {"collection":{"channel":"partner"},"person":{"family_name":"Blanc","postal_address":{"city":"Brest"}}}`)
	if rep.StartUnknown != 1 {
		t.Errorf("report: %+v", rep)
	}
	rep, got = n.take(first)
	want(t, got)
	if rep.Unchanged != 2 || rep.Events != 0 {
		t.Errorf("same again: %+v", rep)
	}
	_, got = n.take(head + "2;Blanc;Brest;;\n1;Roy;Nice;;01/02/2020\n3;Petit;;;\n")
	want(t, got,
		`1 contact.changed 2026-03-05 {"reason":"synchronisation","set":{"person.postal_address":{"city":"Nice"}},"unset":["notes"]}`,
		`3 contact.created 2026-03-05 {"collection":{"channel":"partner"},"person":{"family_name":"Petit"}}`)
	// Back and forth: the same change again is another event.
	for i, city := range []string{"Lyon", "Nice", "Lyon", "Nice"} {
		rep, got = n.take(head + "1;Roy;" + city + ";;01/02/2020\n")
		want(t, got, fmt.Sprintf(`1 contact.changed 2026-03-%02d {"reason":"synchronisation","set":{"person.postal_address":{"city":%q}}}`, 6+i, city))
		if rep.Recorded != 1 || rep.Missing != 0 {
			t.Errorf("report: %+v", rep)
		}
	}
}

func TestSnapshotChoices(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	h := "id;nom;optin mail;stop sms\n"
	_, got := n.take(h + "1;Roy;oui;\n2;Roy;non;x\n")
	if len(got) != 5 {
		t.Fatal(got)
	}
	rep, got := n.take(h + "1;Roy;;\n2;Roy;;\n")
	want(t, got, `1 consent.withdrawn 2026-03-04 {"channels":["email"],"method":"import","purpose":"prospecting"}`)
	if rep.Warnings[Warning{"opposition", "objection_stays"}] != 1 {
		t.Errorf("report: %+v", rep)
	}
	_, got = n.take(h + "1;Roy;;\n2;Roy;oui;\n")
	want(t, got, `2 consent.granted 2026-03-05 {"channels":["email"],"method":"import","purpose":"prospecting"}`)
	_, got = n.take(h + "1;Roy;;\n2;Roy;non;x\n")
	want(t, got, `2 consent.withdrawn 2026-03-06 {"channels":["email"],"method":"import","purpose":"prospecting"}`)
	_, got = n.take(h + "1;Roy;;x\n2;Roy;non;x\n")
	want(t, got, `1 opposition.registered 2026-03-07 {"channels":["sms"],"purpose":"prospecting"}`)
	_, got = n.take("id;nom\n1;Roy\n2;Roy\n") // the columns are gone
	want(t, got)
	_, got = n.take(h + "1;Roy;;x\n2;Roy;non;x\n")
	want(t, got)
}

func TestAColumnThatLeftTheFileChangesNothing(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	n.take(head + "1;Roy;Lyon;a;01/02/2020\n")
	_, got := n.take("id;nom;note\n1;Roy;a\n")
	want(t, got)
	_, got = n.take(head + "1;Roy;Lyon;a;01/02/2020\n")
	want(t, got)
	_, got = n.take(head + "1;Roy;;a;01/02/2020\n")
	want(t, got, `1 contact.changed 2026-03-06 {"reason":"synchronisation","unset":["person.postal_address"]}`)
}

func TestMissingContacts(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	all := "id;nom\n1;Roy\n2;Blanc\n3;Petit\n4;Noir\n"
	n.take(all)
	n.opt.Rejects = file(t, "missing.csv")
	n.opt.Snapshot.Missing = MissingReport
	rep, got := n.take("id;nom\n1;Roy\n2;Blanc\n3;Petit\n")
	want(t, got)
	if rep.Missing != 1 || rep.Codes["missing"] != 1 || rep.Problems[0].Line != 0 || !strings.Contains(read(t, n.opt.Rejects), "\n,missing,"+sentence("missing")+",4,\n") {
		t.Errorf("report: %+v\n%s", rep, read(t, n.opt.Rejects))
	}
	n.opt.Snapshot.Missing = MissingDelete
	rep, got = n.take("id;nom\n1;Roy\n2;Blanc\n;Rejected\n")
	want(t, got)
	if rep.Missing != 2 || rep.Warnings[Warning{"missing", "deletion_held_back"}] != 2 {
		t.Errorf("with a row nobody knows: %+v", rep)
	}
	if _, got, err := n.try("id;nom\n1;Roy\n"); !errors.Is(err, ErrTooManyMissing) || len(got) != 0 {
		t.Errorf("a short file: %v %v", got, err)
	}
	rep, got = n.take("id;nom\n1;Roy\n2;Blanc\n3;Petit\n")
	want(t, got, `4 contact.deleted 2026-03-07 {"reason":"missing"}`)
	if rep.Deleted != 1 || rep.Missing != 1 {
		t.Errorf("report: %+v", rep)
	}
	rep, got = n.take("id;nom\n1;Roy\n2;Blanc\n3;Petit\n")
	want(t, got)
	if rep.Missing != 0 {
		t.Errorf("deleted twice: %+v", rep)
	}
	_, got = n.take(all)
	want(t, got, `4 contact.created 2026-03-09 {"collection":{"channel":"partner"},"person":{"family_name":"Noir"}}`)
}

func TestOneSubjectTwiceInASnapshot(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	var text strings.Builder
	text.WriteString("id;nom\n1;Roy\n1;Rey\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "C-%d;Roy\n", i)
	}
	text.WriteString("1;Ray\n")
	rep, _ := n.take(text.String())
	if rep.Codes["subject_repeated"] != 2 || rep.Recorded != 3001 {
		t.Errorf("report: %+v", rep.Codes)
	}
	if rep, got := n.take(text.String()); len(got) != 0 || rep.Codes["subject_repeated"] != 2 || rep.Unchanged != 3001 {
		t.Errorf("again: %d events", len(got))
	}
}

// Cut at any batch, the next night's run comes to the same state and repeats no
// event, although it stands for another instant.
func TestSnapshotAfterACut(t *testing.T) {
	t.Parallel()
	var text, second strings.Builder
	text.WriteString("id;nom;optin\n")
	second.WriteString("id;nom;optin\n")
	for i := range 40 {
		fmt.Fprintf(&text, "%d;Roy;oui\n", i)
		fmt.Fprintf(&second, "%d;Rey;non\n", i)
	}
	for cut := 1; cut <= 16; cut++ {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d, kept %v", cut, kept), func(t *testing.T) {
				t.Parallel()
				n := newNights(t)
				n.opt.BatchSize = 10
				n.b.failAt, n.b.kept = cut, kept
				failed := 0
				for _, f := range []string{text.String(), second.String()} {
					if _, _, err := n.try(f); err != nil {
						failed++
						n.take(f)
					}
				}
				if failed != 1 || len(n.b.docs) != 160 {
					t.Errorf("%d failed, %d events", failed, len(n.b.docs))
				}
				if rep, got := n.take(second.String()); len(got) != 0 || rep.Unchanged != 40 {
					t.Errorf("afterwards %d events", len(got))
				}
			})
		}
	}
}

func TestWhatTheLedgerDidNotKeepComesAgain(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	text := "id;nom;optin\n1;Roy;oui\n2;Blanc;oui\n"
	n.b.refuse = func(typ event.Type, doc []byte) bool {
		return strings.Contains(string(doc), "Roy") || typ == event.ConsentGranted && strings.Contains(string(doc), `"subject":"2"`)
	}
	rep, got := n.take(text)
	if rep.Quarantined != 2 || len(got) != 2 {
		t.Fatalf("report: %+v %v", rep, got)
	}
	n.b.refuse = nil
	_, got = n.take(text)
	if len(got) != 2 || !strings.HasPrefix(got[0], "1 contact.created") || !strings.HasPrefix(got[1], "2 consent.granted") {
		t.Errorf("after repair: %v", got)
	}
	_, got = n.take(text)
	want(t, got)
}

func TestAnErasedPersonLeavesTheState(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	n.take("id;nom\n1;Roy\n2;Blanc\n")
	n.b.erased = func(_ event.Type, doc []byte) bool { return strings.Contains(string(doc), `"subject":"1"`) }
	if rep, _ := n.take("id;nom\n1;Rey\n2;Blanc\n"); rep.Erased != 1 {
		t.Fatalf("report: %+v", rep)
	}
	var count int
	if err := n.state.db.QueryRow(`SELECT count(*) FROM contacts`).Scan(&count); err != nil || count != 1 {
		t.Errorf("%d rows, %v", count, err)
	}
	n.b.erased = nil // collected anew
	if _, got := n.take("id;nom\n1;Rey\n2;Blanc\n"); len(got) != 1 || !strings.HasPrefix(got[0], "1 contact.created") {
		t.Errorf("events: %v", got)
	}
}

func TestSnapshotRefusals(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	text := "id;nom\n1;Roy\n"
	n.take(text)
	n.take(text)
	n.night = 0
	if _, _, err := n.try(text); !errors.Is(err, ErrOlder) {
		t.Errorf("older: %v", err)
	}
	n.night = 5
	n.opt.Source = "other"
	if _, _, err := n.try(text); !errors.Is(err, ErrState) {
		t.Errorf("another source: %v", err)
	}
	n.opt.Source = "crm/eu"
	n.opt.Snapshot = &Snapshot{State: n.state, Secret: []byte(strings.Repeat("t", 32))}
	if _, _, err := n.try(text); !errors.Is(err, ErrState) {
		t.Errorf("another secret: %v", err)
	}
	if _, _, err := n.try("nom\nRoy\n"); !errors.Is(err, ErrNoSubject) {
		t.Errorf("no ids: %v", err)
	}
	n.opt.Resume = file(t, "resume")
	if _, _, err := n.try(text); !errors.Is(err, ErrOptions) {
		t.Errorf("with a resume file: %v", err)
	}
}

func TestADryRunOfASnapshotLeavesTheState(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	n.opt.DryRun = true
	if rep, _ := n.take("id;nom\n1;Roy\n"); rep.Events != 1 || n.b.calls != 0 {
		t.Errorf("report: %+v", rep)
	}
	n.opt.DryRun = false
	if _, got := n.take("id;nom\n1;Roy\n"); len(got) != 1 {
		t.Errorf("events: %v", got)
	}
}

// A plain import and then snapshots record each contact once.
func TestSnapshotAfterAPlainImport(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	text := head + "1;Roy;Lyon;a;01/02/2020\n"
	snap := n.opt.Snapshot
	n.opt.Snapshot = nil
	n.take(text)
	n.opt.Snapshot = snap
	rep, got := n.take(text)
	want(t, got)
	if rep.Duplicates != 1 {
		t.Errorf("report: %+v", rep)
	}
}
