package inspection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	mission "greffe/domain/inspection"
	"greffe/projections/crm"
)

// ReportPath is where the report for people stands in a bundle.
const ReportPath = "rapport.pdf"

// report writes the French summary, of figures that the tables say too.
func (g *gathering) report(context.Context) error {
	f, err := g.w.File(ReportPath, "application/pdf")
	if err != nil {
		return err
	}
	o := g.order
	made := g.sources.Now()
	p := newPaper("Dossier de contrôle "+o.Reference, "Dossier de contrôle "+o.ID.String()+" ; référence "+o.Reference, made)
	g.cover(p, made)
	g.contents(p)
	g.activity(p)
	g.rights(p)
	g.checking(p)
	return errors.Join(p.end(f), f.Close())
}

func (g *gathering) cover(p *paper, made time.Time) {
	o := g.order
	p.fill(deep())
	p.Rect(0, 0, 210, 30, "F")
	p.SetXY(marginMM, 9)
	p.font("B", 20, colour{255, 255, 255})
	p.CellFormat(widthMM, 8, p.latin("Dossier de contrôle"), "", 1, "L", false, 0, "")
	p.font("", 10, colour{255, 255, 255})
	p.CellFormat(widthMM, 6, p.fit("Référence "+o.Reference+" ; établi le "+instant(made), widthMM), "", 1, "L", false, 0, "")
	p.SetY(36)
	for _, x := range [][2]string{
		{"Demandé par", o.Requester}, {"Référence", o.Reference}, {"Objet", o.Object}, {"Mode", modes(o.Modes)},
		{"Période contrôlée", "du " + instant(o.Inspection.From) + "\nau " + instant(o.Inspection.To) + " (exclu), selon la date d'enregistrement"},
		{"Ouvert le", instant(o.Opened)}, {"Réponse attendue le", instant(o.Due)}, {"Périmètre", scope(o.Scope)},
	} {
		if x[1] != "" {
			p.pair(x[0], x[1])
		}
	}
	p.heading("Ce qui atteste ce dossier")
	p.text(fmt.Sprintf("Chacun des %s faits de la période est une feuille d'un arbre de Merkle (RFC 9162) dont la tête est signée (Ed25519). "+
		"Aucun fait ne manque entre la première et la dernière position, aucun octet ne peut avoir changé depuis la signature, et chaque table se recoupe avec les faits.",
		grouped(g.figures.Events)))
	p.pair("Registre", g.sources.Ledger.String())
	p.pair("Contrôle", o.ID.String())
	p.pair("Positions", fmt.Sprintf("de %s à %s (exclue)", grouped(int64(o.From)), grouped(int64(o.To))))
	p.pair("Tête signée", "arbre de "+grouped(int64(g.size))+" faits, racine "+g.root)
	p.pair("Clé de vérification", g.sources.Prover.VKey())
}

func modes(all []mission.Mode) string {
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = m.French()
	}
	return strings.Join(out, ", ")
}

func scope(all []mission.Section) string {
	if len(all) == 0 {
		return "tout ce que le registre contient"
	}
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = s.French()
	}
	return strings.Join(out, " ; ")
}

