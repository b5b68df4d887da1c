package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/importer"
)

// given are the lines of the shipped events as a demo of a ledger of that birth records them.
func given(t *testing.T, birth time.Time) []string {
	t.Helper()
	in, err := importer.Open("../../deploy/samples/events.ndjson.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	if err := asOf(in, birth); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(bufio.NewReaderSize(in, 70)) // so that lines do not come whole
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(b)))
}

// TestTheDemosRequestsAreOfItsWeeks: requests alone are moved, two of them late by the
// month of art. 12(3), the others in time; the same birth gives the same bytes.
func TestTheDemosRequestsAreOfItsWeeks(t *testing.T) {
	t.Parallel()
	birth := time.Date(2027, 3, 31, 6, 0, 0, 0, time.UTC)
	one, again, other := given(t, birth), given(t, birth), given(t, birth.AddDate(1, 0, 0))
	if !slices.Equal(one, again) || len(one) != 20000 || len(other) != len(one) {
		t.Fatalf("%d lines, %d again, %d of another year", len(one), len(again), len(other))
	}
	late, open := map[string]bool{}, map[string]bool{}
	for i, line := range one {
		var e struct {
			ID   string
			Type string
			Time time.Time
			Data struct {
				At time.Time `json:"received_at"`
			}
		}
		if err := json.Unmarshal([]byte(line), &e, json.MatchCaseInsensitiveNames(true)); err != nil || e.Type != "request.received" {
			if line != other[i] {
				t.Fatalf("line %d is moved: %.200s", i, line)
			}
			continue
		}
		if !e.Time.Equal(e.Data.At) || !e.Time.Before(birth) || !bytes.HasSuffix([]byte(line), []byte("}\n")) {
			t.Errorf("%s", line)
		}
		if open[e.ID] = true; e.Data.At.AddDate(0, 1, 0).Before(birth) {
			late[e.ID] = true
		}
	}
	if len(open) != len(requestAges()) || len(late) != 2 {
		t.Errorf("%d requests, %d of them late", len(open), len(late))
	}
}

// livedIn: the demo's requests are of the last weeks, its register is kept, and a second
// start adds nothing to either.
func (v *visitor) livedIn(start string) {
	v.t.Helper()
	if start == "second" {
		v.says(`(events\.ndjson\.gz: 20000 events, 0 recorded, \d+ duplicates, 8 conflicts, 10 quarantined)`)
	}
	token := v.says(`TOKEN=(\S+)`)
	for path, want := range map[string]string{"/v1/requests/statistics": `"open":13,"overdue":2`, "/v1/activities?state=open": `"template":"purpose:recruitment"`, "/v1/activities/organisation": `"revision":0`} {
		if status, body := v.asked(path, token); status != 200 || !strings.Contains(body, want) {
			v.t.Errorf("%s start, %s: %d, without %s: %.600s", start, path, status, want, body)
		}
	}
	if _, body := v.asked("/v1/activities", token); strings.Count(body, `"template":`) != 8 {
		v.t.Errorf("%s start: the register holds %s", start, fmt.Sprint(strings.Count(body, `"template":`)))
	}
}
