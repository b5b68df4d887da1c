package policy_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain/policy"
)

func TestShippedVocabulary(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	if p.DefaultController() != "acme" || !p.Controller("acme") || p.Controller("") || p.Controller("other") {
		t.Error("the default controller is not acme alone")
	}
	for _, c := range strings.Fields("prospecting customer_service contract billing recruitment compliance security") {
		if !p.Purpose(c) {
			t.Errorf("purpose %s is missing", c)
		}
	}
	for _, c := range strings.Fields("email sms phone postal social") {
		if !p.Channel(c) {
			t.Errorf("channel %s is missing", c)
		}
	}
	for code, ticket := range map[string]bool{"customer_call": false, "sales_follow_up": false, "support_ticket": true, "rights_request": false,
		"audit": false, "inspection": false, "maintenance": true} {
		r, ok := p.Reason(code)
		if !ok || r.Ticket != ticket || r.FR == "" || r.EN == "" || !p.HasReason(code) {
			t.Errorf("reason %s: %+v %v", code, r, ok)
		}
	}
	if r, ok := p.Reason("curiosity"); ok || r.MayUse("dpo") || p.HasReason("") || p.Purpose("PROSPECTING") || p.Channel("fax") {
		t.Error("a code the policy does not hold is known")
	}
	if r, _ := p.Reason("inspection"); r.MayUse("agent") || !r.MayUse("dpo") {
		t.Error("inspection is for auditors and the DPO")
	}
	var classes []string
	for _, c := range p.Classes() {
		classes = append(classes, c.Code)
	}
	if diff := cmp.Diff(policy.ClassCodes(), classes); diff != "" {
		t.Error(diff)
	}
}

// catalogue is every sealed path of design §4.1.
const catalogue = `person.given_name person.family_name person.birth_date person.emails person.phones person.postal_address
person.language person.time_zone company.name company.siren company.role notes custom.segment collection.origin
collection.notice.id collection.notice.version collection.notice.language collection.sale.reference
interaction.campaign interaction.caller interaction.reference interaction.amount_cents interaction.number
contract.reference contract.object contract.amount_cents invoice.reference invoice.amount_cents
consent.notice.id consent.notice.version consent.notice.language consent.notice.text consent.act consent.object consent.partners
consent.proof.ip consent.proof.user_agent consent.proof.reference consent.guardian consent.guardian.name
notice.id notice.version notice.language notice.text access.ticket access.query_digest access.detail
opposition.address.email opposition.address.phone request.message restriction.message recruitment.note
upstream.id upstream.subject upstream.actor upstream.reason`

func TestShippedFields(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	for _, path := range strings.Fields(catalogue) {
		f, ok := p.Field(path)
		if !ok || !p.HasField(path) || !p.HasClass(f.Class) || f.Kind == "" {
			t.Errorf("%s: %+v %v", path, f, ok)
		}
	}
	for _, path := range []string{"", ".", "custom", "custom.", "custom.x", "custom.*", "custom.segment.x", "person", "person.*", "consent.guardian*",
		"notes.x", "collection.notice.*", strings.Repeat("consent.guardian.", 100)} {
		if f, ok := p.Field(path); ok {
			t.Errorf("%.40q is known as %s", path, f.Path)
		}
	}
	if f, _ := p.Field("consent.guardian.name.first"); f.Path != "consent.guardian.*" {
		t.Errorf("a path under a pattern is told of as %q", f.Path)
	}
	if f, _ := p.Field("invoice.reference"); !f.Allows(policy.RuleIBAN) || f.Allows(policy.RuleCard) || f.Class != "billing" {
		t.Error("an invoice may hold an IBAN and no card")
	}
	if f, _ := p.Field("notes"); !f.FreeText {
		t.Error("notes are free text")
	}
	if !slices.IsSortedFunc(p.Fields(), func(a, b policy.Field) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("fields are not in order")
	}
}

