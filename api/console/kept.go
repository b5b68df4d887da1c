package console

import "time"

// The bounds of the files that are kept for who had them made.
const (
	keptFor  = 15 * time.Minute
	maxKept  = 64
	keptSize = 128 << 20 // bytes of them all
)

// keptFiles remembers files that the API gives once: each for the session that had it made.
type keptFiles = recent[keptName, keptFile]

type keptName struct{ session, name string }

type keptFile struct {
	media string
	body  []byte
}

func newKeptFiles(now func() time.Time) *keptFiles {
	return newRecent[keptName](now, bounds[keptFile]{lasts: keptFor, most: maxKept,
		weigh: func(f keptFile) int { return len(f.body) }, heaviest: keptSize})
}

// mine is how a file of the visitor's session is called.
func (v *visit) mine(name string) keptName { return keptName{v.session.text("id"), name} }
