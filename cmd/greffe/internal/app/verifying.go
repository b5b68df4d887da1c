package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/verify"
)

// verifying is the verification that runs beside the requests, one at a time, and what
// the last one found. DATA/verified.json keeps it; it decides nothing but when the next
// is due, and is written anew when it is lost.
type verifying struct {
	mu          sync.Mutex
	running     bool
	done, total int64
	last        *httpapi.Verification
	lastFull    *time.Time
}

const verifiedFile = "verified.json"

// maxShown bounds the findings that are kept; the count is of all.
const maxShown = 100

// verifications is the desk of the API.
type verifications struct{ a *App }

// Start implements httpapi.Verifications.
func (d verifications) Start(ctx context.Context, _ domain.ID, since domain.Position) error {
	head, err := d.a.Ledger.Head(ctx)
	switch {
	case err != nil:
		return err
	case since > head:
		return problem.At(problem.FieldInvalid, "since")
	}
	if !d.a.checks.begin() {
		return httpapi.ErrConflict
	}
	d.a.beside(func(ctx context.Context) { d.a.verifyNow(ctx, since) })
	return nil
}

// State implements httpapi.Verifications.
func (d verifications) State(context.Context) (*httpapi.VerificationState, error) {
	v := &d.a.checks
	v.mu.Lock()
	defer v.mu.Unlock()
	return &httpapi.VerificationState{Running: v.running, Done: v.done, Total: v.total, Last: v.last, LastFull: v.lastFull}, nil
}

func (v *verifying) begin() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running {
		return false
	}
	v.running, v.done, v.total = true, 0, 0
	return true
}

// end remembers what was found; a failed or partial look is not a full one.
func (v *verifying) end(found *httpapi.Verification) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running, v.last = false, found
	if found.Since == 0 && found.Verdict != "failed" {
		v.lastFull = &found.Ended
	}
}

type verified struct {
	Last     *httpapi.Verification `json:"last"`
	LastFull *time.Time            `json:"last_full,omitempty"`
}

// recallVerified reads what the last process found.
func (a *App) recallVerified() {
	var was verified
	b, err := os.ReadFile(filepath.Join(a.cfg.Data, verifiedFile))
	if err == nil {
		err = json.Unmarshal(b, &was)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.cfg.Logger.Warn("what the last verification found cannot be read; one is due", "error", err)
		}
		return
	}
	a.checks.last, a.checks.lastFull = was.Last, was.LastFull
}

func (a *App) keepVerified() error {
	a.checks.mu.Lock()
	b, err := json.Marshal(verified{a.checks.last, a.checks.lastFull})
	a.checks.mu.Unlock()
	if err != nil {
		return err
	}
	path := filepath.Join(a.cfg.Data, verifiedFile)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// remember keeps what a command found, for the doctor and the next service.
func (a *App) remember(started time.Time, since domain.Position, sum *verify.Summary) {
	out := &httpapi.Verification{Started: started, Ended: a.cfg.Now(), Since: since, Verdict: "intact",
		Facts: sum.Facts, Parts: sum.Parts, Findings: sum.Findings, Root: sum.Root, Head: sum.Head}
	if sum.Findings > 0 {
		out.Verdict = "findings"
	}
	a.recallVerified()
	a.checks.end(out)
	if err := a.keepVerified(); err != nil {
		a.cfg.Logger.Warn("what the verification found could not be kept", "error", err)
	}
}

// verifyNow looks, beside what is recorded meanwhile, and says loudly what it found.
func (a *App) verifyNow(ctx context.Context, since domain.Position) {
	out := &httpapi.Verification{Started: a.cfg.Now(), Since: since, Verdict: "intact"}
	sum, err := a.recompute(ctx, VerifyOptions{Since: since,
		Progress: func(done, total int64) {
			a.checks.mu.Lock()
			a.checks.done, a.checks.total = done, total
			a.checks.mu.Unlock()
		},
		Report: func(f verify.Finding) {
			if len(out.Items) < maxShown {
				a.cfg.Logger.Error("verification found what is not as it must be", "code", f.Code, "position", f.Position, "detail", f.Detail)
				out.Items = append(out.Items, httpapi.VerificationFinding{Code: f.Code, Position: f.Position, Where: f.Where, Detail: f.Detail})
			}
		},
	})
	out.Ended, out.Facts, out.Parts, out.Findings, out.Root, out.Head = a.cfg.Now(), sum.Facts, sum.Parts, sum.Findings, sum.Root, sum.Head
	switch {
	case err != nil:
		out.Verdict, out.Error = "failed", err.Error()
		if ctx.Err() == nil {
			a.cfg.Logger.Error("the verification could not look at everything", "error", err)
		}
	case sum.Findings > 0:
		out.Verdict = "findings"
		a.cfg.Logger.Error("the verification ended with findings; GET /v1/verification shows the first of them", "findings", sum.Findings)
	}
	a.checks.end(out)
	if err := a.keepVerified(); err != nil {
		a.cfg.Logger.Warn("what the verification found could not be kept", "error", err)
	}
}

// fullEvery is how often all of a ledger is verified; between, what is new.
const fullEvery = 7 * 24 * time.Hour

// KeepVerifying verifies whenever the last verification is older than every, until ctx
// ends: what is new since then, and everything once a week.
func (a *App) KeepVerifying(ctx context.Context, every time.Duration) {
	for ctx.Err() == nil {
		wait, since := a.verificationDue(every)
		if wait <= 0 && a.checks.begin() {
			a.verifyNow(ctx, since)
			continue
		}
		pause(ctx, max(wait, time.Second))
	}
}

func (a *App) verificationDue(every time.Duration) (wait time.Duration, since domain.Position) {
	a.checks.mu.Lock()
	defer a.checks.mu.Unlock()
	now, last := a.cfg.Now(), a.checks.last
	switch {
	case last == nil:
		return 0, 0
	case last.Verdict == "failed":
		return every/10 - now.Sub(last.Ended), last.Since
	case a.checks.lastFull == nil || now.Sub(*a.checks.lastFull) >= max(fullEvery, every):
		return every - now.Sub(last.Ended), 0
	}
	return every - now.Sub(last.Ended), last.Head
}

// verificationCheck is the doctor's line.
func (a *App) verificationCheck() Check {
	a.checks.mu.Lock()
	defer a.checks.mu.Unlock()
	last := a.checks.last
	switch {
	case last == nil:
		return Check{"verification", Warn, "never ran: serve with --verify-every, or run greffe verify"}
	case last.Verdict == "findings":
		return Check{"verification", Bad, fmt.Sprintf("%d findings, %s: see GET /v1/verification, or run greffe verify", last.Findings, age(a.cfg.Now(), last.Ended))}
	case last.Verdict == "failed":
		return Check{"verification", Warn, "the last one could not look at everything: " + last.Error}
	}
	return Check{"verification", Good, fmt.Sprintf("intact up to position %s, %s", last.Head, age(a.cfg.Now(), last.Ended))}
}
