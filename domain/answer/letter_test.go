package answer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/answer/answertest"
	"greffe/domain/contact"
	"greffe/domain/rights"
)

func writer() contact.ControllerLine {
	return contact.ControllerLine{Name: "ACME SAS", Address: "1 rue de la Paix, 75002 Paris", Email: "contact@acme.example", DPO: "dpo@acme.example"}
}

func everything() (*answer.Request, answer.Facts) {
	r := answertest.Request()
	r.ExtendedTo, r.Complex, r.Extension = answertest.At(11).AddDate(0, 3, 0), "complex", "Trois systèmes sont à interroger."
	r.Grounds, r.Reasons = []string{"art12.5.excessive"}, "Quatrième demande du mois."
	return r, answer.Facts{Now: answertest.At(20).Time, Controller: writer(), Recipients: []string{"CRM"}, Changed: []string{"person.emails"},
		Certificate: answertest.Certificate(), Restricted: answertest.At(5).Time, Opposed: answertest.At(6).Time, Channels: []string{"phone"}}
}

func letter(t *testing.T, m answer.Model, lang answer.Lang) string {
	t.Helper()
	r, f := everything()
	d, err := answer.Letter(m, lang, r, f, glossary())
	if err != nil {
		t.Fatalf("%s: %v", m, err)
	}
	return d.Plain()
}

// TestLettersSayWhatTheLawAsks, in both languages.
func TestLettersSayWhatTheLawAsks(t *testing.T) {
	t.Parallel()
	remedies := []string{"CNIL, 3 place de Fontenoy", "art. 77", "art. 79"}
	for m, want := range map[answer.Model][2][]string{
		answer.Acknowledgement: {{"11 mars 2026", "au plus tard le 11 avril 2026", "Aucun paiement"}, {"11 March 2026", "at the latest on 11 April 2026", "Nothing is to be paid"}},
		answer.IdentityRequest: {{"doute raisonnable", "art. 12(6)", "Ne nous envoyez pas de copie", "sans copie"}, {"reasonable doubt", "art. 12(6)", "do not send a copy"}},
		answer.Extension:       {append(remedies, "art", "la complexité de la demande", "11 juin 2026", "Trois systèmes"), append(remedies, "complexity", "11 June 2026", "Trois systèmes")},
		answer.Refusal:         {append(remedies, "excessive", "Quatrième demande", "art. 12(5)"), append(remedies, "excessive", "Quatrième demande")},
		answer.NothingHeld:     {append(remedies, "aucune donnée à caractère personnel", "Téléphonie"), append(remedies, "no personal data")},
		answer.AccessCover:     {append(remedies, "copie complète", "Commandes : aucune donnée"), append(remedies, "whole copy")},
		answer.PortableCover:   {append(remedies, "JSON ou CSV"), append(remedies, "JSON or CSV")},
		answer.Rectified:       {{"Adresses électroniques", "art. 19", "CRM"}, {"E-mail addresses", "art. 19", "CRM"}},
		answer.Erased: {append(remedies, answertest.Certificate().Number.String(), "Identité : effacé", "Facturation : conservé jusqu'au 31 décembre 2036", "art. 17(3)(b)", "Contrats : conservé tant que"),
			append(remedies, "Identity: erased", "Billing: kept until 31 December 2036")},
		answer.Restricted: {{"5 mars 2026", "art. 18(2)", "averti avant", "art. 18(3)"}, {"5 March 2026", "told before"}},
		answer.Lifting:    {append(remedies, "sera levée le 3 avril 2026", "avant cette date"), append(remedies, "lifted on 3 April 2026")},
		answer.Objected:   {{"en vigueur depuis le 6 mars 2026", "Téléphone", "aucun motif"}, {"in force since 6 March 2026", "Phone", "no reason"}},
		answer.Withdrawn:  {{"retiré depuis le 6 mars 2026", "reste licite"}, {"withdrawn since 6 March 2026", "stays lawful"}},
	} {
		for i, lang := range answer.Langs() {
			text := letter(t, m, lang)
			wants(t, string(m)+" "+string(lang), text, append(want[i], "ACME SAS", "dpo@acme.example", "Zoé Łukasiewicz", "69003 Lyon", answertest.Request().ID.String())...)
		}
	}
}

