package register

import (
	"slices"
	"strings"
)

// Column is one of the register as a table for people, in the order of the CNIL's
// model. A list stands in a cell one item a line, the members of an item apart by " | ".
type Column struct {
	Name   string // stable, of an import and of what changed
	French string
	get    func(e *Entry) string
	set    func(e *Entry, cell string)
}

// Cell is what an entry has in the column.
func (c *Column) Cell(e *Entry) string { return c.get(e) }

// Set takes a cell into an entry; Check says afterwards whether it can be.
func (c *Column) Set(e *Entry, cell string) { c.set(e, cell) }

func plain(name, french string, of func(e *Entry) *string) Column {
	return Column{name, french, func(e *Entry) string { return *of(e) }, func(e *Entry, s string) { *of(e) = strings.TrimSpace(s) }}
}

func list(name, french string, of func(e *Entry) *[]string) Column {
	return Column{name, french, func(e *Entry) string { return join(*of(e)) }, func(e *Entry, s string) { *of(e) = split(s) }}
}

// terms is a list of codes, which people read and write by their French names.
func terms(name, title string, all []Term, of func(e *Entry) *[]string) Column {
	return Column{name, title, func(e *Entry) string {
		var names []string
		for _, code := range *of(e) {
			names = append(names, french(all, code))
		}
		return join(names)
	}, func(e *Entry, s string) {
		*of(e) = nil
		for _, name := range split(s) {
			*of(e) = append(*of(e), codeOf(all, name))
		}
	}}
}

// codeOf is the code of a French name or of itself; a name of nothing is left as it is,
// for Check to refuse.
func codeOf(all []Term, name string) string {
	for _, t := range all {
		if strings.EqualFold(t.French, name) || strings.EqualFold(t.Code, name) {
			return t.Code
		}
	}
	return name
}

// parties is a list of items of members.
func parties[T any](name, french string, of func(e *Entry) *[]T, members func(*T) []*string) Column {
	return Column{name, french, func(e *Entry) string {
		var lines []string
		for i := range *of(e) {
			lines = append(lines, item(members(&(*of(e))[i])))
		}
		return strings.Join(lines, "\n")
	}, func(e *Entry, s string) {
		*of(e) = nil
		for _, line := range lines(s) {
			var x T
			scan(line, members(&x))
			*of(e) = append(*of(e), x)
		}
	}}
}

// Columns are those of a role's register.
func Columns(role Role) []Column {
	head := []Column{
		plain("reference", "Référence", func(e *Entry) *string { return &e.Reference }),
		plain("activity", "Nom de l'activité", func(e *Entry) *string { return &e.Name }),
	}
	var middle []Column
	if role == Processor {
		middle = clientColumns()
	} else {
		middle = append(purposeColumns(), dataColumns()...)
		middle = append(middle, recipientColumns(RecipientKinds())...)
	}
	tail := []Column{parties("transfers", "Transferts hors UE (destinataire | pays | garantie | lien)", func(e *Entry) *[]Transfer { return &e.Transfers },
		func(t *Transfer) []*string { return []*string{&t.Recipient, &t.Country, &t.Guarantee, &t.Link} })}
	for _, t := range Measures() {
		tail = append(tail, measureColumn(t))
	}
	return slices.Concat(head, middle, tail, []Column{
		plain("dpia", "Référence de l'analyse d'impact (AIPD)", func(e *Entry) *string { return &e.DPIA }),
		plain("remarks", "Remarques", func(e *Entry) *string { return &e.Remarks }),
	})
}

func clientColumns() []Column {
	client := func(name, french string, of func(p *Party) *string) Column {
		return Column{name, french, func(e *Entry) string {
			if e.Client == nil {
				return ""
			}
			return *of(e.Client)
		}, func(e *Entry, s string) {
			if s = strings.TrimSpace(s); s != "" {
				if e.Client == nil {
					e.Client = new(Party)
				}
				*of(e.Client) = s
			}
		}}
	}
	return append([]Column{
		client("client.name", "Responsable de traitement (client)", func(p *Party) *string { return &p.Name }),
		client("client.representative", "Client : représentant", func(p *Party) *string { return &p.Representative }),
		client("client.dpo", "Client : délégué à la protection des données", func(p *Party) *string { return &p.DPO }),
		client("client.contact", "Client : contact", func(p *Party) *string { return &p.Contact }),
		list("processing", "Catégories de traitements effectués pour le client", func(e *Entry) *[]string { return &e.Processing }),
		list("software", "Logiciels utilisés", func(e *Entry) *[]string { return &e.Software }),
	}, recipientColumns([]Term{{Contracted, "Sous-traitants ultérieurs"}})...)
}

