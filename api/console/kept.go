package console

import (
	"sync"
	"time"
)

// The bounds of the files that are kept for who had them made.
const (
	keptFor  = 15 * time.Minute
	maxKept  = 64
	keptSize = 128 << 20 // bytes of them all
)

// keptFiles remembers, in memory alone and for minutes, files that the API gives once:
// each for the session that had it made.
type keptFiles struct {
	now  func() time.Time
	mu   sync.Mutex
	list []keptFile // the oldest first
}

type keptFile struct {
	session, name, media string
	body                 []byte
	at                   time.Time
}

func newKeptFiles(now func() time.Time) *keptFiles { return &keptFiles{now: now} }

// keep remembers a file; the oldest give way.
func (k *keptFiles) keep(f keptFile) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f.at = k.now()
	k.list = append(k.list, f)
	size := 0
	for _, g := range k.list {
		size += len(g.body)
	}
	for len(k.list) > 0 && (size > keptSize || len(k.list) > maxKept || f.at.Sub(k.list[0].at) > keptFor) {
		size -= len(k.list[0].body)
		k.list[0] = keptFile{}
		k.list = k.list[1:]
	}
}

// find is a session's file.
func (k *keptFiles) find(session, name string) (keptFile, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.list {
		if f.name == name && f.session == session && k.now().Sub(f.at) <= keptFor {
			return f, true
		}
	}
	return keptFile{}, false
}
