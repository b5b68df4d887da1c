package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
)

type eraseCmd struct {
	Persons []string `arg:"" optional:"" help:"Persons, by the ledger's ids, or by the upstream's with --source."`
	File    string   `help:"File of them, one a line." placeholder:"FILE" type:"existingfile"`
	Source  string   `help:"The upstream whose ids these are." placeholder:"NAME"`
	Ground  string   `help:"Why, by article." enum:"art17.1.a,art17.1.b,art17.1.c,art17.1.d,art17.1.e,art17.1.f,art5.1.c,art5.1.e" default:"art17.1.b"`
	Reason  string   `help:"Why, in words; sealed." placeholder:"TEXT"`
	Classes []string `help:"Retention classes to destroy; without it everything that art. 17(3) does not let the controller keep." placeholder:"CLASS"`
	DryRun  bool     `name:"dry-run" help:"Say what would be destroyed and kept; change nothing."`
}

// erasures at once: enough to share commits and passes, bounded.
const erasureWorkers = 64

func (c *eraseCmd) Run(sh *shell) (err error) {
	if len(c.Persons) == 0 && c.File == "" {
		return errors.New("name whom to erase, or give a --file")
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.CaughtUp(sh.ctx); err != nil {
		return err
	}
	total, err := c.each(func(named) error { return nil })
	if err != nil {
		return err
	}
	run := &erasing{c: c, sh: sh, a: a, bar: sh.progress("erasing"), total: total}
	err = run.all()
	run.bar.end()
	if err != nil {
		return err
	}
	if !sh.cli.JSON {
		verb := "erased"
		if c.DryRun {
			verb = "would be erased, nothing was"
		}
		fmt.Fprintf(sh.stdout, "%d of %d %s; %d could not be.\n", run.done, total, verb, run.failed)
	}
	if run.failed > 0 {
		return errFindings
	}
	return nil
}

// named is somebody to erase: the n-th argument, or a line of the file.
type named struct {
	person string
	line   int64
}

// each calls fn for everybody named, and counts them.
func (c *eraseCmd) each(fn func(named) error) (n int64, err error) {
	for _, p := range c.Persons {
		n++
		if err := fn(named{p, n}); err != nil {
			return n, err
		}
	}
	if c.File == "" {
		return n, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return n, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for at := int64(1); lines.Scan(); at++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		n++
		if err := fn(named{line, at}); err != nil {
			return n, err
		}
	}
	return n, lines.Err()
}

// erasing is one run of the command.
type erasing struct {
	c     *eraseCmd
	sh    *shell
	a     *app.App
	bar   *progress
	total int64

	mu           sync.Mutex
	done, failed int64
	err          error
}

func (e *erasing) all() error {
	work := make(chan named)
	var wg sync.WaitGroup
	for range erasureWorkers {
		wg.Go(func() {
			for who := range work {
				out := e.one(who.person)
				out.Line = who.line
				e.answer(out)
			}
		})
	}
	_, err := e.c.each(func(who named) error {
		select {
		case work <- who:
			return nil
		case <-e.sh.ctx.Done():
			return e.sh.ctx.Err()
		}
	})
	close(work)
	wg.Wait()
	return errors.Join(err, e.err)
}

// outcome is one line of the answer. It names a person by the ledger's id, and by
// the line (or the argument's number) that named it.
type outcome struct {
	Line      int64              `json:"line,omitzero"`
	Subject   domain.ID          `json:"subject_id,omitzero"`
	Operation *httpapi.Operation `json:"erasure,omitempty"`
	Plan      *app.ErasurePlan   `json:"plan,omitempty"`
	Error     string             `json:"error,omitempty"`
}

func (e *erasing) one(person string) (out outcome) {
	id, err := e.c.subject(e.sh.ctx, e.a, person)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	out.Subject = id
	if e.c.DryRun {
		out.Plan, err = e.a.PlanErasure(e.sh.ctx, id, e.c.Classes)
	} else {
		out.Operation, err = e.a.Erase(e.sh.ctx, httpapi.ErasureOrder{Subject: id, Ground: e.c.Ground, Reason: e.c.Reason, Classes: e.c.Classes})
	}
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

func (c *eraseCmd) subject(ctx context.Context, a *app.App, person string) (domain.ID, error) {
	if c.Source == "" {
		id, err := domain.ParseID(person)
		if err != nil {
			return id, errors.New("not an id of the ledger; with ids of an upstream give --source")
		}
		return id, nil
	}
	id, err := a.External(ctx, a.Ledger.Peppers().External(c.Source, person))
	if err == nil && id.IsZero() {
		err = errors.New("the ledger knows nobody of this external id")
	}
	return id, err
}

func (e *erasing) answer(o outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if o.Error != "" {
		e.failed++
	} else {
		e.done++
	}
	e.bar.at(e.done+e.failed, e.total)
	var err error
	switch {
	case e.sh.cli.JSON:
		var b []byte
		if b, err = json.Marshal(o); err == nil {
			_, err = fmt.Fprintf(e.sh.stdout, "%s\n", b)
		}
	case o.Error != "":
		_, err = fmt.Fprintf(e.sh.stderr, "greffe: line %d: %s\n", o.Line, o.Error)
	case o.Plan != nil:
		_, err = fmt.Fprintf(e.sh.stdout, "%s would lose %s, keep %s\n", o.Subject, strings.Join(o.Plan.Destroyed, ","), strings.Join(o.Plan.Kept, ","))
	case e.total <= 20:
		_, err = fmt.Fprintf(e.sh.stdout, "%s erased, certificate %s\n", o.Subject, o.Operation.Certificate.Number)
	}
	e.err = errors.Join(e.err, err)
}
