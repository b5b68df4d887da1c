package rights

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

var (
	now    = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	person = domain.ID{10, 6: 0x80, 8: 0x80}
	agent  = domain.ID{11, 6: 0x80, 8: 0x80}
)

// file is a request on its way through the desk: what Decide gives is what Fold takes.
type file struct {
	t     *testing.T
	sum   *casefile.Summary
	steps []casefile.Step
	now   time.Time
}

func received(t *testing.T, in Intake) *file {
	t.Helper()
	if err := in.Check(now); err != nil {
		t.Fatal(err)
	}
	x := &file{t: t, now: now}
	x.write(in.Draft())
	return x
}

func plain(t *testing.T, r Right) *file {
	return received(t, Intake{Right: r, Channel: "email", Received: now, Person: Person{Name: "Anne Martin"}, Message: "Que savez-vous ?"})
}

// write turns a draft into a fact as the ledger does, through its bytes.
func (x *file) write(d casefile.Draft) {
	x.t.Helper()
	f := &event.Fact{ID: domain.ID{1, 2, 3, 6: 0x80, 8: 0x80, 15: byte(len(x.steps))}, Type: d.Type, Subject: d.Subject, Actor: d.Actor, Time: domain.NewTime(x.now), Recorded: domain.NewTime(x.now), Policy: 1, Codes: d.Codes}
	if !d.Time.IsZero() {
		f.Time = domain.NewTime(d.Time)
	}
	b, err := event.AppendFact(nil, f)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, word := range []string{"Martin", "savez", "motif"} {
		if strings.Contains(string(b), word) {
			x.t.Errorf("%s holds words in clear", d.Type)
		}
	}
	if !slices.IsSortedFunc(d.Fields, func(a, b event.Field) int { return strings.Compare(a.Path, b.Path) }) {
		x.t.Errorf("%s: fields are not sorted", d.Type)
	}
	if x.sum == nil {
		x.sum = casefile.Begin(f, 1)
	} else {
		x.sum.Revision++
	}
	Fold(x.sum, f)
	x.steps = append(x.steps, casefile.Step{Position: domain.Position(len(x.steps) + 1), Fact: f, Fields: d.Fields})
}

// do takes a step that must be possible.
func (x *file) do(c Command) *file {
	x.t.Helper()
	d, err := c.Decide(x.sum, x.now)
	if err != nil {
		x.t.Fatalf("%T: %v", c, err)
	}
	if d.Revision != x.sum.Revision || d.Case != x.sum.Case {
		x.t.Fatalf("%T is of revision %d", c, d.Revision)
	}
	d.Actor = agent
	x.write(d)
	return x
}

// not takes a step that cannot be taken: why is the field or the obstacle.
func (x *file) not(c Command, why string) {
	x.t.Helper()
	_, err := c.Decide(x.sum, x.now)
	var f *FieldError
	var s *StateError
	if errors.As(err, &f) && f.Field == why || errors.As(err, &s) && s.Lacks == why {
		return
	}
	x.t.Errorf("%T %+v: %v, want %s", c, c, err, why)
}

func (x *file) read() *Request {
	x.t.Helper()
	r, err := Read(x.sum, x.steps)
	if err != nil {
		x.t.Fatal(err)
	}
	return r
}

var (
	verified = Verify{Means: ByKnownAddress, Subject: person}
	answered = Tell{Of: LetterAnswer, By: "email", Proof: "msg-7"}
)

