package httpapi

import (
	"context"
	"iter"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/breach"
	"greffe/domain/casefile"
	"greffe/domain/policy"
	"greffe/eventstore/access"
)

// Breaches are the files of personal data breaches (art. 33, 34). What opens words
// asks for the receipt of the access.
type Breaches interface {
	// Open writes the first step of a file.
	Open(ctx context.Context, actor domain.ID, d casefile.Draft) (*DeskTaken, error)
	// Take writes the step that decide makes of the file as it is. ErrConflict: its
	// revision is another, or becomes another meanwhile.
	Take(ctx context.Context, on DeskOn, decide func(*casefile.Summary) (casefile.Draft, error)) (*DeskTaken, error)
	List(ctx context.Context, f DeskFilter, page Page) (items []casefile.Summary, next string, err error)
	// Read is one file with its words, or ErrNotFound.
	Read(ctx context.Context, r access.Receipt, id domain.ID) (*casefile.Summary, *breach.File, error)
	// Measure counts whom the accesses of a scope name, and writes that down.
	Measure(ctx context.Context, on DeskOn, q *breach.Scope) (*breach.Counted, *DeskTaken, error)
	// Measured is the scope of a file's step, the last one for -1, by codes alone.
	Measured(ctx context.Context, id domain.ID, step int64) (*breach.Scope, error)
	// Persons streams whom a scope names, in order of their ids.
	Persons(ctx context.Context, q *breach.Scope) iter.Seq2[domain.ID, error]
}

// BreachInput opens a breach's file.
type BreachInput struct {
	Role       string      `json:"role,omitempty" doc:"controller (default), or processor, who alerts its controllers."`
	Controller string      `json:"controller,omitempty" doc:"Code of the policy; its first if absent."`
	Aware      time.Time   `json:"aware_at,omitzero" doc:"When somebody here became aware: the 72 hours run from then on. Now if absent."`
	Form       breach.Form `json:"form,omitzero" doc:"What is known so far, of the CNIL's form; sealed."`
}

// BreachQuery names a breach.
type BreachQuery struct {
	ID domain.ID `path:"id" doc:"The breach."`
}

// LetterQuery asks for the letter to the persons.
type LetterQuery struct {
	ID       domain.ID `path:"id" doc:"The breach."`
	Language string    `query:"language" doc:"fr or en; by Accept-Language if absent."`
}

// BreachItem is one breach, whole.
type BreachItem struct {
	DeskItem
	Aware    time.Time    `json:"aware_at"`
	Deadline time.Time    `json:"deadline" doc:"72 hours after awareness; of a processor this ledger's own 24."`
	File     *breach.File `json:"file"`
}

// BreachForms are the codes of forms and files.
type BreachForms struct {
	Lists     map[string][]string `json:"lists"`
	Checklist []breach.Check      `json:"checklist" doc:"Containment: what to do first."`
}

func breachRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	change := Limits{Body: 256 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	measure := Limits{Body: 64 << 10, Timeout: time.Minute, Rate: RateSearch}
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, "/v1/breaches", "breaches.read", "Personal data breaches: where each stands, and what is due", list, false,
			listDesk(func(a *API) func(context.Context, DeskFilter, Page) ([]casefile.Summary, string, error) {
				return a.services.Breaches.List
			}), nil},
		{post, "/v1/breaches", "breaches.write", "Open a breach's file: the 72 hours run", change, true, openBreach(), writing(problem.NotYet)},
		{get, "/v1/breaches/forms", "breaches.read", "The codes of the form, and the containment checklist", read, false, getBreachForms(), nil},
		{get, "/v1/breaches/register", "breaches.read", "The register of art. 33(5): facts, effects, remedies and decisions of every breach", list, false, getBreachRegister().of(Nobodys), nil},
		{get, "/v1/breaches/{id}", "breaches.read", "One breach, with everything in its file", read, false, getBreach(), nil},
		{get, "/v1/breaches/{id}/letter", "breaches.read", "The letter to the persons (art. 34(2)), in French or English", read, false, getBreachLetter(), []problem.Code{problem.NotYet}},
		{post, "/v1/breaches/{id}/form", "breaches.write", "Replace the form by what is known now", change, true, rewriteBreach(), writing(problem.NotYet)},
		{post, "/v1/breaches/{id}/notes", "breaches.write", "Add a note", change, true, noteBreach(), writing(problem.NotYet)},
		{post, "/v1/breaches/{id}/scope", "breaches.write", "Measure whom accounts, systems or a period could have seen", measure, true, scopeBreach(), writing(problem.NotYet)},
		{get, "/v1/breaches/{id}/persons", "breaches.read", "Those whom a scope found, by id", list, false, getBreachPersons().of(Many), nil},
		{post, "/v1/breaches/{id}/assessment", "breaches.write", "Decide on the risk: likelihood and severity, whom to tell", change, true, assessBreach(),
			writing(problem.NotYet, problem.RiskNotNotified, problem.HighRiskNotTold, problem.ExemptedAndTold, problem.RiskNotUnlikely)},
		{post, "/v1/breaches/{id}/notifications", "breaches.write", "Record what was sent to the authority: initial, complementary, complete", change, true, notifyBreach(), writing(problem.NotYet)},
		{post, "/v1/breaches/{id}/communications", "breaches.write", "Record what the persons were told", change, true, tellBreach(), writing(problem.NotYet)},
		{post, "/v1/breaches/{id}/actions", "breaches.write", "Add an action with its due date, or say that one is done", change, true, actBreach(), writing(problem.NotYet)},
		{post, "/v1/breaches/{id}/close", "breaches.write", "Close a breach, once its decisions are recorded", change, true, closeBreach(), writing(problem.NotYet)},
	}
}

