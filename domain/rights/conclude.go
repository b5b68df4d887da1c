package rights

import (
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// maxCertificates bounds the erasures that one answer names.
const maxCertificates = 100

// Conclude answers a request. What it tells of a person needs that it is known who
// asks and about whom; that nothing is held does not, nor an objection to prospecting
// or the withdrawal of a consent (art. 21(2), 7(3)).
type Conclude struct {
	Outcome      Outcome
	Grounds      []Ground // with Partly; of GroundsOf the right
	Remedies     []Remedy // with Partly
	Digest       string   // of the answer's document: SHA-256 in hex
	Format       string   // json, html, pdf, csv
	Certificates []domain.ID
	Words        string
}

// Formats lists the formats of an answer's document.
func Formats() []string { return []string{"json", "html", "pdf", "csv"} }

// Decide implements Command.
func (a Conclude) Decide(s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
	if err := undecided(s); err != nil {
		return casefile.Draft{}, err
	}
	if err := a.check(); err != nil {
		return casefile.Draft{}, err
	}
	if !suits(s, a.Grounds) {
		return casefile.Draft{}, malformed(codeGrounds)
	}
	if err := a.ready(s); err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With(codeOutcome, string(a.Outcome))
	if a.Digest != "" {
		c = c.With(codeDigest, a.Digest).With(codeFormat, a.Format)
	}
	if len(a.Certificates) > 0 {
		ids := make([]string, len(a.Certificates))
		for i, id := range a.Certificates {
			ids[i] = id.String()
		}
		c = c.With(codeCerts, ids)
	}
	if a.Outcome == Partly {
		c = c.With(codeGrounds, texts(a.Grounds)).With(codeRemedies, texts(a.Remedies))
	}
	d := step(s, event.RequestAnswered, c)
	if a.Words != "" {
		d.Fields = []event.Field{Text(FieldWords, a.Words)}
	}
	return d, nil
}

func (a *Conclude) check() error {
	switch {
	case a.Outcome == "":
		return missing(codeOutcome)
	case !known(Outcomes(), a.Outcome):
		return malformed(codeOutcome)
	case a.Digest == "" && a.Format != "":
		return missing(codeDigest)
	case a.Digest != "" && a.Format == "":
		return missing(codeFormat)
	case a.Digest != "" && !digest(a.Digest):
		return malformed(codeDigest)
	case a.Format != "" && !known(Formats(), a.Format):
		return malformed(codeFormat)
	case len(a.Certificates) > maxCertificates || slices.ContainsFunc(a.Certificates, domain.ID.IsZero):
		return malformed(codeCerts)
	case a.Outcome != Partly && len(a.Grounds) > 0:
		return malformed(codeGrounds)
	}
	if a.Outcome == Partly {
		if err := grounded(&a.Grounds, &a.Remedies); err != nil {
			return err
		}
	}
	return words("words", a.Words, a.Outcome == Partly)
}

func (a *Conclude) ready(s *casefile.Summary) error {
	atOnce := s.Kind == string(Objection) || s.Kind == string(ConsentWithdrawal)
	inForce := s.Has(MarkEarly) || !s.Subject.IsZero()
	switch {
	case len(OpenTasks(s)) > 0:
		return stands(TasksOpen)
	case a.Outcome == NothingHeld, atOnce && inForce:
		return nil
	case atOnce: // nobody is bound to it: neither a person nor an address
		return stands(NobodyKnown)
	case s.Status != StatusVerified:
		return stands(NotVerified)
	case s.Subject.IsZero() && s.Kind != string(Other) && s.Kind != string(Directives):
		return stands(NobodyKnown)
	}
	return nil
}

// Refuse says why nothing is done, and where the person can turn: the CNIL and a
// court, both (art. 12(4)).
type Refuse struct {
	Grounds  []Ground
	Remedies []Remedy
	Reasons  string
}

// Decide implements Command. The burden of proof is the controller's (art. 12(5)):
// there is no refusal without reasons in words. An objection to prospecting is never
// refused (art. 21(3)), nor is a withdrawal of consent (art. 7(3)). Of any other right
// the grounds are those that the law has for it (GroundsOf).
func (r Refuse) Decide(s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
	if err := undecided(s); err != nil {
		return casefile.Draft{}, err
	}
	if k := Right(s.Kind); k == Objection || k == ConsentWithdrawal {
		return casefile.Draft{}, malformed(codeRight)
	}
	if err := grounded(&r.Grounds, &r.Remedies); err != nil {
		return casefile.Draft{}, err
	}
	if !suits(s, r.Grounds) {
		return casefile.Draft{}, malformed(codeGrounds)
	}
	if err := words("reasons", r.Reasons, true); err != nil {
		return casefile.Draft{}, err
	}
	d := step(s, event.RequestRefused, event.Codes{}.With(codeGrounds, texts(r.Grounds)).With(codeRemedies, texts(r.Remedies)))
	d.Fields = []event.Field{Text(FieldWords, r.Reasons)}
	return d, nil
}

// grounded checks and sorts grounds and remedies.
func grounded(grounds *[]Ground, remedies *[]Remedy) error {
	switch {
	case len(*grounds) == 0:
		return missing(codeGrounds)
	case slices.ContainsFunc(*grounds, func(g Ground) bool { return !known(Grounds(), g) }):
		return malformed(codeGrounds)
	case !known(*remedies, CNIL) || !known(*remedies, Court):
		return missing(codeRemedies)
	case slices.ContainsFunc(*remedies, func(m Remedy) bool { return m != CNIL && m != Court }):
		return malformed(codeRemedies)
	}
	*grounds, *remedies = sorted(*grounds), sorted(*remedies)
	return nil
}

func sorted[T ~string](list []T) []T {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func named[T ~string](list []string) []T {
	var out []T
	for _, s := range list {
		out = append(out, T(s))
	}
	return out
}
