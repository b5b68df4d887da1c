package ledger

// Full reports that nothing more fits into the queue now.
func (l *Ledger) Full() bool {
	if !l.room.TryAcquire(1) {
		return true
	}
	l.room.Release(1)
	return false
}

// Idle reports that nothing is under way.
func (l *Ledger) Idle() bool {
	if !l.room.TryAcquire(maxQueued) {
		return false
	}
	l.room.Release(maxQueued)
	return true
}

// Waiting is how many requests stand in the queue.
func (l *Ledger) Waiting() int { return len(l.queue) }
