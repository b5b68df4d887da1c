package screening

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/screening"
	"greffe/domain/token"
)

// testDesk refuses what begins with "no"; its clock goes on with each look.
type testDesk struct {
	head   atomic.Int64
	policy atomic.Int64
	fail   error
	judged error
}

func (d *testDesk) Current(context.Context) (Known, Judge, error) {
	return Known{Below: domain.Position(d.head.Add(1)), Policy: d.policy.Load()}, d, d.fail
}

func (d *testDesk) Judge(_ context.Context, of []screening.Address, out []Verdict) error {
	for i := range of {
		out[i] = Verdict{Allowed: !strings.HasPrefix(of[i].Normal, "no"), Rule: "test.no"}
	}
	return d.judged
}

func clock() func() time.Time {
	var n atomic.Int64
	return func() time.Time { return time.Unix(n.Add(1), 0) }
}

var emails = screening.Ask{List: screening.Full, Kind: token.KindEmail, Input: screening.Clear, Channel: "email", Purpose: "p", Controller: "c", At: time.Unix(0, 0).UTC()}

func job(d Desk, l screening.Layout) Job { return Job{Ask: emails, Layout: l, Desk: d, Now: clock()} }

// engine screens src and compares the digests with what came out.
func screen(t interface{ Fatalf(string, ...any) }, j Job, src io.Reader) (r *screening.Receipt, cleansed, report string) {
	var a, b bytes.Buffer
	r, err := new(Engine).Run(context.Background(), j, src, Output{Cleansed: &a, Refused: &b})
	if err != nil {
		t.Fatalf("%v", err)
	}
	if r.Cleansed != sha256.Sum256(a.Bytes()) || r.Rejected != sha256.Sum256(b.Bytes()) {
		t.Fatalf("the digests are of other bytes")
	}
	return r, a.String(), b.String()
}

// TestWhatComesOutDependsOnTheFileAlone: not on how it arrives, nor on which processor
// is done first; and a Sifter makes the same of the report.
func TestWhatComesOutDependsOnTheFileAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.StringMatching(`(\x{FEFF})?((a|no|x)@b\.fr[;\n]|[;"\n\r ]|"(yes|no)@b.fr"[;\n]|q\n){0,50}`).Draw(t, "file")
		layout := rapid.SampledFrom([]screening.Layout{{}, {CSV: true, Column: "1", Separator: ';'}, {CSV: true, Column: "2", Separator: ';', Header: true}}).Draw(t, "layout")
		d := &testDesk{}
		r, cleansed, report := screen(t, job(d, layout), strings.NewReader(file))
		_, cleansed2, report2 := screen(t, job(d, layout), iotest.OneByteReader(strings.NewReader(file)))
		if cleansed != cleansed2 || report != report2 || r.Source != sha256.Sum256([]byte(file)) {
			t.Fatalf("%q: %q and %q", file, cleansed, cleansed2)
		}
		if strings.Contains(strings.TrimPrefix(cleansed, firstLine(file, layout)), "no@b.fr") && layout.CSV == false {
			t.Fatalf("passed: %q", cleansed)
		}
		var again bytes.Buffer
		s := NewSifter(iotest.HalfReader(strings.NewReader(file)), emails, layout, &again)
		for l := range strings.Lines(report) {
			x, err := screening.ParseLine([]byte(l))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Refuse(x.Line); err != nil {
				t.Fatalf("line %d: %v", x.Line, err)
			}
		}
		source, sum, err := s.End()
		if err != nil || source != r.Source || sum != r.Cleansed || again.String() != cleansed {
			t.Fatalf("sifted: %q, want %q; %v", again.String(), cleansed, err)
		}
		if c := r.Counts; c.Lines != c.Allowed+c.Unreadable+c.RefusedLines() || c.Duplicates > c.Lines {
			t.Fatalf("%+v", c)
		}
	})
}

func firstLine(file string, l screening.Layout) string {
	if !l.Header {
		return ""
	}
	line, _, _ := strings.Cut(file, "\n")
	return line
}

// TestLargeFiles: many lots, in order, with lines that are longer than a lot between
// them; every line is decided with a head that is fresh.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	var b, want strings.Builder
	lines := 0
	for i := range 150_000 {
		who := []string{"yes", "no"}[i%3/2]
		line := fmt.Sprintf("%s%d@example.fr\n", who, i%140_000)
		if i%50_000 == 25_000 {
			b.WriteString(strings.Repeat("x", 700<<10) + "\n")
			lines++
		}
		b.WriteString(line)
		if lines++; who == "yes" {
			want.WriteString(line)
		}
	}
	b.WriteString(strings.Repeat("y", 500<<10))
	d := &testDesk{}
	r, cleansed, report := screen(t, job(d, screening.Layout{}), strings.NewReader(b.String()))
	if cleansed != want.String() || r.Lines != int64(lines+1) || r.Unreadable != 4 || strings.Count(report, screening.LineTooLong) != 4 {
		t.Fatalf("%+v", r.Counts)
	}
	if !strings.HasSuffix(report, fmt.Sprintf(`{"line":%d,"unreadable":"line_too_long"}`+"\n", lines+1)) || !strings.Contains(report, `{"line":25001,"unreadable"`) {
		t.Error("lines are numbered wrongly")
	}
	if r.Duplicates == 0 || r.Position != 1 || r.Through < 10 {
		t.Errorf("%d before, positions %d to %d", r.Duplicates, r.Position, r.Through)
	}
}

func TestDuplicatesAreCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.Uint64Range(0, 300), 0, 2000).Draw(t, "keys")
		var s seen
		distinct := map[uint64]bool{}
		for _, k := range keys {
			k *= 0x9E3779B97F4A7C15
			s.add(k)
			distinct[max(k, 1)] = true
		}
		if s.doubled != int64(len(keys)-len(distinct)) || s.full {
			t.Fatalf("%d of %d with %d different", s.doubled, len(keys), len(distinct))
		}
	})
	s := seen{held: remembered}
	if s.add(7); !s.full || s.doubled != 0 {
		t.Error("what is not remembered is not told")
	}
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errTest
	}
	return len(p), nil
}

var errTest = errors.New("test")

// TestFailuresEndIt with their own error, wherever they happen, and nothing hangs.
func TestFailuresEndIt(t *testing.T) {
	t.Parallel()
	file := strings.Repeat("yes@example.fr\nno@example.fr\n", 100_000)
	policy := &testDesk{}
	j := job(policy, screening.Layout{})
	for name, run := range map[string]func() error{
		"desk": func() error {
			_, err := new(Engine).Run(t.Context(), job(&testDesk{fail: errTest}, screening.Layout{}), strings.NewReader(file), Output{})
			return err
		},
		"judge": func() error {
			_, err := new(Engine).Run(t.Context(), job(&testDesk{judged: errTest}, screening.Layout{}), strings.NewReader(file), Output{})
			return err
		},
		"reader": func() error {
			src := io.MultiReader(strings.NewReader(file), iotest.ErrReader(errTest))
			_, err := new(Engine).Run(t.Context(), job(&testDesk{}, screening.Layout{}), src, Output{})
			return err
		},
		"cleansed": func() error {
			_, err := new(Engine).Run(t.Context(), job(&testDesk{}, screening.Layout{}), strings.NewReader(file), Output{Cleansed: &failing{500_000}})
			return err
		},
		"report": func() error {
			_, err := new(Engine).Run(t.Context(), job(&testDesk{}, screening.Layout{}), strings.NewReader(file), Output{Refused: &failing{100}})
			return err
		},
		"progress": func() error {
			_, err := new(Engine).Run(t.Context(), job(&testDesk{}, screening.Layout{}), strings.NewReader(file), Output{Progress: func(int64, int64) error { return errTest }})
			return err
		},
	} {
		if err := run(); !errors.Is(err, errTest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := new(Engine).Run(t.Context(), j, strings.NewReader(file), Output{Progress: func(int64, int64) error { policy.policy.Store(2); return nil }})
	if !errors.Is(err, ErrPolicy) {
		t.Error("policy:", err)
	}
}

func TestAtOnce(t *testing.T) {
	t.Parallel()
	var e Engine
	var inner func(depth int) error
	inner = func(depth int) error {
		_, err := e.Run(t.Context(), job(&testDesk{}, screening.Layout{}), strings.NewReader("a@b.fr\n"), Output{Progress: func(int64, int64) error {
			if depth == 0 {
				return nil
			}
			return inner(depth - 1)
		}})
		return err
	}
	if err := inner(AtOnce - 1); err != nil {
		t.Error(err)
	}
	if err := inner(AtOnce); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if err := inner(AtOnce - 1); err != nil {
		t.Error("after one was refused:", err)
	}
}

func TestReportsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]int64{{2}, {4}, {1, 1}, {3, 1}} {
		s := NewSifter(strings.NewReader("\"a\nb\"@x.fr\nc@x.fr\n"), emails, screening.Layout{CSV: true, Column: "1", Separator: ','}, nil)
		var err error
		for _, l := range lines {
			err = errors.Join(err, s.Refuse(l))
		}
		if !errors.Is(err, ErrReport) {
			t.Errorf("%v: %v", lines, err)
		}
	}
	s := NewSifter(strings.NewReader(strings.Repeat("x", screening.MaxRecord+1)), emails, screening.Layout{}, nil)
	if _, _, err := s.End(); !errors.Is(err, ErrReport) {
		t.Error("a line that cannot be read is passed on:", err)
	}
}