// contents lists what there is, with counts.
func (g *gathering) contents(p *paper) {
	p.heading("Ce que contient ce dossier")
	n := g.figures
	by := func(prefix string) (sum int64) {
		for t, k := range n.ByType {
			if strings.HasPrefix(t, prefix) {
				sum += k
			}
		}
		return sum
	}
	rows := [][]string{{"Événements", "events", grouped(n.Events)}}
	for _, s := range []struct {
		section mission.Section
		tables  string
		n       int64
	}{
		{mission.Accesses, "accesses", n.Accesses},
		{mission.Consents, "consents, notices, notices_served", by("consent.")},
		{mission.Opposition, "opposition_entries, opposition", n.Entries},
		{mission.Screenings, "screenings", by("screening.")},
		{mission.Decisions, "decisions", by("recheck.")},
		{mission.Requests, "requests", by("request.")},
		{mission.Retention, "retention_runs", by("retention.")},
		{mission.Erasures, "erasures, holds", by("erasure.") + by("subject.erased") + by("part.redacted")},
		{mission.Register, "activities", by("activity.") + by("dpia.")},
		{mission.Breaches, "breaches", by("breach.") + by("restore.")},
		{mission.Counts, "contacts_by_year", contacts(n)},
		{mission.Policies, "policies, role_rights", n.Policies},
		{mission.Habilitation, "habilitations, account_events", n.Accounts},
		{mission.Producers, "producers, gaps", n.Producers},
	} {
		count := grouped(s.n)
		if !g.order.Covers(s.section) {
			count = "hors périmètre"
		}
		rows = append(rows, []string{s.section.French(), s.tables, count})
	}
	rows = append(rows, []string{"Personnes tirées au sort", "sampled_persons", grouped(n.Sampled)}, []string{"Preuves individuelles de consentement", "proofs/", grouped(n.Proofs)})
	p.rows([]float64{78, 66, -30}, []string{"Rubrique", "Tables", "Nombre"}, rows)
	p.small("Chaque table existe en NDJSON (tables/NOM.ndjson), Parquet et CSV ; les petits registres se lisent aussi dans " + BookPath + ". Les personnes y figurent sous pseudonyme (UUID). Une rubrique à zéro est une table vide : " +
		"le registre n'a enregistré aucun fait de ce type sur la période.")
}

func contacts(n *Figures) (sum int64) {
	for _, c := range n.Counts {
		sum += c.N
	}
	return sum
}

// activity shows events, consents, objections and accesses over time.
func (g *gathering) activity(p *paper) {
	n := g.figures
	p.heading("Activité sur la période")
	p.monthly("Événements par mois d'enregistrement", 42, []string{"événements"}, n.ByMonth)
	names, granted := []string{}, []map[string]int64{}
	for _, c := range slices.Sorted(maps.Keys(n.Granted)) {
		names, granted = append(names, channel(c)), append(granted, n.Granted[c])
	}
	p.monthly("Consentements prouvés par canal et par mois du geste", 42, names, granted...)
	if n.Unproven > 0 {
		p.small(grouped(n.Unproven) + " consentements ont été reçus sans preuve suffisante : ils n'autorisent rien (colonne lacks de la table consents).")
	}
	p.monthly("Oppositions, refus et retraits par mois du geste", 36, []string{"oppositions", "refus et retraits de consentement"}, n.Opposed, n.Withdrawn)
	reasons := slices.SortedFunc(maps.Keys(n.Reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(n.Reasons[b], n.Reasons[a]), cmp.Compare(a, b))
	})
	reasons = reasons[:min(len(reasons), 12)]
	counts := make([]int64, len(reasons))
	for i, r := range reasons {
		counts[i] = n.Reasons[r]
	}
	p.bars("Consultations par motif", reasons, counts)
}

// maxMonths is how many months a chart shows, the latest.
const maxMonths = 60

// monthly draws counts by month, each with its name.
func (p *paper) monthly(title string, height float64, names []string, counts ...map[string]int64) {
	var months []string
	for _, m := range counts {
		months = slices.AppendSeq(months, maps.Keys(m))
	}
	slices.Sort(months)
	months = every(months)
	if cut := len(months) - maxMonths; cut > 0 {
		months, title = months[cut:], title+" (les soixante derniers)"
	}
	all := make([]series, len(counts))
	for i, m := range counts {
		all[i] = series{names[i], make([]int64, len(months))}
		for k, x := range months {
			all[i].values[k] = m[x]
		}
	}
	p.columns(title, months, all, height)
}

// every lists all months between the first and the last.
func every(months []string) (out []string) {
	if len(months) == 0 {
		return nil
	}
	at, err := time.Parse("2006-01", months[0])
	last := months[len(months)-1]
	for ; err == nil && at.Format("2006-01") <= last; at = at.AddDate(0, 1, 0) {
		out = append(out, at.Format("2006-01"))
	}
	return out
}

func channel(code string) string {
	if s, ok := map[string]string{"email": "courriel", "phone": "téléphone", "postal": "courrier", "sms": "SMS", "social": "réseaux sociaux"}[code]; ok {
		return s
	}
	return code
}

