package minimise_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/deploy"
	"greffe/domain/event"
	"greffe/domain/minimise"
	"greffe/domain/policy"
)

// guardOf builds a guard on the shipped policy, with parts of its text replaced.
func guardOf(t testing.TB, replace ...string) *minimise.Guard {
	t.Helper()
	text := string(deploy.Policy())
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("the shipped policy does not hold the text to replace, number %d", i/2)
		}
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return minimise.New(p)
}

const customField = "  custom.segment: {class: commercial, kind: code}\n"

func quoted(t rapid.TB, s string) []byte {
	t.Helper()
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// one runs a single field through g: its kept value or "", and the rules.
func one(t rapid.TB, g *minimise.Guard, path string, value []byte) (kept string, rules []string) {
	t.Helper()
	out, warn, hold := g.Apply([]event.Field{{Path: path, Value: value}})
	if len(out) > 1 {
		t.Fatalf("one field became %d", len(out))
	}
	if len(out) == 1 {
		kept = string(out[0].Value)
	}
	for _, w := range append(warn, hold...) {
		rules = append(rules, w.Rule)
	}
	return kept, rules
}

// note runs a text through notes.
func note(t rapid.TB, g *minimise.Guard, s string) (kept, rules string) {
	t.Helper()
	v, r := one(t, g, "notes", quoted(t, s))
	if v != "" {
		b, err := jsontext.AppendUnquote(nil, []byte(v))
		if err != nil {
			t.Fatalf("what is kept is no JSON string: %v", err)
		}
		v = string(b)
	}
	return v, strings.Join(r, " ")
}

// numbers are texts with what is left of them. The NIRs are those of published
// examples, the cards those that schemes give for tests.
var numbers = []struct{ name, in, want, rules string }{
	{"nir that checks as a card", "NIR 341029900000149 fin", "NIR *** fin", "nir"},
	{"as both, card spoken", "carte 341029900000149", "carte ****0149", "card"},
	{"as both, unspoken", "réf 341029900000149", "réf ***", "nir"},
	{"nir whole", "NIR 255081416802538 ok", "NIR *** ok", "nir"},
	{"nir foreign birth", "295109912611193", "***", "nir"},
	{"nir Corsica", "186022A21532523", "***", "nir"},
	{"nir Corsica lower case", "186022a21532523", "***", "nir"},
	{"nir Corsica spaced", "n° 1 86 02 2A 215 325 23.", "n° ***.", "nir"},
	{"nir spaced", "1 86 02 2A 215 325 23 / 2 55 08 14 168 025 38", "*** / ***", "nir nir"},
	{"nir dotted", "2.55.08.14.168.025.38", "***", "nir"},
	{"nir dashed key", "2550814168025-38", "***", "nir"},
	{"nir NBSP", "2\u00a055\u202f08\u00a014\u2009168 025 38", "***", "nir"},
	{"nir zero width", "2550\u200b8141\u200d6802538", "***", "nir"},
	{"nir full width", "２５５０８１４１６８０２５３８", "***", "nir"},
	{"nir Arabic digits", "٢٥٥٠٨١٤١٦٨٠٢٥٣٨", "***", "nir"},
	{"nir no key, spoken", "sécu: 2550814168025", "sécu: ***", "nir"},
	{"nir no key, unspoken", "réf 2550814168025", "réf 2550814168025", ""},
	{"nir wrong key", "255081416802539", "255081416802539", ""},
	{"nir longer number", "92550814168025381", "92550814168025381", ""},
	{"visa", "carte 4111 1111 1111 1111 merci", "carte ****1111 merci", "card"},
	{"visa run", "4111111111111111", "****1111", "card"},
	{"visa dashes", "4111-1111-1111-1111", "****1111", "card"},
	{"visa slashes", "4111/1111/1111/1111", "****1111", "card"},
	{"visa by twos", "41 11 11 11 11 11 11 11", "****1111", "card"},
	{"visa behind numbers", "12 rue, 4111 1111 1111 1111 12/27", "12 rue, ****1111 12/27", "card"},
	{"visa superscript", "⁴¹¹¹ ¹¹¹¹ ¹¹¹¹ ¹¹¹¹", "****1111", "card"},
	{"visa soft hyphen", "4111\u00ad1111\u00ad1111\u00ad1111", "****1111", "card"},
	{"mastercard", "5555 5555 5555 4444", "****4444", "card"},
	{"mastercard 2-series", "2223003122003222", "****3222", "card"},
	{"amex", "3782 822463 10005", "****0005", "card"},
	{"diners", "3056 9309 0259 04", "****5904", "card"},
	{"jcb", "3530111333300000", "****0000", "card"},
	{"not Luhn", "4111 1111 1111 1112", "4111 1111 1111 1112", ""},
	{"no issuer", "9999 9999 9999 9995", "9999 9999 9999 9995", ""},
	{"two cards", "4111111111111111 et 5555555555554444", "****1111 et ****4444", "card card"},
	{"iban", "FR76 3000 6000 0112 3456 7890 189 svp", "*** svp", "iban"},
	{"iban lower case", "fr1420041010050500013m02606", "***", "iban"},
	{"iban German", "DE89370400440532013000", "***", "iban"},
	{"iban Dutch", "NL91 ABNA 0417 1643 00", "***", "iban"},
	{"iban dots", "BE68.5390.0754.7034", "***", "iban"},
	{"iban bad check", "FR76 3000 6000 0112 3456 7890 188", "FR76 3000 6000 0112 3456 7890 188", ""},
	{"cvv", "CVV : 123", "CVV : ***", "cvv"},
	{"cvv glued", "cvv123", "cvv***", "cvv"},
	{"cvc2", "CVC2 987", "CVC2 ***", "cvv"},
	{"cryptogramme", "le cryptogramme visuel est le 123", "le cryptogramme visuel est le ***", "cvv"},
	{"cvv before", "123 (cvv)", "*** (cvv)", "cvv"},
	{"card and cvv", "4111 1111 1111 1111, exp 12/27, cvv 123", "****1111, exp 12/27, cvv ***", "card cvv"},
	{"cvv without number", "cvv refusé, rappeler au 06 12 34 56 78", "cvv refusé, rappeler au 06 12 34 56 78", ""},
}

func TestNumbersInText(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	for _, c := range numbers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, rules := note(t, g, c.in)
			if got != c.want || dedupe(rules) != dedupe(c.rules) {
				t.Errorf("kept %q with %q, want %q with %q", got, rules, c.want, c.rules)
			}
		})
	}
}

