package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const crmHeader = "Réf. client;Civilité;Nom;Prénom;E-mail;Tél. fixe;Tél. portable;Adresse;Code postal;Ville;Pays;Société;SIREN;Fonction;Statut;Date de création;Dernière activité;Date de naissance;Opt-in e-mail;Opt-out SMS;Ne plus appeler;Origine;Langue;Commentaires"

// crmRow is one line of the export.
type crmRow struct {
	person
	status, fixed, mobile, country     string
	created, active, born              string
	optin, optout, stop, origin, notes string
}

// contactsCSV is the CRM's export. README.md counts the mess in it.
func contactsCSV(seed uint64, n int) []byte {
	var out bytes.Buffer
	out.Write(ansi(crmHeader + "\r\n"))
	var before crmRow
	for i := range n {
		d := newDice(seed, uint64(i)<<8|2)
		r := rowOf(d, personOf(seed, i))
		share(d, i, &r, before)
		line := r.String() + "\r\n"
		if i%97 == 13 { // lines that came from another tool
			out.WriteString(line)
		} else {
			out.Write(ansi(line))
		}
		before = r
	}
	return out.Bytes()
}

// ansi is Windows-1252; what it lacks becomes "?", as exports do it.
func ansi(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, c := range s {
		b, ok := charmap.Windows1252.EncodeRune(c)
		if !ok {
			b = '?'
		}
		out = append(out, b)
	}
	return out
}

func rowOf(d dice, p person) crmRow {
	r := crmRow{person: p, country: d.of(list("France|France|FR||FRANCE")), origin: d.of(list("Salon de l'habitat|Site web|Parrainage|Achat fichier 2019|Téléphone|"))}
	r.status = d.of(list("Prospect|Prospect|prospect|Client|Client|CLIENT|Ancien client|Inactif|Candidat|Fournisseur|VIP|"))
	r.created = day(d, p.created)
	if d.in(20) {
		r.created = ""
	}
	if d.in(70) {
		r.active = day(d, d.between(p.created, end))
	}
	if d.in(40) {
		r.born = day(d, p.birth)
	}
	r.phones(d)
	switch k := d.IntN(100); {
	case k < 30:
		r.optin = d.of(list("Oui|oui|1|X|OUI"))
	case k < 45:
		r.optin = d.of(list("Non|0|non"))
	case k < 47:
		r.optin = "à vérifier"
	}
	if d.in(9) {
		r.optout = d.of(list("1|X|STOP|" + day(d, d.between(p.created, end))))
	}
	if d.in(5) {
		r.stop = "Oui"
	}
	r.note(d)
	r.blank(d)
	return r
}

// day writes a date in one of the forms that years of migrations left.
func day(d dice, t time.Time) string {
	switch k := d.IntN(100); {
	case k < 70:
		return t.Format("02/01/2006")
	case k < 80:
		return t.Format("2006-01-02")
	case k < 86:
		return t.Format("02/01/2006 15:04")
	case k < 92:
		return t.Format("02/01/06")
	case k < 96:
		return t.Format("02-01-2006")
	case k < 98:
		return fmt.Sprint(int(t.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24)) // a spreadsheet's number of days
	}
	return "00/00/0000"
}

func (r *crmRow) phones(d dice) {
	written := func(n string) string {
		switch d.IntN(6) {
		case 0:
			return n
		case 1:
			return spaced(n, 2, 2, 2, 2)
		case 2:
			return strings.ReplaceAll(spaced(n, 2, 2, 2, 2), " ", ".")
		case 3:
			return "+33 " + spaced(n[1:], 1, 2, 2, 2)
		case 4:
			return n[1:] // the zero that a spreadsheet took
		}
		return "+33 (0)" + n[1:]
	}
	if strings.HasPrefix(r.phone, "06") {
		r.mobile = written(r.phone)
	} else {
		r.fixed = written(r.phone)
	}
	switch k := d.IntN(100); {
	case k < 3:
		r.mobile = fmt.Sprintf("0692 00 00 %02d", d.IntN(100))
	case k < 5:
		r.mobile = fmt.Sprintf("+262 692 00 00 %02d", d.IntN(100))
	case k < 8:
		r.mobile = d.of(list("06 12 34|06|néant|???|0600000000000|inconnu"))
	case k < 11:
		r.mobile = d.of([]string{"+44 7700 900" + fmt.Sprintf("%03d", d.IntN(1000)), "001 202 555 01" + fmt.Sprintf("%02d", d.IntN(100))})
	case k < 14:
		r.fixed, r.mobile = spaced(d.phone(), 2, 2, 2, 2)+" / "+spaced(d.phone(), 2, 2, 2, 2), ""
	}
}

