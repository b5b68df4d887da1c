package index

import (
	"sync"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
)

const (
	// keptPersons bounds each of the two generations of persons, in contacts.
	keptPersons = 4096
	// keptContacts is how many contacts a person may have to be kept.
	keptContacts = 64
)

// persons keeps persons in memory, each under all its contacts. That none is stale
// follows from the order of three things:
//
//   - whatever changes a person is a fact about one of its contacts, or a merge or an
//     unmerge that names one (Apply is the only writer of the file);
//   - change, before the transaction with such facts is committed, drops everybody they
//     name, and nobody is put until settle, after it is committed or given up: in
//     between, readers ask the file;
//   - put takes only who was read from the file between two such changes: the number of
//     changes is the one that get gave before the reading began.
//
// So from a commit on no reader is given what was true before it. The oldest leave when
// there is no more room: a generation that is full becomes the old one, and who is not
// asked for until the next is full goes with it.
type persons struct {
	mu       sync.Mutex
	young    map[domain.ID]*Person
	old      map[domain.ID]*Person
	changes  uint64
	changing bool
}

// get is who is kept, or nil, and the number that put asks for.
func (k *persons) get(subject domain.ID) (*Person, uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.young[subject]
	if p == nil {
		if p = k.old[subject]; p != nil {
			k.keep(p)
		}
	}
	return p, k.changes
}

// put keeps who was read since get gave the number, if nothing has changed since.
func (k *persons) put(p *Person, asked uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.changing && k.changes == asked && len(p.Contacts) <= keptContacts {
		k.keep(p)
	}
}

func (k *persons) keep(p *Person) {
	if k.young == nil || len(k.young)+len(p.Contacts) > keptPersons {
		k.young, k.old = make(map[domain.ID]*Person), k.young
	}
	for i := range p.Contacts {
		k.young[p.Contacts[i].ID] = p
	}
}

// change drops everybody whom the facts name; nobody is put before settle.
func (k *persons) change(facts []projections.Fact) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes, k.changing = k.changes+1, true
	for _, f := range facts {
		if f.Subject.IsZero() {
			continue
		}
		k.drop(f.Subject)
		if f.Type == event.ContactMerged || f.Type == event.ContactUnmerged {
			k.drop(f.Codes.ID("into"))
		}
	}
}

func (k *persons) drop(subject domain.ID) {
	for _, kept := range []map[domain.ID]*Person{k.young, k.old} {
		if p := kept[subject]; p != nil {
			for i := range p.Contacts {
				delete(k.young, p.Contacts[i].ID)
				delete(k.old, p.Contacts[i].ID)
			}
		}
	}
}

// settle ends a change.
func (k *persons) settle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes, k.changing = k.changes+1, false
}

// forget drops everybody; nobody is put before settle.
func (k *persons) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.young, k.old = nil, nil
	k.changes, k.changing = k.changes+1, true
}
