package answer_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/answer/answertest"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/policy"
	"greffe/domain/rights"
)

// codesOfSteps are the codes that the ledger and the desk of requests write about a
// person, with every value that a list knows.
func codesOfSteps() map[event.Type]map[string][]string {
	return map[event.Type]map[string][]string{
		event.RequestReceived: {"right": codes(rights.Rights()), "channel": rights.Channels(), "requester": codes(rights.Requesters()), "origin": {"desk", "form", "file"},
			"ground": codes(rights.HeirGrounds()), "effective": {"true"}, "language": {"fr", "en"}},
		event.RequestVerified: {"means": codes(rights.AllMeans()), "standing": codes(rights.Standings()), "on": {"2026-03-02T10:00:00Z"}},
		event.RequestExtended: {"grounds": codes(rights.ExtensionGrounds()), "until": {"2026-03-02T10:00:00Z"}},
		event.RequestTasked:   {"system": {"mailing"}, "due": {"2026-03-02T10:00:00Z"}},
		event.RequestSearched: {"finding": {"found", "nothing_held", "not_applicable"}},
		event.RequestNoted:    {"kind": append(codes(rights.NoteKinds()), "attachment"), "media": {"PDF"}, "bytes": {"12"}},
		event.RequestAnswered: {"outcome": codes(rights.Outcomes()), "grounds": grounds(), "remedies": codes(rights.Remedies()), "answer_digest": {"ABC"}, "answer_format": {"PDF"}},
		event.RequestRefused:  {"grounds": grounds(), "remedies": codes(rights.Remedies())}, event.RequestWithdrawn: {"channel": rights.Channels()},
		event.RequestDispatched: {"of": codes(rights.Letters()), "by": rights.Dispatches(), "sent_at": {"2026-03-02T10:00:00Z"}},
		event.HoldPlaced:        {"reason": {"litigation", "inspection", "audit", "other"}, "review_at": {"2026-03-02T10:00:00Z"}},
		event.OppositionLifted:  {"reason": opposition.LiftReasons()}, event.ConsentExpired: {"granted_at": {"2026-03-02T10:00:00Z"}},
		event.ConsentGranted:    {"lacks": {"act", "notice", "method", "unticked_box", "channels"}, "evidence": {"proven", "unproven"}},
		event.RetentionArchived: {"classes": policy.ClassCodes(), "epochs": {"evidence/2023"}, "rule": {"commercial.prospecting.active"}, "automatic": {"true"}, "due_at": {"2026-03-02T10:00:00Z"}},
		event.RetentionAsked:    {"rules": {"contract.contract.archive"}, "purpose": {"prospecting"}, "until": {"2026-03-02T10:00:00Z"}},
		event.SubjectErased: {"stores": {"vault", "crm"}, "recipients": {"crm"}, "kept": {"billing"}, "kept_grounds": {"art17.3.b"}, "kept_until": {"2026-03-02T10:00:00Z"}, "whole": {"true"},
			"checked_at": {"2026-03-02T10:00:00Z"}, "judged": {"12"}, "restored": {"true"}},
		event.PartRedacted: {"class": {"notes"}},
	}
}

func codes[T ~string](all []T) (out []string) {
	for _, x := range all {
		out = append(out, string(x))
	}
	return out
}

func grounds() (out []string) {
	for _, r := range rights.Rights() {
		out = append(out, codes(rights.GroundsOf(r))...)
	}
	return out
}

// everyCode are the codes of steps and those that upstreams send.
func everyCode() map[event.Type]map[string][]string {
	all := codesOfSteps()
	for _, d := range event.Describe() {
		if d.Type == event.AccessRecorded {
			continue
		}
		if all[d.Type] == nil {
			all[d.Type] = map[string][]string{}
		}
		for _, f := range d.Fields {
			if !f.Sealed && f.Form != "contact fields" && f.Form != "field paths" && f.Form != "contact" {
				all[d.Type][f.Path] = append(all[d.Type][f.Path], f.Values...)
			}
		}
	}
	return all
}

// lastCell is the content of the last row of the history of one item.
func lastCell(t *testing.T, lang answer.Lang, it contact.Item) string {
	t.Helper()
	for _, s := range access(lang, func(in *answer.Inputs) { in.Items = []contact.Item{it} }).Document(glossary()).Sections {
		if s.ID == "historique" {
			return s.Blocks[0].Table.Rows[0][2]
		}
	}
	t.Fatal("no history")
	return ""
}