// TestTheWayOfARequest: received, verified, searched, answered, sent, closed; what is
// read is what was said.
func TestTheWayOfARequest(t *testing.T) {
	t.Parallel()
	x := plain(t, Access)
	if x.sum.Status != StatusReceived || x.sum.Kind != "access" || !x.sum.Due.Equal(Deadline(now)) {
		t.Fatalf("opened as %+v", x.sum)
	}
	x.not(Conclude{Outcome: Granted}, "identity")
	x.not(Close{}, "undecided")
	x.do(Remark{Kind: NoteIdentityAsked}).do(Tell{Of: LetterAcknowledgement, By: "post", Proof: "LR 1"})
	if !x.sum.Has(MarkIdentityAsked) {
		t.Error("that the identity was asked is not marked")
	}
	x.now = now.Add(48 * time.Hour)
	x.do(verified).do(Assign{agent})
	if x.sum.Subject != person || x.sum.Assignee != agent || x.sum.Has(MarkIdentityAsked) || x.sum.Status != StatusVerified {
		t.Errorf("verified as %+v", x.sum)
	}
	x.do(Search{System: "crm", Owner: agent}).do(Search{System: SystemOther, Title: "enregistrements d'appels"})
	tasks := OpenTasks(x.sum)
	if len(tasks) != 2 {
		t.Fatalf("tasks %v", tasks)
	}
	x.not(Conclude{Outcome: Granted}, "tasks")
	x.do(Searched{Task: tasks[0], Finding: NothingThere}).not(Searched{Task: tasks[0], Finding: Found}, "task")
	x.do(Searched{Task: tasks[1], Finding: Found, Remark: "deux appels", File: &File{Name: "appels.pdf", Media: "application/pdf", Data: []byte("%PDF")}})
	sum := strings.Repeat("ab", 32)
	x.do(Conclude{Outcome: Granted, Digest: sum, Format: "pdf"})
	if x.sum.Due.IsZero() || x.sum.Status != StatusAnswered {
		t.Error("an answer that was not sent is still due")
	}
	x.not(Close{}, "dispatch")
	x.not(Refuse{Grounds: []Ground{"art12.6"}, Remedies: []Remedy{CNIL, Court}, Reasons: "motif"}, "decision")
	x.now = now.Add(10 * 24 * time.Hour)
	x.do(answered)
	if n, ok := Days(x.sum); !ok || n != 10 || !x.sum.Due.IsZero() || x.sum.Has(MarkLate) {
		t.Errorf("sent after %d days, %+v", n, x.sum)
	}
	x.do(Close{})
	x.not(Assign{agent}, "closed")
	x.do(Remark{Words: "classé"})
	r := x.read()
	if r.Person.Name != "Anne Martin" || r.Message != "Que savez-vous ?" || r.Identity.Means != ByKnownAddress || r.Identity.By != agent || len(r.Tasks) != 2 ||
		r.Tasks[1].File.Name != "appels.pdf" || r.Tasks[1].File.Data != nil || r.Tasks[1].Remark != "deux appels" || r.Tasks[1].Title != "enregistrements d'appels" ||
		r.Answer.Digest != sum || len(r.Dispatches) != 2 || r.Dispatches[1].Proof != "msg-7" || len(r.Steps) != len(x.steps) || len(r.Notes) != 2 {
		t.Errorf("read as %+v", r)
	}
	if f, err := Content(&x.steps[8]); err != nil || f == nil || string(f.Data) != "%PDF" {
		t.Errorf("content %v %v", f, err)
	}
}

// TestExtension: decided in the first month, counts once the person was told in it,
// with reasons, once.
func TestExtension(t *testing.T) {
	t.Parallel()
	extend := Extend{Ground: Numerous, Reasons: "motif"}
	tell := Tell{Of: LetterExtension, By: "email", Proof: "msg-1"}
	x := plain(t, Access)
	x.not(Extend{Ground: Numerous}, "reasons")
	x.not(Extend{Reasons: "motif"}, "ground")
	x.not(tell, "not_decided")
	x.do(extend)
	if !x.sum.Due.Equal(Deadline(now)) {
		t.Error("an extension that nobody was told of counts")
	}
	x.not(extend, "extension")
	x.now = Deadline(now)
	x.do(tell)
	if !x.sum.Due.Equal(Extended(now)) || !x.sum.Has(MarkExtended) || x.read().Extension.Reasons != "motif" {
		t.Errorf("extended to %s", x.sum.Due)
	}
	x.not(extend, "extension")

	late := plain(t, Access)
	late.now = Deadline(now).Add(time.Microsecond)
	late.not(extend, "month")
	told := plain(t, Access).do(extend)
	told.now = Deadline(now).Add(time.Hour)
	told.not(tell, "month")
	Fold(told.sum, &event.Fact{Type: event.RequestDispatched, Codes: event.Codes{}.With(codeOf, "extension").With(codeSent, domain.FormatTime(told.now))})
	if told.sum.Has(MarkExtended) || !told.sum.Overdue(told.now) {
		t.Error("a late letter extends")
	}
}

