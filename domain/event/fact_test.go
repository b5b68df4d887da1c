package event_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
)

var update = flag.Bool("update", false, "write the golden files again")

// types is every type this program knows, upstream's first.
var types = []event.Type{
	event.ContactCreated, event.ContactChanged, event.ContactMerged, event.ContactUnmerged, event.ContactRekeyed, event.ContactDeleted,
	event.InteractionRecorded, event.ContractStarted, event.ContractChanged, event.ContractEnded, event.InvoiceIssued,
	event.RecruitmentClosed, event.NoticeServed, event.ConsentRequested, event.ConsentGranted, event.ConsentRefused,
	event.ConsentWithdrawn, event.OppositionRegistered, event.AccessRecorded, event.RequestReceived, event.PersonDeceased,
	event.RestrictionPlaced,
	event.IngestQuarantined, event.IngestReleased, event.PolicyPublished, event.ExportProduced, event.AccountCreated,
	event.AccountDisabled, event.AccountTokenMade, event.AccountTokenEnded, event.ProducerRegistered, event.ProducerGapDetected,
}

const upstreamTypes = 22

// golden is one fact in its one byte form, and the SHA-256-sized leaf's input.
type golden struct {
	Name string `json:"name"`
	Fact string `json:"fact"`
}

func sparse(t event.Type) *event.Fact {
	at := domain.NewTime(instant("2026-11-22T00:00:00Z"))
	return &event.Fact{ID: id(9), Type: t, Time: at, Recorded: at, Policy: 1}
}

func goldenFacts() (names []string, facts []*event.Fact) {
	for _, t := range types {
		f := richFact()
		f.Type = t
		names, facts = append(names, string(t), string(t)+" sparse"), append(facts, f, sparse(t))
	}
	edge := sparse(event.AccessRecorded)
	min, max := int64(-(1<<53 - 1)), int64(1<<53-1)
	edge.Sequence, edge.Policy = &max, min
	edge.Time = domain.NewTime(instant("0000-01-01T00:00:00Z"))
	edge.Recorded = domain.NewTime(instant("9999-12-31T23:59:59.999999Z"))
	edge.Codes = event.Codes{}.With("empty", []string{}).With("a/b:c*d+e-f_g.h", true)
	return append(names, "edges"), append(facts, edge)
}

func TestGoldenFacts(t *testing.T) {
	t.Parallel()
	file := filepath.Join("testdata", "facts.json")
	names, facts := goldenFacts()
	var now []golden
	for i, f := range facts {
		b, err := event.AppendFact(nil, f)
		if err != nil {
			t.Fatalf("%s: %v", names[i], err)
		}
		now = append(now, golden{names[i], string(b)})
	}
	if *update {
		b, _ := json.MarshalIndent(now, "", "  ")
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []golden
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, now); d != "" {
		t.Fatalf("facts are stored for ever; their bytes may not change (-golden +now):\n%s", d)
	}
	for i, g := range want {
		f, err := event.DecodeFact([]byte(g.Fact))
		if err != nil {
			t.Errorf("%s: %v", g.Name, err)
		} else if d := diff(facts[i], f); d != "" {
			t.Errorf("%s reads back otherwise (-written +read):\n%s", g.Name, d)
		}
	}
}

func diff(a, b *event.Fact) string { return cmp.Diff(a, b, cmpopts.EquateEmpty()) }

func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	protective := map[event.Type]bool{event.ConsentWithdrawn: true, event.ConsentRefused: true,
		event.OppositionRegistered: true, event.RestrictionPlaced: true, event.RequestReceived: true}
	for i, x := range types {
		if !x.Known() || x.Upstream() != (i < upstreamTypes) || x.Protective() != protective[x] {
			t.Errorf("%s: known %v, upstream %v, protective %v", x, x.Known(), x.Upstream(), x.Protective())
		}
	}
	if event.Type("contact.exploded").Known() || event.Type("").Known() {
		t.Error("a type out of the catalogue is known")
	}
}