func purposeColumns() []Column {
	out := []Column{
		parties("joint_controllers", "Responsables conjoints (nom | représentant | DPO | contact)", func(e *Entry) *[]Party { return &e.Controllers },
			func(p *Party) []*string { return []*string{&p.Name, &p.Representative, &p.DPO, &p.Contact} }),
		list("software", "Logiciels utilisés", func(e *Entry) *[]string { return &e.Software }),
		plain("main_purpose", "Finalité principale", func(e *Entry) *string { return &e.Purpose }),
	}
	for i := range maxSubs {
		n := string(rune('1' + i))
		out = append(out, Column{"sub_purpose_" + n, "Sous-finalité " + n, func(e *Entry) string {
			if i < len(e.SubPurposes) {
				return e.SubPurposes[i]
			}
			return ""
		}, func(e *Entry, s string) {
			if s = strings.TrimSpace(s); s != "" {
				e.SubPurposes = append(e.SubPurposes, s)
			}
		}})
	}
	return append(out,
		list("policy_purposes", "Finalités de la politique (codes)", func(e *Entry) *[]string { return &e.Purposes }),
		terms("legal_bases", "Bases légales", Bases(), func(e *Entry) *[]string { return &e.LegalBases }),
		plain("legal_reference", "Fondement de la base légale", func(e *Entry) *string { return &e.Legal }),
		list("persons", "Catégories de personnes concernées", func(e *Entry) *[]string { return &e.Persons }))
}

func dataColumns() (out []Column) {
	for _, t := range Categories() {
		of := func(e *Entry) *Data { return find(&e.Data, func(d *Data) *string { return &d.Category }, t.Code) }
		member := func(of func(d *Data) *string) (func(e *Entry) string, func(e *Entry, s string)) {
			return memberOf(func(e *Entry) *[]Data { return &e.Data }, func(d *Data) *string { return &d.Category }, t.Code, of)
		}
		get, set := member(func(d *Data) *string { return &d.Description })
		out = append(out, Column{"data." + t.Code, t.French, get, set})
		get, set = member(func(d *Data) *string { return &d.Active })
		out = append(out, lengths("data."+t.Code+".active", t.French+" : durée en base active", get, set))
		get, set = member(func(d *Data) *string { return &d.Archive })
		out = append(out, lengths("data."+t.Code+".archive", t.French+" : durée en archive", get, set))
		out = append(out, Column{"data." + t.Code + ".classes", t.French + " : classes de la politique",
			func(e *Entry) string {
				if d := of(e); d != nil {
					return join(d.Classes)
				}
				return ""
			}, func(e *Entry, s string) {
				if l := split(s); l != nil {
					made(&e.Data, func(d *Data) *string { return &d.Category }, t.Code).Classes = l
				}
			}})
	}
	for _, t := range Sensitives() {
		member := func(of func(s *Sensitive) *string) (func(e *Entry) string, func(e *Entry, s string)) {
			return memberOf(func(e *Entry) *[]Sensitive { return &e.Sensitive }, func(s *Sensitive) *string { return &s.Kind }, t.Code, of)
		}
		get, set := member(func(s *Sensitive) *string { return &s.Description })
		out = append(out, Column{"sensitive." + t.Code, t.French, get, set})
		get, set = member(func(s *Sensitive) *string { return &s.Erasure })
		out = append(out, lengths("sensitive."+t.Code+".erasure", t.French+" : délai d'effacement", get, set))
		get, set = member(func(s *Sensitive) *string { return &s.Ground })
		out = append(out, Column{"sensitive." + t.Code + ".ground", t.French + " : exception (art. 9(2))", get, set})
	}
	return append(out, plain("source", "Source des données", func(e *Entry) *string { return &e.Source }))
}

// lengths is a column of durations, written as people read them.
func lengths(name, french string, get func(e *Entry) string, set func(e *Entry, s string)) Column {
	return Column{name, french, func(e *Entry) string { return Length(get(e)) }, func(e *Entry, s string) {
		if p, ok := ParseLength(s); ok {
			s = p.String()
		}
		set(e, s)
	}}
}

func recipientColumns(kinds []Term) (out []Column) {
	for _, t := range kinds {
		out = append(out, Column{"recipients." + t.Code, t.French + " (nom | nature | code de la politique)", func(e *Entry) string {
			var lines []string
			for i := range e.Recipients {
				if r := &e.Recipients[i]; r.Kind == t.Code {
					lines = append(lines, item([]*string{&r.Name, &r.Type, &r.Code}))
				}
			}
			return strings.Join(lines, "\n")
		}, func(e *Entry, s string) {
			for _, line := range lines(s) {
				r := Recipient{Kind: t.Code}
				scan(line, []*string{&r.Name, &r.Type, &r.Code})
				e.Recipients = append(e.Recipients, r)
			}
		}})
	}
	return out
}

func measureColumn(t Term) Column {
	get, set := memberOf(func(e *Entry) *[]Measure { return &e.Security }, func(m *Measure) *string { return &m.Kind }, t.Code,
		func(m *Measure) *string { return &m.Description })
	return Column{"security." + t.Code, t.French, get, set}
}
