package inspection

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
	mission "greffe/domain/inspection"
)

// col is a column: name, type, French heading, meaning.
func col(name string, t bundle.Type, label, doc string) bundle.Column {
	return bundle.Column{Name: name, Type: t, Label: label, Doc: doc}
}

// where are the columns that say which fact a row is of.
func where() []bundle.Column {
	return []bundle.Column{
		col("position", bundle.Int, "Position", "Of the fact in the ledger, from 0."),
		col("id", bundle.ID, "Événement", "Id of the fact."),
		col("type", bundle.Text, "Type", "Of the catalogue."),
		col("subject", bundle.ID, "Personne", "Pseudonym of the person, if the fact is about one."),
		col("time", bundle.Time, "Survenu le", "When it happened."),
		col("recorded", bundle.Time, "Enregistré le", "When the ledger took it in."),
	}
}

func whereOf(row []bundle.Value, p domain.Position, f *event.Fact) []bundle.Value {
	return append(row, bundle.PositionOf(p), bundle.IDOf(f.ID), bundle.TextOf(string(f.Type)), bundle.IDOf(f.Subject),
		bundle.TimeOf(f.Time), bundle.TimeOf(f.Recorded))
}

// kind is one table of facts: which it takes, and what its rows say besides where.
type kind struct {
	name    string
	section mission.Section
	types   func(t event.Type) bool
	columns []bundle.Column
	row     func(row []bundle.Value, f *event.Fact) []bundle.Value
}

func one(types ...event.Type) func(event.Type) bool {
	return func(t event.Type) bool {
		for _, x := range types {
			if x == t {
				return true
			}
		}
		return false
	}
}

func group(prefixes ...string) func(event.Type) bool {
	return func(t event.Type) bool {
		for _, p := range prefixes {
			if len(t) > len(p) && string(t[:len(p)]) == p {
				return true
			}
		}
		return false
	}
}

// kinds are the tables of facts. Those of types that a ledger does not have yet are
// there and empty.
func kinds() []kind {
	codes := col("codes", bundle.Text, "Codes", "What the fact says in clear, as JSON.")
	actor := col("actor", bundle.ID, "Compte", "Account that acted.")
	said := func(row []bundle.Value, f *event.Fact) []bundle.Value {
		return append(row, bundle.IDOf(f.Actor), codesText(f))
	}
	plain := []bundle.Column{actor, codes}
	return []kind{
		{"consents", mission.Consents, group("consent."), consentColumns(), consentRow},
		{"notices_served", mission.Consents, one(event.NoticeServed), noticeColumns(), noticeRow},
		{"screenings", mission.Screenings, one(event.ScreeningPerformed), plain, said},
		{"decisions", mission.Decisions, one(event.RecheckPerformed), plain, said},
		{"requests", mission.Requests, group("request."), append([]bundle.Column{col("right", bundle.Text, "Droit exercé", "Right that is exercised, if the fact says so.")}, plain...),
			func(row []bundle.Value, f *event.Fact) []bundle.Value {
				return said(append(row, textOf(f.Codes.String("right"))), f)
			}},
		{"retention_runs", mission.Retention, group("retention."), plain, said},
		{"erasures", mission.Erasures, one(event.ErasureOrdered, event.ErasureStaged, event.ErasureContested, event.SubjectErased, event.PartRedacted), erasureColumns(), erasureRow},
		{"holds", mission.Erasures, group("hold.", "restriction."), plain, said},
		{"activities", mission.Register, group("activity.", "dpia."), plain, said},
		{"breaches", mission.Breaches, group("breach.", "restore."), plain, said},
		{"opposition_events", mission.Opposition, group("opposition."), plain, said},
		{"account_events", mission.Habilitation, group("account."), plain, said},
		{"gaps", mission.Producers, one(event.ProducerGapDetected, event.IngestQuarantined, event.IngestReleased), append([]bundle.Column{col("source", bundle.ID, "Système", "Producer.")}, plain...),
			func(row []bundle.Value, f *event.Fact) []bundle.Value {
				return said(append(row, bundle.IDOf(f.Source)), f)
			}},
	}
}

