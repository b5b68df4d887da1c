package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"greffe/domain/bundle"
)

// The bounds of bundles that are built for download.
const (
	maxBundle     = 2 << 30 // bytes
	maxBundles    = 4       // of the process, kept or under way
	bundleFor     = 30 * time.Minute
	bundleWorking = 30 * time.Minute // to build and verify one
)

// The states of a bundle.
const (
	bundleBuilding  = "building"
	bundleVerifying = "verifying"
	bundleReady     = "ready"
	bundleFailed    = "failed"
)

// bundles are those that were built here, one for each account, enciphered on disk as
// the API's own scratch files are, and forgotten after bundleFor.
type bundles struct {
	now  func() time.Time
	mu   sync.Mutex
	of   map[string]*bundleJob // by account
	busy sync.WaitGroup
}

// bundleJob is one bundle: built by the API for who asked, then verified.
type bundleJob struct {
	inspection string
	answered   chan struct{} // closed once the API began to answer, or refused

	mu          sync.Mutex
	state       string
	written     int64 // bytes
	done, total int64 // of the verification
	refused     *refused
	report      *bundle.Report
	file        bundle.Spill
	ended       time.Time
	taken       bool // the file was given to the browser, whole
}

// stands reports a bundle that was built and verified, and whether it was taken.
func (j *bundleJob) stands() (ready, taken bool) {
	if j == nil {
		return false, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state == bundleReady, j.taken
}

func newBundles(now func() time.Time) *bundles {
	return &bundles{now: now, of: map[string]*bundleJob{}}
}

// find is what an account has of an inspection; nil if nothing.
func (b *bundles) find(account, inspection string) *bundleJob {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep()
	if j := b.of[account]; j != nil && j.inspection == inspection {
		return j
	}
	return nil
}

// begin makes a job in the place of the account's former one. None begins while that
// one is under way, or while there are too many.
func (b *bundles) begin(account, inspection string, file bundle.Spill) *bundleJob {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep()
	former := b.of[account]
	if former != nil && former.working() || former == nil && len(b.of) >= maxBundles {
		return nil
	}
	if former != nil {
		former.drop()
	}
	j := &bundleJob{inspection: inspection, state: bundleBuilding, file: file, answered: make(chan struct{})}
	b.of[account] = j
	return j
}

// sweep forgets what ended long ago. The caller holds the lock.
func (b *bundles) sweep() {
	for account, j := range b.of {
		if !j.working() && b.now().Sub(j.ended) >= bundleFor {
			j.drop()
			delete(b.of, account)
		}
	}
}

func (j *bundleJob) working() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state == bundleBuilding || j.state == bundleVerifying
}

// drop frees the file.
func (j *bundleJob) drop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		_ = j.file.Close()
		j.file = nil
	}
}

// closeBundles waits for those under way, whose context has ended, and frees all.
func (b *bundles) close() {
	b.busy.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for account, j := range b.of {
		j.drop()
		delete(b.of, account)
	}
}

// taking is the API's answer on its way into the file.
type taking struct {
	j      *bundleJob
	header http.Header
	status int
	kept   reply // of a refusal
	once   sync.Once
}

// Header implements http.ResponseWriter.
func (t *taking) Header() http.Header { return t.header }

// WriteHeader implements http.ResponseWriter.
func (t *taking) WriteHeader(status int) {
	if t.status != 0 || status < 200 {
		return
	}
	t.status = status
	t.kept.header = t.header
	t.kept.WriteHeader(status)
	if status < 300 {
		t.tell()
	}
}

func (t *taking) tell() { t.once.Do(func() { close(t.j.answered) }) }

// Write implements http.ResponseWriter.
func (t *taking) Write(b []byte) (int, error) {
	t.WriteHeader(http.StatusOK)
	if t.status >= 300 {
		return t.kept.Write(b)
	}
	t.j.mu.Lock()
	defer t.j.mu.Unlock()
	if t.j.written+int64(len(b)) > maxBundle {
		return 0, errTooLarge
	}
	n, err := t.j.file.Write(b)
	t.j.written += int64(n)
	return n, err
}

// build has the API write the bundle, then verifies it as greffe-verify does. It ends
// with ctx; whatever fails is told by the job's state.
func (c *Console) build(ctx context.Context, j *bundleJob, r *http.Request, language string) {
	t := &taking{j: j, header: http.Header{}}
	defer t.tell()
	err := c.fetchBundle(t, r)
	if err == nil {
		err = c.verifyBundle(ctx, j, language)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = c.cfg.Now()
	if err == nil {
		j.state = bundleReady
		return
	}
	j.state = bundleFailed
	if !errors.As(err, &j.refused) {
		c.cfg.Logger.Error("a bundle failed", "error", err.Error())
		j.refused = &refused{Status: http.StatusInternalServerError, Code: "internal"}
	}
}

// fetchBundle asks the API. A stream that breaks off panics there (http.ErrAbortHandler).
func (c *Console) fetchBundle(t *taking, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("console: the bundle broke off: %v", v)
		}
	}()
	c.cfg.API.ServeHTTP(t, r)
	if t.status >= 300 {
		_, err := t.kept.value()
		return err
	}
	return nil
}

func (c *Console) verifyBundle(ctx context.Context, j *bundleJob, language string) error {
	j.mu.Lock()
	j.state = bundleVerifying
	file, size := j.file, j.written
	j.mu.Unlock()
	key, err := bundle.ParseKey(c.cfg.LogKey())
	if err != nil {
		return err
	}
	src, err := bundle.OpenZip(file, size)
	report, bad := bundle.Refused(err, language, key)
	if err != nil && !bad {
		return err
	}
	if !bad {
		report, err = bundle.Verify(src, bundle.Options{Key: key, Language: language, Progress: func(done, total int64) {
			j.mu.Lock()
			j.done, j.total = done, total
			j.mu.Unlock()
		}})
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j.mu.Lock()
	j.report = report
	j.mu.Unlock()
	return nil
}

// give answers with the file. Each part gives the connection its time anew.
func (j *bundleJob) give(w http.ResponseWriter) error {
	j.mu.Lock()
	file, size, ready := j.file, j.written, j.state == bundleReady
	j.mu.Unlock()
	if !ready || file == nil {
		return errNowhere
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="greffe-`+j.inspection+`.zip"`)
	h.Set("Content-Length", fmt.Sprint(size))
	to := http.NewResponseController(w)
	for at := int64(0); at < size; at += 1 << 20 {
		_ = to.SetWriteDeadline(time.Now().Add(streamWriteTime)) // without one, the server's own holds
		if _, err := io.Copy(w, io.NewSectionReader(file, at, min(1<<20, size-at))); err != nil {
			return nil // the browser left
		}
	}
	j.mu.Lock()
	j.taken = true
	j.mu.Unlock()
	return nil
}
