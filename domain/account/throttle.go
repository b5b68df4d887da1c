package account

import "time"

// Throttle counts wrong tries in a row. Délib. CNIL 2022-100, case 2: access is
// slowed down by waits that grow, and blocked after at most ten failures. A block
// ends by itself, as one that does not would let a stranger keep the holder out;
// who has a passkey is not asked for the password and gets in meanwhile.
type Throttle struct {
	Failures int       `json:"failures,omitzero"` // in a row
	Until    time.Time `json:"until,omitzero"`    // no try is looked at before
	Level    int       `json:"level,omitzero"`    // of blocks in a row, from 1; 0: only a wait
	Cleared  int       `json:"cleared,omitzero"`  // how often the log ended a count: an older one is void on every node
}

// The rule's numbers.
const (
	MaxFailures = 10        // then the account is blocked
	FirstBlock  = time.Hour // doubled at each further failure
	LongestWait = 24 * time.Hour
	// Recorded is the failure from which on each is a fact, so that all nodes know.
	Recorded = 3
	// Forget is how long after its last wait a count no longer counts.
	Forget = 24 * time.Hour
)

// waits are how long the next try waits after the n-th failure in a row.
func waits() [MaxFailures]time.Duration {
	return [MaxFailures]time.Duration{3: 5 * time.Second, 4: 15 * time.Second, 5: time.Minute, 6: 2 * time.Minute, 7: 4 * time.Minute,
		8: 8 * time.Minute, 9: 15 * time.Minute}
}

// Wait is how long nobody may try at now.
func (t Throttle) Wait(now time.Time) time.Duration { return max(0, t.Until.Sub(now)) }

// Forgotten reports whether the failures are so old at now that they count no more.
func (t Throttle) Forgotten(now time.Time) bool { return now.Sub(t.Until) >= Forget }

// Fail counts one more wrong try at now.
func (t Throttle) Fail(now time.Time) Throttle {
	if t.Forgotten(now) {
		t = Throttle{Cleared: t.Cleared}
	}
	t.Failures++
	wait := time.Duration(0)
	if t.Failures < MaxFailures {
		wait = waits()[t.Failures]
	} else {
		t.Level++
		wait = min(FirstBlock<<min(t.Level-1, 10), LongestWait)
	}
	t.Until = now.Add(wait)
	return t
}

// Clear ends a count, as a right one came or somebody lifted the block.
func (t Throttle) Clear() Throttle { return Throttle{Cleared: t.Cleared + 1} }

// Later gives the sterner of two counts of the same name, a node's own and the log's, if
// both began after the count was last ended; else the one that did.
func (t Throttle) Later(u Throttle) Throttle {
	if t.Cleared != u.Cleared {
		if u.Cleared > t.Cleared {
			return u
		}
		return t
	}
	if u.Failures > t.Failures || u.Failures == t.Failures && u.Until.After(t.Until) {
		return u
	}
	return t
}