// TestEveryModelIsWritten, and in two languages that differ.
func TestEveryModelIsWritten(t *testing.T) {
	t.Parallel()
	for _, m := range answer.Models() {
		fr, en := letter(t, m, answer.FR), letter(t, m, answer.EN)
		wants(t, string(m), fr, "Madame, Monsieur,", "Objet : ", "!Dear Sir", "!{", "!%!")
		wants(t, string(m), en, "Dear Sir or Madam,", "Subject: ", "!Madame, Monsieur,", "!Veuillez", "!%!")
	}
	for _, l := range rights.Letters() { // those that are not the answer itself
		if l == rights.LetterAnswer || l == rights.LetterOther {
			continue
		}
		letter(t, answer.Model(l), answer.FR)
	}
}

// TestNoLetterStatesWhatDidNotHappen.
func TestNoLetterStatesWhatDidNotHappen(t *testing.T) {
	t.Parallel()
	for m, what := range map[answer.Model]string{answer.Extension: "extension", answer.Refusal: "grounds", answer.Rectified: "rectification", answer.Erased: "certificate",
		answer.Restricted: "restriction", answer.Lifting: "restriction", answer.Objected: "opposition", answer.Withdrawn: "opposition", "other": "model"} {
		d, err := answer.Letter(m, answer.FR, answertest.Request(), answer.Facts{Now: answertest.At(20).Time, Controller: writer()}, glossary())
		var missing *answer.MissingError
		if d != nil || !errors.As(err, &missing) || missing.What != what || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", m, err)
		}
	}
}

// TestEveryGroundOfARefusalHasWords, and of every right.
func TestEveryGroundOfARefusalHasWords(t *testing.T) {
	t.Parallel()
	r, f := everything()
	words := glossary()
	for _, lang := range answer.Langs() {
		for _, g := range rights.Grounds() {
			r.Grounds = []string{string(g)}
			d, err := answer.Letter(answer.Refusal, lang, r, f, words)
			if err != nil {
				t.Fatal(err)
			}
			wants(t, string(g), d.Plain(), "!- "+string(g))
		}
		for _, right := range rights.Rights() {
			r.Right = string(right)
			d, err := answer.Letter(answer.Acknowledgement, lang, r, f, words)
			if err != nil {
				t.Fatal(err)
			}
			wants(t, string(right), d.Plain(), map[answer.Lang]string{answer.FR: "Vous avez exercé votre droit", answer.EN: "You have used your right"}[lang])
		}
	}
}

// TestOfARequest: what the file says is what the letters say.
func TestOfARequest(t *testing.T) {
	t.Parallel()
	q := &rights.Request{Right: rights.Access, Received: answertest.At(1).Time, FirstDue: answertest.At(20).Time, Requester: rights.Proxy,
		Person:   rights.Person{Name: "Zoé", Agent: "Maître Y", Address: "3 rue X\n\n 69003 Lyon "},
		Identity: &rights.Identity{On: answertest.At(3).Time}, Extension: &rights.Extension{Ground: rights.Numerous, Reasons: "Beaucoup.", Until: answertest.At(30).Time},
		Refusal: &rights.Refusal{Grounds: []rights.Ground{"art12.6"}, Reasons: "Doute."},
		Tasks:   []rights.Task{{System: "crm"}, {Title: "Téléphonie", Finding: rights.Found, Done: answertest.At(5).Time, File: &rights.File{Name: "a.zip"}}}}
	q.Case = domain.ID{3}
	r := answer.Of(q, func(code string) string { return "le " + code })
	if r.ID != q.Case || r.Due != q.FirstDue || strings.Join(r.Address, "|") != "3 rue X|69003 Lyon" || r.Agent != "Maître Y" || r.Verified.IsZero() || r.ExtendedTo.IsZero() ||
		r.Complex != "numerous" || r.Grounds[0] != "art12.6" || r.Reasons != "Doute." || len(r.Tasks) != 2 || r.Tasks[0].System != "le crm" || r.Tasks[0].Outcome != "pending" ||
		r.Tasks[1].Outcome != "found" || r.Tasks[1].File != "a.zip" || r.Tasks[1].At.IsZero() {
		t.Errorf("%+v", r)
	}
	q.Person = rights.Person{Email: "z@example.fr"}
	if r = answer.Of(q, func(s string) string { return s }); len(r.Address) != 1 || r.Address[0] != "z@example.fr" {
		t.Errorf("%+v", r.Address)
	}
	v := contact.Fold(domain.ID{1}, answertest.Records(), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	r.Name, r.Address = "", nil
	if r.Complete(v); !strings.HasSuffix(r.Name, "Łukasiewicz") || strings.Join(r.Address, "|") != "3 rue des Lilas|69003 Lyon" {
		t.Errorf("%q %q", r.Name, r.Address)
	}
}
