package answer

import (
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/erasure"
)

// ErasureCertificate answers "do you hold anything?" by the number that the person was given
// when it was erased: what was destroyed, what is kept, on what ground and until when.
type ErasureCertificate struct {
	Number      domain.ID                `json:"number"`
	Operation   domain.ID                `json:"operation,omitzero"`
	Position    domain.Position          `json:"position"`
	ErasedAt    domain.Time              `json:"erased_at"`
	Whole       bool                     `json:"whole"` // the person was erased, not only parts
	Ground      string                   `json:"ground,omitempty"`
	Destroyed   []string                 `json:"destroyed"`
	Epochs      []string                 `json:"epochs,omitempty"` // keys, as class/epoch: no more than these went of their classes
	Kept        []KeptLine               `json:"kept"`
	Later       []LaterErasure           `json:"later,omitempty"` // what of it was destroyed since
	Stores      []string                 `json:"stores,omitempty"`
	CheckedAt   domain.Time              `json:"checked_at,omitzero"`
	Recipients  []ToldRecipient          `json:"recipients,omitempty"` // art. 19
	Asked       domain.Time              `json:"asked_at,omitzero"`
	Held        Outcome                  `json:"outcome,omitempty"` // as of Asked: erased, or held if anything is kept still
	Controllers []contact.ControllerLine `json:"controllers,omitempty"`
}

// KeptLine is a class that the law lets the controller keep (art. 17(3)).
type KeptLine struct {
	Class  string      `json:"class"`
	Ground string      `json:"ground"`
	Until  domain.Time `json:"until,omitzero"` // zero: as long as what it is kept for goes on
	Gone   bool        `json:"gone,omitzero"`  // destroyed since
	Partly bool        `json:"partly_gone,omitzero"`
}

// LaterErasure is a destruction after the certificate.
type LaterErasure struct {
	At      domain.Time `json:"at"`
	Number  domain.ID   `json:"number"`
	Classes []string    `json:"classes"`
	Epochs  []string    `json:"epochs,omitempty"` // keys, as class/epoch: no more than these went of their classes
	Whole   bool        `json:"whole,omitzero"`
	Kept    []string    `json:"kept,omitempty"`
}

// ToldRecipient is a recipient who was told of the erasure.
type ToldRecipient struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// Now completes a certificate for somebody who asks at an instant: what was kept and
// has been destroyed since is said to be gone, a class of which some years went to be so
// in part.
func (c *ErasureCertificate) Now(asked time.Time, later []LaterErasure) {
	c.Asked, c.Later, c.Held = domain.NewTime(asked), later, Gone
	for i := range c.Kept {
		k := &c.Kept[i]
		for _, l := range later {
			switch {
			case l.Whole && !slices.Contains(l.Kept, k.Class):
				k.Gone = true
			case !slices.Contains(l.Classes, k.Class):
			case erasure.Narrows(erasure.Named(l.Epochs), k.Class):
				k.Partly = true
			default:
				k.Gone = true
			}
		}
		if k.Partly = k.Partly && !k.Gone; !k.Gone {
			c.Held = Held
		}
	}
	if !c.Whole {
		c.Held = Held
	}
}

// Document lays a certificate out.
func (c *ErasureCertificate) Document(lang Lang, g Glossary) *Document {
	w := g.in(lang)
	d := &Document{Lang: lang, Title: lang.or("Certificat d'effacement", "Certificate of erasure"), Made: c.ErasedAt.Time,
		Footer: lang.or("Certificat ", "Certificate ") + c.Number.String()}
	if !c.Asked.IsZero() {
		d.Made = c.Asked.Time
		d.Lead = c.lead(lang, w)
	}
	d.Pairs = []Pair{{lang.or("Numéro", "Number"), c.Number.String()}, {lang.or("Effacement certifié le", "Erasure certified on"), w.at(c.ErasedAt.Time)}}
	if c.Ground != "" {
		d.Pairs = append(d.Pairs, Pair{lang.or("Motif", "Ground"), w.say(c.Ground)})
	}
	if !c.Asked.IsZero() {
		d.Pairs = append(d.Pairs, Pair{lang.or("État établi le", "As it stood on"), w.at(c.Asked.Time)})
	}
	d.Sections = c.sections(w)
	if len(c.Controllers) > 0 {
		d.Sections = append(d.Sections, controllersSection(w, c.Controllers))
	}
	d.Sections = append(d.Sections, Section{ID: "recours", Title: lang.or("Vos recours", "Your remedies"), Article: "art. 12(4), 77, 79", Blocks: []Block{text(remedies(lang))}})
	return d
}

func (c *ErasureCertificate) lead(lang Lang, w *glossary) string {
	switch {
	case !c.Whole:
		return lang.or("Une partie de vos données a été effacée ; les autres sont toujours détenues.", "Part of your data was erased; the rest is still held.")
	case c.Held == Gone:
		return lang.or("Vos données ont été effacées. Nous ne détenons plus aucune donnée de votre fiche.", "Your data were erased. We no longer hold anything of your record.")
	}
	n := []string{}
	for _, k := range c.Kept {
		if !k.Gone {
			n = append(n, k.Class)
		}
	}
	return lang.or("Vos données ont été effacées, sauf celles que la loi permet de conserver : ", "Your data were erased, but for those that the law lets us keep: ") + w.all("class", n) + "."
}

