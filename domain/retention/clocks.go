package retention

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/part"
)

// Codes of retention.archived, retention.asked and retention.generalised.
const (
	CodeClasses = "classes" // classes of data
	CodeEpochs  = "epochs"  // "class/epoch": of these classes, only these keys
	CodePurpose = "purpose" // for which it was asked; absent: for every purpose
	CodeRule    = "rule"    // Rule.ID
)

// Clocks is what the facts tell of how long a person's data may be kept: codes, times
// and our own ids, nothing of the person.
type Clocks struct {
	Subject domain.ID
	// Kinds are the kinds of contact that the person is, sorted: one, or those of the
	// contacts merged with it. None was told of somebody without contact.created.
	Kinds     []string
	kindAt    contact.Stamp
	Collected time.Time // the first that is known of the person
	LastAct   time.Time // the last act that came from the person; zero: none
	Deceased  time.Time
	Recruited time.Time // the last recruitment closed
	Former    time.Time // since when the source calls the person a former client
	Opposed   bool      // an objection was registered: the person is not asked anything

	Contracts Contracts

	ConsentEnd    time.Time   // the last withdrawal, refusal or expiry
	RequestClosed time.Time   // the last request closed, or restriction lifted
	Requests      []domain.ID // open rights requests
	Holds         []domain.ID // hold.placed events that stand
	Restrictions  []domain.ID // restriction.placed events that stand

	Asked    []Asked
	Parts    []Part    // by class, then epoch
	Stripped time.Time // when identity or contact details were last ordered destroyed
	Erased   time.Time // when the erasure of the whole person was ordered
	Linked   bool      // a merge was recorded; it may be undone
}

// Contracts counts a person's contracts, which facts do not tell apart.
type Contracts struct {
	Started, Ended int64
	Termed         int64 // of those started, the ones with an end of their own
	Retermed       bool  // a change gave an end
	LastStart      time.Time
	LastEnd        time.Time // of contract.ended
	LastTerm       time.Time // the latest end that a contract has of its own
	Delivered      time.Time
	// Electronic: one was concluded electronically for 120 EUR or more (C. conso.
	// L213-1, D213-1), as its source says.
	Electronic bool
}

// Asked is that the person was asked for a purpose whether to go on; "" for all.
type Asked struct {
	Purpose string
	At      time.Time
}

// Part is one class key that seals something of the person.
type Part struct {
	Class, Epoch string
	Last         time.Time // the latest event in it
	Invoice      time.Time // the latest invoice in it, by its date
	Archived     time.Time // since when it is in the archive; zero: in the active base
	Generalised  time.Time
}

// Add takes in the next fact of the log about the person and reports whether it
// changed anything. A fact about somebody else changes nothing.
func (c *Clocks) Add(p domain.Position, f *event.Fact) bool {
	if f.Subject.IsZero() || !c.Subject.IsZero() && c.Subject != f.Subject {
		return false
	}
	changed := c.Subject.IsZero()
	c.Subject = f.Subject
	if f.Type.Upstream() {
		at := f.Time.Time
		if t := f.Codes.Time("collection.collected_at"); !t.IsZero() && t.Before(at) {
			at = t
		}
		if c.Collected.IsZero() || at.Before(c.Collected) {
			c.Collected, changed = at, true
		}
	}
	if at, ok := contact.FromPerson(f); ok {
		changed = latest(&c.LastAct, at) || changed
	}
	changed = c.parts(f) || changed
	return c.fact(p, f) || changed
}

func (c *Clocks) fact(p domain.Position, f *event.Fact) bool {
	switch f.Type {
	case event.ContactCreated, event.ContactChanged:
		return c.kind(contact.Stamp{Time: f.Time.Time, Position: p}, f.Codes.String("kind"))
	case event.ContactMerged, event.ContactUnmerged:
		return set(&c.Linked, true)
	case event.ContractStarted, event.ContractChanged, event.ContractEnded:
		return c.Contracts.add(f)
	case event.RecruitmentClosed:
		return latest(&c.Recruited, f.Time.Time)
	case event.PersonDeceased:
		return latest(&c.Deceased, domainOr(f.Codes.Time("died_on"), f.Time.Time))
	case event.ConsentWithdrawn, event.ConsentRefused, event.ConsentExpired:
		return latest(&c.ConsentEnd, f.Time.Time)
	case event.OppositionRegistered:
		return set(&c.Opposed, true)
	case event.OppositionLifted:
		return set(&c.Opposed, false)
	}
	return c.desk(p, f)
}

// desk takes in what the DPO's desks and the ledger itself did.
func (c *Clocks) desk(p domain.Position, f *event.Fact) bool {
	switch f.Type {
	case event.RequestReceived:
		if f.Codes.String("right") == "objection" { // art. 21(2), whichever way it came
			c.Opposed = true
		}
		return place(&c.Requests, f.ID)
	case event.RequestClosed, event.RequestWithdrawn:
		c.lift(&c.Requests, f.Codes.ID("case"))
		latest(&c.RequestClosed, f.Time.Time)
		return true
	case event.RestrictionPlaced:
		return place(&c.Restrictions, f.ID)
	case event.RestrictionLifted:
		c.lift(&c.Restrictions, f.Codes.ID("restriction"))
		latest(&c.RequestClosed, f.Time.Time)
		return true
	case event.HoldPlaced:
		return place(&c.Holds, f.ID)
	case event.HoldReleased:
		before := len(c.Holds)
		if id := f.Codes.ID("hold"); !id.IsZero() {
			c.lift(&c.Holds, id)
		}
		return len(c.Holds) < before
	case event.RetentionAsked:
		return c.asked(Asked{f.Codes.String(CodePurpose), f.Time.Time})
	case event.RetentionArchived, event.RetentionGeneralised:
		return c.moved(f)
	}
	if d, ok := contact.DestructionOf(p, f); ok && (!d.Done || f.Codes.Bool("restored")) && d.Event.IsZero() {
		return c.destroyed(f, &d)
	}
	return false
}

