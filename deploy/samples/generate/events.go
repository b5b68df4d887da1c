package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// data is an event's content.
type data = map[string]any

// happening is one event before it has an id and a place in the file.
type happening struct {
	at      time.Time
	source  string
	kind    string
	subject string
	actor   string
	data    data
}

const (
	crm  = "crm/eu"
	shop = "shop/web"
	call = "callcentre/fr"
)

// history invents lives until it has n events.
type history struct {
	dice
	all []happening
}

// eventsNDJSON is n lines. README.md says what is wrong with some of them.
func eventsNDJSON(seed uint64, n int) []byte {
	h := &history{dice: newDice(seed, 3)}
	conflicts, bad := 8, badLines()
	repeats := n / 100
	want := n - repeats - conflicts - len(bad)
	for i := 0; len(h.all) < want; i++ {
		h.life(seed, i)
	}
	slices.SortStableFunc(h.all, func(a, b happening) int { return a.at.Compare(b.at) })
	h.all = h.all[len(h.all)-want:] // the oldest are left out: some lives have no beginning
	lines := h.lines()
	for i := range repeats {
		from := h.IntN(len(lines) - 1)
		lines = slices.Insert(lines, min(len(lines), from+1+h.IntN(400)), lines[from])
		if i < conflicts {
			lines = append(lines, strings.Replace(lines[from], `Z","type":`, `.5Z","type":`, 1)) // the same id, another content
		}
	}
	for _, b := range bad {
		lines = slices.Insert(lines, h.IntN(len(lines)), b)
	}
	var out bytes.Buffer
	for _, l := range lines[:n] {
		out.WriteString(l)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// lines numbers the events of each source in the order of their time and lets
// one in ten arrive late.
func (h *history) lines() []string {
	next := map[string]int{}
	type arrival struct {
		place int
		line  string
	}
	out := make([]arrival, len(h.all))
	for i, e := range h.all {
		next[e.source]++
		n := next[e.source]
		doc := map[string]any{
			"specversion": "1.0", "source": e.source, "type": e.kind, "time": e.at.Format(time.RFC3339), "sequence": strconv.Itoa(n),
			"id": fmt.Sprintf("%s-%07d", strings.ReplaceAll(e.source, "/", "-"), n), "datacontenttype": "application/json",
		}
		for name, v := range map[string]string{"subject": e.subject, "actor": e.actor} {
			if v != "" {
				doc[name] = v
			}
		}
		if e.data != nil {
			doc["data"] = e.data
		}
		b, err := json.Marshal(doc, json.Deterministic(true))
		if err != nil {
			panic("generate: an event has no JSON form: " + err.Error())
		}
		late := 0
		if h.in(10) {
			late = 1 + h.IntN(300)
		}
		out[i] = arrival{i + late, string(b)}
	}
	slices.SortStableFunc(out, func(a, b arrival) int { return cmp.Compare(a.place, b.place) })
	lines := make([]string, len(out))
	for i, a := range out {
		lines[i] = a.line
	}
	return lines
}

func (h *history) add(at time.Time, source, kind, subject, actor string, d data) {
	if at.After(end) {
		return
	}
	h.all = append(h.all, happening{at, source, kind, subject, actor, d})
}

// after draws an instant within days of t.
func (h *history) after(t time.Time, days int) time.Time {
	return t.Add(time.Duration(1+h.IntN(days*86400)) * time.Second).Truncate(time.Second)
}

// badLines are what no ledger can take as it is: quarantined with a reason, or,
// where they protect somebody, applied as far as they are understood.
func badLines() []string {
	return []string{
		`{"specversion":"1.0","id":"bad-1","source":"crm/eu","type":"contact.exploded","subject":"C-1","time":"2025-01-01T00:00:00Z","data":{}}`,
		`{"specversion":"1.0","id":"bad-2","source":"crm/eu","type":"contact.created","time":"2025-01-01T00:00:00Z","data":{"kind":"client"}}`,
		`{"specversion":"1.0","id":"bad-3","source":"shop/web","type":"contact.created","subject":"W-1","time":"01/01/2025","data":{"kind":"client"}}`,
		`{"specversion":"1.0","id":"bad-4","source":"shop/web","type":"contact.created","subject":"W-2","time":"2025-01-01T00:00:00Z"}`,
		`{"specversion":"0.3","id":"bad-5","source":"shop/web","type":"contact.created","subject":"W-3","time":"2025-01-01T00:00:00Z","data":{}}`,
		`{"specversion":"1.0","id":"bad-6","source":"callcentre/fr","type":"interaction.recorded","subject":"A-1","time":"2025-01-01T00:00:00Z","data":{"direction":"out"}}`,
		`{"specversion":"1.0","id":"bad-7","source":"callcentre/fr","type":"contact.merged","subject":"A-2","time":"2025-01-01T00:00:00Z","data":{"into":"A-3"}}`,
		`{"specversion":"1.0","id":"bad-8","source":"crm/eu","type":"contact.changed","subject":"C-2","time":"2025-01-01T00:00:00Z","data":{"set":{"person.emails":"not a list"}}}`,
		`{"specversion":"1.0","id":"bad-9","source":"crm/eu","type":"contact.created","subject":"C-3"`,
		`not json at all`,
		`{"specversion":"1.0","id":"odd-1","source":"crm/eu","type":"opposition.registered","subject":"C-10004","time":"2025-01-01T00:00:00Z","data":{"channels":["carrier pigeon"],"purpose":"astrology"}}`,
		`{"specversion":"1.0","id":"odd-2","source":"crm/eu","type":"consent.withdrawn","subject":"C-10005","data":{"purpose":"prospecting"}}`,
	}
}