// TestRefusal: reasons, a ground by its article, the CNIL and a court; never of an
// objection to prospecting.
func TestRefusal(t *testing.T) {
	t.Parallel()
	good := Refuse{Grounds: []Ground{"art12.5.excessive"}, Remedies: []Remedy{Court, CNIL}, Reasons: "motif"}
	x := plain(t, Erasure)
	for why, r := range map[string]Refuse{
		"grounds":  {Remedies: good.Remedies, Reasons: "motif"},
		"reasons":  {Grounds: good.Grounds, Remedies: good.Remedies},
		"remedies": {Grounds: good.Grounds, Remedies: []Remedy{CNIL}, Reasons: "motif"},
	} {
		x.not(r, why)
	}
	x.not(Refuse{Grounds: []Ground{"because"}, Remedies: good.Remedies, Reasons: "motif"}, "grounds")
	x.not(Refuse{Grounds: good.Grounds, Remedies: []Remedy{Court}, Reasons: "motif"}, "remedies")
	plain(t, Objection).not(good, "right")
	plain(t, ConsentWithdrawal).not(good, "right")
	x.do(good)
	x.not(answered, "undecided")
	x.now = Deadline(now).Add(time.Hour)
	x.do(Tell{Of: LetterRefusal, By: "registered_letter", Proof: "LR 2"}).do(Close{})
	if !x.sum.Has(MarkLate) || !x.sum.Has(MarkRefused) || x.sum.Status != StatusClosed {
		t.Errorf("%+v", x.sum)
	}
	if r := x.read().Refusal; r.Reasons != "motif" || !cmp.Equal(r.Remedies, []Remedy{CNIL, Court}) {
		t.Errorf("%+v", r)
	}
}

// TestAnswerNeedsSomebody: nothing of a person leaves before it is known who asks and
// about whom; nothing held needs neither, nor an objection by an address or a withdrawal
// of somebody known. One that binds nobody is not granted.
func TestAnswerNeedsSomebody(t *testing.T) {
	t.Parallel()
	plain(t, Access).do(Conclude{Outcome: NothingHeld})
	for _, r := range []Right{Objection, ConsentWithdrawal} {
		x := plain(t, r)
		x.not(Conclude{Outcome: Granted}, "subject_id")
		x.do(Conclude{Outcome: NothingHeld})
		received(t, Intake{Right: r, Channel: "email", Subject: person}).do(Conclude{Outcome: Granted})
	}
	received(t, Intake{Right: Objection, Channel: "email", Person: Person{Email: "a@b.fr"}, Effective: true}).do(Conclude{Outcome: Granted})
	x := plain(t, Portability).do(Verify{Means: ByCustomerNo})
	x.not(Conclude{Outcome: Granted}, "subject_id")
	x.not(Conclude{Outcome: Partly, Words: "le reste", Remedies: []Remedy{CNIL, Court}}, "grounds")
	x.do(verified).do(Conclude{Outcome: Partly, Words: "le reste", Grounds: []Ground{"art20.4", "art20.4"}, Remedies: []Remedy{CNIL, Court}})
	if a := x.read().Answer; len(a.Grounds) != 1 || !x.sum.Has(MarkPartly) {
		t.Errorf("%+v", a)
	}
}

// TestWhoActsForAnother: proves it, by what suits (décret 2019-536 art. 77 and 124;
// LIL 85).
func TestWhoActsForAnother(t *testing.T) {
	t.Parallel()
	for who, good := range map[Requester]Standing{Proxy: Mandate, Guardian: ParentalTie} {
		x := received(t, Intake{Right: Access, Channel: "postal", Requester: who, Person: Person{Name: "Anne Martin", Agent: "Me Dupont"}})
		x.not(verified, "standing")
		x.not(Verify{Means: ByIDSeen, Standing: FamilyBook}, "standing")
		x.do(Verify{Means: ByIDSeen, Standing: good, Subject: person})
		if x.read().Identity.Standing != good || x.read().Requester != who {
			t.Errorf("%s reads as %+v", who, x.read().Identity)
		}
	}
	x := received(t, Intake{Right: PostMortem, Channel: "postal", Requester: Heir, Person: Person{Deceased: "Jean Martin", DiedOn: "2026-02-01"}})
	x.not(Verify{Means: ByIDSeen, Standing: NotarialDeed}, "ground")
	x.not(Verify{Means: ByIDSeen, Standing: Mandate, Ground: ForDeath}, "standing")
	x.do(Verify{Means: ByIDSeen, Standing: NotarialDeed, Ground: ForDeath, Subject: person})
	if r := x.read(); r.Ground != ForDeath || r.Person.DiedOn != "2026-02-01" {
		t.Errorf("%+v", r)
	}
	given := received(t, Intake{Right: PostMortem, Channel: "postal", Requester: Heir, Ground: ForEstate, Person: Person{Deceased: "Jean Martin"}})
	given.do(Verify{Means: ByIDSeen, Standing: FamilyBook})
	d := received(t, Intake{Right: Directives, Channel: "postal", Requester: Designated, Person: Person{Deceased: "Jean Martin"}})
	d.not(Verify{Means: ByIDSeen, Standing: FamilyBook}, "standing")
	d.do(Verify{Means: ByIDSeen, Standing: CertifiedParty}).do(Conclude{Outcome: Granted})
	plain(t, Access).not(Verify{Means: ByAccount, Standing: Mandate}, "standing")
}