func consentColumns() []bundle.Column {
	return []bundle.Column{
		col("controller", bundle.Text, "Responsable", "Controller."),
		col("source", bundle.ID, "Système", "Producer that took it in; absent: the ledger itself."),
		col("purpose", bundle.Text, "Finalité", "For what."),
		col("channels", bundle.List, "Canaux", "By which channels."),
		col("method", bundle.Text, "Moyen", "How it was given or refused."),
		col("evidence", bundle.Text, "Preuve", "proven or unproven."),
		col("lacks", bundle.List, "Ce qui manque", "What the proof lacks; it then allows nothing."),
		col("notice", bundle.ID, "Mention", "The notice shown; see table notices."),
		col("expires_at", bundle.Time, "Expire le", "When it ends by itself."),
	}
}

func consentRow(row []bundle.Value, f *event.Fact) []bundle.Value {
	return append(row, textOf(f.Controller), bundle.IDOf(f.Source), textOf(f.Codes.String("purpose")), bundle.ListOf(f.Codes.Strings("channels")),
		textOf(f.Codes.String("method")), textOf(f.Codes.String("evidence")), bundle.ListOf(f.Lacks), bundle.IDOf(f.Codes.ID("notice")), timeOf(f.Codes.Time("expires_at")))
}

func noticeColumns() []bundle.Column {
	return []bundle.Column{
		col("source", bundle.ID, "Système", "Producer that served it."),
		col("notice", bundle.ID, "Mention", "The notice; see table notices."),
	}
}

func noticeRow(row []bundle.Value, f *event.Fact) []bundle.Value {
	return append(row, bundle.IDOf(f.Source), bundle.IDOf(f.Codes.ID("notice")))
}

func erasureColumns() []bundle.Column {
	return []bundle.Column{
		col("order", bundle.ID, "Ordre", "The fact that ordered it."),
		col("ground", bundle.Text, "Fondement", "Article."),
		col("whole", bundle.Bool, "Totale", "Everything of the person was destroyed."),
		col("classes", bundle.List, "Classes détruites", "Retention classes that were destroyed."),
		col("kept", bundle.List, "Classes conservées", "Those the law lets the controller keep."),
		col("kept_grounds", bundle.List, "Motifs", "Why, in the same order (art. 17(3))."),
		col("kept_until", bundle.List, "Jusqu'au", "Until when, in the same order."),
		col("stores", bundle.List, "Contrôlé dans", "Stores that were checked before this was written."),
		col("recipients", bundle.List, "Destinataires", "Who was told (art. 19)."),
		col("codes", bundle.Text, "Codes", "What the fact says in clear, as JSON."),
	}
}

func erasureRow(row []bundle.Value, f *event.Fact) []bundle.Value {
	order := f.Codes.ID("order")
	if f.Type == event.ErasureOrdered {
		order = f.ID
	}
	return append(row, bundle.IDOf(order), textOf(f.Codes.String("ground")), bundle.BoolOf(f.Codes.Bool("whole")), bundle.ListOf(f.Codes.Strings("classes")),
		bundle.ListOf(f.Codes.Strings("kept")), bundle.ListOf(f.Codes.Strings("kept_grounds")), bundle.ListOf(f.Codes.Strings("kept_until")),
		bundle.ListOf(f.Codes.Strings("stores")), bundle.ListOf(f.Codes.Strings("recipients")), codesText(f))
}

// textOf is absent where there is nothing.
func textOf(s string) bundle.Value {
	if s == "" {
		return bundle.Value{}
	}
	return bundle.TextOf(s)
}

func timeOf(t time.Time) bundle.Value { return bundle.TimeOf(domain.NewTime(t)) }

// codesText is what a fact says in clear, as one JSON object by name.
func codesText(f *event.Fact) bundle.Value {
	if len(f.Codes) == 0 {
		return bundle.Value{}
	}
	b := []byte{'{'}
	for i, c := range f.Codes {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, c.Name) // names and values are codes
		v, err := json.Marshal(c.Value)
		if err != nil {
			v = []byte("null")
		}
		b = append(append(b, ':'), v...)
	}
	return bundle.TextOf(string(append(b, '}')))
}
