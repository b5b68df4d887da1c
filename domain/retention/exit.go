package retention

import (
	"time"

	"greffe/domain"
)

// Action is what is to be done with data at its term.
type Action string

// The actions, from the mildest.
const (
	// Archive: the keys leave the active base; own permission and reason to read.
	Archive Action = "archive"
	// Ask: the person is asked once whether to go on, and until Exit.Until any act of
	// the person is the yes. Silence is no.
	Ask Action = "ask"
	// Generalise: what is left says less (retention.generalised); then the keys go.
	Generalise Action = "generalise"
	// Destroy: the keys of the class, or of these epochs of it, go.
	Destroy Action = "destroy"
	// Erase: nothing but proof and requests is left; the person is erased whole.
	Erase Action = "erase"
)

// Exit is one thing to do about one person, and why.
type Exit struct {
	Subject domain.ID // whose clocks these are; of a merged person, the one given to Due
	Action  Action
	// Class is the class of data; "" for Ask and Erase, which are about the person:
	// then Parts says it of each class.
	Class string
	// Epochs of the class whose keys are meant, sorted; nil means all there are.
	Epochs []string
	// Rule is the rule that ran out last, of those that needed the data: its ID in
	// Rules.List, a code that may stand in facts.
	Rule    string
	Purpose string    // of that rule
	Since   time.Time // when its clock started
	DueAt   time.Time // when it ran out
	// Until is, for Ask, when silence becomes a no if the person is asked at the time
	// given to Due; zero otherwise.
	Until         time.Time
	Legal         string // the rule's reference: law, deliberation or guide
	Justification string // the company's own, where it departs from the default
	// Blocked lists the holds, restrictions and open requests (events) that stop it; none:
	// free. The clocks know the first two; who carries it out knows the requests.
	Blocked []domain.ID
	Kept    []string // for Erase: classes that outlive the person, sorted
	Parts   []Exit   // for Ask and Erase: the exits of the classes it stands for
}
