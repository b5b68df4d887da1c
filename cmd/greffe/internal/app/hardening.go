package app

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Harden keeps this process's memory, which holds keys, out of core dumps and away from
// other processes of the same user: it is not dumpable, so that ptrace and /proc/PID/mem
// are for root alone, and its core files have no size. With lock, which needs an
// unlimited RLIMIT_MEMLOCK, none of it is ever swapped out.
func Harden(lock bool) error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make the process not dumpable: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("turn core dumps off: %w", err)
	}
	if !lock {
		return nil
	}
	var most unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &most); err != nil || most.Cur != unix.RLIM_INFINITY {
		return fmt.Errorf("--lock-memory needs an unlimited RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=infinity), or a later allocation would fail: %w", errLimited)
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("lock the memory: %w", err)
	}
	return nil
}

var errLimited = fmt.Errorf("it is limited: %w", unix.EPERM)

// memoryKept is the doctor's line about where keys in memory could get to.
func memoryKept() Check {
	const name = "key in memory"
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	var core unix.Rlimit
	if err2 := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil || err2 != nil || dumpable != 0 || core.Max != 0 {
		return Check{name, Warn, "this process could be dumped, its keys too: the system refused to turn that off"}
	}
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil && bytes.Count(swaps, []byte("\n")) > 1 && !lockedMemory() {
		return Check{name, Good, "no core dumps, not readable by other processes of this user; swap is on: encrypt it, or serve with --lock-memory"}
	}
	return Check{name, Good, "no core dumps, not readable by other processes of this user, no swap"}
}

func lockedMemory() bool {
	b, err := os.ReadFile("/proc/self/status")
	_, locked, _ := strings.Cut(string(b), "VmLck:")
	return err == nil && !strings.HasPrefix(strings.TrimSpace(locked), "0 ")
}
