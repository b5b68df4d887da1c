package checker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/go-json-experiment/json"
)

// EventsTable is the table of an export that holds every fact.
const EventsTable = "tables/events.ndjson"

// ErrExport: a table is not as exports have it.
var ErrExport = errors.New("not a table of an export")

// maxLine is longer than any row.
const maxLine = 1 << 20

// fact is what of a fact counts here.
type fact struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	Subject    string    `json:"subject"`
	Controller string    `json:"controller"`
	Time       time.Time `json:"time"`
	Recorded   time.Time `json:"recorded"`
	Said       said      `json:"data"`
	Lacks      []string  `json:"lacks"`
	Parts      []struct {
		Class string `json:"class"`
		Epoch string `json:"epoch"`
		Owner string `json:"owner"`
	} `json:"parts"`
	at int64
}

// said are the codes of facts, of whatever type.
type said struct {
	Kind        string    `json:"kind"`
	Direction   string    `json:"direction"`
	Channel     string    `json:"channel"`
	Object      string    `json:"object"`
	Purpose     string    `json:"purpose"`
	Scope       string    `json:"scope"`
	Method      string    `json:"method"`
	Evidence    string    `json:"evidence"`
	Reason      string    `json:"reason"`
	Entry       string    `json:"entry"`
	Into        string    `json:"into"`
	Case        string    `json:"case"`
	Right       string    `json:"right"`
	Of          string    `json:"of"`
	Order       string    `json:"order"`
	Ground      string    `json:"ground"`
	Hold        string    `json:"hold"`
	Restriction string    `json:"restriction"`
	Rule        string    `json:"rule"`
	Run         string    `json:"run"`
	State       string    `json:"state"`
	Date        string    `json:"date"`
	Threshold   string    `json:"threshold"`
	Channels    []string  `json:"channels"`
	Classes     []string  `json:"classes"`
	Epochs      []string  `json:"epochs"`
	Kept        []string  `json:"kept"`
	Stores      []string  `json:"stores"`
	Whole       bool      `json:"whole"`
	Electronic  bool      `json:"electronic_120"`
	Version     int64     `json:"version"`
	EndsAt      time.Time `json:"ends_at"`
	EndedAt     time.Time `json:"ended_at"`
	DeliveredAt time.Time `json:"delivered_at"`
	IssuedAt    time.Time `json:"issued_at"`
	DiedOn      time.Time `json:"died_on"`
	CollectedAt time.Time `json:"collection.collected_at"`
	ActivityAt  time.Time `json:"last_activity_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	ReceivedAt  time.Time `json:"received_at"`
	SentAt      time.Time `json:"sent_at"`
	CheckedAt   time.Time `json:"checked_at"`
}

// facts calls fn for each row of table events, in order.
func facts(export fs.FS, fn func(*fact) error) (err error) {
	file, err := export.Open(EventsTable)
	if err != nil {
		return fmt.Errorf("open the export: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := bufio.NewReaderSize(file, maxLine)
	for n := int64(0); ; n++ {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("row %d of %s: %w", n, EventsTable, err)
		}
		f, err := read(line)
		if err != nil || f.at != n {
			return fmt.Errorf("row %d of %s: %w", n, EventsTable, ErrExport)
		}
		if err := fn(f); err != nil {
			return err
		}
	}
}

func read(line []byte) (*fact, error) {
	var row struct {
		Position int64  `json:"position"`
		Fact     string `json:"fact"`
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return nil, err
	}
	f := &fact{at: row.Position}
	return f, json.Unmarshal([]byte(row.Fact), f)
}