func TestEpochs(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	at := time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("CET", 3600)) // still February in UTC
	for class, want := range map[string]string{"identity": "whole", "notes": "2026", "access": "2026-02", "recruitment": "2026-02", "nothing": ""} {
		if got := p.Epoch(class, at); got != want {
			t.Errorf("%s: %q, want %q", class, got, want)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	for _, c := range []struct {
		role, permission string
		want             bool
	}{
		{"service", "events.write", true}, {"service", "subjects.read", false}, {"agent", "subjects.read", true}, {"agent", "subjects.archived", false},
		{"admin", "subjects.read", false}, {"admin", "tokens.manage", true}, {"dpo", "subjects.erase", true}, {"auditor", "subjects.read", false},
		{"auditor", "audit.read", true}, {"", "audit.read", false}, {"dpo", "", false}, {"root", "audit.read", false},
	} {
		if got := p.Permits(c.role, c.permission); got != c.want {
			t.Errorf("%s %s: %v", c.role, c.permission, got)
		}
	}
	if p.Sees("agent", "evidence") || !p.Sees("agent", "identity") || p.Sees("admin", "identity") || !p.Sees("dpo", "opposition") {
		t.Error("a role sees what it may not, or not what it may")
	}
	for _, permission := range policy.Permissions() {
		if !slices.ContainsFunc(p.Roles(), func(r policy.Role) bool { return p.Permits(r.Code, permission) }) {
			t.Errorf("nobody has %s", permission)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	for _, c := range []struct{ class, purpose, phase, kind, condition, want string }{
		{"identity", "prospecting", "active", "prospect", "", "P3Y last_contact ask"},
		{"notes", "prospecting", "active", "client", "", "P3Y relationship_end destroy"},
		{"identity", "recruitment", "active", "candidate", "", "P2Y recruitment_last_contact destroy"},
		{"contract", "contract", "active", "", "", "P0D contract_end archive"},
		{"contract", "contract", "archive", "", "", "P5Y contract_end destroy"},
		{"contract", "contract", "archive", "", "electronic_contract_120", "P10Y delivery destroy"},
		{"billing", "billing", "archive", "", "", "P10Y invoice_year_end destroy"},
		{"opposition", "prospecting", "active", "", "", "P3Y prospecting_end destroy"},
		{"access", "security", "active", "", "", "P12M recorded destroy"},
	} {
		var got []string
		for _, d := range p.Durations(c.class) {
			if d.Purpose == c.purpose && d.Phase == c.phase && d.Condition == c.condition && (c.kind == "" || d.For(c.kind)) {
				got = append(got, d.Length.String()+" "+d.Start+" "+d.Exit)
			}
			if d.Reference == "" {
				t.Errorf("a rule of %s names no source", d.Class)
			}
		}
		if strings.Join(got, ";") != c.want {
			t.Errorf("%s for %s: %v, want %s", c.class, c.purpose, got, c.want)
		}
	}
	if d := p.Durations("identity")[0]; d.Wait != (policy.Period{Months: 1}) || d.Remind != (policy.Period{Months: 1}) {
		t.Errorf("a prospect is asked with %+v", d)
	}
	if b := p.Bounds(); b.ClockSkew != 5*time.Minute || b.Quarantine != 30*24*time.Hour || b.AccessJournalMonths != 12 {
		t.Errorf("%+v", b)
	}
}

// edit replaces once in the shipped text.
func edit(t *testing.T, from, to string) []byte {
	t.Helper()
	if !bytes.Contains(deploy.Policy(), []byte(from)) {
		t.Fatalf("the shipped policy does not hold %q", from)
	}
	return bytes.Replace(deploy.Policy(), []byte(from), []byte(to), 1)
}

// refusals are single faults of the shipped text, and what is said of each.
var refusals = []struct{ name, from, to, path, says string }{
	{"unknown key", "name: CRM France", "name: CRM France\nretenion: []", "", "known here: version, name"},
	{"unknown nested key", "ticket: false, roles: [agent, dpo, sales, support]", "tickt: false, roles: [agent, dpo, sales, support]", "reasons[0]", "known here: code"},
	{"version", "version: 1", "version: 2", "version", "from 1 to 1"},
	{"text for a number", "clock_skew_minutes: 5", "clock_skew_minutes: \"5\"", "bounds.clock_skew_minutes", "from 1 to 60"},
	{"missing key", "name: CRM France\n", "", "name", "required"},
	{"empty text", "name: CRM France", "name: ''", "name", "1 to 2000 bytes"},
	{"code with capitals", "- code: acme", "- code: Acme", "controllers[0].code", "lower-case"},
	{"equal codes", "code: sms,", "code: email,", "channels[1].code", "stands above"},
	{"channel of no format", "code: social,", "code: fax,", "channels[4].code", "email, sms"},
	{"no contact", "      address: 1 rue de la Paix, 75002 Paris\n      email: contact@acme.example\n", "", "controllers[0].contact", "art. 13"},
	{"legal basis", "legal_bases: [contract]", "legal_bases: [interest]", "purposes[2].legal_bases[0]", "legitimate_interest"},
	{"no legal basis", "legal_bases: [contract]", "legal_bases: []", "purposes[2].legal_bases", "at least one"},
	{"epoch", "code: notes, epoch: year", "code: notes, epoch: day", "classes[5].epoch", "whole, year, month"},
	{"class missing", "  - {code: notes, epoch: year, label: {fr: Commentaires (zones bloc-notes), en: Free-text notes}}\n", "", "classes", "class notes"},
	{"field of no class", "notes: {class: notes,", "notes: {class: note,", "fields.notes.class", "identity"},
	{"path", "custom.segment:", "custom.Segment:", "fields", "lower-case names"},
	{"star alone", "custom.segment:", "\"*\":", "fields", "lower-case names"},
	{"equal paths", "custom.segment:", "notes:", "fields.notes", "equal paths"},
	{"equal patterns", "custom.segment:", "consent.guardian.*:", "fields.consent.guardian.*", "equal paths"},
	{"allow without reason", "custom.segment: {class: commercial, kind: code}", "custom.a: {class: notes, allow: [special_category]}", "fields.custom.a", "justification"},
	{"allow NIR", "custom.segment: {class: commercial, kind: code}", "custom.a: {class: notes, allow: [nir], justification: x}", "fields.custom.a.allow[0]", "iban, card"},
	{"art. 9 in free text", "notes: {class: notes, free_text: true}", "notes: {class: notes, free_text: true, allow: [special_category], justification: x}", "fields.notes", "field of its own"},
	{"free text of a code", "custom.segment: {class: commercial, kind: code}", "custom.a: {class: notes, kind: code, free_text: true}", "fields.custom.a", "kind text"},
	{"longer without reason", "length: P3Y\n    exit: ask\n", "length: P5Y\n    exit: ask\n", "retention[0]", "P3Y from last_contact"},
	{"other start", "start: last_contact", "start: collection", "retention[0]", "justification"},
	{"under the law", "length: P10Y\n    exit: destroy\n    reference: C. com.", "length: P6Y\n    exit: destroy\n    justification: x\n    reference: C. com.", "retention[7].length", "at least P10Y"},
	{"opposition under 3 years", "start: prospecting_end\n    length: P3Y", "start: prospecting_end\n    justification: x\n    length: P35M", "retention[13].length", "at least P3Y"},
	{"period", "length: P2Y", "length: 2 years", "retention[8].length", "P3Y, P13M"},
	{"same rule twice", "kinds: [client, former_client]", "kinds: [client, prospect]", "retention[1]", "same purpose"},
	{"journal as a rule", "classes: [accounts]", "classes: [accounts, access]", "retention[14]", "access_journal_months"},
	{"class without duration", "  - classes: [accounts]\n", "  - classes: [notes]\n", "retention", "class accounts"},
	{"archive of an archive", "start: request_closed\n    length: P5Y\n    exit: destroy", "start: request_closed\n    length: P5Y\n    exit: archive", "retention[12].exit", "destroy"},
	{"question in the archive", "start: request_closed\n    length: P5Y\n    exit: destroy", "start: request_closed\n    length: P5Y\n    exit: ask", "retention[12].exit", "destroy"},
	{"long wait", "wait: P1M", "wait: P4M", "retention[0].wait", "P3M"},
	{"no wait", "wait: P1M", "wait: P0D", "retention[0].wait", "P1D"},
	{"wait without a question", "exit: ask", "exit: destroy", "retention[0].wait", "only the exit ask"},
	{"unreadable wait", "wait: P1M", "wait: a month", "retention[0].wait", "P3Y, P13M"},
	{"unreadable reminder", "remind: P1M", "remind: soon", "retention[0].remind", "P3Y, P13M"},
	{"archive without end", "purpose: compliance\n    phase: archive", "purpose: security\n    phase: archive", "retention", "needs an end"},
	{"permission", "classes: [accounts]\n  # Délégué", "classes: [account]\n  # Délégué", "roles[0].classes[0]", "identity"},
	{"role in a reason", "roles: [agent, sales, marketing]", "roles: [agnet, sales, marketing]", "reasons[1].roles[0]", "admin, dpo"},
	{"journal over 12 months", "access_journal_months: 12", "access_journal_months: 24", "bounds.access_journal_months", "2021-122"},
	{"journal over 36 months", "access_journal_months: 12", "access_journal_months: 37\n  access_journal_justification: x", "bounds.access_journal_months", "6 to 36"},
	{"action", "special_category: {action: drop}", "special_category: {action: mask}", "guard.rules.special_category.action", "drop, quarantine"},
	{"rule off", "nir: {action: mask}", "nir: {action: mask, on: false}", "guard.rules.nir", "justification"},
	{"rule missing", "    iban: {action: mask}                # where a field does not allow it\n", "", "guard.rules.iban", "required"},
	{"band order", "code: B, below_eur: 25000", "code: B, below_eur: 15000", "guard.income_bands[1]", "rising"},
	{"band digits", "code: B, below_eur", "code: B2, below_eur", "guard.income_bands[1].code", "capital letters"},
	{"no last band", "    - {code: F}\n", "", "guard.income_bands", "last band"},
	{"phrase", "[cancer, cancers,", "[ca*, cancers,", "guard.words.health[0]", "three letters"},
	{"phrase twice", "[cancer, cancers,", "[cancers, cancers,", "guard.words.health[1]", "already"},
	{"list of words", "    health:\n", "    santé:\n", "guard.words", "health, religion"},
	{"text for a flag", "ticket: false", "ticket: \"false\"", "reasons[0].ticket", "true or false"},
	{"anchor", "name: CRM France", "name: &a CRM France", "", "anchor"},
	{"tag", "name: CRM France", "name: !!str CRM France", "", "tag"},
	{"second document", "version: 1", "--- {}\n---\nversion: 1", "", "second document"},
	{"duplicate key", "name: CRM France", "name: A\nname: B", "name", "equal keys"},
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := edit(t, c.from, c.to)
			p, err := policy.Parse(text)
			var errs policy.Errors
			if p != nil || !errors.As(err, &errs) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			i := slices.IndexFunc(errs, func(e policy.Error) bool { return e.Path == c.path && strings.Contains(e.Message, c.says) })
			if i < 0 {
				t.Fatalf("nothing at %q says %q: %v", c.path, c.says, err)
			}
			if lines := bytes.Count(text, []byte("\n")); errs[i].Line < 1 || errs[i].Line > lines+1 || errs[i].Column < 1 {
				t.Errorf("it is told to stand at %d:%d", errs[i].Line, errs[i].Column)
			}
		})
	}
}