// TestWithdrawn: a request can be taken back until it is decided; an objection that
// took effect is not undone by it.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	x := received(t, Intake{Right: Objection, Channel: "email", Subject: person})
	if !x.sum.Has(MarkEarly) {
		t.Error("an objection of somebody known is not in effect")
	}
	x.do(Withdraw{By: "phone", Words: "motif"})
	if x.sum.Status != StatusWithdrawn || !x.sum.Has(MarkEarly) || !x.sum.Due.IsZero() || x.sum.Closed.IsZero() {
		t.Errorf("%+v", x.sum)
	}
	x.not(verified, "closed")
	decided := plain(t, Access).do(Conclude{Outcome: NothingHeld})
	decided.not(Withdraw{By: "phone"}, "decision")
}

// TestUpstreamRequests: what an upstream sent is folded in its widest reading; a time
// of receipt ahead of the recording does not win time.
func TestUpstreamRequests(t *testing.T) {
	t.Parallel()
	f := &event.Fact{ID: agent, Type: event.RequestReceived, Subject: person, Time: domain.NewTime(now), Recorded: domain.NewTime(now), Codes: event.Codes{}.With("received_at", domain.FormatTime(now.AddDate(0, 2, 0)))}
	s := casefile.Begin(f, 1)
	Fold(s, f)
	if s.Kind != string(Other) || !s.Has(MarkUnclear) || !s.Due.Equal(Deadline(now)) {
		t.Errorf("%+v", s)
	}
	d, err := Verify{Means: ByAccount, Right: Objection}.Decide(s, now)
	if err != nil {
		t.Fatal(err)
	}
	Fold(s, &event.Fact{Type: d.Type, Subject: d.Subject, Codes: d.Codes})
	if s.Kind != string(Objection) || s.Has(MarkUnclear) || !s.Has(MarkEarly) {
		t.Errorf("%+v", s)
	}
	if _, err := (Verify{Means: ByAccount, Right: Access}).Decide(s, now); err == nil {
		t.Error("an objection was made another right")
	}
}

// TestFiles: what is kept has a type of the list, a name without a path, a size.
func TestFiles(t *testing.T) {
	t.Parallel()
	x := plain(t, Access)
	for why, f := range map[string]*File{
		"file.media": {Name: "a", Media: "application/x-sh", Data: []byte("x")}, "file.name": {Name: "../a", Media: "text/plain", Data: []byte("x")},
		"file.data": {Name: "a", Media: "text/plain", Data: make([]byte, MaxFile+1)},
	} {
		x.not(Remark{File: f}, why)
	}
	for _, name := range []string{"..", ". .", "/etc/passwd", `C:\x`, "a\r\nX-Injected: 1", "a\x00.pdf", `a"; filename="b`, "relev\u202Efdp.exe", "a\u2028b", "a\xff", strings.Repeat("x", 10<<10)} {
		x.not(Remark{File: &File{Name: name, Media: "text/plain", Data: []byte("x")}}, "file.name")
	}
	x.do(Remark{File: &File{Name: "relevé d’août (1).pdf", Media: "application/pdf", Data: []byte("x")}})
	x.not(Remark{Words: strings.Repeat("QUJDREVG\n", 200)}, "words")
	x.not(Remark{}, "words")
	x.do(Remark{Words: strings.Repeat("Une phrase de mots. ", 100)})
}
