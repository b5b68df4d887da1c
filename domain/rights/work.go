package rights

import (
	"mime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

const (
	// MaxFile bounds a file that is kept with a request, in bytes.
	MaxFile = 5 << 20
	// SystemOther is a system that the policy does not name as a recipient.
	SystemOther = "other"
)

// Search asks that one system be searched: orders, recordings and letters are
// elsewhere. Title says which system, if the policy does not name it.
type Search struct {
	System string // recipient of the policy, or SystemOther
	Title  string
	Owner  domain.ID // account; zero: nobody yet
	Due    time.Time // zero: seven days before the request is due
}

// beforeDue is when a task is due if nobody says otherwise.
const beforeDue = 7 * 24 * time.Hour

// Decide implements Command. That the system is one of the policy's is for the caller
// to know.
func (t Search) Decide(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	if err := undecided(s); err != nil {
		return casefile.Draft{}, err
	}
	if t.System == "" {
		return casefile.Draft{}, missing(codeSystem)
	}
	if err := words("title", t.Title, t.System == SystemOther); err != nil {
		return casefile.Draft{}, err
	}
	if t.Due.IsZero() {
		if t.Due = s.Due.Add(-beforeDue); t.Due.Before(now) {
			t.Due = s.Due
		}
	}
	if t.Due.Before(s.Opened) || t.Due.After(Extended(s.Opened)) {
		return casefile.Draft{}, malformed(codeDue)
	}
	c := event.Codes{}.With(codeTask, s.Revision+1).With(codeSystem, t.System).With(codeDue, domain.FormatTime(t.Due))
	if !t.Owner.IsZero() {
		c = c.With(codeAssignee, t.Owner.String())
	}
	d := step(s, event.RequestTasked, c)
	if t.Title != "" {
		d.Fields = []event.Field{Text(FieldTitle, t.Title)}
	}
	return d, nil
}

// Searched ends a task: with the file that was found, or with nothing held.
type Searched struct {
	Task    int64
	Finding Finding
	Remark  string
	File    *File // with Found only
}

// Decide implements Command.
func (r Searched) Decide(s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
	if err := undecided(s); err != nil {
		return casefile.Draft{}, err
	}
	switch {
	case !s.Has(MarkTask(r.Task)):
		return casefile.Draft{}, stands(NoSuchTask)
	case r.Finding == "":
		return casefile.Draft{}, missing(codeFinding)
	case !known(Findings(), r.Finding):
		return casefile.Draft{}, malformed(codeFinding)
	case r.File != nil && r.Finding != Found:
		return casefile.Draft{}, malformed("file")
	}
	if err := words("remark", r.Remark, r.Finding == NotApplicable); err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With(codeTask, r.Task).With(codeFinding, string(r.Finding))
	var fields []event.Field
	if r.File != nil {
		if err := r.File.check(); err != nil {
			return casefile.Draft{}, err
		}
		c, fields = r.File.codes(c), append(fields, object(FieldFile, r.File))
	}
	d := step(s, event.RequestSearched, c)
	if d.Fields = fields; r.Remark != "" {
		d.Fields = append(d.Fields, Text(FieldWords, r.Remark))
	}
	return d, nil
}

// Remark is a note, or with a file an attachment. No attachment is an identity
// document: what was looked at to verify somebody is not kept (art. 5(1)(c), 12(6)).
type Remark struct {
	Kind  NoteKind
	Words string
	File  *File
}

// Decide implements Command. A closed file takes notes still.
func (n Remark) Decide(s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
	if s.Revision >= maxSteps {
		return casefile.Draft{}, stands(TooManyInFile)
	}
	if n.File != nil {
		n.Kind = NoteFile
	}
	switch {
	case n.Kind == "":
		n.Kind = NoteWords
	case n.Kind != NoteFile && !known(NoteKinds(), n.Kind), n.Kind == NoteFile && n.File == nil:
		return casefile.Draft{}, malformed(codeKind)
	}
	if err := words("words", n.Words, n.File == nil && n.Kind != NoteIdentityAsked); err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With(codeKind, string(n.Kind))
	var fields []event.Field
	if n.File != nil {
		if err := n.File.check(); err != nil {
			return casefile.Draft{}, err
		}
		c, fields = n.File.codes(c), append(fields, object(FieldFile, n.File))
	}
	d := step(s, event.RequestNoted, c)
	if d.Fields = fields; n.Words != "" {
		d.Fields = append(d.Fields, Text(FieldWords, n.Words))
	}
	return d, nil
}

// Medias are the types of files that are kept.
func Medias() []string {
	return []string{"application/pdf", "application/json", "application/zip", "text/csv", "text/plain", "text/html",
		"image/jpeg", "image/png", "audio/mpeg", "audio/wav", "message/rfc822", "application/octet-stream",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
}

// unseen are control characters, and format characters, which make a name look like
// another: a right-to-left override hides an ending.
func unseen(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

func (f *File) check() error {
	media, _, err := mime.ParseMediaType(f.Media)
	switch {
	case err != nil || !known(Medias(), media):
		return malformed("file.media")
	case f.Name == "":
		return missing("file.name")
	case len(f.Name) > maxLine, !utf8.ValidString(f.Name), strings.ContainsFunc(f.Name, unseen), strings.ContainsAny(f.Name, `/\"`), strings.Trim(f.Name, ". ") == "":
		return malformed("file.name")
	case len(f.Data) == 0:
		return missing("file.data")
	case len(f.Data) > MaxFile:
		return malformed("file.data")
	}
	f.Media = media
	return nil
}

// codes says of a file what is nobody's data.
func (f *File) codes(c event.Codes) event.Codes {
	return c.With(codeMedia, f.Media).With(codeSize, int64(len(f.Data)))
}