// kind follows the source: the later time holds, then the later position.
func (c *Clocks) kind(at contact.Stamp, kind string) bool {
	if kind == "" || len(c.Kinds) > 0 && !contact.Wins(at, c.kindAt) {
		return false
	}
	if kind != "former_client" {
		c.Former = time.Time{}
	} else if !slices.Contains(c.Kinds, kind) {
		c.Former = at.Time
	}
	c.Kinds, c.kindAt = []string{kind}, at
	return true
}

func (k *Contracts) add(f *event.Fact) bool {
	term := f.Codes.Time("ends_at")
	latest(&k.LastTerm, term)
	latest(&k.Delivered, f.Codes.Time("delivered_at"))
	k.Electronic = k.Electronic || f.Codes.Bool("electronic_120")
	switch f.Type {
	case event.ContractStarted:
		k.Started++
		if !term.IsZero() {
			k.Termed++
		}
		latest(&k.LastStart, f.Time.Time)
	case event.ContractChanged:
		k.Retermed = k.Retermed || !term.IsZero()
	case event.ContractEnded:
		k.Ended++
		latest(&k.LastEnd, domainOr(f.Codes.Time("ended_at"), f.Time.Time))
	}
	return true
}

// parts notes under which of the person's keys f sealed something.
func (c *Clocks) parts(f *event.Fact) (changed bool) {
	for i := range f.Parts {
		ref := &f.Parts[i]
		if ref.Owner != part.SubjectOwner(f.Subject) {
			continue
		}
		p := c.part(ref.Class, ref.Epoch)
		latest(&p.Last, f.Time.Time)
		if f.Type == event.InvoiceIssued {
			latest(&p.Invoice, domainOr(f.Codes.Time("issued_at"), f.Time.Time))
		}
		changed = true
	}
	return changed
}

func (c *Clocks) part(class, epoch string) *Part {
	i, found := slices.BinarySearchFunc(c.Parts, Part{Class: class, Epoch: epoch}, compareParts)
	if !found {
		c.Parts = slices.Insert(c.Parts, i, Part{Class: class, Epoch: epoch})
	}
	return &c.Parts[i]
}

func compareParts(a, b Part) int {
	return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Epoch, b.Epoch))
}

func (c *Clocks) asked(a Asked) bool {
	i, found := slices.BinarySearchFunc(c.Asked, a, func(x, y Asked) int { return cmp.Compare(x.Purpose, y.Purpose) })
	if !found {
		c.Asked = slices.Insert(c.Asked, i, a)
		return true
	}
	return latest(&c.Asked[i].At, a.At)
}

// moved takes in that keys were archived, or what they seal generalised.
func (c *Clocks) moved(f *event.Fact) (changed bool) {
	classes, epochs := f.Codes.Strings(CodeClasses), f.Codes.Strings(CodeEpochs)
	for i := range c.Parts {
		p := &c.Parts[i]
		if !p.among(classes, epochs) {
			continue
		}
		if f.Type == event.RetentionGeneralised {
			changed = latest(&p.Generalised, f.Time.Time) || changed
		} else if p.Archived.IsZero() {
			p.Archived, changed = f.Time.Time, true
		}
	}
	return changed
}

// among reports whether p is of the classes; of those of which epochs names some keys,
// only these.
func (p *Part) among(classes, epochs []string) bool {
	if !slices.Contains(classes, p.Class) {
		return false
	}
	narrowed := slices.ContainsFunc(epochs, func(e string) bool {
		return len(e) > len(p.Class) && e[:len(p.Class)] == p.Class && e[len(p.Class)] == '/'
	})
	return !narrowed || slices.Contains(epochs, p.Class+"/"+p.Epoch)
}

// destroyed takes in an order: what it names is as good as gone.
func (c *Clocks) destroyed(f *event.Fact, d *contact.Destruction) bool {
	epochs := f.Codes.Strings(CodeEpochs)
	if d.Whole {
		latest(&c.Erased, f.Time.Time)
	}
	c.Parts = slices.DeleteFunc(c.Parts, func(p Part) bool {
		gone := d.Whole && !slices.Contains(d.Kept, p.Class) || !d.Whole && p.among(d.Classes, epochs)
		if gone && (p.Class == contact.ClassIdentity || p.Class == contact.ClassContactDetails) {
			latest(&c.Stripped, f.Time.Time)
		}
		return gone
	})
	return true
}

// lift takes away what an event placed; the zero id takes all away.
func (c *Clocks) lift(placed *[]domain.ID, id domain.ID) {
	*placed = slices.DeleteFunc(*placed, func(x domain.ID) bool { return id.IsZero() || x == id })
}

func place(placed *[]domain.ID, id domain.ID) bool {
	if slices.Contains(*placed, id) {
		return false
	}
	*placed = append(*placed, id)
	return true
}

func set(flag *bool, to bool) bool {
	was := *flag
	*flag = to
	return was != to
}

// latest moves t forward.
func latest(t *time.Time, to time.Time) bool {
	if to.After(*t) {
		*t = to
		return true
	}
	return false
}

func domainOr(t, or time.Time) time.Time {
	if t.IsZero() {
		return or
	}
	return t
}
