package memory

import "errors"

// Op names a method of the port.
type Op string

// The methods a fault can strike.
const (
	Prepare     Op = "prepare"
	Done        Op = "done"
	Pending     Op = "pending"
	End         Op = "end"
	Intake      Op = "intake"
	Links       Op = "links"
	Holds       Op = "holds"
	Keys        Op = "keys"
	Parts       Op = "parts"
	Tokens      Op = "tokens"
	RewriteKeys Op = "rewrite keys"
	Destroy     Op = "destroy"
	Redact      Op = "redact"
	Generation  Op = "generation"
	Retoken     Op = "retoken"
	Walk        Op = "walk"
	WalkRows    Op = "walk rows"
	WalkLinks   Op = "walk links"
	WalkHolds   Op = "walk holds"
	WalkKeys    Op = "walk keys"
	SetMACs     Op = "set macs"
	Meta        Op = "meta"
	SetMeta     Op = "set meta"
	SwapMeta    Op = "swap meta"
	Lease       Op = "lease"
	Release     Op = "release"
	Leases      Op = "leases"
	AppendFence Op = "append fence"
	FenceLines  Op = "fence lines"
)

// ErrFault is the error of a fault that names none: an unknown outcome.
var ErrFault = errors.New("fault on demand")

// Fault makes one call of Op fail, once. Faults come in pairs: a write that
// failed and was not kept, and one that failed although it was kept; a caller
// must get both right and cannot tell them apart.
type Fault struct {
	Op   Op
	Skip int   // calls of Op that pass before; for Destroy and Retoken their steps
	Kept bool  // the call takes effect and fails nevertheless
	Err  error // ErrFault when nil
}

// Inject adds a fault to those that wait for their call.
func (d *Disk) Inject(f Fault) {
	if f.Err == nil {
		f.Err = ErrFault
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, f)
}

// Waiting tells how many faults were not struck yet, so that a test can know
// that its fault happened.
func (d *Disk) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.faults)
}

// take returns the fault of this call of op, if there is one.
func (d *Disk) take(op Op) *Fault {
	for i := range d.faults {
		f := &d.faults[i]
		if f.Op != op {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			return nil
		}
		hit := *f
		d.faults = append(d.faults[:i:i], d.faults[i+1:]...)
		return &hit
	}
	return nil
}
