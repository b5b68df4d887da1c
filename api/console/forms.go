package console

import (
	"encoding/hex"
	"io"
	"sync"
	"time"
)

// The bounds of what is remembered of forms that were sent.
const (
	formFor  = 10 * time.Minute
	maxForms = 20_000
)

// forms remembers which forms were sent, and where that led.
type forms struct {
	now func() time.Time
	mu  sync.Mutex
	led map[string]led
}

type led struct {
	to string // "" while the API works
	at time.Time
}

func newForms(now func() time.Time) *forms { return &forms{now: now, led: map[string]led{}} }

// number makes a form's number, which is also its Idempotency-Key.
func number(rand io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// begin is where a form led that was sent before; again reports that it was.
func (f *forms) begin(number string) (to string, again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if l, ok := f.led[number]; ok && now.Sub(l.at) < formFor {
		return l.to, true
	}
	if len(f.led) >= maxForms {
		f.sweep(now)
	}
	f.led[number] = led{at: now}
	return "", false
}

// sweep forgets what is old, and if that is not a quarter, some that are not.
func (f *forms) sweep(now time.Time) {
	for n, l := range f.led {
		if now.Sub(l.at) >= formFor {
			delete(f.led, n)
		}
	}
	for n := range f.led {
		if len(f.led) <= maxForms*3/4 {
			return
		}
		delete(f.led, n)
	}
}

// end says where a form led. One that was refused may be sent again: to is "".
func (f *forms) end(number, to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if to == "" {
		delete(f.led, number)
		return
	}
	f.led[number] = led{to, f.now()}
}
