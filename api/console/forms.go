package console

import (
	"encoding/hex"
	"io"
	"time"
)

// The bounds of what is remembered of forms that were sent.
const (
	formFor  = 10 * time.Minute
	maxForms = 20_000
)

// forms remembers which forms were sent, by session and number, and where that led: "" while
// the API works.
type forms struct{ *recent[string, string] }

func newForms(now func() time.Time) forms {
	return forms{newRecent[string](now, bounds[string]{lasts: formFor, most: maxForms})}
}

// number makes a form's number, which is also its Idempotency-Key.
func number(rand io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// begin is where a form led that was sent before; again reports that it was.
func (f forms) begin(number string) (to string, again bool) { return f.claim(number, "") }

// end says where a form led. One that was refused may be sent again: to is "".
func (f forms) end(number, to string) {
	if to == "" {
		f.drop(number)
		return
	}
	f.put(number, to)
}
