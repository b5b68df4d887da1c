package sqlite

import (
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
)

// OpenSmall opens a dataset that binds every 1<<bits positions, weight bytes at a time.
func OpenSmall(path string, o audit.Opener, options sqlfile.Options, bits uint, weight int) (*Store, error) {
	s, err := Open(path, o, options)
	if err == nil {
		s.sheafBits, s.sheafWeight = bits, weight
	}
	return s, err
}