func (r *crmRow) note(d dice) {
	switch k := d.IntN(100); {
	case k < 25:
		r.notes = d.of(fineNotes())
	case k < 33:
		r.notes = d.of(badNotes())
	case k < 36:
		r.notes = "n° sécu " + d.of([]string{d.nir(r.woman), spaced(d.nir(r.woman), 1, 2, 2, 2, 3, 3)})
	case k < 38:
		r.notes = "paiement par carte " + d.of(testCards()) + ", ok"
	case k < 40:
		r.notes = d.of(fineNotes()) + "\n" + d.of(badNotes()) + "\nrappelé le " + r.person.created.Format("02/01/2006")
	}
}

// blank takes away what many rows lack.
func (r *crmRow) blank(d dice) {
	if d.in(12) {
		r.email = ""
	}
	if d.in(4) {
		r.email = strings.ToUpper(r.email)
	}
	if d.in(2) && r.email != "" {
		r.email += "; " + mailbox(r.family) + "@" + "example.org"
	}
	if d.in(1) {
		r.email = "pas d'email"
	}
	if d.in(8) {
		r.street, r.postal, r.city = "", "", ""
	}
	if r.postal != "" && r.postal[0] == '0' && d.in(50) {
		r.postal = r.postal[1:]
	}
	if r.siren != "" && d.in(30) {
		r.siren = spaced(r.siren, 3, 3)
	}
}

// share makes some rows near copies of the row before: the same person again,
// with an e-mail in other case or a typing error, or a family in one household.
func share(d dice, i int, r *crmRow, before crmRow) {
	if i == 0 {
		return
	}
	switch {
	case i%41 == 7: // the same person, other id
		id, notes := r.id, r.notes
		*r = before
		r.id, r.notes, r.email = id, notes, strings.ToUpper(before.email)
	case i%53 == 11: // the same person, mistyped
		id := r.id
		*r = before
		r.id, r.family, r.given = id, typo(d, before.family), strings.ToUpper(before.given)
	case i%29 == 5: // a family
		r.family, r.street, r.postal, r.city = before.family, before.street, before.postal, before.city
		r.email, r.fixed = before.email, before.fixed
	}
}

func typo(d dice, s string) string {
	at := 1 + d.IntN(len(s)-1)
	for !utf8.RuneStart(s[at]) {
		at--
	}
	_, n := utf8.DecodeRuneInString(s[at:])
	return s[:at] + s[at+n:]
}

func (r crmRow) String() string {
	title := "M."
	if r.woman {
		title = "Mme"
	}
	cells := []string{r.id, title, strings.ToUpper(r.family), r.given, r.email, r.fixed, r.mobile, r.street, r.postal, r.city, r.country,
		r.company, r.siren, r.role, r.status, r.created, r.active, r.born, r.optin, r.optout, r.stop, r.origin, "fr", r.notes}
	for i, c := range cells {
		if strings.ContainsAny(c, ";\"\n") {
			cells[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
	}
	return strings.Join(cells, ";")
}

// snapshotCSV is the first or second night of a small CRM, for the guided tour.
func snapshotCSV(night int) []byte {
	rows := []string{
		"S-1;Lefèvre;Zoé;zoe.lefevre@example.org;01 99 00 10 01;Lyon;Client;12/03/2024;02/06/2026;Oui;",
		"S-2;Dupré;Hugo;hugo.dupre@example.org;06 39 98 10 02;Nantes;Prospect;03/11/2025;;Oui;",
		"S-3;Morvan;Yann;yann.morvan@mail.example;02 61 91 10 03;Brest;Client;21/01/2024;14/05/2026;;",
		"S-4;Ménard;Agnès;agnes.menard@courrier.test;;Lille;Ancien client;09/09/2023;;Non;",
		"S-5;Traoré;Inès;ines.traore@example.org;04 65 71 10 05;Nice;Prospect;;;;Oui",
	}
	if night == 2 {
		rows[0] = strings.Replace(rows[0], "Lyon", "Grenoble", 1)                   // moved
		rows[1] = strings.Replace(rows[1], ";Oui;", ";Non;", 1)                     // no longer wants e-mail
		rows[2] = strings.Replace(rows[2], "02 61 91 10 03", "", 1)                 // phone taken out
		rows[3] = "S-6;Œuvrard;Gaël;gael@exemple.test;;Caen;Prospect;29/06/2026;;;" // S-4 is gone, S-6 is new
	}
	return []byte("\ufeffRéf. client;Nom;Prénom;E-mail;Téléphone;Ville;Statut;Date de création;Dernière activité;Opt-in e-mail;Ne plus appeler\r\n" + strings.Join(rows, "\r\n") + "\r\n")
}
