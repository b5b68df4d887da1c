package importer

import (
	"slices"
	"testing"
	"time"
)

func TestEmails(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string][]string{
		"a@x.test":                       {"a@x.test"},
		"a@x.test; b@y.test":             {"a@x.test", "b@y.test"},
		"a@x.test,b@y.test / c@z.test":   {"a@x.test", "b@y.test", "c@z.test"},
		"Léa Roy <lea@x.test>":           {"lea@x.test"},
		"mailto:a@x.test\nb@y.test":      {"a@x.test", "b@y.test"},
		"pas d'adresse":                  nil,
		"@x.test":                        nil,
		"a@":                             nil,
		"perso a@x.test (pro: b@y.test)": {"a@x.test", "b@y.test"},
	} {
		got, junk := emails(cell)
		if !slices.Equal(got, want) || junk != (len(want) == 0) {
			t.Errorf("%q: %q, junk %v", cell, got, junk)
		}
	}
}

func TestPhones(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]struct {
		out     []string
		invalid bool
	}{
		"01 99 00 12 34":                  {[]string{"+33199001234"}, false},
		"199001234":                       {[]string{"+33199001234"}, false},
		"+33 (0)1 99 00 12 34":            {[]string{"+33199001234"}, false},
		"0692 12 34 56":                   {[]string{"+262692123456"}, false},
		"+44 20 7946 0958":                {[]string{"+442079460958"}, false},
		"06 12 34":                        {[]string{"06 12 34"}, true},
		"01.99.00.12.34 / 02 61 91 00 01": {[]string{"+33199001234", "+33261910001"}, false},
		"0199001234 ou 0261910001":        {[]string{"+33199001234", "+33261910001"}, false},
		"0199001234 0261910001":           {[]string{"+33199001234", "+33261910001"}, false},
		"néant":                           {nil, true},
	} {
		if got, invalid := phones(cell, "FR"); !slices.Equal(got, want.out) || invalid != want.invalid {
			t.Errorf("%q: %q, invalid %v", cell, got, invalid)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		paris = time.FixedZone("CET", 3600)
	}
	for cell, want := range map[string]string{
		"12/03/2024":                "2024-03-12",
		"1/3/2024":                  "2024-03-01",
		"2024-03-12":                "2024-03-12",
		"12.03.2024":                "2024-03-12",
		"12-03-2024":                "2024-03-12",
		"20240312":                  "2024-03-12",
		"12/03/24":                  "2024-03-12",
		"12/03/45":                  "1945-03-12",
		"12 mars 2024":              "2024-03-12",
		"1er août 2024":             "2024-08-01",
		"12 March 2024":             "2024-03-12",
		"12/03/2024 14:05":          "2024-03-12T13:05:00Z",
		"12/03/2024 à 14h05":        "2024-03-12T13:05:00Z",
		"2024-03-12 14:05:09":       "2024-03-12T13:05:09Z",
		"2024-03-12T14:05:09+02:00": "2024-03-12T12:05:09Z",
		"45363":                     "",
		"13/13/2024":                "",
		"31/02/2024":                "",
		"hier":                      "",
		"12/03/1824":                "",
	} {
		d, ok := parseDate(cell, nil, paris, 2026)
		if ok != (want != "") || ok && d.String() != want {
			t.Errorf("%q: %v %v", cell, d, ok)
		}
	}
	if d, ok := parseDate("03/12/2024", layouts([]string{"mm/dd/yyyy"}), time.UTC, 2026); !ok || d.String() != "2024-03-12" {
		t.Errorf("own form: %v", d)
	}
}

func TestCodesOfCells(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{"Prospects": "prospect", "CLIENT": "client", "Ancien client": "former_client", "Candidature": "candidate", "fournisseur": "supplier_contact", "VIP": ""} {
		if got, _ := kindOf(cell); got != want {
			t.Errorf("%q: %q", cell, got)
		}
	}
	for cell, want := range map[string]answer{"Oui": yes, "X": yes, "0": no, "Désabonné": no, "peut-être": unclear} {
		if got := yesNo(cell); got != want {
			t.Errorf("%q: %d", cell, got)
		}
	}
	for cell, want := range map[string]bool{"732 829 320": true, "73282932000074": true, "732829321": false, "12": false} {
		if _, ok := siren(cell); ok != want {
			t.Errorf("%q: %v", cell, ok)
		}
	}
	for _, c := range [][3]string{{"Jeanne DUPONT", "Jeanne", "DUPONT"}, {"LE GALL Yann", "Yann", "LE GALL"}, {"Léa Roy", "Léa", "Roy"}, {"Cher", "", "Cher"}} {
		if g, f := names(c[0]); g != c[1] || f != c[2] {
			t.Errorf("%q: %q %q", c[0], g, f)
		}
	}
	if postalCode("1000", "") != "01000" || postalCode("1000", "BE") != "1000" || country("La Réunion") != "RE" || language("Français") != "fr" {
		t.Error("postal code, country or language")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"N° client": toSubject, "ID": toSubject, "Référence client": toSubject,
		"NOM": toFamilyName, "Prénom": toGivenName, "Courriel": toEmails, "E-mail 2": toEmails,
		"Tél. portable": toPhones, "téléphone_fixe": toPhones, "Adresse 2": toLine, "CP": toPostalCode,
		"Ville": toCity, "Pays": toCountry, "Société": "company.name", "SIRET": toSiren, "Fonction": "company.role",
		"Créé le": toCollected, "Dernière activité": toActivity, "Remarques": "notes", "Date de naissance": toBirthDate,
		"Opt-in e-mail": toConsent, "Consentement": toConsent, "Date opt-in": toConsentAt, "Accord donné le": toConsentAt,
		"Accepte le démarchage téléphonique": toConsent, "Opt-out SMS": toOpposition, "Ne plus contacter": toOpposition,
		"Bloctel": toOpposition, "Désinscrit le": toOppositionAt, "Nombre d'enfants": "custom.nombre_d_enfants", "!!": "custom.column_1",
	} {
		if got, _ := new(Mapping).target(header, 0); got.path != want {
			t.Errorf("%q: %s", header, got.path)
		}
	}
	got, _ := new(Mapping).target("Opt-out SMS", 0)
	if !slices.Equal(got.channels, []string{"sms"}) || got.scope != "" {
		t.Errorf("channels: %+v", got)
	}
	if got, _ := new(Mapping).target("Ne plus contacter", 0); got.scope != "all" {
		t.Errorf("scope: %+v", got)
	}
	_, cols, err := columnsOf([]string{"id", "statut", "type", "Couleur", "couleur", ""}, new(Mapping))
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{}
	for _, c := range cols {
		paths = append(paths, c.Path)
	}
	if !slices.Equal(paths, []string{"subject", "kind", "custom.type", "custom.couleur", "custom.couleur_2", "custom.column_6"}) {
		t.Errorf("paths: %q", paths)
	}
}
