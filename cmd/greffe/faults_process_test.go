package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sys/unix"
)

// limitFiles makes every write of the process beyond so many bytes of a file
// fail with EFBIG, from now on.
func (p *process) limitFiles(bytes int64) {
	p.t.Helper()
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(bytes), Max: unix.RLIM_INFINITY}, nil); err != nil {
		p.t.Fatal(err)
	}
}

// sender keeps what was sent, what was acknowledged and what was answered else.
type sender struct {
	p     *process
	mu    sync.Mutex
	acked map[string]string
	sent  []string
	codes map[string]int // of answers that are no success
}

// send records batches of n events, under ids that begin with name, while more
// says so and the service answers.
func (s *sender) send(name string, n int, more func() bool) {
	for k := 0; more(); k++ {
		batch, ids := make([]string, n), make([]string, n)
		for i := range n {
			ids[i] = fmt.Sprintf("%s-%d-%d", name, k, i)
			batch[i] = contactEvent(ids[i])
		}
		a, err := s.p.call(http.MethodPost, "/v1/events", batchType, "["+strings.Join(batch, ",")+"]")
		s.mu.Lock()
		s.sent = append(s.sent, ids...)
		if err == nil {
			s.took(a)
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *sender) took(a answer) {
	var r struct {
		results
		Code string `json:"code"`
	}
	if err := json.Unmarshal(a.body, &r); err != nil {
		s.p.t.Errorf("answer %d: %v", a.status, err)
		return
	}
	if a.status != http.StatusOK {
		s.codes[fmt.Sprintf("%d %s", a.status, r.Code)]++
	}
	for _, x := range r.Results {
		if x.Status != "recorded" {
			s.p.t.Errorf("%s: %s", x.ID, x.Status)
		}
		s.acked[x.ID] = x.Position
	}
}

func newSender(p *process) *sender {
	return &sender{p: p, acked: map[string]string{}, codes: map[string]int{}}
}

// TestNoRoom: the log, or the vault, cannot grow while four writers send. The
// process stops by itself with exit code 2 and says why and what to do; opened
// again, every acknowledged event is where it was, the others whole or absent.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, where string
		events      int // recorded before
		limit       func(dir string) int64
	}{
		// The vault's journal passes the log's end in the first transactions.
		{"vault", "prepare a group", 1, func(string) int64 { return 256 << 10 }},
		// The log's end is far behind the vault's journal, which begins anew.
		{"log", "append ", 2000, func(dir string) int64 { return logEnd(t, dir) + 2000 }},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			dir := workDir(t)
			first := newSender(serve(t, dir))
			left := 1
			first.send("before", c.events, func() bool { left--; return left >= 0 })
			first.p.stop()
			s := newSender(serve(t, dir))
			s.acked, s.sent = first.acked, first.sent
			s.p.limitFiles(c.limit(dir))
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() { s.send(fmt.Sprintf("w%d", w), 2, func() bool { return true }) })
			}
			code := s.p.ends(30 * time.Second)
			wg.Wait()
			said := s.p.said()
			if code != exitFailed || !strings.Contains(said, "restart to recover") || !strings.Contains(said, c.where) {
				t.Errorf("exit code %d, want 2 and a message that says %q and what to do:\n%s", code, c.where, said)
			}
			for _, personal := range []string{"Anne", "Martin", "example.org", "C-w", "C-before"} {
				if strings.Contains(said, personal) {
					t.Errorf("the log holds %q", personal)
				}
			}
			for code := range s.codes {
				if code != "503 state_unknown" {
					t.Errorf("%d answers said %s", s.codes[code], code)
				}
			}
			if len(s.acked) < c.events || s.codes["503 state_unknown"] == 0 || len(s.acked) == len(s.sent) {
				t.Errorf("%d sent, %d acknowledged, answers %v: nothing was proved", len(s.sent), len(s.acked), s.codes)
			}
			t.Logf("%d sent, %d acknowledged, answers %v", len(s.sent), len(s.acked), s.codes)
			resend(t, dir, s.sent, s.acked)
			verified(t, dir)
		})
	}
}

// ends waits until the process ends by itself, and gives its exit code.
func (p *process) ends(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("the service did not stop within %v\n%s", within, p.said())
		return -1
	}
}

func segment(dir string) string {
	return filepath.Join(dir, "data", "log", strings.Repeat("0", 20)+".seg")
}

// logEnd is where the frames of the first segment end and its zeros begin.
func logEnd(t testing.TB, dir string) int64 {
	t.Helper()
	b, err := os.ReadFile(segment(dir))
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(bytes.TrimRight(b, "\x00")))
}

const inNamespace = "GREFFE_TEST_NAMESPACE"

// TestDiskFull fills the disk under a running service: a small file system of
// its own, in a mount namespace. Nothing is recorded and nothing is shown, both
// said so; with room again the same process goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "32m")
	if dir == "" {
		return
	}
	data := filepath.Join(dir, "data")
	p := serve(t, dir, "--disk-limit", "0")
	r, ok, err := p.events(contactEvent("first"))
	if err != nil || !ok {
		t.Fatal(err)
	}
	person, why := "/v1/subjects/"+r.Results[0].SubjectID, []string{"X-Greffe-Reason", "audit", "X-Greffe-Min-Position", r.Position}
	p.must(200, http.MethodGet, person, "", "", why...)
	fill(t, filepath.Join(data, "ballast"))
	for range 3 {
		a := p.must(507, http.MethodPost, "/v1/events", batchType, "["+contactEvent("second")+"]")
		if !strings.Contains(string(a.body), `"storage_full"`) {
			t.Errorf("the answer is %s", a.body)
		}
	}
	if a := p.must(503, http.MethodGet, person, "", "", why...); !strings.Contains(string(a.body), `"access_not_recorded"`) || strings.Contains(string(a.body), "Anne") {
		t.Errorf("a read that cannot be recorded answers %s", a.body)
	}
	if err := os.Remove(filepath.Join(data, "ballast")); err != nil {
		t.Fatal(err)
	}
	if r, ok, err = p.events(contactEvent("second")); err != nil || !ok || r.Results[0].Status != "recorded" {
		t.Errorf("with room again: %v %+v", err, r)
	}
	p.must(200, http.MethodGet, person, "", "", why...)
	p.stop()
	verified(t, dir)
}

