package rightsform

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"greffe/domain/rights"
)

// What is wrong with no one field alone.
const (
	AnswerKey = "answer"
	ObjectKey = "objected"
)

// Fields are the form's, in its order.
func Fields() []string {
	return []string{Right, Requester, Name, Email, Phone, Address, Customer, Agent, Message}
}

// Read is the request that a form makes, with what was written and the fields that
// have to be looked at again, in the order of the form; there are none of a request
// that can be taken in now. Whoever objects need say no more than an address.
func Read(form url.Values, lang string, now time.Time) (in rights.Intake, values map[string]string, wrong []string) {
	values = map[string]string{}
	for _, f := range Fields() {
		values[f] = strings.TrimSpace(strings.ReplaceAll(form.Get(f), "\r\n", "\n"))
	}
	in = rights.Intake{Right: rights.Right(values[Right]), Channel: "web_form", Requester: rights.Requester(values[Requester]), Language: lang,
		Origin: rights.OriginForm, Received: now, Message: values[Message], Person: rights.Person{Name: values[Name], Email: values[Email],
			Phone: values[Phone], Address: values[Address], CustomerNumber: values[Customer], Agent: values[Agent]}}
	add := func(bad bool, field string) {
		if bad && !slices.Contains(wrong, field) {
			wrong = append(wrong, field)
		}
	}
	p := &in.Person
	objects := in.Right == rights.Objection
	add(!slices.Contains(Offered(), in.Right), Right)
	add(in.Requester != "" && !slices.Contains(AsWhom(), in.Requester) || (in.Requester == rights.Heir) != (in.Right == rights.PostMortem), Requester)
	add(p.Name == "" && !objects || len(p.Name) > 300, Name)
	add(p.Email != "" && !address(p.Email), Email)
	add(len(p.Phone) > 300, Phone)
	add(objects && p.Email == "" && p.Phone == "", ObjectKey)
	add(!objects && p.Email == "" && p.Address == "", AnswerKey)
	add(len(p.Address) > 1000, Address)
	add(len(p.CustomerNumber) > 300, Customer)
	add(in.Requester != "" && in.Requester != rights.InPerson && p.Agent == "" && !objects || len(p.Agent) > 300, Agent)
	add(len(in.Message) > MaxMessage || in.Message == "" && in.Right == rights.Other, Message)
	add(form.Get(Trap) != "", Trap)
	if len(wrong) == 0 {
		if err := in.Check(now); err != nil { // control characters and the like
			add(true, fieldOf(err))
		}
	}
	return in, values, wrong
}

// fieldOf is the form's field that a check of the desk names.
func fieldOf(err error) string {
	text := err.Error()
	for _, f := range []string{Customer, Name, Email, Phone, Address, Agent} {
		if strings.Contains(text, "person."+f) {
			return f
		}
	}
	return Message
}

// address reports what may be an e-mail address: it is not for a form to know better.
func address(s string) bool {
	local, host, ok := strings.Cut(s, "@")
	return ok && local != "" && strings.Contains(strings.Trim(host, "."), ".") && !strings.ContainsAny(s, " \t\n") && len(s) <= 300
}
