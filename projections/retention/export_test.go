package retention

// Hasten has the journal written to the rows as soon as n records wait.
func (s *Store) Hasten(n int) { s.most = n }