// anyFact draws facts of every form that can be written.
func anyFact(t *rapid.T) *event.Fact {
	code := rapid.StringMatching(`[a-zA-Z0-9_.:/*+\-]{1,20}`)
	codes := rapid.SliceOfN(code, 0, 4)
	ids := rapid.Custom(func(t *rapid.T) domain.ID { return id(rapid.Byte().Draw(t, "id")) })
	opt := func(name string) domain.ID {
		if rapid.Bool().Draw(t, name) {
			return ids.Draw(t, name)
		}
		return domain.ID{}
	}
	at := rapid.Custom(func(t *rapid.T) domain.Time {
		return domain.NewTime(time.UnixMicro(rapid.Int64Range(-62135596800000000, 253402300799999999).Draw(t, "µs")))
	})
	f := &event.Fact{ID: ids.Draw(t, "id"), Type: rapid.SampledFrom(types).Draw(t, "type"), Subject: opt("subject"), Source: opt("source"),
		Actor: opt("actor"), Time: at.Draw(t, "time"), Recorded: at.Draw(t, "recorded"), Policy: rapid.Int64Range(0, 1<<53-1).Draw(t, "policy"),
		Fields: codes.Draw(t, "fields"), Unset: codes.Draw(t, "unset"), Lacks: codes.Draw(t, "lacks")}
	if rapid.Bool().Draw(t, "controlled") {
		f.Controller = code.Draw(t, "controller")
	}
	if rapid.Bool().Draw(t, "counted") {
		n := rapid.Int64Range(0, 1<<53-1).Draw(t, "sequence")
		f.Sequence = &n
	}
	for range rapid.IntRange(0, 4).Draw(t, "codes") {
		v := rapid.OneOf(rapid.Map(code, func(s string) any { return s }), rapid.Map(codes, func(l []string) any { return l }),
			rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Map(rapid.Int64Range(-1<<53+1, 1<<53-1), func(n int64) any { return n }))
		f.Codes = f.Codes.With(code.Draw(t, "name"), v.Draw(t, "value"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		owners := []part.Owner{part.LedgerOwner(), part.AccountOwner(id(5)), part.QuarantineOwner(id(6)), part.SubjectOwner(id(7))}
		if !f.Subject.IsZero() {
			owners = append(owners, part.SubjectOwner(f.Subject))
		}
		f.Parts = append(f.Parts, event.PartRef{Owner: rapid.SampledFrom(owners).Draw(t, "owner"), Class: code.Draw(t, "class"),
			Epoch: code.Draw(t, "epoch"), Commitment: part.Commit(rapid.SliceOf(rapid.Byte()).Draw(t, "part"))})
	}
	for range rapid.IntRange(0, 2).Draw(t, "warnings") {
		f.Warnings = append(f.Warnings, event.Warning{Field: code.Draw(t, "field"), Rule: code.Draw(t, "rule")})
	}
	return f
}

func TestFactsAreCanonicalAndReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFact(t)
		b, err := event.AppendFact([]byte("before"), f)
		if err != nil {
			t.Fatal(err)
		}
		b, ok := bytes.CutPrefix(b, []byte("before"))
		if !ok {
			t.Fatal("AppendFact does not append")
		}
		c := jsontext.Value(bytes.Clone(b))
		if err := c.Canonicalize(); err != nil || !bytes.Equal(c, b) {
			t.Fatalf("not RFC 8785 (%v)\n%s\n%s", err, b, c)
		}
		g, err := event.DecodeFact(b)
		if err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if d := diff(f, g); d != "" {
			t.Fatalf("-written +read\n%s", d)
		}
		for _, s := range []string{domain.FormatTime(f.Time.Time), domain.FormatTime(f.Recorded.Time), f.ID.String()} {
			if !bytes.Contains(b, []byte(`"`+s+`"`)) {
				t.Fatalf("%s is not written as package domain writes it: %s", s, b)
			}
		}
	})
}

