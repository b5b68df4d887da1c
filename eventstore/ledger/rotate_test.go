package ledger_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	vaultmemory "greffe/eventstore/vault/memory"
)

// rotate rotates the peppers of a closed ledger and opens it.
func (w *world) rotate() {
	w.t.Helper()
	if err := w.Ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	if _, err := ledger.RotatePeppers(w.t.Context(), config(w.log, w.vault), nil); err != nil {
		w.t.Fatal(err)
	}
	w.reopened()
}

func (w *world) reopened() {
	w.t.Helper()
	l, err := ledger.Open(w.t.Context(), config(w.log, w.vault))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Ledger = l
}

// TestRotatePeppers: after each of three rotations duplicates are recognised, upstream
// ids route to the same people, tombstones answer erased, what was noted of erasures
// is noted still, quarantine resends find and replace their items, and tokens of rows
// are what the peppers make now; every fact that was written stands as it was.
func TestRotatePeppers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const returned = `{"specversion":"1.0","id":"back","source":"crm/eu","type":"contact.changed","subject":"C-9","time":"2026-03-02T09:20:00Z","data":{"set":{"person.emails":["x@example.net"]}}}`
	anne := w.record(created("1", "C-1", "anne@example.net"))[0]
	bob := w.record(created("2", "C-2", "bob@example.net"))[0]
	gone := w.record(created("9", "C-9", "gone@example.net"))[0]
	bad := w.record(noTime("q1", "C-1"), noTime("q2", "C-2"), "{")
	aside := w.setAside(aside("a1", "raw"))[0]
	w.erase(gone.Subject)
	if s := statuses(w.record(returned)); s != "erased" {
		t.Fatal(s)
	}
	var late []domain.ID // quarantined after a rotation
	secret, err := w.Secret("link")
	if err != nil {
		t.Fatal(err)
	}
	for g := 2; g <= 4; g++ {
		was := w.facts()
		w.rotate()
		if w.Peppers().Generation() != g {
			t.Fatalf("%d generations, want %d", w.Peppers().Generation(), g)
		}
		now := w.facts()
		last := now[len(now)-1]
		if len(now) != len(was)+1 || last.Type != event.KeyRotated || last.Codes.String("what") != "peppers" || last.Codes.Int("generation") != int64(g) {
			t.Errorf("generation %d: %d facts, then %d, the last %+v", g, len(was), len(now), last)
		}
		if again, err := w.Secret("link"); err != nil || string(again) != string(secret) {
			t.Error("a secret changed with the peppers", err)
		}
		res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "other@example.net"),
			created(fmt.Sprint("n", g), "C-1", "anne@example.net"), returned, created("9", "C-9", "gone@example.net"))
		if s := statuses(res); s != "duplicate conflict recorded erased erased" {
			t.Errorf("generation %d: %s", g, s)
		}
		if res[0].Event != anne.Event || res[0].Position != anne.Position || res[0].Subject != anne.Subject || res[2].Subject != anne.Subject {
			t.Errorf("generation %d: another person: %+v", g, res)
		}
		for i, again := range append(w.record(noTime("q1", "C-1"), noTime("q2", "C-2"), "{"), w.setAside(asideOf("a1"))...) {
			if want := append(bad, aside)[i]; again.Quarantine != want.Quarantine || again.Status != ledger.Quarantined {
				t.Errorf("generation %d: quarantine item %d: %+v, want %s", g, i, again, want.Quarantine)
			}
		}
		if n := w.count(event.ProducerRegistered); n != g-1 {
			t.Errorf("generation %d: %d sources", g, n)
		}
		if w.count(event.AccountCreated) != g-1 || w.count(event.ErasureContested) != 1 {
			t.Errorf("generation %d: an account or a note was made again", g)
		}
		source := fmt.Sprint("crm/", g)
		w.record(strings.Replace(created("1", "C-1", "anne@example.net"), "crm/eu", source, 1))
		if all := w.facts(); all[len(all)-1].Source != w.Peppers().SourceID(source) || w.count(event.ProducerRegistered) != g {
			t.Errorf("generation %d: a new source has another id than accounts know it by", g)
		}
		late = append(late, w.record(noTime(fmt.Sprint("late", g), "C-1"))[0].Quarantine)
		w.tokensAre(bob, token.KindEmail, "bob@example.net")
		w.tokensAre(res[2], token.KindEmail, "anne@example.net")
	}
	if s := statuses(w.record(created("q1", "C-1", "anne@example.net"), strings.Replace(noTime("q2", "C-2"), "Anne", "Eve", 1))); s != "recorded quarantined" {
		t.Error(s)
	}
	held, closed := w.items()
	if closed[bad[0].Quarantine.String()] != ledger.OutcomeRecorded || closed[bad[1].Quarantine.String()] != ledger.OutcomeReplaced {
		t.Errorf("closed: %v", closed)
	}
	for _, f := range held {
		if f.ID == bad[2].Quarantine || f.ID == aside.Quarantine || slices.Contains(late, f.ID) {
			if _, err := w.CloseHeld(t.Context(), domain.ID{}, f, ledger.OutcomeDiscarded); err != nil {
				t.Errorf("an item of an older generation: %v", err)
			}
		}
	}
}