// smallDisk gives a directory whose data directory is a file system of its own:
// it runs the calling test again in a mount namespace, and there only gives one.
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	name := t.Name()
	if os.Getenv(inNamespace) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$", "-test.v")
		cmd.Env = append(os.Environ(), inNamespace+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		switch {
		case cmd.ProcessState == nil:
			noMount(t, err)
		case bytes.Contains(out, []byte("SKIP: "+name)):
			noMount(t, errors.New("mounting is refused"))
		case err != nil || !bytes.Contains(out, []byte("PASS: "+name)):
			t.Errorf("%v\n%s", err, out)
		}
		return ""
	}
	dir = workDir(t)
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	switch err := unix.Mount("none", data, "tmpfs", 0, "size="+size+",mode=700"); {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		noMount(t, err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(data, unix.MNT_DETACH) })
	return dir
}

// fill writes a file until the disk is full.
func fill(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		t.Fatal(err)
	}
}

// TestReserve: on a disk used to 95 % nothing is taken in but what protects
// people, which is honoured by the next decision; reads and erasures go on.
func TestReserve(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "64m")
	if dir == "" {
		return
	}
	data := filepath.Join(dir, "data")
	p := serve(t, dir)
	r, ok, err := p.events(contactEvent("first"), contactEvent("second"))
	if err != nil || !ok {
		t.Fatal(err)
	}
	fillTo(t, data, 95)
	if a := p.must(507, http.MethodPost, "/v1/events", batchType, "["+contactEvent("third")+"]"); !strings.Contains(string(a.body), `"storage_full"`) {
		t.Errorf("the answer is %s", a.body)
	}
	objection := `{"specversion":"1.0","id":"o1","source":"crm/eu","type":"opposition.registered","subject":"C-first","data":{}}`
	if r, ok, err := p.events(objection); err != nil || !ok || r.Results[0].Status != "recorded" {
		t.Fatalf("an objection: %+v %v", r, err)
	}
	if a := p.must(503, http.MethodPost, "/v1/events", batchType, "["+contactEvent("fourth")+","+strings.Replace(objection, "o1", "o2", 1)+"]"); !strings.Contains(string(a.body), `"state_unknown"`) {
		t.Errorf("an objection among others: %s", a.body)
	}
	if r, _, err := p.events(strings.Replace(objection, "o1", "o2", 1)); err != nil || r.Results[0].Status != "duplicate" {
		t.Errorf("the objection among others: %+v %v", r, err)
	}
	a := p.must(200, http.MethodPost, "/v1/contactability", "application/json",
		`{"checks":[{"external_id":{"source":"crm/eu","subject":"C-first"},"channel":"email","purpose":"prospecting","at":"`+time.Now().UTC().Format(time.RFC3339Nano)+`"}]}`)
	if !strings.Contains(string(a.body), `"opposition.person"`) {
		t.Errorf("the decision: %s", a.body)
	}
	person := "/v1/subjects/" + r.Results[1].SubjectID
	p.must(200, http.MethodGet, person, "", "", "X-Greffe-Reason", "audit")
	p.must(200, http.MethodPost, person+"/erasure", "application/json", `{"ground":"art17.1.b"}`)
	p.stop()
	if err := os.Remove(filepath.Join(data, "ballast")); err != nil {
		t.Fatal(err)
	}
	verified(t, dir)
}

// fillTo writes a file until the disk is used to so many percent.
func fillTo(t testing.TB, dir string, percent uint64) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			t.Fatal(err)
		}
		if 100*(st.Blocks-st.Bfree) >= percent*st.Blocks {
			return
		}
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTermUnderLoad: SIGTERM while 8 writers send. The service is gone within 10
// seconds with exit code 0, and what it acknowledged is there.
func TestTermUnderLoad(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	s := newSender(serve(t, dir))
	busy := make(chan struct{})
	var wg sync.WaitGroup
	var once sync.Once
	for w := range 8 {
		wg.Go(func() {
			n := 0
			s.send(fmt.Sprintf("t%d", w), 3, func() bool {
				if n++; n == 10 {
					once.Do(func() { close(busy) })
				}
				return true
			})
		})
	}
	<-busy
	asked := time.Now()
	if err := s.p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code := s.p.ends(30 * time.Second)
	if took := time.Since(asked); code != exitClean || took > 10*time.Second {
		t.Errorf("exit code %d after %v\n%s", code, took, s.p.said())
	}
	wg.Wait()
	if len(s.codes) > 0 || len(s.acked) < 30 {
		t.Errorf("%d acknowledged, other answers %v", len(s.acked), s.codes)
	}
	t.Logf("%d sent, %d acknowledged", len(s.sent), len(s.acked))
	resend(t, dir, s.sent, s.acked)
	verified(t, dir)
}

// noMount skips where a user may not mount a disk of their own, as on a desk;
// `make faults`, which CI runs, demands it.
func noMount(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("GREFFE_KILLS") != "" {
		t.Fatalf("a disk of its own cannot be mounted here: %v", err)
	}
	t.Skipf("no disk of its own can be mounted here (%v); make faults demands it, TestNoRoom covers the rest", err)
}
