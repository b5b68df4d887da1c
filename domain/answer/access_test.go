package answer_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/answer/answertest"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// rules are parsed once.
var rules = sync.OnceValue(answertest.Rules)

func glossary() answer.Glossary { return answer.Glossary{Rules: rules()} }

func access(lang answer.Lang, change ...func(*answer.Inputs)) *answer.Access {
	in := answertest.Inputs(lang)
	for _, f := range change {
		f(&in)
	}
	return answer.NewAccess(in, rules())
}

func plain(lang answer.Lang, change ...func(*answer.Inputs)) string {
	return access(lang, change...).Document(glossary()).Plain()
}

func machine(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wants checks what a text must and must not hold; the latter begin with "!".
func wants(t *testing.T, what, text string, all ...string) {
	t.Helper()
	for _, s := range all {
		if no, ok := strings.CutPrefix(s, "!"); ok {
			if strings.Contains(text, no) {
				t.Errorf("%s says %q", what, no)
			}
		} else if !strings.Contains(text, s) {
			t.Errorf("%s does not say %q", what, s)
		}
	}
}

// TestEverythingThatArticle15Lists is there, in either language.
func TestEverythingThatArticle15Lists(t *testing.T) {
	t.Parallel()
	both := []string{"zoe@example.fr", "Łukasiewicz", "3 rue des Lilas, 69003 Lyon", "CPCE L34-5", "délib. 2021-131", "Partenaire Nord", "crm/eu", "salon de l'habitat",
		"J'accepte de recevoir des offres", "Nous traitons vos données pour vous répondre.", "score churn", "04/03/2026", "K-1", "Fourniture d'énergie", "ACME SAS", "dpo@acme.example",
		"CNIL, 3 place de Fontenoy", "Téléphonie", "appels.zip", "Je vous écris de"}
	for lang, own := range map[answer.Lang][]string{
		answer.FR: {"Nous vous confirmons que nous traitons", "Prospection commerciale", "consentement, intérêt légitime", "3 ans après la fin de la relation", "jusqu'à la fin du contrat",
			"Outil d'e-mailing", "sous-traitant", "profilage", "Appel d'un client", "Consentement donné", "lien de désabonnement", "effacé", "réclamation", "tribunal", "rectification"},
		answer.EN: {"We confirm that we process", "Direct marketing", "consent, legitimate interest", "3 years after the end of the relationship", "until the end of the contract",
			"Mailing tool", "processor", "profiling", "Customer call", "Consent granted", "unsubscribe link", "erased", "complaint", "court", "rectified"},
	} {
		wants(t, string(lang), plain(lang), append(slices.Clone(both), own...)...)
	}
	wants(t, "json", machine(t, access(answer.FR)), `"outcome":"held"`, `"format":"greffe/answer/1"`, `"purposes":[`, `"categories":[`, `"recipients":[`, `"sources":[`, `"consents":[`,
		`"notices":[`, `"accesses":[`, `"history":[`, `"evaluations":["custom.score_churn","custom.segment"]`, `"legal_basis":"consent"`)
}

// TestOthersAreProtected: agents, guardians and strangers' addresses, in the view as in
// the history; the person's own stay, and so do its own words (art. 15(4)).
func TestOthersAreProtected(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{"document": plain(answer.FR), "json": machine(t, access(answer.FR))} {
		if n := strings.Count(text, answertest.Stranger); n != 1 { // in the person's own message
			t.Errorf("%s: a stranger's address stands %d times", what, n)
		}
		wants(t, what, text, "!"+answertest.Mobile, "!"+answertest.Agent, "!"+answertest.Parent, answertest.Own, "02.03.2026 1015", "[masqué : tiers]", "!"+domain.ID{0xaa}.String())
	}
	want := []answer.ProtectedLine{{Path: "consent.guardian", Why: answer.WhyGuardian, Count: 1}, {Path: "interaction.caller", Why: answer.WhyAgent, Count: 1},
		{Path: "notes", Why: answer.WhyAddress, Count: 2}}
	if got := access(answer.FR).Protected; !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	wants(t, "a guardian's", plain(answer.FR, func(in *answer.Inputs) { in.Guardian = true }), answertest.Parent)
	in := answertest.Inputs(answer.FR)
	before := machine(t, in.Items)
	answer.NewAccess(in, rules())
	if machine(t, in.Items) != before {
		t.Error("the inputs were changed")
	}
	if got := answer.ToRead(in.Items, rules()); len(got) != 1 || got[0].Path != "notes" {
		t.Errorf("to be read: %+v", got)
	}
}

// TestMaskedWords: whatever surrounds a stranger's number or address, it goes; the
// person's own never does, in whichever form.
func TestMaskedWords(t *testing.T) {
	t.Parallel()
	masked := func(words string) string {
		text := contact.Recorded{Fact: &event.Fact{Type: event.ContactChanged, Subject: domain.ID{1}, Time: answertest.At(5), Fields: []string{"notes"}}}
		b, _ := json.Marshal(words)
		text.Fields = []event.Field{{Path: "notes", Value: b}}
		recs := append(answertest.Records(), text)
		in := answer.Inputs{View: contact.Fold(domain.ID{1}, recs, answertest.At(19).Time), Items: contact.Items(recs), Language: answer.EN}
		var s string
		if err := json.Unmarshal(answer.NewAccess(in, rules()).Data.Notes, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	const x = "[withheld: third party]"
	for in, want := range map[string]string{
		"0698765432": x, "+33 6 98 76 54 32.": x + ".", "0033698765432": x, "06-98-76-54-32,": x + ",", "tel:+33698765432": "tel:" + x,
		"+33 (0)6 12 34 56 78": "+33 (0)6 12 34 56 78", "0033612345678": "0033612345678", "ZOE@example.fr": "ZOE@example.fr", "a.b+c@sub.example.co.uk!": x + "!",
		"le 02/03/2026 1015 h": "le 02/03/2026 1015 h", "1200 euros, 2026-03-02": "1200 euros, 2026-03-02", "dossier 123456789012": "dossier 123456789012", "": "",
	} {
		if got := masked(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		around := rapid.StringMatching(`[a-zà-ÿ ,;:!]{0,20}`)
		other := rapid.SampledFrom([]string{answertest.Stranger, answertest.Mobile}).Draw(t, "other")
		got := masked(around.Draw(t, "before") + " " + other + " " + around.Draw(t, "after"))
		if strings.Contains(got, other) || !strings.Contains(got, x) {
			t.Fatalf("%q", got)
		}
	})
}

// TestNothingHeld and somebody who was erased are answers too (art. 12(4), 15(1)).
func TestNothingHeld(t *testing.T) {
	t.Parallel()
	none := func(in *answer.Inputs) { in.View, in.Items = nil, nil }
	wants(t, "nothing held", plain(answer.FR, none), "ne détenons aucune donnée", "CNIL", "tribunal", "Téléphonie", "!Historique", "!zoe@")
	if a := access(answer.FR, none); a.Outcome != answer.Nothing || a.Data != nil {
		t.Errorf("%+v", a.Outcome)
	}
	gone := func(in *answer.Inputs) {
		none(in)
		in.Erasures = []answer.ErasureCertificate{*answertest.Certificate()}
	}
	a := access(answer.FR, gone)
	wants(t, "erased", plain(answer.FR, gone), "ont été effacées", answertest.Certificate().Number.String(), "Facturation", "une obligation légale", "31 décembre 2036", "!aucune donnée à caractère")
	if a.Outcome != answer.Gone {
		t.Errorf("%+v", a.Outcome)
	}
}

// TestRegisterInTheAnswer: activities of purposes that the data serves, and no others,
// with recipients by name and transfers.
func TestRegisterInTheAnswer(t *testing.T) {
	t.Parallel()
	with := func(in *answer.Inputs) {
		in.Processing = []answer.Processing{
			{Name: "Prospection", Codes: []string{"prospecting"}, Purposes: []string{"Lettres d'offres"}, Recipients: []string{"Imprimeur Durand", "CRM"},
				Transfers: []answer.Transfer{{Recipient: "Mailer Inc.", Country: "États-Unis", Guarantee: "scc"}}},
			{Name: "Recrutement", Codes: []string{"recruitment"}, Recipients: []string{"Chasseur"}},
		}
	}
	wants(t, "answer", plain(answer.FR, with), "Lettres d'offres", "Imprimeur Durand", "Mailer Inc.", "États-Unis", "clauses contractuelles types", "!Recrutement", "!Chasseur")
	n := 0
	for _, r := range access(answer.FR, with).Recipients {
		if r.Name.FR == "CRM" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the CRM stands %d times", n)
	}
	wants(t, "without transfers", plain(answer.EN, func(in *answer.Inputs) {
		with(in)
		in.Processing[0].Transfers = nil
	}), "mentions no transfer")
	wants(t, "without a register", plain(answer.FR), "!hors de l'Union")
}

// TestUnprovenConsentSaysSo: what was received without proof is shown and allows nothing.
func TestUnprovenConsentSaysSo(t *testing.T) {
	t.Parallel()
	a := access(answer.FR, func(in *answer.Inputs) {
		for i := range in.Items {
			if in.Items[i].Type == event.ConsentGranted {
				in.Items[i].Codes["evidence"] = []byte(`"unproven"`)
			}
		}
	})
	if len(a.Consents) != 2 || a.Consents[0].Act != "withdrawn" || a.Consents[1].Proven || !strings.Contains(a.Document(glossary()).Plain(), "preuve incomplète") {
		t.Errorf("%+v", a.Consents)
	}
	if c := access(answer.FR).Consents[1]; !c.Proven || c.Text == "" || c.Notice != "formulaire" || c.Version != "3" || c.Gesture != "case cochée" {
		t.Errorf("%+v", c)
	}
}

// TestDaysAreOfTheZone: a document says clocks as people read them.
func TestDaysAreOfTheZone(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	late := func(in *answer.Inputs) {
		in.MadeAt = domain.NewTime(time.Date(2026, 3, 31, 22, 30, 0, 0, time.UTC))
	}
	g := glossary()
	g.Zone = paris
	wants(t, "summer time", access(answer.FR, late).Document(g).Plain(), "1er avril 2026 à 00:30")
	wants(t, "UTC", plain(answer.EN, late), "31 March 2026 at 22:30")
}

// TestEveryCodeHasWords: of the catalogue, of the law and of the policy, in French.
func TestEveryCodeHasWords(t *testing.T) {
	t.Parallel()
	items := []contact.Item{}
	for _, d := range event.Describe() {
		if d.Type != event.AccessRecorded {
			items = append(items, contact.Item{Type: d.Type, ID: domain.ID{1}, Fields: []contact.ItemField{}})
		}
	}
	text := plain(answer.FR, func(in *answer.Inputs) { in.Items = items })
	for _, it := range items {
		wants(t, "the history", text, "!"+string(it.Type))
	}
	for _, p := range policy.Starts() {
		wants(t, "durations", text, "!"+p)
	}
}
