package breach

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// ErrFile: the steps are not those of a breach's file.
var ErrFile = errors.New("the steps are not those of a breach's file")

// File is a breach as people read it. Words are absent once they were destroyed.
type File struct {
	Form           Form               `json:"form"`
	Missing        []string           `json:"missing" doc:"Fields without which a notification is not complete."`
	LetterMissing  []string           `json:"letter_missing" doc:"Fields without which no letter to the persons can be written (art. 34(2))."`
	Lacking        []string           `json:"lacking" doc:"What the file needs before it can be closed."`
	Pending        []Pending          `json:"pending" doc:"What is due, the most urgent first."`
	Scopes         []ScopeDone        `json:"scopes,omitempty"`
	Assessments    []AssessmentDone   `json:"assessments,omitempty"`
	Notifications  []NotificationDone `json:"notifications,omitempty"`
	Communications []Communicated     `json:"communications,omitempty"`
	Actions        []ActionDone       `json:"actions,omitempty"`
	Notes          []Noted            `json:"notes,omitempty"`
	Conclusion     string             `json:"conclusion,omitempty"`
	Opening        Step               `json:"opening" doc:"Who opened the file, and when it was recorded."`
	Destroyed      bool               `json:"destroyed,omitzero" doc:"Its words were destroyed at their term."`
}

// Step is what each step has.
type Step struct {
	Number  int64     `json:"number" doc:"Of the step in the file."`
	EventID domain.ID `json:"event_id"`
	At      time.Time `json:"at"`
	By      domain.ID `json:"by,omitzero" doc:"The account; absent: the operator of the machine."`
}

// Noted is a note.
type Noted struct {
	Step
	Text string `json:"text"`
}

// AssessmentDone is a decision on the risk.
type AssessmentDone struct {
	Step
	Likelihood  string `json:"likelihood"`
	Severity    string `json:"severity"`
	Risk        string `json:"risk"`
	Proposed    string `json:"proposed" doc:"What likelihood and severity come to by themselves."`
	Notify      bool   `json:"notify"`
	Communicate bool   `json:"communicate"`
	Exemption   string `json:"exemption,omitempty"`
	Reasoning   string `json:"reasoning"`
}

// NotificationDone is a notification that was sent.
type NotificationDone struct {
	Step
	Kind        string    `json:"kind"`
	SentAt      time.Time `json:"sent_at"`
	Late        bool      `json:"late,omitzero"`
	More        bool      `json:"more,omitzero"`
	Reference   string    `json:"reference,omitempty" doc:"The number that the authority gave."`
	Prior       string    `json:"prior,omitempty"`
	LateReasons string    `json:"late_reasons,omitempty"`
	Recipient   string    `json:"recipient,omitempty"`
}

// Communicated is what persons were told.
type Communicated struct {
	Step
	SentAt  time.Time `json:"sent_at"`
	Channel string    `json:"channel"`
	Persons int64     `json:"persons"`
	Text    string    `json:"text"`
}

// ActionDone is an action with what became of it.
type ActionDone struct {
	Step
	Kind  string    `json:"kind"`
	Item  string    `json:"item,omitempty"`
	Text  string    `json:"text,omitempty"`
	Owner domain.ID `json:"owner,omitzero"`
	Due   time.Time `json:"due,omitzero"`
	Done  time.Time `json:"done,omitzero"`
	Void  bool      `json:"void,omitzero"`
	Ended string    `json:"ended,omitempty" doc:"What was said at its end."`
}

// Read makes a file of its summary and its steps, in their order.
func Read(s *casefile.Summary, steps []casefile.Step) (*File, error) {
	if len(steps) == 0 || s.Desk != casefile.Breach || steps[0].Fact.Type != event.BreachOpened {
		return nil, ErrFile
	}
	f := &File{Missing: []string{}, Lacking: []string{}, Pending: []Pending{}}
	for i := range steps {
		if err := f.take(int64(i), &steps[i]); err != nil {
			return nil, fmt.Errorf("step %d: %w", i, err)
		}
	}
	f.Missing, f.LetterMissing = f.Form.Missing(), LetterMissing(&f.Form)
	if s.Closed.IsZero() {
		f.Lacking = Lacking(s)
		f.Pending = append(f.Pending, PendingOf(s)...)
	}
	return f, nil
}

func (f *File) take(n int64, x *casefile.Step) error {
	var w words
	for _, field := range x.Fields {
		var into any
		switch field.Path {
		case FieldForm:
			f.Form = Form{}
			into = &f.Form
		case FieldWords:
			into = &w
		default:
			continue
		}
		if err := json.Unmarshal(field.Value, into); err != nil {
			return ErrFile // what it says may be anything
		}
	}
	f.Destroyed = f.Destroyed || x.Gone
	c, st := x.Fact.Codes, Step{n, x.Fact.ID, x.Fact.Time.Time, x.Fact.Actor}
	switch x.Fact.Type {
	case event.BreachOpened:
		f.Opening = st
	case event.BreachNoted:
		if w.Text != "" {
			f.Notes = append(f.Notes, Noted{st, w.Text})
		}
	case event.BreachScoped:
		f.Scopes = append(f.Scopes, ScopeDone{st, readScope(c), readCounted(c)})
	case event.BreachAssessed:
		f.Assessments = append(f.Assessments, AssessmentDone{st, c.String("likelihood"), c.String("severity"), c.String("risk"), c.String("proposed"),
			c.Bool(MarkNotify), c.Bool(MarkCommunicate), c.String("exemption"), w.Text})
	case event.BreachNotified:
		f.Notifications = append(f.Notifications, NotificationDone{st, c.String("notification"), c.Time("sent"), c.Bool("late"), c.Bool("more"),
			w.Number, w.Prior, w.LateReasons, w.Recipient})
	case event.BreachCommunicated:
		f.Communications = append(f.Communications, Communicated{st, c.Time("sent"), c.String("channel"), c.Int("number"), w.Text})
	case event.BreachActed:
		f.act(st, c, w.Text)
	case event.BreachClosed:
		f.Conclusion = w.Text
	}
	return nil
}

// act adds an action, or says what became of one.
func (f *File) act(st Step, c event.Codes, text string) {
	n := c.Int("action")
	if n == 0 {
		f.Actions = append(f.Actions, ActionDone{Step: st, Kind: c.String("kind"), Item: c.String("item"), Text: text})
		n = st.Number
		text = ""
	}
	for i := range f.Actions {
		a := &f.Actions[i]
		if a.Number != n {
			continue
		}
		if owner := c.ID("owner"); !owner.IsZero() {
			a.Owner = owner
		}
		if due := c.Time("due"); !due.IsZero() {
			a.Due = due
		}
		if a.Done, a.Void = c.Time("done"), c.Bool("void"); text != "" {
			a.Ended = text
		}
	}
}