// dedupe, as one field is told of a rule once.
func dedupe(rules string) string {
	var out []string
	for r := range strings.FieldsSeq(rules) {
		if len(out) == 0 || out[len(out)-1] != r {
			out = append(out, r)
		}
	}
	return strings.Join(out, " ")
}

func TestOrdinaryNumbersStand(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	for _, s := range []string{
		"tél 06 12 34 56 78", "+33 6 12 34 56 78 ou +33 1 44 55 66 77", "0612345678 / 0698765432", "06.12.34.56.78 - 07.12.34.56.78",
		"appelé le 12/03/2024 06 12 34 56 78", "SIREN 732 829 320", "SIRET 732 829 320 00074", "SIRET 38012986646850", "siret 36252187900034",
		"EAN 4006381333931", "EAN 5901234123457", "gencode 4 006381 333931", "facture FA-2026-000123456789", "commande n° 1000000000000008",
		"2026-03-02T09:14:07.123456Z", "colis 6A12345678901", "TVA FR40303265045", "IMEI 356938035643809", "réf 20260302091407123",
		"01890a5d-ac96-774b-bcce-b302099a8057", "CP 69003, 42000, 13001, 75011, 59000", "lot 12B 69003 1234567890",
		"TVA FR09732829320 - RDV le 04/04/2024 à 14 h 15 chez Durand", "TVA FR09732829320 RDV le 04 04 2024 a midi", // 27 signs that check, but no French account
		"article 4574836650713", "payé par carte, article 4007431083592", "IMEI 351284483038142",
		"Suivi colis 6A67862918677 / 06.32.15.77.76 / 09.94.45.90.04", "carte de fidélité 123, EAN 4006381333931",
		"3 x 450 €, 12 mois, 24 mois, 36 mois", "contrat 4111 1111", "n° client 123456789012", "fax 01 23 45 67 89 tél 01 23 45 67 80",
	} {
		if got, rules := note(t, g, s); got != s || rules != "" {
			t.Errorf("%q became %q by %q", s, got, rules)
		}
	}
}

