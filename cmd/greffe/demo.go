package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"greffe/api/auth"
	"greffe/api/importer"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
)

type demoCmd struct {
	serveCmd
	Samples string `help:"Directory of the sample files." default:"deploy/samples" type:"existingdir"`
}

// sampleFiles are what the demo imports, in this order.
var sampleFiles = [...]struct{ name, source string }{
	{"contacts-crm.csv", "crm/export"},
	{"events.ndjson.gz", ""},
}

// sampleAt is the day that rows of the sample export without a date stand for.
const sampleAt = "2026-03-01"

func (c *demoCmd) Run(sh *shell) (err error) {
	cfg := c.config(sh)
	cfg.RightsForm = true
	a, err := app.Open(sh.ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	for _, f := range sampleFiles {
		if err := c.load(sh, a, f.name, f.source); err != nil {
			return err
		}
	}
	if err := registered(sh.ctx, a); err != nil {
		return err
	}
	if err := a.CaughtUp(sh.ctx); err != nil {
		return err
	}
	return c.serve(sh, a, func(base string) error { return c.tour(sh, a, base) })
}

func (c *demoCmd) load(sh *shell, a *app.App, name, source string) (err error) {
	in, err := importer.Open(filepath.Join(c.Samples, name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if source == "" {
		born, err := a.Ledger.PolicyVersions(sh.ctx)
		if err != nil {
			return err
		}
		if err := asOf(in, born[0].Published.Time); err != nil {
			return err
		}
	}
	at, err := time.Parse(time.DateOnly, sampleAt)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	bar := sh.progress(name)
	report, err := importer.Import(sh.ctx, in, a, importer.Options{Source: source, At: at, Location: zone,
		Progress: func(p importer.Progress) { bar.at(p.Bytes, p.Total) }})
	bar.end()
	if err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	fmt.Fprintf(sh.stdout, "%s: %d events, %d recorded, %d duplicates, %d conflicts, %d quarantined (%.1f s)\n",
		name, report.Events, report.Recorded, report.Duplicates, report.Conflicts, report.Quarantined, report.Seconds)
	return nil
}

// tour prints what to try, with a token of its own that ends in a day.
func (c *demoCmd) tour(sh *shell, a *app.App, base string) error {
	rules, _ := a.Ledger.Policy()
	made, err := a.Tokens.Make(sh.ctx, rules, domain.ID{}, auth.Request{
		Label: "demo visitor", Roles: []string{"dpo"}, Expires: time.Now().Add(24 * time.Hour)})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	id, err := a.External(sh.ctx, a.Ledger.Peppers().External(tourSource, tourPerson))
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	password, people, err := actors(sh.ctx, a)
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.stdout, castText, base, password)
	for _, p := range people {
		fmt.Fprintf(sh.stdout, "  %-7s %s\n", p.login, p.role)
	}
	go prompter(os.Stdin, sh.stdout, people)
	fmt.Fprintf(sh.stdout, tourText, made.Text, base, id, sh.cli.Data)
	return nil
}

// tourSource and tourPerson name somebody of the sample events.
const tourSource, tourPerson = "shop/web", "W-52745"

const castText = `
The console: %[1]s/console
Sign in as one of these, with the password %[2]s
and a code: press Enter here to see the codes of now.

`

const tourText = `
Or try, in another terminal (the token is a data protection officer's and ends in a day):

  export TOKEN=%[1]s
  # whom does the ledger know at this address? (a recorded access: say why)
  curl -s %[2]s/v1/subjects/search -H "Authorization: Bearer $TOKEN" -H "X-Greffe-Reason: rights_request" \
       -H "Content-Type: application/json" -d '{"email":"helene.vandenbroucke2745@courrier.test"}'
  # that person now, and as it was in 2024
  curl -s %[2]s/v1/subjects/%[3]s -H "Authorization: Bearer $TOKEN" -H "X-Greffe-Reason: rights_request"
  curl -s "%[2]s/v1/subjects/%[3]s?as_of=2024-01-01T00:00:00Z" -H "Authorization: Bearer $TOKEN" -H "X-Greffe-Reason: rights_request"
  # who saw that person, and what the ledger holds in all
  curl -s %[2]s/v1/subjects/%[3]s/accesses -H "Authorization: Bearer $TOKEN" -H "X-Greffe-Reason: rights_request"
  curl -s %[2]s/v1/audit/summary -H "Authorization: Bearer $TOKEN"
  # what could not be taken in, and why
  curl -s %[2]s/v1/quarantine -H "Authorization: Bearer $TOKEN" -H "X-Greffe-Reason: maintenance:DEMO-1"

API reference: %[2]s/docs
Stop with Ctrl-C; then: bin/greffe verify --data %[4]s
`