func TestEveryProblemAtOnceWithItsPlace(t *testing.T) {
	t.Parallel()
	text := edit(t, "name: CRM France", "nom: CRM France")
	text = bytes.Replace(text, []byte("quarantine_days: 30"), []byte("quarantine_days: 300"), 1)
	text = bytes.Replace(text, []byte("length: P2Y"), []byte("length: P2X"), 1)
	_, err := policy.Parse(text)
	var errs policy.Errors
	if !errors.As(err, &errs) || len(errs) != 4 {
		t.Fatalf("want 4 problems: %v", err)
	}
	at := func(s string) int { return 1 + bytes.Count(text[:bytes.Index(text, []byte(s))], []byte("\n")) }
	got := fmt.Sprint(errs[0].Line, errs[1].Line, errs[2].Line, errs[3].Line, errs[3].Column)
	if want := fmt.Sprint(at("version: 1\n"), at("nom: "), at("P2X"), at("quarantine_days"), 20); got != want {
		t.Errorf("problems stand at %s, want %s", got, want)
	}
}

func TestErrorsHoldNoValue(t *testing.T) {
	t.Parallel()
	const secret = "dupont@example.org"
	for _, broken := range []string{"name: *dupont", "name: *" + secret, "name: [" + secret, secret + ": &" + secret + " %", "name: \"\\" + secret, "name: !<" + secret, "%" + secret} {
		if _, err := policy.Parse([]byte(broken)); err == nil || strings.Contains(err.Error(), "dupont") {
			t.Errorf("accepted, or a value stands in %v", err)
		}
	}
	for i, line := range bytes.SplitAfter(deploy.Policy(), []byte("\n")) {
		text := bytes.Replace(deploy.Policy(), line, append([]byte("  "+secret+": {x: [\n"), line...), 1)
		if i%7 != 0 {
			text = bytes.Replace(deploy.Policy(), []byte(": "), []byte(": "+secret+" "), 1+i)
		}
		if _, err := policy.Parse(text); err != nil && strings.Contains(err.Error(), secret) {
			t.Fatalf("a value stands in %v", err)
		}
	}
}