func TestOnlyCodesEnterFacts(t *testing.T) {
	t.Parallel()
	personal := "Jeanne Dupont"
	for _, bad := range []string{personal, "a@b.fr", "é", `a"b`, `a\b`, "a\nb", "a\x00", strings.Repeat("a", 129), "(", "#", "\u202e"} {
		for name, spoil := range map[string]func(*event.Fact){
			"type":       func(f *event.Fact) { f.Type = event.Type(bad) },
			"controller": func(f *event.Fact) { f.Controller = bad },
			"code":       func(f *event.Fact) { f.Codes = f.Codes.With("x", bad) },
			"code name":  func(f *event.Fact) { f.Codes = f.Codes.With(bad, "x") },
			"code list":  func(f *event.Fact) { f.Codes = f.Codes.With("x", []string{"y", bad}) },
			"field":      func(f *event.Fact) { f.Fields = append(f.Fields, bad) },
			"unset":      func(f *event.Fact) { f.Unset = []string{bad} },
			"lacks":      func(f *event.Fact) { f.Lacks = []string{bad} },
			"class":      func(f *event.Fact) { f.Parts[0].Class = bad },
			"epoch":      func(f *event.Fact) { f.Parts[0].Epoch = bad },
			"warning":    func(f *event.Fact) { f.Warnings[0].Field = bad },
			"rule":       func(f *event.Fact) { f.Warnings[0].Rule = bad },
		} {
			f := richFact()
			spoil(f)
			b, err := event.AppendFact([]byte("kept"), f)
			if !errors.Is(err, event.ErrNotCode) || string(b) != "kept" {
				t.Errorf("%s %q: %q, %v", name, bad, b, err)
			} else if strings.Contains(err.Error(), bad) && len(bad) > 1 {
				t.Errorf("%s: the error quotes the value", name)
			}
		}
	}
	if event.IsCode("") || !event.IsCode(strings.Repeat("z", 128)) {
		t.Error("a code has 1 to 128 characters")
	}
}

func TestUnreadableFactsAreNotWritten(t *testing.T) {
	t.Parallel()
	big := int64(1 << 53)
	for name, spoil := range map[string]func(*event.Fact){
		"no id":            func(f *event.Fact) { f.ID = domain.ID{} },
		"unknown type":     func(f *event.Fact) { f.Type = "contact.exploded" },
		"big sequence":     func(f *event.Fact) { f.Sequence = &big },
		"big code":         func(f *event.Fact) { f.Codes = f.Codes.With("n", -big) },
		"big policy":       func(f *event.Fact) { f.Policy = big },
		"other value":      func(f *event.Fact) { f.Codes = f.Codes.With("n", 1.5) },
		"unsorted codes":   func(f *event.Fact) { f.Codes = event.Codes{{Name: "b", Value: true}, {Name: "a", Value: true}} },
		"repeated code":    func(f *event.Fact) { f.Codes = event.Codes{{Name: "a", Value: true}, {Name: "a", Value: true}} },
		"no owner":         func(f *event.Fact) { f.Parts[0].Owner = part.Owner{} },
		"owner without":    func(f *event.Fact) { f.Parts[0].Owner = part.SubjectOwner(domain.ID{}) },
		"year 10000":       func(f *event.Fact) { f.Time.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"year before":      func(f *event.Fact) { f.Recorded.Time = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) },
		"part of no class": func(f *event.Fact) { f.Parts[0].Class = "" },
	} {
		f := richFact()
		spoil(f)
		if b, err := event.AppendFact(nil, f); err == nil || b != nil {
			t.Errorf("%s: written as %s", name, b)
		}
	}
}