// rights shows erasures and how old the contacts are.
func (g *gathering) rights(p *paper) {
	n := g.figures
	p.heading("Effacements et conservation")
	if len(n.Delays) > 0 {
		p.rows([]float64{58, -29, -29, -29, -29}, []string{"Délai entre l'ordre et le certificat", "Effacements", "Médian", "95 %", "Le plus long"},
			[][]string{{"ordonnés et certifiés dans la période", grouped(int64(len(n.Delays))), span(n.delay(50)), span(n.delay(95)), span(n.delay(100))}})
	}
	p.text(fmt.Sprintf("%s personnes ont été effacées dans la période ; chacune a son certificat dans la table erasures, avec ce qui a été détruit, ce que la loi permet de conserver "+
		"(art. 17(3) du RGPD) et les bases contrôlées. Un effacement détruit la clé de la personne puis les données chiffrées.", grouped(n.Erased)))
	if !g.order.Covers(mission.Counts) {
		return
	}
	years, all := byYear(n.Counts)
	p.columns("Contacts par année de dernière activité venant de la personne", years, all, 46)
	p.small("État au moment de l'établissement du dossier. Repère : un prospect est conservé trois ans après son dernier contact (délib. CNIL 2021-131).")
}

// byYear makes series of counts: the largest kind first, the years in order.
func byYear(counts []crm.Count) (years []string, all []series) {
	at := map[string]int{}
	yearOf := func(c crm.Count) string {
		if c.Year == 0 {
			return "inconnue"
		}
		return strconv.Itoa(c.Year)
	}
	for _, c := range counts {
		years = append(years, yearOf(c))
	}
	slices.Sort(years)
	years = slices.Compact(years)
	for _, c := range counts {
		kind := natureOf(c.Kind)
		i, known := at[kind]
		if !known {
			i = len(all)
			at[kind] = i
			all = append(all, series{name: kind, values: make([]int64, len(years))})
		}
		all[i].values[slices.Index(years, yearOf(c))] += c.N
	}
	slices.SortStableFunc(all, func(a, b series) int { return cmp.Compare(total([]series{b}), total([]series{a})) })
	return years, all
}

func natureOf(kind string) string {
	if s, ok := map[string]string{"client": "clients", "prospect": "prospects", "former_client": "anciens clients", "candidate": "candidats",
		"supplier_contact": "contacts de fournisseurs", "": "nature inconnue"}[kind]; ok {
		return s
	}
	return kind
}

// checking says how to check the bundle without the ledger.
func (g *gathering) checking(p *paper) {
	p.heading("Comment vérifier ce dossier sans nous croire")
	p.text("Il faut ce dossier et la clé publique du registre, obtenue par une autre voie (procès-verbal, courrier). Le vérificateur ne se connecte à rien.")
	p.code("greffe-verify --key cle-publique.pem greffe-"+g.order.ID.String()+".zip", "greffe verify --key cle-publique.pem DOSSIER/")
	p.text("Sans aucun logiciel de l'éditeur, les contrôles principaux se font à la main ; le fichier LISEZMOI.txt les détaille :")
	p.code("sha256sum rapport.pdf                           # à comparer à manifest.json",
		"openssl pkeyutl -verify -pubin -inkey cle-publique.pem -rawin \\",
		"        -in manifest.json -sigfile manifest.json.sig",
		"duckdb -c \"select type, count(*) from 'tables/events.parquet' group by 1 order by 2 desc\"")
	p.text("Liste d'opposition : les adresses n'y figurent que sous forme de jetons propres à ce contrôle. La clé, remise à part, permet de dire hors ligne si l'adresse d'un plaignant s'y trouve.")
	if g.figures.Sampled > 0 {
		p.text("Tirage au sort : les " + grouped(g.figures.Sampled) + " personnes sont celles du plus petit rang, calculé sur l'identifiant du contrôle et celui de la personne ; " +
			"chacun peut refaire le tirage, personne ne peut le choisir. Chaque preuve individuelle (proofs/) se vérifie seule, même après l'effacement de la personne.")
	}
	p.small("Limites. Le dossier prouve ce que le registre a enregistré et qu'il n'a rien retiré depuis ; il ne prouve pas que les systèmes émetteurs ont tout transmis " +
		"(voir producers et gaps). Les consultations de plus de douze mois, ou du terme fixé par la politique, ne subsistent que comme faits sans identité.")
}
