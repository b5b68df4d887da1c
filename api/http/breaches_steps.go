package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/breach"
	"greffe/domain/casefile"
)

// onDesk is what every step of a file says besides itself.
type onDesk struct {
	ID       domain.ID `path:"id" doc:"The file."`
	Revision *int      `query:"revision" doc:"Of the file as the caller saw it; another one is a conflict."`
}

func (in onDesk) on(c *Call) DeskOn {
	on := DeskOn{Actor: c.principal.Account, Case: in.ID}
	if in.Revision != nil {
		n := int64(*in.Revision)
		on.Revision = &n
	}
	return on
}

// BreachFormInput replaces the form.
type BreachFormInput struct {
	Form breach.Form `json:"form" doc:"The whole form: what is left out is gone from it."`
}

// WordsInput is a note.
type WordsInput struct {
	Text string `json:"text" doc:"Sealed. At most 8,000 bytes."`
}

// AssessmentInput decides on the risk.
type AssessmentInput struct {
	Likelihood  string `json:"likelihood" doc:"Vraisemblance: negligible, limited, significant, maximal."`
	Severity    string `json:"severity" doc:"Gravité: negligible, limited, significant, maximal."`
	Risk        string `json:"risk,omitempty" doc:"unlikely (register only; not if likelihood and severity are both significant or maximal), risk (the authority is notified), high (and the persons are told); what likelihood and severity come to if absent."`
	Notify      *bool  `json:"notify,omitempty" doc:"Notify the authority (art. 33(1)); with a risk always. By the risk if absent."`
	Communicate *bool  `json:"communicate,omitempty" doc:"Tell the persons (art. 34(1)); at high risk unless exempted. By the risk and exemption if absent."`
	Exemption   string `json:"exemption,omitempty" doc:"Art. 34(3): unintelligible, risk_removed, disproportionate, which asks for a public communication."`
	Reasoning   string `json:"reasoning" doc:"Why; sealed."`
}

// Assessment completes an input by what follows from the risk.
func (in *AssessmentInput) Assessment() *breach.Assessment {
	a := &breach.Assessment{Likelihood: in.Likelihood, Severity: in.Severity, Risk: in.Risk, Exemption: in.Exemption, Reasoning: in.Reasoning}
	if a.Risk == "" {
		a.Risk = breach.Proposed(a.Likelihood, a.Severity)
	}
	if a.Notify = a.Risk == breach.Risky || a.Risk == breach.High; in.Notify != nil {
		a.Notify = *in.Notify
	}
	if a.Communicate = a.Risk == breach.High && a.Exemption == ""; in.Communicate != nil {
		a.Communicate = *in.Communicate
	}
	return a
}

// NotificationInput records a notification.
type NotificationInput struct {
	Kind        string    `json:"kind" doc:"initial, complementary, complete."`
	Sent        time.Time `json:"sent_at" doc:"When it was sent."`
	More        bool      `json:"more,omitzero" doc:"Another follows a complementary one; one always follows an initial one, expected within 72 hours."`
	Reference   string    `json:"reference,omitempty" doc:"The number that the authority gave; sealed."`
	Prior       string    `json:"prior,omitempty" doc:"Number of the one that a complementary one completes; sealed."`
	LateReasons string    `json:"late_reasons,omitempty" doc:"Needed after the deadline (art. 33(1)); sealed."`
	Recipient   string    `json:"recipient,omitempty" doc:"To whom; the CNIL if absent. A processor names its controllers; sealed."`
}

// CommunicationInput records what persons were told.
type CommunicationInput struct {
	Sent    time.Time `json:"sent_at" doc:"When it was sent."`
	Channel string    `json:"channel" doc:"email, sms, phone, postal, public, other."`
	Persons int64     `json:"persons,omitzero" doc:"How many were told; not needed of a public communication."`
	Text    string    `json:"text" doc:"What they were told; sealed."`
}