func asideOf(id string) ledger.Aside { return aside(id, "raw") }

// tokensAre demands that an event's row holds what the peppers make of an address.
func (w *world) tokensAre(r ledger.Result, kind token.Kind, normal string) {
	w.t.Helper()
	packed, err := w.vault.Tokens(w.t.Context(), []domain.ID{r.Event})
	if err != nil {
		w.t.Fatal(err)
	}
	entries, err := token.Unpack(packed[0])
	if err != nil {
		w.t.Fatal(err)
	}
	o := w.Peppers().Opposition(kind, normal)
	want := []token.Token{w.Peppers().Search(kind, normal), o.SHA256, o.MD5}
	for _, e := range entries {
		if e.Kind == kind && e.Token != want[e.Form] {
			w.t.Errorf("form %d is not what is searched for", e.Form)
		}
	}
	if len(entries) < 3 {
		w.t.Errorf("%d tokens", len(entries))
	}
}

// openMemory opens a ledger on parts that can fail.
func openMemory(t testing.TB, log eventstore.Log, v vault.Store) *world {
	w := &world{t: t, log: log, vault: v}
	w.reopened()
	return w
}

// TestRotationCrashes breaks a rotation at each step, kept and not kept. Opening the
// ledger ends it, or finds that it never began; the next call does not rotate twice
// what has begun; key.rotated is written once.
func TestRotationCrashes(t *testing.T) {
	t.Parallel()
	for k := 0; ; k++ {
		for i, kept := range []bool{false, true, false, true} {
			log, disk := memory.New(), &vaultmemory.Disk{}
			w := openMemory(t, log, disk.Open())
			anne := w.record(created("1", "C-1", "anne@example.net"))[0]
			w.record(noTime("q1", "C-1"))
			_ = w.Ledger.Close()
			disk.Inject(vaultmemory.Fault{Op: vaultmemory.Retoken, Skip: k, Kept: kept})
			_, err := ledger.RotatePeppers(t.Context(), config(log, w.vault), nil)
			if err == nil {
				if k < 5 {
					t.Errorf("only %d steps", k)
				}
				return
			}
			if !errors.Is(err, vaultmemory.ErrFault) {
				t.Fatal(err)
			}
			began := k > 0 || kept
			if i >= 2 { // the same call again, or Open alone
				g, err := ledger.RotatePeppers(t.Context(), config(log, w.vault), nil)
				ended := kept && k > 3 && g == 3 // the fault struck after the end
				if err != nil || g != 2 && !ended {
					t.Errorf("step %d, kept %v: again: generation %d, %v", k, kept, g, err)
				}
				began = true
			}
			w.reopened()
			if w.Peppers().Generation() > 1 != began {
				t.Errorf("step %d, kept %v: %d generations", k, kept, w.Peppers().Generation())
			}
			res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-1", "anne@example.net"), noTime("q1", "C-1"))
			if s := statuses(res); s != "duplicate recorded quarantined" || res[1].Subject != anne.Subject {
				t.Errorf("step %d, kept %v: %s", k, kept, s)
			}
			w.tokensAre(anne, token.KindEmail, "anne@example.net")
			_ = w.Ledger.Close()
			w.reopened()
			if n := w.count(event.KeyRotated); n != w.Peppers().Generation()-1 {
				t.Errorf("step %d, kept %v: %d facts of %d generations", k, kept, n, w.Peppers().Generation())
			}
			_ = w.Ledger.Close()
		}
	}
}

