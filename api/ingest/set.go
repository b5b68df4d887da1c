package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

const maxMappings = 500

// Set is the mappings of a ledger, by name. Nothing changes it.
type Set struct{ byName map[string]*Mapping }

// Load compiles the *.jq files of the shipped folder and of the operator's own,
// which may be nil and goes before the shipped one of the same name. It refuses
// all if one is wrong, and then names each with file and line.
func Load(shipped, own fs.FS) (*Set, error) {
	s := &Set{map[string]*Mapping{}}
	if err := s.add(shipped, true); err != nil {
		return nil, fmt.Errorf("mappings: %w", err)
	}
	if own != nil {
		if err := s.add(own, false); err != nil {
			return nil, fmt.Errorf("mappings: %w", err)
		}
	}
	return s, nil
}

func (s *Set) add(dir fs.FS, shipped bool) error {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".jq") {
			continue
		}
		text, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m, err := Compile(e.Name(), text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m.info.Shipped = shipped
		s.byName[m.Name()] = m
	}
	if len(s.byName) > maxMappings {
		errs = append(errs, fmt.Errorf("more than %d mappings", maxMappings))
	}
	return errors.Join(errs...)
}

// Find gives a mapping by its name.
func (s *Set) Find(name string) (*Mapping, bool) {
	m, ok := s.byName[name]
	return m, ok
}

// List describes every mapping, by name.
func (s *Set) List() []Info {
	out := make([]Info, 0, len(s.byName))
	for _, m := range s.byName {
		out = append(out, m.Info())
	}
	slices.SortFunc(out, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return out
}