// ActionInput adds an action, or says what became of one.
type ActionInput struct {
	Action int64     `json:"action,omitzero" doc:"Number of one that is in the file; absent: a new one."`
	Kind   string    `json:"kind,omitempty" doc:"Of a new one: containment, corrective, evidence."`
	Item   string    `json:"item,omitempty" doc:"Of the checklist, if it is one."`
	Text   string    `json:"text,omitempty" doc:"What is to be done, or what was; sealed."`
	Owner  domain.ID `json:"owner,omitzero" doc:"The account that does it."`
	Due    time.Time `json:"due,omitzero" doc:"Until when; needed of one that is neither done nor void."`
	Done   time.Time `json:"done_at,omitzero" doc:"When it was done."`
	Void   bool      `json:"void,omitzero" doc:"It does not apply, or was given up; the text says why."`
}

// ConclusionInput closes a file.
type ConclusionInput struct {
	Conclusion string `json:"conclusion" doc:"Sealed."`
}

// takesBreach makes the endpoint of a step. What decides it is given the file as it is.
func takesBreach[B any](decide func(b *B, s *casefile.Summary, now time.Time) (casefile.Draft, error)) endpoint {
	type input struct {
		onDesk
		Body B
	}
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *input) (*DeskTaken, error) {
		out, err := a.services.Breaches.Take(ctx, in.on(c), func(s *casefile.Summary) (casefile.Draft, error) {
			return decide(&in.Body, s, a.cfg.Now())
		})
		return out, deskProblem(err)
	})
}

func rewriteBreach() endpoint {
	return takesBreach(func(b *BreachFormInput, s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
		return breach.Rewrite(s, &b.Form)
	})
}

func noteBreach() endpoint {
	return takesBreach(func(b *WordsInput, s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
		return breach.Note(s, b.Text)
	})
}

func assessBreach() endpoint {
	return takesBreach(func(b *AssessmentInput, s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
		d, err := b.Assessment().Draft(s)
		if no := (*breach.ContradictionError)(nil); errors.As(err, &no) {
			return d, problem.At(contradictions()[no.Why], no.Field)
		}
		return d, err
	})
}

// contradictions are the codes by which an assessment that the law does not allow is
// refused.
func contradictions() map[breach.Contradiction]problem.Code {
	return map[breach.Contradiction]problem.Code{breach.RiskNotNotified: problem.RiskNotNotified, breach.HighRiskNotTold: problem.HighRiskNotTold,
		breach.ExemptedAndTold: problem.ExemptedAndTold, breach.RiskNotUnlikely: problem.RiskNotUnlikely}
}

func notifyBreach() endpoint {
	return takesBreach(func(b *NotificationInput, s *casefile.Summary, now time.Time) (casefile.Draft, error) {
		n := breach.Notification{Kind: b.Kind, Sent: b.Sent, More: b.More, Number: b.Reference, Prior: b.Prior, LateReasons: b.LateReasons, Recipient: b.Recipient}
		return n.Draft(s, now)
	})
}

func tellBreach() endpoint {
	return takesBreach(func(b *CommunicationInput, s *casefile.Summary, now time.Time) (casefile.Draft, error) {
		m := breach.Communication{Sent: b.Sent, Channel: b.Channel, Number: b.Persons, Text: b.Text}
		return m.Draft(s, now)
	})
}

func actBreach() endpoint {
	return takesBreach(func(b *ActionInput, s *casefile.Summary, now time.Time) (casefile.Draft, error) {
		x := breach.Action{Number: b.Action, Kind: b.Kind, Item: b.Item, Text: b.Text, Owner: b.Owner, Due: b.Due, Done: b.Done, Void: b.Void}
		return x.Draft(s, now)
	})
}

func closeBreach() endpoint {
	return takesBreach(func(b *ConclusionInput, s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
		return breach.Close(s, b.Conclusion)
	})
}