// TestRotationIsToldOnce: the fact that says so is written once, also if its append
// fails and was kept or lost.
func TestRotationIsToldOnce(t *testing.T) {
	t.Parallel()
	for _, faults := range []memory.Faults{
		{Stop: true, Lost: func(domain.Position, [][]byte) error { return eventstore.ErrFailed }},
		{Stop: true, Kept: func(domain.Position, [][]byte) error { return eventstore.ErrFailed }},
	} {
		log, disk := memory.New(), &vaultmemory.Disk{}
		w := openMemory(t, log, disk.Open())
		w.record(created("1", "C-1", "anne@example.net"))
		_ = w.Ledger.Close()
		if _, err := ledger.RotatePeppers(t.Context(), config(log, w.vault), nil); err != nil {
			t.Fatal(err)
		}
		log.Inject(faults)
		if _, err := ledger.Open(t.Context(), config(log, w.vault)); err == nil {
			t.Error("opened without saying that the peppers were rotated")
		}
		w.log, w.vault = log.Reopen(), disk.Open()
		for range 3 {
			w.reopened()
			if n := w.count(event.KeyRotated); n != 1 {
				t.Errorf("%d facts", n)
			}
			_ = w.Ledger.Close()
		}
	}
}

// TestRotationRefuses: roots and tokens that do not fit are no ledger's.
func TestRotationRefuses(t *testing.T) {
	t.Parallel()
	if _, err := ledger.RotatePeppers(t.Context(), config(nil, (&vaultmemory.Disk{}).Open()), nil); err == nil {
		t.Error("an empty vault was rotated")
	}
	disk := &vaultmemory.Disk{}
	w := openMemory(t, memory.New(), disk.Open())
	_ = w.Ledger.Close()
	same := func(t token.Token) token.Token { return t }
	ring, err := seal.OpenKeyring(t.Context(), w.vault, testKEK{}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := ring.Load(t.Context(), []part.Owner{part.LedgerOwner()})
	if err != nil {
		t.Fatal(err)
	}
	row, err := ring.Wrap(sets[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := w.vault.Retoken(t.Context(), vault.Retoken{Generation: 2, Row: &row, Link: same, Hold: same, Packed: func([]byte) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	short := config(w.log, w.vault)
	if _, err := ledger.Open(t.Context(), short); !errors.Is(err, ledger.ErrDiverged) {
		t.Errorf("tokens ahead of the roots: %v", err)
	}
	if _, err := ledger.RotatePeppers(t.Context(), short, nil); !errors.Is(err, ledger.ErrDiverged) {
		t.Errorf("tokens ahead of the roots were rotated: %v", err)
	}
	w = openMemory(t, memory.New(), (&vaultmemory.Disk{}).Open())
	_ = w.Ledger.Close()
	short = config(w.log, w.vault)
	short.Rand = strings.NewReader("short")
	if _, err := ledger.RotatePeppers(t.Context(), short, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without randomness: %v", err)
	}
	w.reopened()
	if w.Peppers().Generation() != 1 {
		t.Error("a root was made without randomness")
	}
	_ = w.Ledger.Close()
}

// namer numbers ids in the order they are first seen, so that two ledgers compare.
type namer map[domain.ID]int

func (n namer) of(id domain.ID) int {
	if id.IsZero() {
		return -1
	}
	if _, ok := n[id]; !ok {
		n[id] = len(n)
	}
	return n[id]
}

func (n namer) tell(res []ledger.Result) string {
	var b strings.Builder
	for _, r := range res {
		fmt.Fprintf(&b, "%s event %d subject %d item %d; ", r.Status, n.of(r.Event), n.of(r.Subject), n.of(r.Quarantine))
	}
	return b.String()
}

// TestRotationChangesNoAnswer: a ledger whose peppers are rotated at any moments
// answers everything as one whose never are.
func TestRotationChangesNoAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var ledgers [2]*world
		names := [2]namer{{}, {}}
		for i := range ledgers {
			ledgers[i] = openMemory(t, memory.New(), (&vaultmemory.Disk{}).Open())
			defer func(l *world) { _ = l.Ledger.Close() }(ledgers[i])
		}
		small := func(what string) string { return fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, what)) }
		var people [2][]domain.ID
		for range rapid.IntRange(3, 14).Draw(rt, "steps") {
			id, who := small("id"), "C-"+small("who")
			var raw string
			step := rapid.SampledFrom([]string{"create", "create", "change", "merge", "rekey", "bad", "unreadable", "aside", "delete", "erase", "rotate"}).Draw(rt, "step")
			switch step {
			case "rotate":
				ledgers[0].rotate()
				continue
			case "erase":
				if n := len(people[0]); n > 0 {
					k := rapid.IntRange(0, n-1).Draw(rt, "of")
					for i, w := range ledgers {
						eraseOnce(w, people[i][k])
					}
				}
				continue
			case "create":
				raw = created(id, who, id+"@example.org")
			case "bad":
				raw = noTime(id, who)
			case "unreadable":
				raw = "{" + id
			case "merge", "rekey":
				raw = upstream(id, "contact."+step+map[string]string{"merge": "d", "rekey": "ed"}[step], who,
					strings.ReplaceAll(`{"into":{"subject":"C-N"},"to":{"subject":"C-N"}}`, "N", small("to")))
			case "delete":
				raw = upstream(id, "contact.deleted", who, `{}`)
			case "change":
				raw = upstream(id, "contact.changed", who, `{"set":{"person.emails":["`+small("mail")+`@example.org"]}}`)
			}
			var told [2]string
			for i, w := range ledgers {
				var res []ledger.Result
				if step == "aside" {
					res = w.setAside(aside(id, "raw "+who))
				} else {
					res = w.record(raw)
				}
				told[i] = names[i].tell(res)
				if s := res[0].Subject; !s.IsZero() {
					people[i] = append(people[i], s)
				}
			}
			if told[0] != told[1] {
				rt.Fatalf("%s: with rotations %s, without %s", step, told[0], told[1])
			}
		}
		if a, b := closings(ledgers[0], names[0]), closings(ledgers[1], names[1]); a != b {
			rt.Fatalf("with rotations %s, without %s", a, b)
		}
	})
}

// eraseOnce erases a person, if that was not done.
func eraseOnce(w *world, s domain.ID) {
	at, err := w.Erase(w.t.Context(), orderOf(s))
	if err == nil {
		err = w.Destroy(w.t.Context(), []erasure.Destruction{{Owner: part.SubjectOwner(s), By: at.Event, At: domain.NewTime(testNow)}})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// closings are the types of the facts, but for rotations, and who they are about.
func closings(w *world, n namer) string {
	var b strings.Builder
	for _, f := range w.facts() {
		if f.Type != event.KeyRotated {
			fmt.Fprintf(&b, "%s %d; ", f.Type, n.of(f.Subject))
		}
	}
	return b.String()
}