func TestBrokenTexts(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "\n", "# nothing", "[]", "a", "null", "{", "a: b: c", "\t", "version: 1\n\x00", strings.Repeat("[", 5000), strings.Repeat("a: ", 100),
		"version: *x", strings.Repeat("# long\n", 1<<18), "\xff\xfe", "fields: [1]\nroles: 3\nguard: []\nbounds: x\nretention: {}\ncontrollers: y"} {
		p, err := policy.Parse([]byte(s))
		var errs policy.Errors
		if p != nil || !errors.As(err, &errs) || len(errs) == 0 {
			t.Errorf("%.30q: %v", s, err)
		}
	}
}

func TestOverridesWithJustification(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse(edit(t, "length: P2Y", "length: P6M\n    justification: a few months suffice"))
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Durations("recruitment"); len(d) != 1 || d[0].Length.String() != "P6M" || d[0].Justification == "" {
		t.Errorf("%+v", d)
	}
	p, err = policy.Parse(edit(t, "access_journal_months: 12", "access_journal_months: 36\n  access_journal_justification: shown misuse"))
	if err != nil || p.Durations("access")[0].Length.String() != "P36M" {
		t.Error(err)
	}
	if _, err = policy.Parse(edit(t, "length: P3Y", "length: P36M")); err != nil {
		t.Errorf("36 months are three years: %v", err)
	}
	p, err = policy.Parse(edit(t, "custom.segment:", "custom.*: {class: commercial, free_text: true}\n  custom.segment:"))
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := p.Field("custom.anything"); !ok || f.Path != "custom.*" {
		t.Error("the pattern is off")
	}
	if f, ok := p.Field("custom.segment"); !ok || f.Path != "custom.segment" {
		t.Error("the exact path does not come first")
	}
}

