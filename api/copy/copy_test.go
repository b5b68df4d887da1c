package copy_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"greffe/api/copy"
	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/policy"
)

type nobody struct{}

func (nobody) Source(domain.ID) string { return "" }

func at(d int) domain.Time { return domain.NewTime(time.Date(2026, 3, d, 9, 0, 0, 0, time.UTC)) }

func sample(t *testing.T, recs []contact.Recorded, accesses ...contact.Access) *contact.Copy15 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "policy", "fr-crm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return contact.NewCopy15(contact.Inputs15{MadeAt: at(20), View: contact.Fold(domain.ID{1}, recs, at(19).Time),
		Items: contact.Items(recs), Accesses: accesses}, p, nobody{})
}

func rec(p int, typ event.Type, codes event.Codes, values ...string) contact.Recorded {
	r := contact.Recorded{Position: domain.Position(p), Fact: &event.Fact{ID: domain.ID{9, byte(p)}, Type: typ, Subject: domain.ID{1},
		Source: domain.ID{7}, Time: at(1 + p), Recorded: at(1 + p), Codes: codes}}
	for _, v := range values {
		path, val, _ := strings.Cut(v, "=")
		r.Fact.Fields = append(r.Fact.Fields, path)
		r.Fields = append(r.Fields, event.Field{Path: path, Value: []byte(val)})
	}
	return r
}

func render(t *testing.T, c *contact.Copy15) string {
	t.Helper()
	var b bytes.Buffer
	if err := copy.HTML(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func full(t *testing.T) *contact.Copy15 {
	erased := rec(6, event.InvoiceIssued, nil)
	erased.Fact.Fields, erased.Gone = []string{"invoice.reference"}, map[string]domain.ID{"invoice.reference": {5}}
	hidden := rec(7, event.ContactChanged, nil)
	hidden.Fact.Fields = []string{"person.birth_date"}
	return sample(t, []contact.Recorded{
		rec(0, event.ContactCreated, event.Codes{}.With("kind", "prospect").With("professional", false).With("collection.purposes", []string{"prospecting"}),
			`person.given_name="Zoé <script>alert(1)</script>"`, `person.emails=["zoe@example.fr","z@example.fr"]`, `custom.score=0.001`,
			`person.postal_address={"city":"Lyon","lines":["3 rue des Lilas"]}`, `notes="dit \"bonjour\""`),
		rec(1, event.ConsentGranted, event.Codes{}.With("purpose", "prospecting").With("evidence", "proven")),
		rec(2, event.OppositionRegistered, event.Codes{}.With("channels", []string{"phone"})),
		rec(3, event.ContractStarted, nil, `contract.reference="K-1"`), rec(4, event.RestrictionPlaced, nil), erased, hidden,
	}, contact.Access{At: at(4), Reason: "customer_call", Categories: []string{"identity"}})
}

func TestEverythingIsShown(t *testing.T) {
	t.Parallel()
	page := render(t, full(t))
	for _, want := range []string{"Zoé &lt;script&gt;alert(1)&lt;/script&gt;", "zoe@example.fr, z@example.fr", "0.001", "city: Lyon", "3 rue des Lilas",
		"dit &#34;bonjour&#34;", "Prénom", "Given name", "Prospection", "effacé / erased", "non communiqué / withheld", "K-1", "en cours", "donné", "limité",
		"Opposition enregistrée", "dpo@acme.example", "CNIL", "01/03/2026 09:00 UTC", "2026-03-04", "an(s)", "0700"} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is not on the page", want)
		}
	}
	if n := strings.Count(page, "withheld"); n != 2 { // among today's data, and in the history
		t.Errorf("withheld stands %d times", n)
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "ZgotmplZ") {
		t.Error("a value is not escaped")
	}
}

// TestPageStandsAlone holds what a printed, accessible page needs.
func TestPageStandsAlone(t *testing.T) {
	t.Parallel()
	page := render(t, full(t))
	if regexp.MustCompile(`(?i)<(script|link|img|iframe|object|form)|src=|href=|url\(|@import|\son\w+=`).MatchString(page) {
		t.Error("the page loads or runs something")
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	langs, tables := map[string]int{}, 0
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			if a.Key == "lang" {
				langs[n.Data+" "+a.Val]++
			}
		}
		if n.Data == "table" {
			tables++
			checkTable(t, n)
		}
	}
	if langs["html fr"] != 1 || langs["span en"] < 30 || langs["p en"] != 1 || tables < 9 {
		t.Errorf("langs %v, %d tables", langs, tables)
	}
}

// checkTable demands a scope on every header and as many cells in each row.
func checkTable(t *testing.T, table *html.Node) {
	width := 0
	for n := range table.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "tr":
			cells := 0
			for c := range n.ChildNodes() {
				if c.Type == html.ElementNode {
					cells++
				}
			}
			if width == 0 {
				width = cells
			}
			if cells != width {
				t.Errorf("a row has %d cells of %d", cells, width)
			}
		case n.Data == "th" && (len(n.Attr) != 1 || n.Attr[0].Key != "scope"):
			t.Error("a header has no scope")
		}
	}
	if width == 0 {
		t.Error("a table has no header")
	}
}

func TestNothingHeldShowsNoEmptyTables(t *testing.T) {
	t.Parallel()
	page := render(t, sample(t, nil))
	if !strings.Contains(page, "Aucune") || strings.Count(page, "<table>") != 1 || strings.Contains(page, "0001") {
		t.Errorf("%s", page)
	}
}

type broken struct{}

var errBroken = errors.New("broken pipe")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrorsAreReturned(t *testing.T) {
	t.Parallel()
	if err := copy.HTML(broken{}, full(t)); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
}
