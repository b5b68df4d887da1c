package watch_test

import (
	"bufio"
	"compress/gzip"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/domain/watch"
)

func shippedWatch(t *testing.T) policy.Watch {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return p.Watch()
}

// The accesses of the samples are ordinary work: none of them is an alert.
func TestSamplesRaiseNoAlarm(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../deploy/samples/events.ndjson.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	w, s, reads, alarms := shippedWatch(t), watch.New(paris(t)), 0, map[watch.Rule]int{}
	accounts := map[string]domain.ID{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Type  string    `json:"type"`
			Actor string    `json:"actor"`
			Time  time.Time `json:"time"`
			Data  struct {
				Reason, Ticket string
				Subjects       []string
				Count          int64
			} `json:"data"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e, json.MatchCaseInsensitiveNames(true)); err != nil || e.Type != "access.recorded" {
			continue
		}
		id, ok := accounts[e.Actor]
		if !ok {
			id = persons(1_000_000+len(accounts), 1)[0]
			accounts[e.Actor] = id
		}
		reads++
		for _, found := range s.Read(watch.Read{Account: id, At: e.Time, Count: max(e.Data.Count, int64(len(e.Data.Subjects)), 1), Opens: true,
			Reason: e.Data.Reason, Ticketed: e.Data.Ticket != ""}, w.Limits(nil), w.Hours) {
			alarms[found.Rule]++
		}
	}
	t.Logf("%d accesses of %d accounts: alarms %v", reads, len(accounts), alarms)
	if reads < 100 || len(alarms) > 0 {
		t.Errorf("%d accesses, alarms %v", reads, alarms)
	}
}

// A call centre at work for four weeks: 40 agents, 40 to 90 calls a day, each with one
// to three people, some forgotten tickets, an hour late now and then. It raises at
// most one alarm a week; an agent who copies the base is found in the first hour.
func TestWorkRaisesFewAlarms(t *testing.T) {
	t.Parallel()
	w, s, r := shippedWatch(t), watch.New(paris(t)), rand.New(rand.NewPCG(1, 2))
	l, alarms, reads := w.Limits([]string{"agent"}), 0, 0
	for day := range 28 {
		date := monday.AddDate(0, 0, day)
		if d := date.Weekday(); d == time.Saturday || d == time.Sunday {
			continue
		}
		for minute := range 10 * 60 {
			for agent := range 40 {
				if r.IntN(600) >= 40+agent+agent/4 {
					continue
				}
				x := read(date.Add(time.Duration(minute-60)*time.Minute), r.IntN(200_000), 1+r.IntN(3))
				x.Account, x.Ticketed = persons(1_000_000+agent, 1)[0], r.IntN(20) > 0
				reads++
				alarms += len(s.Read(x, l, w.Hours))
			}
		}
	}
	t.Logf("%d accesses by 40 agents in 20 days: %d alarms", reads, alarms)
	if alarms > 4 {
		t.Errorf("%d alarms in four weeks", alarms)
	}
	thief, found := monday.AddDate(0, 0, 28), 0
	for i := range 100 {
		found += len(s.Read(read(thief.Add(time.Duration(i)*10*time.Second), 300_000+i, 1), l, w.Hours))
	}
	if found == 0 {
		t.Error("100 persons in 17 minutes are found usual")
	}
}
