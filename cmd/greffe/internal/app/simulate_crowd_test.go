package app

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// crowd is who is in a simulated CRM, and what they and their company do, by day: it
// follows from the seed alone.
type crowd struct {
	*rand.Rand
	first time.Time // midnight, UTC, of day 0
	days  int
	told  [][]happening // what systems send
	desk  [][]deed      // what people do at the desks
	n     int
}

// happening is one event upstream.
type happening struct {
	kind, who string
	at        time.Time // zero: that morning
	data      string
}

// deed is something that is done about somebody.
type deed struct {
	what, who, arg string
	then           []later // what follows from it, if it was done
}

type later struct {
	after int // days
	what  string
}

// months that pass in a simulation, and those in which contacts are created.
const (
	simulatedMonths = 36
	creationDays    = 150
)

func newCrowd(seed uint64, contacts int, first time.Time) *crowd {
	c := &crowd{Rand: rand.New(rand.NewPCG(seed, 36)), first: first, days: int(first.AddDate(0, simulatedMonths, 0).Sub(first).Hours() / 24)}
	c.told, c.desk = make([][]happening, c.days), make([][]deed, c.days)
	for i := range contacts {
		c.contact(fmt.Sprintf("C-%d", i))
	}
	return c
}

func (c *crowd) chance(percent float64) bool { return c.Float64()*100 < percent }

func (c *crowd) day(d int) time.Time { return c.first.AddDate(0, 0, d) }

// past is some time up to so many months before a day.
func (c *crowd) past(d, months int) time.Time {
	return c.day(d).Add(-time.Duration(c.IntN(months*30*24)+1) * time.Hour)
}

// say has a system send an event on a day, if the simulation gets there.
func (c *crowd) say(d int, who, kind, data string) { c.sayOf(d, time.Time{}, who, kind, data) }

func (c *crowd) sayOf(d int, at time.Time, who, kind, data string) {
	if d < c.days {
		c.told[d] = append(c.told[d], happening{kind, who, at, data})
	}
}

func (c *crowd) act(d int, who, what, arg string, then ...later) {
	if d < c.days {
		c.desk[d] = append(c.desk[d], deed{what, who, arg, then})
	}
}

// contact is one person's story.
func (c *crowd) contact(who string) {
	c.n++
	d := c.IntN(creationDays)
	switch x := c.IntN(100); {
	case x < 45:
		c.created(d, who, "prospect", 42)
		c.prospect(d, who)
	case x < 75:
		c.created(d, who, "client", 60)
		c.client(d, who)
	case x < 80:
		c.created(d, who, "former_client", 90)
		from := c.past(d, 80)
		c.sayOf(d, from, who, "contract.started", `{"reference":"K"}`)
		c.ended(d, from.AddDate(0, 3+c.IntN(12), 0), who)
	case x < 92:
		c.created(d, who, "candidate", 20)
		c.say(d+5+c.IntN(60), who, "recruitment.closed", `{"outcome":"rejected","note":"entretien"}`)
	default:
		c.created(d, who, "supplier_contact", 10)
		if c.chance(50) {
			c.say(d+1, who, "contract.started", fmt.Sprintf(`{"reference":"S","ends_at":%q}`, c.day(d+60+c.IntN(500)).Format(time.RFC3339)))
		}
	}
	c.rights(d, who)
	c.ups(d, who)
}

func (c *crowd) created(d int, who, kind string, months int) {
	collected := c.past(d, months)
	notes := ""
	if c.chance(30) {
		notes = `,"notes":"appelé, rappeler au printemps"`
	}
	c.say(d, who, "contact.created", fmt.Sprintf(`{"kind":%q,"person":{"given_name":"Camille","emails":["%s@example.fr"],"phones":["+336%08d"],"birth_date":"%d-04-12",
		"postal_address":{"postal_code":"69003","country":"FR"}}%s,"collection":{"channel":"web_form","collected_at":%q,"purposes":["prospecting"],"notice":{"id":"n","version":"1"}}}`,
		kind, who, c.n, 1950+c.IntN(50), notes, collected.Format(time.RFC3339)))
}

