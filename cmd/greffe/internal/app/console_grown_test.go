package app

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// grow has a ledger hold so many persons, each with what happened to them: two or three
// events, and more until there are so many in all. A file beside the data remembers how far
// it came, so that a run that was stopped goes on.
func grow(tb testing.TB, a *App, data string, persons, events int) {
	tb.Helper()
	lives := func(n int) [][]byte { return life(n % persons) }
	rounds := 1
	if per := events/persons - 2; per > 0 {
		rounds = 2
		first := lives
		lives = func(n int) [][]byte {
			if n < persons {
				return first(n)
			}
			return laterLife(n-persons, per)
		}
	}
	mark := filepath.Join(filepath.Dir(data), "grown")
	from := 0
	if b, err := os.ReadFile(mark); err == nil {
		from, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	began, recorded, told := time.Now(), 0, time.Now()
	for i := from; i < rounds*persons; {
		var batch [][]byte
		for ; i < rounds*persons && len(batch) < 1000; i++ {
			batch = append(batch, lives(i)...)
		}
		for _, r := range must(a.Record(tb.Context(), batch))(tb) {
			if r.Event.IsZero() && r.Quarantine.IsZero() {
				tb.Fatalf("an event before life %d was not taken: %+v", i, r)
			}
		}
		if recorded += len(batch); time.Since(told) > 10*time.Second || i == rounds*persons {
			told = time.Now()
			if err := a.CaughtUp(tb.Context()); err != nil {
				tb.Fatal(err)
			}
			if err := os.WriteFile(mark, []byte(strconv.Itoa(i)), 0o600); err != nil {
				tb.Fatal(err)
			}
			fmt.Fprintf(os.Stderr, "%s: %d of %d lives, %.0f events/s\n", time.Now().Format(time.TimeOnly), i, rounds*persons, float64(recorded)/time.Since(began).Seconds())
		}
	}
}

// laterLife is what happened to the n-th person later, so many events.
func laterLife(n, events int) (out [][]byte) {
	d := rand.New(rand.NewPCG(8, uint64(n)))
	source, id := [...]string{"crm/eu", "shop/web", "callcentre/fr"}[n%3], "G-"+strconv.Itoa(n)
	at := time.Date(2026, 6, 30, 8, 0, 0, 0, time.UTC)
	for i := range events {
		at = at.Add(time.Duration(1+d.IntN(15*24*3600)) * time.Second)
		out = append(out, fmt.Appendf(nil, `{"specversion":"1.0","id":"g-%d-y%d","source":%q,"type":"interaction.recorded","subject":%q,"time":%q,"data":{"kind":%q,"direction":"out","channel":"email","campaign":"lettre-%s"}}`,
			n, i, source, id, at.Format(time.RFC3339), pick(d, "sent", "open", "sent", "click"), at.Format("2006-01")))
	}
	return out
}

// must passes a value on, or ends the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// life is what happened to the n-th person: a contact, and some of what follows.
func life(n int) (out [][]byte) {
	d := rand.New(rand.NewPCG(7, uint64(n)))
	source, id := [...]string{"crm/eu", "shop/web", "callcentre/fr"}[n%3], "G-"+strconv.Itoa(n)
	at := time.Date(2024, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(d.IntN(900*24*3600)) * time.Second)
	add := func(kind, data string) {
		at = at.Add(time.Duration(1+d.IntN(20*24*3600)) * time.Second)
		out = append(out, fmt.Appendf(nil, `{"specversion":"1.0","id":"g-%d-%d","source":%q,"type":%q,"subject":%q,"time":%q,"actor":"user:%s","data":%s}`,
			n, len(out), source, kind, id, at.Format(time.RFC3339), pick(d, "jdupont", "mroy", "akone", "sfaure"), data))
	}
	given, family := pick(d, givens()...), pick(d, families()...)
	add("contact.created", fmt.Sprintf(`{"kind":%q,"person":{"given_name":%q,"family_name":"%s-%d","emails":["g%d@example.org"],"phones":["+336%08d"],"language":"fr",`+
		`"postal_address":{"lines":["%d rue des Lilas"],"postal_code":"%05d","city":%q,"country":"FR"}},"collection":{"channel":"web_form","collected_at":%q,"legal_basis":"consent",`+
		`"purposes":["prospecting"],"notice":{"id":"web-form","version":"3"}}}`, pick(d, "prospect", "client"), given, family, n%5000, n, n%100_000_000, 1+d.IntN(200), 1000+d.IntN(94000),
		pick(d, "Lyon", "Nantes", "Lille", "Brest", "Nice"), at.Format(time.RFC3339)))
	in := func(percent int) bool { return d.IntN(1000) < percent*10 }
	if in(50) {
		add("consent.granted", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"case cochée","prechecked":false,"notice":{"id":"web-form","version":"3","language":"fr","text":"J'accepte de recevoir des offres."},"proof":{"reference":"form-1"}}`)
	}
	if in(60) {
		add("interaction.recorded", `{"kind":"click","direction":"in","channel":"email","campaign":"lettre-`+at.Format("2006-01")+`"}`)
	}
	if in(20) {
		add("contact.changed", fmt.Sprintf(`{"set":{"person.phones":["+337%08d"]},"reason":"update"}`, n%100_000_000))
	}
	if in(5) {
		add("opposition.registered", `{"channels":["phone"],"purpose":"prospecting"}`)
	}
	if n%1000 == 3 {
		add("request.received", fmt.Sprintf(`{"right":%q,"channel":"email","received_at":%q,"message":"Bonjour, je souhaite exercer mes droits. Merci."}`,
			pick(d, "access", "erasure", "rectification"), at.Format(time.RFC3339)))
	}
	if n%2000 == 7 {
		add("restriction.placed", `{"ground":"art18.1.a","message":"conteste l'exactitude de son adresse"}`)
	}
	if n%5000 == 9 {
		out = append(out, fmt.Appendf(nil, `{"specversion":"1.0","id":"g-%d-bad","source":%q,"type":"contact.created","subject":%q,"time":"01/01/2025","data":{"kind":"client"}}`, n, source, id))
	}
	return out
}

func pick(d *rand.Rand, from ...string) string { return from[d.IntN(len(from))] }

func givens() []string {
	return strings.Fields("Camille Hélène Marc Jeanne Paul Inès Louis Nadia Hugo Chloé Karim Sophie Yann Aminata Jules Claire Éric Maëlle Noé Zoé")
}

func families() []string {
	return strings.Fields("Martin Bernard Petit Durand Leroy Moreau Simon Laurent Lefebvre Roux Garcia Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Diallo Haddad Nguyen Kowalski")
}
