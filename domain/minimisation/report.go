package minimisation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// AuditReport is what an audit found: counts alone.
type AuditReport struct {
	Started  time.Time       `json:"started"`
	Ended    time.Time       `json:"ended"`
	Head     domain.Position `json:"head"` // what was recorded below it was looked at
	Persons  int64           `json:"persons"`
	Facts    int64           `json:"facts"`
	Comments int64           `json:"comments"` // texts that were read
	Findings int64           `json:"findings"`
	Counts   []KindCount     `json:"counts"`             // kinds that were found, in the order of Rules
	Recorded domain.Position `json:"recorded,omitzero"`  // of minimisation.audited
	Unlooked []Kind          `json:"unlooked,omitempty"` // kinds that were not looked for
}

// KindCount is how often a kind was found, and by its details.
type KindCount struct {
	KindRule
	N       int64            `json:"count"`
	Details map[string]int64 `json:"details,omitempty"`
}

// Add counts a finding.
func (r *AuditReport) Add(f *Finding) {
	r.Findings++
	i := slices.IndexFunc(r.Counts, func(c KindCount) bool { return c.Kind == f.Kind })
	if i < 0 {
		rules := Rules()
		at := slices.IndexFunc(rules, func(x KindRule) bool { return x.Kind == f.Kind })
		i, _ = slices.BinarySearchFunc(r.Counts, at, func(c KindCount, at int) int {
			return slices.IndexFunc(rules, func(x KindRule) bool { return x.Kind == c.Kind }) - at
		})
		r.Counts = slices.Insert(r.Counts, i, KindCount{KindRule: rules[at], Details: map[string]int64{}})
	}
	r.Counts[i].N++
	if f.Detail != "" {
		r.Counts[i].Details[f.Detail]++
	}
}

// Count is how often a kind was found.
func (r *AuditReport) Count(k Kind) int64 {
	for _, c := range r.Counts {
		if c.Kind == k {
			return c.N
		}
	}
	return 0
}

// Codes are those of minimisation.audited.
func (r *AuditReport) Codes() event.Codes {
	codes := event.Codes{}.With("head", int64(r.Head)).With("persons", r.Persons).With("facts", r.Facts).
		With("comments", r.Comments).With("findings", r.Findings)
	var counts []string
	for _, c := range r.Counts {
		counts = append(counts, fmt.Sprintf("%s:%d", c.Kind, c.N))
	}
	if len(counts) > 0 {
		codes = codes.With("counts", counts)
	}
	if len(r.Unlooked) > 0 {
		var not []string
		for _, k := range r.Unlooked {
			not = append(not, string(k))
		}
		codes = codes.With("unlooked", not)
	}
	return codes
}

// Usage is what the facts of a ledger tell of the policy's fields and classes.
type Usage struct {
	fields  map[string]int64
	classes map[string]int64 // held
	read    map[string]bool
	first   time.Time
}

// NewUsage knows nothing yet.
func NewUsage() *Usage {
	return &Usage{fields: map[string]int64{}, classes: map[string]int64{}, read: map[string]bool{}}
}

// readingYear is how far back reads count.
const readingYear = 12

// Take counts what one fact holds, or which classes an access read.
func (u *Usage) Take(f *event.Fact, now time.Time) {
	if u.first.IsZero() || f.Recorded.Before(u.first) {
		u.first = f.Recorded.Time
	}
	if f.Type == event.AccessRecorded {
		if !f.Time.Before(now.AddDate(0, -readingYear, 0)) {
			for _, c := range f.Codes.Strings("categories") {
				if !u.read[c] {
					u.read[c] = true
				}
			}
		}
		return
	}
	if f.Subject.IsZero() {
		return
	}
	for _, path := range f.Fields {
		u.fields[path]++
	}
	for i := range f.Parts {
		u.classes[f.Parts[i].Class]++
	}
}

// filled reports that a record has a field, or what the field is in: a postal address
// that was written as a whole names no line of its own.
func (u *Usage) filled(path string) bool {
	for {
		if u.fields[path] > 0 {
			return true
		}
		at := strings.LastIndexByte(path, '.')
		if at < 0 {
			return false
		}
		path = path[:at]
	}
}

// Findings are fields of a contact and its acts that no record fills, and classes
// that nobody read for a year although the ledger is older.
func (u *Usage) Findings(declared []string, read []string, now time.Time) []Finding {
	var out []Finding
	for _, path := range slices.Sorted(slices.Values(declared)) {
		if !u.filled(path) {
			out = append(out, Finding{Kind: FieldUnused, Detail: path})
		}
	}
	if u.first.IsZero() || u.first.After(now.AddDate(0, -readingYear, 0)) {
		return out
	}
	for _, class := range slices.Sorted(maps.Keys(u.classes)) {
		if slices.Contains(read, class) && !u.read[class] {
			out = append(out, Finding{Kind: ClassUnread, Detail: class})
		}
	}
	return out
}

// Audited lists of a policy's fields those that a company chooses to collect: of the
// contact, its acts and its contracts.
func Audited(paths []string) []string {
	heads := []string{"person.", "company.", "custom.", "collection.", "interaction.", "contract.", "invoice.", "recruitment."}
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		return path != "notes" && !slices.ContainsFunc(heads, func(h string) bool { return len(path) > len(h) && path[:len(h)] == h })
	})
}

// Collected are the classes whose reading shows that somebody needs them; the others
// are kept by duty.
func Collected() []string {
	return []string{"identity", "contact_details", "commercial", "contract", "notes", "recruitment"}
}
