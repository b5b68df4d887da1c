package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

const operationOp = "GET /v1/operations/{id}"

// operationPage is one erasure: what was ordered, how far it is, and what it did.
type operationPage struct {
	ID, Done       string
	What           []pair
	Progress       *progress // nil: it ended
	Trouble        string
	Result         []pair
	Goes           *table // what was destroyed, as the preview has it
	Stays          *table // what outlives it
	Empty          string // classes of which there was nothing
	Stores         *table
	Recipients     *table
	States         []pair // of the recipients, what those mean that do not say it
	Person, Proven link
	Papers         []link // the certificate, to take away
}

func (c *Console) operationRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/operations/{id}", c.page(c.operation))
	mux.HandleFunc("GET "+Root+"/live/operations/{id}", c.progressStream(followOperation))
}

// operation shows an erasure on its way, then its certificate.
func (c *Console) operation(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	o, err := v.get(ctx, c.spec[operationOp].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	p := &operationPage{ID: id, Done: v.done(), Trouble: o.text("trouble"), What: v.chosen(o, "operation", "state", "position")}
	p.What = append(p.What, v.ordered(ctx, id)...)
	person := o.text("subject_id")
	p.Person = link{Href: Root + "/people/" + person, Text: v.words.t("operation_person") + " " + short(person)}
	p.Proven = link{Href: Root + "/events/" + id, Text: v.words.t("operation_order")}
	if now := v.operationNow(o); !now.Ended {
		now.Stream, now.Here = Root+"/live/operations/"+id, v.r.URL.Path
		p.Progress = &now
	}
	p.certificate(v, o.at("certificate"))
	v.show(http.StatusOK, "operation", v.words.t("desk_operations"), p)
	return nil
}

// ordered is what the order says, for who may read facts: why, and in which words.
func (v *visit) ordered(ctx context.Context, id string) []pair {
	if !v.allowed(eventOp) || v.reason == "" {
		return nil
	}
	e, err := v.get(ctx, v.c.spec[eventOp].filled([]string{id}, nil))
	if err != nil {
		return nil
	}
	order := &eventPage{Codes: slices.DeleteFunc(v.words.pairs(e.at("codes")), func(p pair) bool { return p.Name == "operation" })} // the page is its
	order.fields(v, e)
	return append(order.Codes, order.Fields...)
}

// certificate says what an erasure did, if it did.
func (p *operationPage) certificate(v *visit, done value) {
	if done.empty() {
		return
	}
	if d, ok := find("certificates"); ok {
		p.Papers = v.files(d, done.text("number"), 0)
	}
	p.Result = v.chosen(done, "number", "erased_at", "whole", "ground", "epochs", "position")
	p.extent(v, done)
	rows := func(name string) *table {
		if len(done.at(name).list) == 0 {
			return nil
		}
		return v.words.rows(v.words.t("operation_"+name), done.at(name))
	}
	p.Stores, p.Recipients = rows("stores"), rows("recipients")
	if p.Recipients != nil {
		for i, r := range done.at("recipients").list {
			p.Recipients.Body[i].Cells[0].Text = v.words.code("recipient_code", r.text("name"))
			if state := r.text("state"); v.words.texts["told_"+state] != "" && !slices.ContainsFunc(p.States, func(x pair) bool { return x.Name == state }) {
				p.States = append(p.States, pair{Name: state, Label: v.words.code("state", state), Help: v.words.t("told_" + state)})
			}
		}
	}
}

// extent shows what was destroyed and what stays, in the words of the preview.
func (p *operationPage) extent(v *visit, done value) {
	f := v.foreseen(value{kind: '{', members: []member{{"destroyed", done.at("data")}, {"kept", done.at("kept")}, {"whole", done.at("whole")}, {"opposition", done.at("opposition")}}}, nil)
	if p.Goes, p.Stays = f.Goes, f.Stays; p.Goes != nil {
		p.Goes.Caption = v.words.t("operation_destroyed")
	}
	if p.Stays != nil {
		p.Stays.Caption = v.words.t("operation_kept")
	}
	var empty []string
	for _, class := range done.at("empty").strings() {
		empty = append(empty, v.words.code("class", class))
	}
	p.Empty = strings.Join(empty, ", ")
}

// chosen are some members of an object, in this order; those without a value are left out.
func (v *visit) chosen(o value, names ...string) []pair {
	var some []member
	for _, n := range names {
		some = append(some, member{n, o.at(n)})
	}
	return v.words.pairs(value{kind: '{', members: some})
}

func followOperation(ctx context.Context, v *visit) (progress, error) {
	o, err := v.get(ctx, v.c.spec[operationOp].filled([]string{v.r.PathValue("id")}, nil))
	if err != nil {
		return progress{}, err
	}
	return v.operationNow(o), nil
}

// operationNow is how far an erasure is: nobody can tell but that it is over.
func (v *visit) operationNow(o value) progress {
	if o.text("state") == "done" {
		return progress{Done: 1, Total: 1, Text: v.words.t("operation_done"), Ended: true}
	}
	p := progress{Done: -1, Text: v.words.t("operation_pending")}
	if o.text("trouble") != "" {
		p.Text = v.words.t("operation_trouble")
	}
	return p
}