func (c *ErasureCertificate) sections(w *glossary) (out []Section) {
	lang := w.lang
	destroyed := make([]string, len(c.Destroyed))
	for i, class := range c.Destroyed {
		destroyed[i] = w.of("class", class) + yearsOf(class, c.Epochs)
	}
	out = append(out, Section{ID: "detruit", Title: lang.or("Ce qui a été détruit", "What was destroyed"), Article: "art. 17",
		Blocks: []Block{{List: destroyed}, note(lang.or("Effacement avec destruction de clé : la clé de chiffrement est détruite, puis les données chiffrées, puis chaque base est contrôlée. Une restauration de sauvegarde rejoue l'effacement. Une catégorie figure ici même si rien n'y était détenu : ses clés sont détruites aussi.",
			"Erasure with destruction of the key: the encryption key is destroyed, then the encrypted data, then each store is checked. A restored backup replays the erasure. A category stands here even if nothing was held in it: its keys are destroyed as well."))}})
	if len(c.Kept) > 0 {
		rows := [][]string{}
		for _, k := range c.Kept {
			until := w.day(k.Until.Time)
			switch {
			case k.Gone:
				until = lang.or("détruit depuis", "destroyed since")
			case until == "":
				until = lang.or("tant que dure ce qui le justifie", "as long as what it is kept for goes on")
			}
			if k.Partly {
				until += lang.or(" (détruit en partie depuis)", " (partly destroyed since)")
			}
			rows = append(rows, []string{w.of("class", k.Class), w.say(k.Ground), until})
		}
		out = append(out, Section{ID: "conserve", Title: lang.or("Ce qui est conservé", "What is kept"), Article: "art. 17(3)", Blocks: []Block{
			table(rows, Column{lang.or("Catégorie", "Category"), 3}, Column{lang.or("Fondement", "Ground"), 5}, Column{lang.or("Jusqu'au", "Until"), 3})}})
	}
	if c.Whole {
		out = append(out, outlives(lang))
	}
	if len(c.Recipients) > 0 {
		rows := [][]string{}
		for _, r := range c.Recipients {
			rows = append(rows, []string{r.Name, w.say(r.State)})
		}
		out = append(out, Section{ID: "destinataires", Title: lang.or("Destinataires informés", "Recipients who were told"), Article: "art. 19", Blocks: []Block{
			table(rows, Column{lang.or("Destinataire", "Recipient"), 1}, Column{lang.or("État", "State"), 1})}})
	}
	if len(c.Stores) > 0 {
		out = append(out, Section{ID: "controle", Title: lang.or("Bases contrôlées", "Stores that were checked"),
			Blocks: []Block{{Pairs: []Pair{{w.at(c.CheckedAt.Time), join(w.stores(c.Stores))}}}}})
	}
	return out
}

// outlives is what stays of every whole erasure: the tokens of an objection (art. 21(3);
// délib. CNIL 2021-131), and the fact of the erasure (art. 5(2)).
func outlives(lang Lang) Section {
	return Section{ID: "demeure", Title: lang.or("Ce qui demeure sans vos données", "What stays without your data"), Article: "art. 5(2), 21(3)", Blocks: []Block{{List: []string{
		lang.or("Si vous vous étiez opposé, une empreinte de chaque adresse, qui ne permet pas de la relire, reste sur la liste d'opposition (liste repoussoir) : elle sert seulement à ne plus vous démarcher (délib. CNIL 2021-131). Le détail de l'opposition est détruit.",
			"If you had objected, an imprint of each address, from which it cannot be read back, stays on the opposition list: it serves only to solicit you no more (délib. CNIL 2021-131). The details of the objection are destroyed."),
		lang.or("Le fait de l'effacement et le présent certificat restent inscrits, sans donnée vous concernant, pour en justifier.",
			"The fact of the erasure and this certificate stay on record, without data about you, to account for it.")}}}}
}

// stores are the stores of the ledger in words.
func (g *glossary) stores(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		if out[i] = g.say("store." + n); out[i] == "store."+n {
			out[i] = n
		}
	}
	return out
}

// yearsOf are the years or months that went of a class, in brackets; "" for all of it.
func yearsOf(class string, epochs []string) string {
	var years []string
	for _, k := range erasure.Named(epochs) {
		if k.Class == class {
			year, _, _ := strings.Cut(k.Epoch, ".") // of what was destroyed before
			year, _, _ = strings.Cut(year, "-a")    // of what was archived before
			years = append(years, year)
		}
	}
	if len(years) == 0 {
		return ""
	}
	slices.Sort(years)
	return " (" + join(slices.Compact(years)) + ")"
}
