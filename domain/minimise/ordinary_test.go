package minimise_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"greffe/domain/event"
)

// comments makes ordinary comments of a French CRM, the same for the same seed,
// of the words and numbers that such comments are full of.
func comments(seed uint64, n int) []string {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	num := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	phone := func() string {
		d, sep := "0"+pick("1", "2", "4", "6", "7", "9"), pick(" ", ".", "", "-")
		return strings.Join([]string{d, num(2), num(2), num(2), num(2)}, sep)
	}
	date := func() string { return fmt.Sprintf("%02d/%02d/20%02d", 1+r.IntN(28), 1+r.IntN(12), 20+r.IntN(7)) }
	euro := func() string {
		return pick(num(2), num(3), "1 "+num(3), num(2)+" "+num(3)) + pick(" €", "€", " euros", ",90 €", " € HT", " € TTC")
	}
	who := func() string {
		return pick("Le client", "La cliente", "M. Martin", "Mme Durand", "M. Chrétien", "Mme Gay-Lussac", "Le syndic", "Son mari", "La comptable", "Le gérant", "Mme Lesage", "M. Noir", "M. Le Pen-Gall", "Mme Cheval")
	}
	where := func() string {
		return pick("12 rue de l'Église", "4 bis avenue de la République", "place de la Mosquée", "ZA des Hôpitaux Neufs", "résidence du Temple", "quai de la Fosse", "impasse du Cimetière") + ", " + num(5)
	}
	made := []func() string{
		func() string {
			return who() + " souhaite être rappelé" + pick("", "e") + " au " + phone() + " avant le " + date()
		},
		func() string {
			return "Appel " + pick("entrant", "sortant") + " du " + date() + ", " + pick("pas de réponse", "messagerie", "occupé", "numéro invalide")
		},
		func() string {
			return "Commande n° " + num(6+r.IntN(10)) + " " + pick("expédiée", "en retard", "livrée", "annulée") + " le " + date()
		},
		func() string {
			return "Facture FA" + num(4) + "-" + num(6) + " de " + euro() + " " + pick("payée par carte", "réglée par virement", "impayée", "à relancer")
		},
		func() string {
			return "SIRET " + pick("552 081 317 66522", "73282932000074", "380 129 866 46850", "442 395 448 00057") + ", TVA FR" + num(2) + pick("552081317", "732829320")
		},
		func() string {
			return "Devis de " + euro() + " envoyé le " + date() + " pour " + pick("l'isolation", "une cuisine", "un contrat de maintenance", "l'enceinte Bluetooth", "la sono")
		},
		func() string { return who() + " est revenu" + pick("", "e") + " en magasin pour un achat de " + euro() },
		func() string {
			return "Nouvelle adresse : " + where() + " " + pick("Lyon", "Nantes", "Saint-Denis", "Ajaccio 2A")
		},
		func() string {
			return "Échéancier " + pick("3", "4", "10", "12") + " x " + euro() + ", prélèvement le " + pick("5", "10") + " du mois"
		},
		func() string {
			return "Réf article " + num(13) + ", lot " + num(2) + pick("A", "B", "C") + num(5) + ", qté " + num(2)
		},
		func() string {
			return who() + " " + pick("est très satisfait", "se plaint d'un retard", "demande un geste commercial", "conteste la facture", "hésite encore", "compare avec un concurrent", "gagne 10 % de remise fidélité", "touche à tout")
		},
		func() string {
			return "RDV le " + date() + " à " + pick("9h30", "14 h 15", "16:00") + " chez " + where() + ", code portail " + num(4) + pick("A", "B")
		},
		func() string { return "Carte de fidélité n° " + num(10) + ", " + num(3) + " points" },
		func() string { return "Suivi colis 6A" + num(11) + " / " + phone() + " / " + phone() },
		func() string {
			return "Ticket #" + num(7) + " : " + pick("mot de passe invalide", "compte bloqué", "panne du disjoncteur bipolaire", "écran noir", "fuite au raccord")
		},
		func() string {
			return "Effectif " + num(2) + " salariés, CA " + num(3) + " k€, " + pick("centre hospitalier", "syndicat des copropriétaires", "parc immobilier", "mairie")
		},
		func() string {
			return "IMEI " + string(checkDigit([]byte("35"+num(12)))) + ", contrat " + num(9) + ", forfait " + pick("19,99", "29,90") + " € par mois"
		},
		func() string {
			return "Relance " + date() + " puis " + date() + ", puis " + date() + " ; tél " + phone()
		},
	}
	out := make([]string, n)
	for i := range out {
		s := made[r.IntN(len(made))]()
		for range r.IntN(3) {
			s += pick(". ", "\n", " - ", ", ") + made[r.IntN(len(made))]()
		}
		out[i] = s
	}
	return out
}

