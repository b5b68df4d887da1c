package habilitation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/habilitation"
)

// tableOf is a sheet, or a CSV.
type tableOf struct {
	name     string
	headings []string
	rows     [][]string
	wide     []int // columns
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// of is when what the document says held.
func of(d *habilitation.Document) string {
	if d.AsOf.IsZero() {
		return instant(d.Made)
	}
	return instant(d.AsOf)
}

func yes(is bool) string {
	if is {
		return "oui"
	}
	return "non"
}

func level(code string) string {
	switch code {
	case "clear":
		return "clair"
	case "masked":
		return "masqué"
	case habilitation.OnRequest:
		return "masqué, en clair sur demande"
	}
	return "caché"
}

func portfolio(code string) string {
	if code == "own" {
		return "le sien"
	}
	return "tous"
}

// listed is a list as a cell, or what its being empty means.
func listed(items []string, none string) string {
	if len(items) == 0 {
		return none
	}
	return strings.Join(items, ", ")
}

// bound is an alert and a refusal.
func bound(soft, hard int) string {
	part := func(n int) string {
		if n == 0 {
			return "-"
		}
		return number(int64(n))
	}
	return "alerte " + part(soft) + ", refus " + part(hard)
}

func about(d *habilitation.Document) [][2]string {
	s := d.Rights.Sessions
	two := make([]string, len(d.Rights.Two))
	for i, a := range d.Rights.Two {
		if two[i] = a.Act; a.Over > 0 {
			two[i] += " au-delà de " + strconv.Itoa(a.Over)
		}
	}
	return [][2]string{
		{"Politique, version", number(d.Rights.Policy)},
		{"État au (UTC)", of(d)},
		{"Établi le (UTC)", instant(d.Made)},
		{"Empreinte SHA-256 des droits", d.SHA256},
		{"Rôles", number(int64(len(d.Rights.Roles)))},
		{"Comptes", number(int64(len(d.Rights.Accounts)))},
		{"Session sans activité", number(s.IdleMinutes) + " minutes"},
		{"Session au plus", number(s.AbsoluteMinutes) + " minutes"},
		{"Actes sensibles : facteurs donnés depuis moins de", number(s.FreshMinutes) + " minutes"},
		{"Mots de passe (délib. CNIL 2022-100)", s.Passwords},
		{"Jetons", number(s.TokenDays) + " jours, au plus " + number(s.TokenMaxDays)},
		{"Actes à deux personnes", listed(two, "aucun")},
	}
}

// permissions has a column for each role.
func permissions(d *habilitation.Document) tableOf {
	t := tableOf{name: "Droits", headings: []string{"Permission"}, wide: []int{0}}
	for _, r := range d.Rights.Roles {
		t.headings = append(t.headings, r.Code)
	}
	t.wide = append(t.wide, len(t.headings))
	t.headings = append(t.headings, "Ouvre")
	for _, p := range d.Permissions {
		row := []string{p.Code}
		for _, r := range d.Rights.Roles {
			row = append(row, yes(slices.Contains(r.Permissions, p.Code)))
		}
		t.rows = append(t.rows, append(row, strings.Join(p.Routes, "\n")))
	}
	return t
}

// data has a column for each role.
func data(d *habilitation.Document) tableOf {
	t := tableOf{name: "Données", headings: []string{"Classe", "Groupe de champs"}, wide: []int{0, 1}}
	for _, r := range d.Rights.Roles {
		t.headings = append(t.headings, r.Code)
	}
	if len(d.Rights.Roles) == 0 {
		return t
	}
	for i, c := range d.Rights.Roles[0].Data {
		row := []string{c.Class, c.Group}
		for _, r := range d.Rights.Roles {
			row = append(row, level(r.Data[i].Level))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func roles(d *habilitation.Document) tableOf {
	t := tableOf{name: "Rôles", wide: []int{1, 2, 4, 5, 6}, headings: []string{"Rôle", "Libellé", "Finalités", "Portefeuille", "Motifs d'accès", "Personnes par heure", "Personnes par jour", "Accès par heure", "Comptes actifs"}}
	for _, r := range d.Rights.Roles {
		t.rows = append(t.rows, []string{r.Code, r.FR, listed(r.Purposes, "toutes"), portfolio(r.Portfolio), listed(r.Reasons, "aucun"),
			bound(r.Quota.HourSoft, r.Quota.HourHard), bound(r.Quota.DaySoft, r.Quota.DayHard), number(int64(r.Quota.Reads)), number(held(d, r.Code))})
	}
	return t
}

// held is how many accounts that may act have a role.
func held(d *habilitation.Document, role string) (n int64) {
	for _, a := range d.Rights.Accounts {
		if a.State == habilitation.Active && slices.Contains(a.Roles, role) {
			n++
		}
	}
	return n
}

// matrix is everything of roles, one right a line.
func matrix(d *habilitation.Document) tableOf {
	t := tableOf{headings: []string{"Rôle", "Libellé", "Nature", "Objet", "Groupe de champs", "Niveau", "Finalités", "Portefeuille", "Personnes par heure", "Personnes par jour", "Comptes actifs"}}
	for i := range d.Rights.Roles {
		r := &d.Rights.Roles[i]
		end := []string{listed(r.Purposes, "toutes"), portfolio(r.Portfolio), bound(r.Quota.HourSoft, r.Quota.HourHard), bound(r.Quota.DaySoft, r.Quota.DayHard), number(held(d, r.Code))}
		for _, p := range d.Permissions {
			t.rows = append(t.rows, append([]string{r.Code, r.FR, "permission", p.Code, "", yes(slices.Contains(r.Permissions, p.Code))}, end...))
		}
		for _, c := range r.Data {
			t.rows = append(t.rows, append([]string{r.Code, r.FR, "données", c.Class, c.Group, level(c.Level)}, end...))
		}
	}
	return t
}

// accounts has a line for each account, and one for each of its tokens. The last
// column is for who reviews.
func accounts(d *habilitation.Document) tableOf {
	t := tableOf{name: "Comptes", wide: []int{0, 1, 2, 3, 6, 14}, headings: []string{"Compte", "Jeton", "Nom", "Identifiant de connexion", "Nature", "État", "Rôles", "Portefeuille", "Inspection", "Expire le (UTC)",
		"Second facteur", "Facteurs", "Créé le (UTC)", "Dernier usage (UTC)", "Permissions", "Restreint à", "Décision"}}
	for i := range d.Rights.Accounts {
		a := &d.Rights.Accounts[i]
		row := []string{a.ID.String(), "", "", "", a.Kind, state(a.State), strings.Join(a.Roles, ", "), a.Portfolio, "", instant(a.Expires), "", "", "", "",
			strings.Join(a.Permissions, ", "), "", ""}
		if !a.Inspection.IsZero() {
			row[8] = a.Inspection.String()
		}
		if i < len(d.Holders) {
			h := &d.Holders[i]
			row[2], row[3], row[10], row[11], row[12], row[13] = h.Label, h.Login, yes(h.SecondFactor), strings.Join(h.Factors, ", "), instant(h.Created), instant(h.LastUsed)
			row[8] = strings.TrimSpace(row[8] + " " + h.Inspection)
		}
		t.rows = append(t.rows, row)
		for j := range a.Tokens {
			k := &a.Tokens[j]
			t.rows = append(t.rows, []string{a.ID.String(), k.ID.String(), "", "", "jeton", state(a.State), strings.Join(a.Roles, ", "), a.Portfolio, "", instant(k.Expires), "", "", "", "",
				strings.Join(k.Permissions, ", "), kept(k), ""})
		}
	}
	return t
}

func state(code string) string {
	switch code {
	case habilitation.Disabled:
		return "désactivé"
	case habilitation.Ended:
		return "expiré"
	}
	return "actif"
}

// kept says what a token is kept to besides permissions.
func kept(t *habilitation.Token) string {
	var out []string
	if len(t.Types) > 0 {
		out = append(out, "types "+strings.Join(t.Types, " "))
	}
	if len(t.Sources) > 0 {
		out = append(out, "sources "+strings.Join(ids(t.Sources), " "))
	}
	if t.Networks > 0 {
		out = append(out, strconv.Itoa(t.Networks)+" réseau(x)")
	}
	if t.Certificates > 0 {
		out = append(out, strconv.Itoa(t.Certificates)+" certificat(s)")
	}
	return strings.Join(out, "; ")
}

func ids(of []domain.ID) []string {
	out := make([]string, len(of))
	for i, id := range of {
		out[i] = id.String()
	}
	return out
}