func openBreach() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *struct{ Body BreachInput }) (*DeskTaken, error) {
		o, err := in.Body.Opening(c.rules)
		if err != nil {
			return nil, err
		}
		d, err := o.Draft(a.cfg.Now())
		if err != nil {
			return nil, deskProblem(err)
		}
		return a.services.Breaches.Open(ctx, c.principal.Account, d)
	})
}

// Opening completes an input by what the policy says of the controller.
func (in *BreachInput) Opening(rules *policy.Policy) (*breach.Opening, error) {
	o := &breach.Opening{Role: in.Role, Controller: in.Controller, Aware: in.Aware, Form: in.Form}
	if o.Role == "" {
		o.Role = breach.Controller
	}
	if o.Controller == "" {
		o.Controller = rules.DefaultController()
	}
	for _, c := range rules.Controllers() {
		if c.Code != o.Controller {
			continue
		}
		for _, x := range []struct {
			into *string
			from string
		}{{&o.Form.Organisation.Name, c.Name}, {&o.Form.Organisation.Address, c.Address}, {&o.Form.Organisation.DPO.Email, c.DPO}, {&o.Form.Organisation.Contact.Email, c.Email}} {
			if *x.into == "" {
				*x.into = x.from
			}
		}
		return o, nil
	}
	return nil, problem.At(problem.FieldInvalid, "controller")
}

func getBreachForms() endpoint {
	return plain(http.StatusOK, func(context.Context, *API, *Call, *struct{}) (*BreachForms, error) {
		return &BreachForms{Checklist: breach.Checklist(), Lists: map[string][]string{
			"role": breach.Roles(), "state": breach.States(), "nature": breach.Natures(), "origins": breach.Origins(), "agent": breach.Agents(), "intent": breach.Intents(),
			"persons": breach.PersonCategories(), "data": breach.DataCategories(), "special": breach.Special(), "media": breach.Media(), "before": breach.Prior(),
			"consequences.confidentiality": breach.ConsequencesConfidentiality(), "consequences.integrity": breach.ConsequencesIntegrity(),
			"consequences.availability": breach.ConsequencesAvailability(), "harms": breach.Harms(), "levels": breach.Levels(), "risk": breach.Risks(),
			"exemption": breach.Exemptions(), "notification": breach.Notifications(), "informed": breach.Informing(), "channels": breach.Channels(), "action": breach.ActionKinds()}}, nil
	})
}

// readsBreaches is the access by which words of breaches are read: their files name
// people of our own and of the authority.
func readsBreaches(action string) access.Reading {
	return access.Reading{Action: action, Categories: []string{"requests"}}
}

func getBreach() endpoint {
	return opening(func(context.Context, *API, *Call, *BreachQuery) (access.Reading, error) {
		return readsBreaches("read"), nil
	},
		func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *BreachQuery) (*BreachItem, error) {
			s, f, err := a.services.Breaches.Read(ctx, r, in.ID)
			if err != nil {
				return nil, err
			}
			return &BreachItem{DeskItemOf(s, a.cfg.Now()), breach.Aware(s), breach.Deadline(s), f}, nil
		})
}

func getBreachLetter() endpoint {
	return opening(func(_ context.Context, _ *API, c *Call, in *LetterQuery) (access.Reading, error) {
		switch in.Language {
		case "":
			in.Language = problem.Language(c.r)
		case "fr", "en":
		default:
			return access.Reading{}, problem.At(problem.ParameterInvalid, "language")
		}
		return readsBreaches("read"), nil
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *LetterQuery) (*breach.Letter, error) {
		_, f, err := a.services.Breaches.Read(ctx, r, in.ID)
		if err != nil {
			return nil, err
		}
		l, err := breach.Write(&f.Form, in.Language)
		if err != nil { // what lacks is in the file, not in this request
			err = deskProblem(&casefile.StateError{Lacks: breach.LetterMissing(&f.Form)[0]})
		}
		return l, err
	})
}
