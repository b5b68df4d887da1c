package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/importer"
	"greffe/domain/event"
)

// requestAges are how many days before the ledger was made the demo's requests came, in
// the order of the sample file: two are late by the month of art. 12(3), the others in time.
func requestAges() []int { return []int{41, 2, 6, 34, 1, 12, 4, 25, 9, 3, 19, 7, 15} }

// recent reads sample events as their file has them, but for requests, which came in the
// weeks before birth and not at the date that the file was written for: a demo of a later
// year is not one of a house that left everybody without an answer. The same birth gives
// the same bytes, so a demo that is started again records none twice.
type recent struct {
	lines *bufio.Reader
	birth time.Time
	days  map[string]int // by the event's id, as the file repeats some
	ready []byte
}

// asOf has in give its events as recent does. It reads a gzip file.
func asOf(in *importer.Input, birth time.Time) error {
	z, err := gzip.NewReader(in.Reader)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	y, m, d := birth.UTC().Date()
	in.Reader, in.Size = &recent{lines: bufio.NewReader(z), birth: time.Date(y, m, d, 8, 0, 0, 0, time.UTC), days: map[string]int{}}, 0
	return nil
}

// Read implements io.Reader.
func (r *recent) Read(p []byte) (int, error) {
	if len(r.ready) == 0 {
		line, err := r.lines.ReadBytes('\n')
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return 0, err
		}
		if r.ready = line; bytes.Contains(line, []byte(event.RequestReceived)) {
			if r.ready, err = r.request(line); err != nil {
				return 0, err
			}
		}
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// request is a line at its new date.
func (r *recent) request(line []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(line, &doc); err != nil {
		return nil, fmt.Errorf("demo: a request of the samples: %w", err)
	}
	id, _ := doc["id"].(string)
	data, ok := doc["data"].(map[string]any)
	if !ok {
		return line, nil
	}
	turn, again := r.days[id]
	if !again {
		turn = len(r.days)
		r.days[id] = turn
	}
	ages := requestAges()
	at := r.birth.AddDate(0, 0, -ages[turn%len(ages)]).Add(time.Duration(turn) * 37 * time.Minute).Format(time.RFC3339)
	doc["time"], data["received_at"] = at, at
	out, err := json.Marshal(doc, json.Deterministic(true))
	return append(out, '\n'), err
}