func (c *crowd) prospect(d int, who string) {
	if c.chance(50) {
		c.say(d+1+c.IntN(20), who, "consent.granted", consentOf)
	}
	if c.chance(30) {
		for range 1 + c.IntN(3) {
			c.say(d+1+c.IntN(c.days), who, "interaction.recorded", fmt.Sprintf(`{"kind":%q,"direction":"in","channel":"email"}`, [...]string{"reply", "click", "visit"}[c.IntN(3)]))
		}
	}
	for range c.IntN(3) {
		c.say(d+1+c.IntN(c.days), who, "interaction.recorded", `{"kind":"open","direction":"in","channel":"email"}`)
	}
	if c.chance(10) {
		c.say(d+1+c.IntN(c.days), who, "contact.changed", `{"set":{"person.language":"fr"},"reason":"enrichment"}`)
	}
}

// ended is the end of a contract, before the day on which it is told of.
func (c *crowd) ended(d int, at time.Time, who string) {
	if latest := c.day(d); at.After(latest) {
		at = latest
	}
	c.sayOf(d, at, who, "contract.ended", `{}`)
}

func (c *crowd) client(d int, who string) {
	large := ""
	if c.chance(10) {
		large = `,"electronic_120":true`
	}
	from := c.past(d, 100)
	c.sayOf(d, from, who, "contract.started", `{"reference":"K"`+large+`}`)
	for range 1 + c.IntN(2) {
		at := c.past(d, 140)
		c.sayOf(d, at, who, "invoice.issued", fmt.Sprintf(`{"reference":"F","issued_at":%q}`, at.Format(time.RFC3339)))
	}
	switch {
	case c.chance(25):
		c.ended(d, from.AddDate(0, 1, 0), who)
	case c.chance(30):
		c.say(d+1+c.IntN(c.days), who, "contract.ended", `{}`)
	default:
		c.say(d+1+c.IntN(c.days), who, "invoice.issued", `{"reference":"F"}`)
	}
	if c.chance(40) {
		c.say(d+1+c.IntN(20), who, "consent.granted", consentOf)
	}
	if c.chance(30) {
		c.say(d+1+c.IntN(c.days), who, "interaction.recorded", `{"kind":"purchase","direction":"in","channel":"email","amount_cents":1999}`)
	}
}

// ups are what happens to some of any kind.
func (c *crowd) ups(d int, who string) {
	at := func() int { return d + 2 + c.IntN(c.days) }
	if c.chance(4) {
		c.say(at(), who, "consent.withdrawn", `{"purpose":"prospecting","channels":["email"],"method":"unsubscribe_link"}`)
	}
	if c.chance(5) {
		c.say(at(), who, "opposition.registered", [...]string{`{"scope":"all"}`, `{"channels":["phone"],"purpose":"prospecting"}`, `{"purpose":"prospecting"}`}[c.IntN(3)])
	}
	if c.chance(1) {
		c.say(at(), who, "person.deceased", `{}`)
	}
	if c.n > 1 && c.chance(2) {
		into, on := fmt.Sprintf("C-%d", c.IntN(c.n-1)), max(creationDays, at())
		link := fmt.Sprintf(`{"into":{"source":"crm","subject":%q},"reason":"duplicate"}`, into)
		c.say(on, who, "contact.merged", link)
		if c.chance(30) {
			c.say(on+30+c.IntN(300), who, "contact.unmerged", fmt.Sprintf(`{"into":{"source":"crm","subject":%q},"reason":"mistake"}`, into))
		}
	}
}

// rights are requests, holds and restrictions.
func (c *crowd) rights(d int, who string) {
	at := func() int { return d + 2 + c.IntN(c.days) }
	if c.chance(3) {
		right := [...]string{"access", "access", "access", "rectification", "erasure", "objection", "portability"}[c.IntN(7)]
		c.act(at(), who, "request", right, c.course()...)
	}
	if c.chance(1.5) {
		var then []later
		if c.chance(50) {
			then = []later{{150 + c.IntN(500), "release"}}
		}
		c.act(at(), who, "hold", "litigation", then...)
	}
	if c.chance(1) {
		c.act(at(), who, "restrict", "art18.1.a", later{20 + c.IntN(200), "lift"})
	}
}

// course is what becomes of a request: in time, late, extended, withdrawn.
func (c *crowd) course() []later {
	seen := later{2, "verify"}
	switch x := c.IntN(100); {
	case x < 5:
		return []later{seen, {6, "withdraw"}}
	case x < 12:
		return []later{seen, {20, "extend"}, {50 + c.IntN(30), "answer"}}
	case x < 25:
		return []later{seen, {36 + c.IntN(45), "answer"}}
	case x < 27:
		return []later{seen} // nobody answers, ever
	}
	return []later{seen, {4 + c.IntN(22), "answer"}}
}