// TestFalseAlarms measures what the guard takes from comments in which nothing is
// forbidden. What is left are order numbers that check as a card by chance.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	const n = 2000
	alarms, by := 0, map[string]int{}
	for _, s := range comments(42, n) {
		kept, rules := note(t, g, s)
		if rules == "" {
			if kept != s {
				t.Fatalf("%q became %q without a word", s, kept)
			}
			continue
		}
		alarms++
		by[rules]++
		t.Logf("%s: %q -> %q", rules, s, kept)
	}
	t.Logf("%d false alarms in %d comments (%.2f %%): %v", alarms, n, 100*float64(alarms)/n, by)
	if alarms > n/100 {
		t.Errorf("%d false alarms in %d comments, more than one in a hundred", alarms, n)
	}
}

// ordinary is an event as most are: twelve fields, one of them a comment.
func ordinary(t testing.TB) []event.Field {
	return []event.Field{
		{Path: "collection.notice.id", Value: []byte(`"web-form"`)}, {Path: "collection.notice.version", Value: []byte(`"3"`)},
		{Path: "collection.origin", Value: []byte(`"https://www.acme.example/contact"`)}, {Path: "custom.segment", Value: []byte(`"gold"`)},
		{Path: "notes", Value: quoted(t, "La cliente souhaite être rappelée au 06 12 34 56 78 avant le 12/03/2026, devis de 1 250 € envoyé")},
		{Path: "person.birth_date", Value: []byte(`"1988-04-12"`)}, {Path: "person.emails", Value: []byte(`["camille.durand@example.org"]`)},
		{Path: "person.family_name", Value: []byte(`"Durand"`)}, {Path: "person.given_name", Value: []byte(`"Camille"`)},
		{Path: "person.language", Value: []byte(`"fr"`)}, {Path: "person.phones", Value: []byte(`["+33612345678","+33478123456"]`)},
		{Path: "person.postal_address", Value: []byte(`{"city":"Lyon","country":"FR","lines":["12 rue de la République","Bât. B"],"postal_code":"69003"}`)},
	}
}

func TestOrdinaryEventPassesUntouched(t *testing.T) {
	t.Parallel()
	g, in := guardOf(t), ordinary(t)
	kept, warn, hold := g.Apply(in)
	if &kept[0] != &in[0] || len(kept) != len(in) || warn != nil || hold != nil {
		t.Errorf("%d of %d kept, warned %v, held %v", len(kept), len(in), warn, hold)
	}
}

// Not parallel, as it counts the allocations of the whole program.
func TestOrdinaryEventAllocatesNothing(t *testing.T) {
	g, in := guardOf(t), ordinary(t)
	if n := testing.AllocsPerRun(100, func() { g.Apply(in) }); n > 0 {
		t.Errorf("%v allocations for an ordinary event", n)
	}
}

func BenchmarkOrdinaryEvent(b *testing.B) {
	g, in := guardOf(b), ordinary(b)
	b.ReportAllocs()
	for b.Loop() {
		g.Apply(in)
	}
}

func BenchmarkEventWithFindings(b *testing.B) {
	g, in := guardOf(b), ordinary(b)
	in[4].Value = quoted(b, "La cliente a donné sa carte 4111 1111 1111 1111 cvv 123, salaire 2 450 € net")
	b.ReportAllocs()
	for b.Loop() {
		g.Apply(in)
	}
}

func BenchmarkLongComment(b *testing.B) {
	g := guardOf(b)
	in := []event.Field{{Path: "notes", Value: quoted(b, strings.Join(comments(7, 400), "\n"))}}
	b.SetBytes(int64(len(in[0].Value)))
	for b.Loop() {
		g.Apply(in)
	}
}
