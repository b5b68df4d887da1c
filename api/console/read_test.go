package console

import (
	"slices"
	"testing"
)

// TestReading: what the API writes for machines is shown as people read it: composed codes
// by their parts' names, addresses and persons in their order, months and archives in
// words; what has no such name stays as it is written.
func TestReading(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]map[[2]string]string{
		"fr": {{"country", "FR"}: "France", {"country", "ZZ"}: "ZZ", {"epochs", "billing/2023"}: "Factures 2023", {"epochs", "zqnone/2023"}: "zqnone/2023",
			{"rule", "billing.selling.active"}: "Factures · L’offre · Base active", {"rules", "billing.selling.active.2"}: "Factures · L’offre · Base active (2)",
			{"rule", "phone.no_consent.x"}: "phone.no_consent.x"},
		"en": {{"country", "DE"}: "Germany", {"rule", "billing.selling.active"}: "Invoices · The offer · Active base"},
	} {
		w, err := readWords(lang)
		if err != nil {
			t.Fatal(err)
		}
		w.terms = map[string][]Term{"class": {{"billing", "Factures", "Invoices"}}, "purpose": {{"selling", "L'offre", "The offer"}}}
		for in, text := range want {
			if got := w.textCell(in[0], in[1]); got.Text != text {
				t.Errorf("%s: %s %s is shown as %q, want %q", lang, in[0], in[1], got.Text, text)
			}
		}
	}
	fr, _ := readWords("fr")
	if got, as := fr.month("2026-02"), fr.month("later"); got != "févr. 2026" || as != "later" {
		t.Errorf("months are %q and %q", got, as)
	}
	v, err := parse([]byte(`{"emails":["a@b.test"],"family_name":"B","given_name":"A","postal_address":{"city":"Nice","country":"FR","lines":["1 rue"],"postal_code":"06000"},
		"notes":{"archived":true,"since":"2026-11-23T08:00:00Z"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var names, labels []string
	for _, p := range fr.pairsIn("person", v) {
		names = append(names, p.Name)
		for _, f := range p.Value.Fields {
			labels = append(labels, f.Label+" "+f.Value.flat())
		}
		if p.Name == "notes" && p.Value.Text != "en archivage intermédiaire depuis le 23 novembre 2026 à 09:00" {
			t.Errorf("an archived value is shown as %q", p.Value.Text)
		}
	}
	if want := []string{"given_name", "family_name", "emails", "postal_address", "notes"}; !slices.Equal(names, want) {
		t.Errorf("a person is read as %v", names)
	}
	if want := []string{"Voie 1 rue", "Code postal 06000", "Ville Nice", "Pays France"}; !slices.Equal(labels, want) {
		t.Errorf("an address is read as %v", labels)
	}
}