// TestNoRawCodeInTheHistory: each code that a fact about a person can hold is words, in
// either language, and so is each value of it.
func TestNoRawCodeInTheHistory(t *testing.T) {
	t.Parallel()
	same := []string{"SMS", "rectification", "synchronisation", "prospect", "service", "client", "note", "audit", "portal", "destruction", "call", "reply", "click", "visit", "login", "order", "bounce", "complaint", "busy", "refused",
		"interested", "delivered", "bounced", "voicemail", "sold", "phone", "paper", "import", "partner", "other", "sale", "purchase", "post", "granted", "withdrawn", "mandate", "death"}
	for typ, names := range everyCode() {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			for _, value := range append(names[name], "x") {
				for lang, colon := range map[answer.Lang]string{answer.FR: " : ", answer.EN: ": "} {
					said := lastCell(t, lang, contact.Item{Type: typ, Codes: contact.Values{name: []byte(`"` + value + `"`)}})
					label, words, _ := strings.Cut(said, colon)
					if label == name || strings.ContainsAny(label, "_.") && !strings.HasSuffix(label, "no.") || label == "" {
						t.Errorf("%s: the code %s has no words: %q", lang, name, said)
					}
					raw := words == value && (lang == answer.FR || strings.ContainsAny(value, "_/.")) && !slices.Contains(same, value)
					if value != "x" && value != "true" && value != "12" && value != strings.ToUpper(value) && (raw || words == "") {
						t.Errorf("%s: %s of %s is raw: %q", lang, value, name, said)
					}
				}
			}
		}
	}
}

// TestSealedFieldsHaveWords: those that the desk and the ledger seal, and what upstreams
// send.
func TestSealedFieldsHaveWords(t *testing.T) {
	t.Parallel()
	paths := []string{rights.FieldMessage, rights.FieldPerson, rights.FieldWords, rights.FieldFile, rights.FieldTitle, opposition.FieldList, opposition.FieldDetail, opposition.FieldEmail,
		opposition.FieldPhone, "hold.detail", "hold.reference", "erasure.reason", "retention.generalised"}
	for _, d := range event.Describe() {
		noun, _, _ := strings.Cut(string(d.Type), ".")
		for _, f := range d.Fields {
			if _, known := rules().Field(noun + "." + f.Path); f.Sealed && known && noun != "access" {
				paths = append(paths, noun+"."+f.Path)
			}
		}
	}
	for _, path := range paths {
		if said := lastCell(t, answer.FR, contact.Item{Fields: []contact.ItemField{{Path: path, Value: []byte(`"x"`)}}}); strings.Contains(said, path) || strings.ContainsAny(said, "_(") {
			t.Errorf("%s has no words: %q", path, said)
		}
	}
}

// TestHistoryForAPerson: no account, no id of the ledger's own, years and rules in words,
// amounts in euros, a file by its name, and the oldest first.
func TestHistoryForAPerson(t *testing.T) {
	t.Parallel()
	account, run := domain.ID{0x66, 6: 0x70, 8: 0x80}.String(), domain.ID{0x67, 6: 0x70, 8: 0x80}.String()
	items := func(in *answer.Inputs) {
		in.Items = []contact.Item{
			{Position: 1, Type: event.RequestAssigned, Time: answertest.At(28), Codes: contact.Values{"assignee": quoted(account), "reviewer": quoted(account), "owner": quoted(account), "by": quoted(account)}},
			{Position: 2, Type: event.RetentionArchived, Time: answertest.At(2), Codes: contact.Values{"run": quoted(run), "epochs": []byte(`["evidence/2023"]`), "rule": quoted("commercial.prospecting.active")}},
			{Position: 3, Type: event.InvoiceIssued, Time: answertest.At(1), Fields: []contact.ItemField{{Path: "invoice.amount_cents", Value: []byte("123456789")}, {Path: "contract.amount_cents", Value: []byte("-5")},
				{Path: "request.file", Value: []byte(`{"name":"lettre.pdf","media":"application/pdf","data":"UERG"}`)}}},
		}
	}
	wants(t, "history", plain(answer.FR, items), "!"+account, "!"+run, "!assignee", "Preuves de consentement et d'information (2023)", "base active", "!commercial.", "1\u202f234\u202f567,89\u00a0€", "-0,05\u00a0€", "lettre.pdf", "!UERG", "!centimes")
	wants(t, "history", plain(answer.EN, items), "€1,234,567.89", "!"+account)
	wants(t, "json", machine(t, access(answer.FR, items)), "!"+account)
	h := access(answer.FR, items).History
	if h[0].Position != 3 || h[2].Position != 1 {
		t.Errorf("%v, %v", h[0].Position, h[2].Position)
	}
	wants(t, "sources", plain(answer.FR), "art. 5(2), 7(1), 12 à 22", "!(m)", "!12 to 22", "Code civil, art. 2224")
	wants(t, "sources", plain(answer.EN), "12 to 22", "!(m)")
}

func quoted(s string) []byte { return []byte(`"` + s + `"`) }
