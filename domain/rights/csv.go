package rights

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
)

// ErrColumns: a file of requests lacks the column right, or has one that is not known
// or is there twice.
var ErrColumns = errors.New("the columns of the file are not those of requests")

// Columns are those of a CSV file of requests. Only right is needed; source and
// subject are an upstream's id of the person.
func Columns() []string {
	return []string{"right", "channel", "received_at", "requester", "ground", "language", "controller", "name", "email", "phone", "address",
		"customer_number", "agent", "deceased", "died_on", "message", "source", "subject"}
}

// Line is one request of a file.
type Line struct {
	Number          int // from 2, under the line of names
	Intake          Intake
	Source, Subject string
	Cells           []string // as they stood, with the names of their columns before: what makes it the same line
	Err             error    // it cannot be read: FieldError or of encoding/csv; no value is in it
}

// ReadCSV reads requests in UTF-8 under a line of column names, with commas or
// semicolons. Times are RFC 3339, or days (YYYY-MM-DD or DD/MM/YYYY) that begin in
// Paris. ErrColumns ends it at once.
func ReadCSV(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewReader(r)
		if b, err := in.Peek(3); err == nil && string(b) == "\uFEFF" {
			_, _ = in.Discard(3) // they were peeked
		}
		c := csv.NewReader(in)
		if b, _ := in.Peek(4096); strings.Count(firstLine(b), ";") > strings.Count(firstLine(b), ",") {
			c.Comma = ';'
		}
		names, err := c.Read()
		if err != nil || !columns(names) {
			yield(Line{}, errors.Join(ErrColumns, quiet(err)))
			return
		}
		for n := 2; ; n++ {
			cells, err := c.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			l := Line{Number: n}
			var bad *csv.ParseError
			switch {
			case errors.As(err, &bad):
				l.Err = malformed("line")
			case err != nil:
				yield(l, err)
				return
			default:
				l.fill(names, cells)
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// quiet drops what an error of encoding/csv would quote.
func quiet(err error) error {
	var bad *csv.ParseError
	if errors.As(err, &bad) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

func columns(names []string) bool {
	for i, n := range names {
		names[i] = strings.ToLower(strings.TrimSpace(n))
		if !slices.Contains(Columns(), names[i]) || slices.Contains(names[:i], names[i]) {
			return false
		}
	}
	return slices.Contains(names, codeRight)
}

func (l *Line) fill(names, cells []string) {
	i, p := &l.Intake, &l.Intake.Person
	texts := map[string]*string{"channel": &i.Channel, "language": &i.Language, "controller": &i.Controller, "name": &p.Name, "email": &p.Email,
		"phone": &p.Phone, "address": &p.Address, "customer_number": &p.CustomerNumber, "agent": &p.Agent, "deceased": &p.Deceased,
		"died_on": &p.DiedOn, "message": &i.Message, "source": &l.Source, "subject": &l.Subject}
	i.Channel, i.Origin = "other", OriginFile
	for at, name := range names {
		cell := strings.TrimSpace(cells[at])
		if cell == "" {
			continue
		}
		l.Cells = append(l.Cells, name, cell)
		switch name {
		case "right":
			i.Right = Right(cell)
		case "requester":
			i.Requester = Requester(cell)
		case "ground":
			i.Ground = HeirGround(cell)
		case "received_at":
			if i.Received = readTime(cell); i.Received.IsZero() {
				l.Err = malformed(codeReceived)
			}
		default:
			*texts[name] = cell
		}
	}
	if (l.Source == "") != (l.Subject == "") {
		l.Err = missing("subject")
	}
}

func readTime(s string) time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t
	}
	for _, layout := range []string{time.DateOnly, "02/01/2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Add(-offset(t))
		}
	}
	return time.Time{}
}