func TestIncome(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	for in, want := range map[string]string{
		"salaire 2 450 € net":                        "salaire [tranche C] net",
		"salaire: 2450,50 euros par mois":            "salaire: [tranche C] par mois",
		"gagne 45 k€ par an":                         "gagne [tranche D] par an",
		"gagne 45k€":                                 "gagne [tranche D]",
		"salaire brut annuel 38.000 EUR":             "salaire brut annuel [tranche C]",
		"touche 1200 net":                            "touche [tranche A] net",
		"ses revenus sont de 150000 € annuels":       "ses revenus sont de [tranche F] annuels",
		"2 500 € de salaire":                         "[tranche C] de salaire",
		"salary € 5200 a month":                      "salary [tranche E] a month",
		"salaire 2 000 €, loyer 800 €":               "salaire [tranche B], loyer 800 €",
		"salaire 2024 : 35000 €":                     "salaire 2024 : [tranche C]",
		"gagne 20 % de remise":                       "gagne 20 % de remise",
		"gagne 50 € de bon d'achat":                  "gagne 50 € de bon d'achat",
		"est revenu pour un achat de 450 €":          "est revenu pour un achat de 450 €",
		"facture de 2 450 € payée":                   "facture de 2 450 € payée",
		"budget 15 000 € pour la cuisine, salariée ": "budget 15 000 € pour la cuisine, salariée ",
	} {
		if got, rules := note(t, g, in); got != want || (rules == "income") != (got != in) {
			t.Errorf("%q became %q by %q, want %q", in, got, rules, want)
		}
	}
}

func TestForbiddenWords(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	for rule, texts := range map[string][]string{
		"special_category": {
			"Cliente DIABÉTIQUE, rappeler", "sa femme est atteinte d'un cancer", "en arrêt-maladie jusqu'à mai", "handicapé à 80 %",
			"e\u0301pileptique", "c\u200bancer", "ｃａｎｃｅｒ", "est à l'hôpital", "elle est enceinte", "he is diabetic", "sclérose en plaques",
			"de confession musulmane", "famille juive", "témoins de Jéhovah", "militant politique", "vote à gauche", "délégué syndical CGT",
			"d'origine maghrébine", "couple homosexuel", "est gay", "empreintes digitales", "a fait de la prison, casier judiciaire",
			"sorti de prison", "il est fiché S", "a fait un AVC", "opinions politiques marquées", "problèmes cardiaques", "cœur malade",
		},
		"abusive": {
			"gros con", "CONNARD", "quel con !", "client débile", "elle est hystérique", "vieille folle", "sale menteur", "asshole", "c'est un escroc",
		},
	} {
		for _, s := range texts {
			if got, rules := note(t, g, s); got != "" || rules != rule {
				t.Errorf("%q kept as %q with %q, want it dropped by %s", s, got, rules, rule)
			}
		}
	}
	for _, s := range []string{
		"syndic de copropriété", "le syndicat des copropriétaires", "12 rue de l'Église", "numéro invalide", "adresse invalide", "enceinte Bluetooth",
		"centre hospitalier de Lyon", "retard de livraison", "salopette taille 4", "disjoncteur bipolaire", "porte de droite", "conseil municipal",
		"conduite à tenir", "contact en mai", "Emirats arabes unis", "peu orthodoxe", "mal adressé", "chaussures homme noir", "gilet jaune fluo",
		"assurance maladie de Paris", "vin rouge", "à l'aveugle", "un gros conteneur", "trop content", "petit conseil", "la fiche s'affiche", "fermé depuis le covid", "livraison avc retard", "gène technique", "Mme Lagay", "prisonnier de son contrat", "roue voilée",
	} {
		if got, rules := note(t, g, s); got != s || rules != "" {
			t.Errorf("%q became %q by %q", s, got, rules)
		}
	}
}

func TestWordsHoldOnlyInFreeText(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	for _, path := range []string{"person.family_name", "company.name", "consent.notice.text", "request.message", "interaction.campaign"} {
		v := quoted(t, "Juif, cancer, connard")
		if kept, rules := one(t, g, path, v); kept != string(v) || rules != nil {
			t.Errorf("%s: kept %q with %v", path, kept, rules)
		}
	}
	for _, path := range []string{"notes", "recruitment.note", "upstream.reason", "access.detail"} {
		if kept, rules := one(t, g, path, quoted(t, "cancer")); kept != "" || cmp.Diff(rules, []string{"special_category"}) != "" {
			t.Errorf("%s: kept %q with %v", path, kept, rules)
		}
	}
}

func TestNumbersHoldInEveryField(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	g := minimise.New(p)
	for _, f := range p.Fields() {
		path := strings.Replace(f.Path, "*", "name", 1)
		if _, rules := one(t, g, path, []byte(`"4111111111111111"`)); cmp.Diff(rules, []string{"card"}) != "" {
			t.Errorf("%s: a card gave %v", path, rules)
		}
		_, rules := one(t, g, path, []byte(`"FR7630006000011234567890189"`))
		if got := len(rules) == 0; got != f.Allows(policy.RuleIBAN) {
			t.Errorf("%s: an IBAN gave %v", path, rules)
		}
	}
}
