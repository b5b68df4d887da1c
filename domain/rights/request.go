package rights

import (
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// Person is who asks and for whom, in the words of the request. Everything may be
// empty but where the answer goes.
type Person struct {
	Name           string `json:"name,omitempty"`
	Email          string `json:"email,omitempty"`
	Phone          string `json:"phone,omitempty"`
	Address        string `json:"address,omitempty"`         // postal, lines apart by \n
	CustomerNumber string `json:"customer_number,omitempty"` // or another reference of the controller's
	Agent          string `json:"agent,omitempty"`           // who acts for the person, as whom the answer goes to
	Deceased       string `json:"deceased,omitempty"`        // name of the dead person, of post_mortem and directives
	DiedOn         string `json:"died_on,omitempty"`         // YYYY-MM-DD
}

// File is a file that is kept with a request. Data is base64 in JSON.
type File struct {
	Name  string `json:"name"`
	Media string `json:"media"`
	Data  []byte `json:"data"`
}

// Request is a file with what was opened of it.
type Request struct {
	casefile.Summary
	Right     Right
	Channel   string
	Origin    string // "" : an upstream's event
	Requester Requester
	Ground    HeirGround
	Language  string    // fr or en; "" if it is not known
	Received  time.Time // from when the month runs
	FirstDue  time.Time // the end of the first month
	Person    Person
	Message   string
	Gone      bool // words were destroyed at their term

	Identity   *Identity
	Extension  *Extension
	Tasks      []Task
	Answer     *Answer
	Refusal    *Refusal
	Dispatches []Dispatch
	Notes      []Note
	Steps      []Entry // all of them, the first too
}

// Entry is one step, of whatever kind.
type Entry struct {
	Type     event.Type
	Event    domain.ID
	Position domain.Position
	Actor    domain.ID // zero: the ledger, a form, an upstream
	Time     time.Time
}

// Identity says that who asks was verified, never with what document.
type Identity struct {
	Means    Means
	Standing Standing // of who acts for another
	On       time.Time
	By       domain.ID
	Subject  domain.ID // zero: nobody known
}

// Extension is two further months. It counts once the person was told in the first.
type Extension struct {
	Ground  ExtensionGround
	Reasons string
	Until   time.Time
	At      time.Time
}

// Task is one system to search.
type Task struct {
	Number  int64
	System  string // recipient of the policy, or "other"
	Title   string
	Owner   domain.ID
	Due     time.Time
	Finding Finding // "" while it is open
	Remark  string
	File    *File // without its data, see Content
	Step    domain.ID
	Done    time.Time
}

// Answer is what was decided in the person's favour.
type Answer struct {
	Outcome      Outcome
	Grounds      []Ground // of what was refused, if Outcome is Partly
	Remedies     []Remedy
	Digest       string // SHA-256 of the answer's document, in hex
	Format       string
	Certificates []domain.ID // of erasures
	Words        string
	At           time.Time
}

// Refusal is why nothing is done (art. 12(4)).
type Refusal struct {
	Grounds  []Ground
	Remedies []Remedy
	Reasons  string
	At       time.Time
}

// Dispatch is the proof that something was sent.
type Dispatch struct {
	Of    Letter
	By    string
	Sent  time.Time
	Proof string // number of a registered letter, id of a message
	Step  domain.ID
}

// Note is a note or a file.
type Note struct {
	Kind  NoteKind
	Words string
	File  *File // without its data, see Content
	Bytes int64
	At    time.Time
	Actor domain.ID
	Step  domain.ID
}