func TestDecodeFactRefusals(t *testing.T) {
	t.Parallel()
	good, err := event.AppendFact(nil, richFact())
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, by string) string {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("%s is not in the fact", old)
		}
		return strings.Replace(string(good), old, by, 1)
	}
	commit := `"commitment":"`
	at := bytes.Index(good, []byte(commit)) + len(commit)
	for name, c := range map[string]struct {
		b    string
		want error
	}{
		"newer version":     {swap(`"v":1`, `"v":2`), event.ErrNewerFact},
		"newer shape":       {`{"v":2,"whatever":[1.5]}`, event.ErrNewerFact},
		"older version":     {swap(`"v":1`, `"v":0`), event.ErrFact},
		"unknown type":      {swap(`"type":"contact.created"`, `"type":"contact.exploded"`), event.ErrUnknownType},
		"nothing":           {"", event.ErrFact},
		"empty object":      {"{}", event.ErrFact},
		"space":             {swap(`,"v"`, `, "v"`), event.ErrFact},
		"trailing newline":  {string(good) + "\n", event.ErrFact},
		"trailing object":   {string(good) + string(good), event.ErrFact},
		"escape":            {swap(`"prospect"`, `"\u0070rospect"`), event.ErrFact},
		"upper-case id":     {swap(id(1).String(), strings.ToUpper(id(1).String())), event.ErrFact},
		"zero id":           {swap(id(1).String(), domain.ID{}.String()), event.ErrFact},
		"five decimals":     {swap("08.123456Z", "08.12345Z"), event.ErrFact},
		"offset":            {swap("08.123456Z", "08.123456+00:00"), event.ErrFact},
		"30 February":       {swap("2026-03-02T09:14:08", "2026-02-30T09:14:08"), event.ErrFact},
		"hour 24":           {swap("2026-03-02T09:14:08", "2026-03-02T24:14:08"), event.ErrFact},
		"not a digit":       {swap("2026-03-02T09:14:08", "2026-03-0:T09:14:08"), event.ErrFact},
		"float":             {swap(`"count":7`, `"count":7.0`), event.ErrFact},
		"minus zero":        {swap(`"count":7`, `"count":-0`), event.ErrFact},
		"leading zero":      {swap(`"count":7`, `"count":07`), event.ErrFact},
		"null":              {swap(`"count":7`, `"count":null`), event.ErrFact},
		"beyond 2^53":       {swap(`"count":7`, `"count":9007199254740992`), event.ErrFact},
		"unsorted data":     {swap(`"count":7,"kind":"prospect"`, `"kind":"prospect","count":7`), event.ErrFact},
		"duplicate data":    {swap(`"count":7`, `"count":7,"count":7`), event.ErrFact},
		"unknown member":    {swap(`,"v":1`, `,"url":"x","v":1`), event.ErrFact},
		"missing member":    {swap(`"policy":3,`, ``), event.ErrFact},
		"empty list":        {swap(`"lacks":["act"]`, `"lacks":[]`), event.ErrFact},
		"own owner named":   {swap(`"epoch":"whole"`, `"epoch":"whole","owner":"subject/`+id(2).String()+`"`), event.ErrFact},
		"owner of no kind":  {swap(`"owner":"ledger"`, `"owner":"invalid"`), event.ErrFact},
		"owner zero":        {swap(`"owner":"ledger"`, `"owner":"account/`+domain.ID{}.String()+`"`), event.ErrFact},
		"short commitment":  {string(good[:at]) + string(good[at+1:]), event.ErrFact},
		"broken commitment": {string(good[:at]) + "\n" + string(good[at+1:]), event.ErrFact},
		"line break":        {string(good[:at]) + "\n" + strings.Repeat("A", 42) + string(good[at+43:]), event.ErrFact},
		"padding bits":      {string(good[:at+42]) + "_" + string(good[at+43:]), event.ErrFact},
		"words":             {swap(`"notes"`, `"my notes"`), event.ErrFact},
	} {
		if f, err := event.DecodeFact([]byte(c.b)); !errors.Is(err, c.want) || f != nil {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	for i := range good {
		if _, err := event.DecodeFact(good[:i]); !errors.Is(err, event.ErrFact) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

// TestErrorsNeverQuote plants a name at every place of a stored fact.
func TestErrorsNeverQuote(t *testing.T) {
	t.Parallel()
	good, _ := event.AppendFact(nil, richFact())
	const name = "Jeanne Dupont"
	for i := range good {
		b := string(good[:i]) + name + string(good[i:])
		if _, err := event.DecodeFact([]byte(b)); err == nil || strings.Contains(err.Error(), "Jeanne") {
			t.Fatalf("at %d: %v", i, err)
		}
	}
}

func TestCodesAccessors(t *testing.T) {
	t.Parallel()
	at := instant("2026-03-02T09:14:07Z")
	c := event.Codes{}.With("z", "last").With("a", []string{"x", "y"}).With("n", int64(3)).With("b", true).
		With("at", domain.FormatTime(at)).With("who", id(3).String()).With("z", "again")
	switch {
	case c.String("z") != "again" || c.String("a") != "" || c.String("none") != "":
		t.Error("String")
	case len(c.Strings("a")) != 2 || c.Strings("z") != nil:
		t.Error("Strings")
	case c.Int("n") != 3 || c.Int("z") != 0:
		t.Error("Int")
	case !c.Bool("b") || c.Bool("n"):
		t.Error("Bool")
	case !c.Time("at").Equal(at) || !c.Time("z").IsZero():
		t.Error("Time")
	case c.ID("who") != id(3) || !c.ID("z").IsZero():
		t.Error("ID")
	case c.Size() != 8:
		t.Errorf("Size %d", c.Size())
	}
	for i := 1; i < len(c); i++ {
		if c[i-1].Name >= c[i].Name {
			t.Errorf("not sorted: %v", c)
		}
	}
	if k := richFact().Parts[0].KeyID().String(); k != "subject/"+id(2).String()+"/identity/whole" {
		t.Errorf("key id %s", hex.EncodeToString([]byte(k)))
	}
}
