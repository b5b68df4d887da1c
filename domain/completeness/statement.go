package completeness

import (
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
)

var (
	// ErrStatement: not a statement in its one form.
	ErrStatement = errors.New("not a statement on what a source sent")
	// ErrRecount: the facts say something else than the statement.
	ErrRecount = errors.New("the statement is not what the facts say")
)

// Statement says what a ledger recorded of one source in a period, nothing
// included. The period's facts are those at positions [First, Next) of the tree
// with Head: First is the first position recorded at From or after, Next the first
// recorded at To or after.
type Statement struct {
	Ledger      domain.ID
	Source      domain.ID
	From, To    domain.Time // of recording; To is exclusive
	First, Next domain.Position
	Counts
	Head proof.Head // covers Next
	Made domain.Time
}

const kind = "/silence@v1"

// Text is the one form of the statement, to be signed as a note.
func (s *Statement) Text() string {
	sequence := "-"
	if s.Numbered {
		sequence = fmt.Sprintf("%d %d", s.Lowest, s.Highest)
	}
	return fmt.Sprintf("greffe/%s"+kind+"\nsource %s\nfrom %s\nto %s\npositions %d %d\nevents %d\nset-aside %d\nsequence %s\n"+
		"gaps %d\nmissing %d\nrestarts %d\nhead %s\nsize %d\nroot %s\nmade %s\n",
		s.Ledger, s.Source, domain.FormatTime(s.From.Time), domain.FormatTime(s.To.Time), s.First, s.Next, s.Events, s.SetAside, sequence,
		s.Gaps, s.Missing, s.Restarts, s.Head.Origin, s.Head.Size, base64.StdEncoding.EncodeToString(s.Head.Root[:]), domain.FormatTime(s.Made.Time))
}

// names are those of the lines, in order; the first line has none.
func names() [14]string {
	return [...]string{"source", "from", "to", "positions", "events", "set-aside", "sequence", "gaps", "missing", "restarts", "head", "size", "root", "made"}
}

// ParseStatement reads what Text writes and nothing else. The error is ErrStatement.
func ParseStatement(text string) (*Statement, error) {
	names := names()
	lines := strings.Split(text, "\n")
	if len(lines) != len(names)+2 {
		return nil, fmt.Errorf("%w: it has another number of lines", ErrStatement)
	}
	values := map[string]string{}
	for i, name := range names {
		value, ok := strings.CutPrefix(lines[i+1], name+" ")
		if !ok {
			return nil, fmt.Errorf("%w: line %d does not say %s", ErrStatement, i+2, name)
		}
		values[name] = value
	}
	s := new(Statement)
	err := s.read(lines[0], values)
	if err == nil && s.Text() != text {
		err = errors.New("it is not in its one form")
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	return s, nil
}

func (s *Statement) read(first string, values map[string]string) error {
	id, ok := strings.CutPrefix(first, "greffe/")
	id, same := strings.CutSuffix(id, kind)
	if !ok || !same {
		return errors.New("its first line is another")
	}
	var errs []error
	set := func(err error) { errs = append(errs, err) }
	var err error
	s.Ledger, err = domain.ParseID(id)
	set(err)
	s.Source, err = domain.ParseID(values["source"])
	set(err)
	for name, into := range map[string]*domain.Time{"from": &s.From, "to": &s.To, "made": &s.Made} {
		set(into.UnmarshalText([]byte(values[name])))
	}
	p, q, _ := strings.Cut(values["positions"], " ")
	set(s.First.UnmarshalText([]byte(p)))
	set(s.Next.UnmarshalText([]byte(q)))
	number := func(text string, into *int64) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			set(errors.New("a number is none"))
		}
		*into = n
	}
	for name, into := range map[string]*int64{"events": &s.Events, "set-aside": &s.SetAside, "gaps": &s.Gaps, "missing": &s.Missing, "restarts": &s.Restarts} {
		number(values[name], into)
	}
	if seq := values["sequence"]; seq != "-" {
		lo, hi, _ := strings.Cut(seq, " ")
		s.Numbered = true
		number(lo, &s.Lowest)
		number(hi, &s.Highest)
	}
	s.Head, err = proof.ParseHead(values["head"] + "\n" + values["size"] + "\n" + values["root"] + "\n")
	set(err)
	return errors.Join(errs...)
}

// check refuses what no ledger can mean.
func (s *Statement) check() error {
	switch {
	case !s.From.Before(s.To.Time):
		return errors.New("its period is empty")
	case s.To.After(s.Made.Time):
		return errors.New("its period was not over")
	case s.First > s.Next || uint64(s.Next) > s.Head.Size:
		return errors.New("its head does not cover its positions")
	case s.Events+s.SetAside > int64(s.Next-s.First):
		return errors.New("it counts more events than positions")
	case s.Lowest > s.Highest:
		return errors.New("its numbers are in the wrong order")
	}
	return nil
}

// OpenStatement reads a note that was signed by the ledger's key. The statement, its
// head and the key must be of one ledger. Errors are
// proof.ErrSignature and ErrStatement. What it counts is checked by Recount, its
// head as any other.
func OpenStatement(signed []byte, v note.Verifier) (*Statement, error) {
	text, err := proof.OpenText(signed, v)
	if err != nil {
		return nil, err
	}
	s, err := ParseStatement(text)
	if err != nil {
		return nil, err
	}
	own := "greffe/" + s.Ledger.String()
	for _, name := range []string{v.Name(), s.Head.Origin} {
		if name != own && !strings.HasPrefix(name, own+"/") {
			return nil, fmt.Errorf("%w: it is of another ledger than its head or key", ErrStatement)
		}
	}
	return s, nil
}

// Facts are stored facts and where they stand.
type Facts = iter.Seq2[domain.Position, []byte]

// Recount counts the facts of the period again. facts must give every fact of
// [First, Next), in order. It tells with ErrRecount which count or position is not
// as stated; that the facts are those of the tree is for the caller to check.
func (s *Statement) Recount(facts Facts) error {
	t, at := Tally{Source: s.Source}, s.First
	for p, b := range facts {
		if p != at {
			return fmt.Errorf("%w: position %d was to come", ErrRecount, at)
		}
		f, err := event.DecodeFact(b)
		if err != nil {
			return fmt.Errorf("%w: position %d: %w", ErrRecount, p, err)
		}
		if f.Recorded.Before(s.From.Time) || !f.Recorded.Before(s.To.Time) {
			return fmt.Errorf("%w: position %d was recorded outside the period", ErrRecount, p)
		}
		t.Add(f)
		at++
	}
	if at != s.Next {
		return fmt.Errorf("%w: the facts end at %d, the period at %d", ErrRecount, at, s.Next)
	}
	if t.Counts() != s.Counts {
		return fmt.Errorf("%w: the source's events, numbers or gaps are others", ErrRecount)
	}
	return nil
}
