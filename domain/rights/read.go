package rights

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"greffe/domain/casefile"
	"greffe/domain/event"
)

// Read is a file for those who may see its words: the summary with what was opened of
// each step. Files' contents are left out; see Content.
func Read(s *casefile.Summary, steps []casefile.Step) (*Request, error) {
	if len(steps) == 0 || steps[0].Fact.Type != event.RequestReceived {
		return nil, ErrFact
	}
	c := steps[0].Fact.Codes
	r := &Request{Summary: *s, Right: Right(s.Kind), Channel: c.String(codeChannel), Origin: c.String(codeOrigin),
		Requester: RequesterOf(s), Ground: HeirGroundOf(s), Language: c.String(codeLanguage), Received: s.Opened, FirstDue: Deadline(s.Opened)}
	for i := range steps {
		if err := r.take(&steps[i]); err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return r, nil
}

// opened are a step's words.
type opened struct {
	text map[string]string
	file *File
}

func openedOf(s *casefile.Step, p *Person) (o opened, err error) {
	o.text = map[string]string{}
	for _, f := range s.Fields {
		switch f.Path {
		case FieldPerson:
			err = json.Unmarshal(f.Value, p)
		case FieldFile:
			o.file = new(File)
			err = json.Unmarshal(f.Value, o.file)
		case FieldMessage, FieldWords, FieldTitle:
			var text string
			err = json.Unmarshal(f.Value, &text)
			o.text[f.Path] = text
		}
		if err != nil {
			return o, fmt.Errorf("%w: a sealed field cannot be read", ErrFact)
		}
	}
	return o, nil
}

// Content is the file that a step keeps, nil if it keeps none or it was destroyed.
func Content(s *casefile.Step) (*File, error) {
	o, err := openedOf(s, new(Person))
	return o.file, err
}

// Light is a step without the content of the file that it keeps; its name and media
// stay. Steps that keep none are as they were.
func Light(s casefile.Step) casefile.Step {
	at := slices.IndexFunc(s.Fields, func(f event.Field) bool { return f.Path == FieldFile })
	var f File
	if at < 0 || json.Unmarshal(s.Fields[at].Value, &f) != nil {
		return s // what cannot be read is an error to who reads it
	}
	f.Data = nil
	if b, err := json.Marshal(&f); err == nil {
		s.Fields = slices.Clone(s.Fields)
		s.Fields[at].Value = b
	}
	return s
}

func (r *Request) take(s *casefile.Step) error {
	o, err := openedOf(s, &r.Person)
	if err != nil {
		return err
	}
	if r.Gone = r.Gone || s.Gone; o.file != nil {
		o.file.Data = nil
	}
	f, c := s.Fact, s.Fact.Codes
	r.Steps = append(r.Steps, Entry{Type: f.Type, Event: f.ID, Position: s.Position, Actor: f.Actor, Time: f.Time.Time})
	words := o.text[FieldWords]
	switch f.Type {
	case event.RequestReceived:
		r.Message = o.text[FieldMessage]
	case event.RequestVerified:
		r.Identity = &Identity{Means: Means(c.String(codeMeans)), Standing: Standing(c.String(codeStanding)), On: c.Time(codeOn), By: f.Actor, Subject: f.Subject}
	case event.RequestExtended:
		r.Extension = &Extension{Reasons: words, Until: c.Time(codeUntil), At: f.Time.Time}
		if g := c.Strings(codeGrounds); len(g) > 0 {
			r.Extension.Ground = ExtensionGround(g[0])
		}
	case event.RequestTasked:
		r.Tasks = append(r.Tasks, Task{Number: c.Int(codeTask), System: c.String(codeSystem), Title: o.text[FieldTitle], Owner: c.ID(codeAssignee), Due: c.Time(codeDue)})
	case event.RequestSearched:
		r.searched(s, o.file, words)
	case event.RequestNoted:
		r.Notes = append(r.Notes, Note{Kind: NoteKind(c.String(codeKind)), Words: words, File: o.file, Bytes: c.Int(codeSize), At: f.Time.Time, Actor: f.Actor, Step: f.ID})
	case event.RequestDispatched:
		r.Dispatches = append(r.Dispatches, Dispatch{Of: Letter(c.String(codeOf)), By: c.String(codeBy), Sent: c.Time(codeSent), Proof: words, Step: f.ID})
	default:
		r.concluded(f, words)
	}
	return nil
}

func (r *Request) searched(s *casefile.Step, file *File, words string) {
	c := s.Fact.Codes
	i := slices.IndexFunc(r.Tasks, func(t Task) bool { return t.Number == c.Int(codeTask) })
	if i < 0 {
		return
	}
	t := &r.Tasks[i]
	t.Finding, t.Remark, t.File, t.Step, t.Done = Finding(c.String(codeFinding)), words, file, s.Fact.ID, s.Fact.Time.Time
}

func (r *Request) concluded(f *event.Fact, words string) {
	c := f.Codes
	grounds, remedies := named[Ground](c.Strings(codeGrounds)), named[Remedy](c.Strings(codeRemedies))
	switch f.Type {
	case event.RequestAnswered:
		r.Answer = &Answer{Outcome: Outcome(c.String(codeOutcome)), Grounds: grounds, Remedies: remedies, Digest: c.String(codeDigest),
			Format: c.String(codeFormat), Words: words, At: f.Time.Time}
		for _, text := range c.Strings(codeCerts) {
			r.Answer.Certificates = append(r.Answer.Certificates, event.Codes{{Name: codeCerts, Value: text}}.ID(codeCerts))
		}
	case event.RequestRefused:
		r.Refusal = &Refusal{Grounds: grounds, Remedies: remedies, Reasons: words, At: f.Time.Time}
	}
}