func TestAPolicyCannotBeChanged(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	p.Guard().Actions["nir"] = "drop"
	p.Guard().Words["health"][0] = "x"
	p.Purposes()[0].LegalBases[0] = "x"
	p.Classes()[0].Epoch = "x"
	p.Roles()[0].Permissions[0] = "x"
	p.Durations("")[1].Kinds[0] = "x"
	p.Fields()[0].Class = "x"
	r, _ := p.Role("admin")
	r.Classes[0] = "identity"
	if p.Guard().Actions["nir"] != "mask" || p.Guard().Words["health"][0] != "cancer" || p.Purposes()[0].LegalBases[0] != "consent" ||
		p.Classes()[0].Epoch != "whole" || p.Roles()[0].Permissions[0] != "tokens.manage" || p.Durations("")[1].Kinds[0] != "prospect" || p.Fields()[0].Class == "x" ||
		p.Sees("admin", "identity") {
		t.Error("what a method returned changed the policy")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(deploy.Policy())
	f.Add([]byte("version: 1\nname: x\nfields: {a: {class: notes}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse(text)
		if (p == nil) == (err == nil) {
			t.Fatal("neither a policy nor an error, or both")
		}
		if p != nil && (p.DefaultController() == "" || len(p.Classes()) != 12) {
			t.Fatal("an accepted policy is not whole")
		}
	})
}
