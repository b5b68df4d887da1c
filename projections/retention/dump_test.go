package retention_test

import (
	"bytes"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"greffe/deploy"
	"greffe/domain/event"
	"greffe/domain/policy"
	due "greffe/domain/retention"
	"greffe/projections/projtest"
	"greffe/projections/retention"
)

// twoTerms gives a policy's rules, and, for its second version, shorter ones.
func twoTerms(tb testing.TB) retention.Rules {
	tb.Helper()
	long, err := policy.Parse(deploy.Policy())
	short, err2 := policy.Parse([]byte(strings.Replace(string(deploy.Policy()), "length: P1Y\n", "length: P6M\n", 1)))
	if err = errors.Join(err, err2); err != nil {
		tb.Fatal(err)
	}
	return func(version int64) (*due.Rules, error) {
		return due.New(map[int64]*policy.Policy{1: long, 2: short}[version]), nil
	}
}

// lives has two persons alone, three merged and one merged no more.
func (b *book) lives() {
	b.tb.Helper()
	b.apply(contact(1, "supplier_contact", "2024-01-01"))
	b.apply(published(1))
	for n := 2; n <= 6; n++ {
		b.apply(contact(n, "supplier_contact", "2024-02-01"))
	}
	b.apply(merged(5, 3, "2024-03-01", event.ContactMerged), merged(4, 5, "2024-03-02", event.ContactMerged), merged(6, 5, "2024-03-02", event.ContactMerged),
		merged(6, 5, "2024-03-03", event.ContactUnmerged))
}

// TestDumpBeforeAndAfterALook: the days of a dump are those that a look finds, whether
// the first look after a new policy was yet or not.
func TestDumpBeforeAndAfterALook(t *testing.T) {
	t.Parallel()
	b := open(t, twoTerms(t))
	if d := projtest.Dump(t, b.s); bytes.Contains(d, []byte("\t0\t")) {
		t.Errorf("empty: %s", d)
	}
	b.lives()
	look := func(when string) []byte {
		t.Helper()
		before := projtest.Dump(t, b.s)
		b.list("2026-01-01", 10)
		if after := projtest.Dump(t, b.s); !bytes.Equal(before, after) {
			t.Errorf("%s, before a look:\n%s\nand after it:\n%s", when, before, after)
		}
		return before
	}
	long := look("the first policy")
	b.apply(published(2))
	short := look("the second")
	if bytes.Equal(long, short) || bytes.Count(long, []byte("\n")) != bytes.Count(short, []byte("\n")) {
		t.Errorf("other days:\n%s\n%s", long, short)
	}
	b.apply(about(4, event.InteractionRecorded, "2024-06-01", event.Codes{}.With("kind", "reply")))
	look("an act of one of several")
}

// TestDumpTellsOfDays: nobody is hidden past his term by an edit of the file that a dump
// does not show.
func TestDumpTellsOfDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql    string
		looked bool // before the edit
		shown  bool
	}{
		"a later day":                    {"UPDATE clock SET next=next+4000 WHERE ref=1", true, true},
		"no day":                         {"UPDATE clock SET next=NULL WHERE ref=1", true, true},
		"no day of merged ones":          {"UPDATE clock SET next=NULL WHERE ref=3", true, true},
		"another's day":                  {"UPDATE clock SET next=1 WHERE ref=4", true, true},
		"old days said to be new":        {"UPDATE rules SET upto=9223372036854775807", false, true},
		"some of them":                   {"UPDATE rules SET upto=3", false, true},
		"days that are worked out again": {"UPDATE rules SET upto=2", true, false},
		"a day that a look overwrites":   {"UPDATE clock SET next=next+4000 WHERE ref=1", false, false},
		"another policy":                 {"UPDATE rules SET version=1", true, true},
		"a subject of no facts":          {"INSERT INTO subject VALUES(99,x'00')", true, true},
		"clocks of nobody":               {"INSERT INTO clock VALUES(99,NULL,x'00')", true, true},
		"a merge of nobody":              {"INSERT INTO edge VALUES(98,99,0,0,1)", true, true},
		"a person gone":                  {"DELETE FROM subject WHERE ref=2", true, true},
		"clocks gone":                    {"DELETE FROM clock WHERE ref=2", true, true},
		"a merge undone":                 {"UPDATE edge SET merged=0 WHERE a=5", true, true},
		"clocks that none looks at":      {"UPDATE clock SET ref=-ref WHERE ref=2", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, twoTerms(t))
			path := filepath.Join(t.TempDir(), "edited.db")
			s, err := retention.Open(path, twoTerms(t), retention.Options{})
			if err != nil {
				t.Fatal(err)
			}
			b.s = s
			b.lives()
			b.list("2026-01-01", 10)
			b.apply(published(2))
			if c.looked {
				b.list("2026-01-01", 10)
			}
			before := projtest.Dump(t, s)
			listed := b.list("2024-09-01", 10)
			if !c.looked { // what the look above stored is put back
				b.apply(published(1))
				b.list("2026-01-01", 10)
				b.apply(published(2))
				before = projtest.Dump(t, s)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", "file:"+path)
			if err == nil {
				_, err = db.Exec(c.sql)
			}
			if err = errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			if b.s, err = retention.Open(path, twoTerms(t), retention.Options{}); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = b.s.Close() }()
			var after bytes.Buffer
			err = b.s.Dump(t.Context(), &after)
			if shown := err != nil || !bytes.Equal(before, after.Bytes()); shown != c.shown {
				t.Errorf("shown: %t, %v\n%s\n%s", shown, err, before, after.Bytes())
			}
			if !c.shown {
				b.want("and changes nothing", b.list("2024-09-01", 10), listed...)
			}
		})
	}
}
