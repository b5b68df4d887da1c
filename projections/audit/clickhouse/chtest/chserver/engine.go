//go:build linux

package main

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

// engine runs clickhouse-local with the command line args until it ends.
func engine(lib string, args []string) error {
	runtime.LockOSThread()
	h, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return err
	}
	var cmdline func(argc int32, argv unsafe.Pointer) uintptr
	var failure func(result uintptr) string
	purego.RegisterLibFunc(&cmdline, h, "chdb_query_cmdline")
	purego.RegisterLibFunc(&failure, h, "chdb_result_error")
	var pin runtime.Pinner
	argv := make([]*byte, 0, len(args)+1)
	for _, a := range args {
		b := append([]byte(a), 0)
		pin.Pin(&b[0])
		argv = append(argv, &b[0])
	}
	argv = append(argv, nil)
	pin.Pin(&argv[0])
	defer pin.Unpin()
	if e := failure(cmdline(int32(len(args)), unsafe.Pointer(&argv[0]))); e != "" {
		return errors.New(e)
	}
	return nil
}

// terminalOnStdin puts a pseudo-terminal on descriptor 0 and returns its other
// end. A clickhouse-local that is not interactive aborts when an exception leaves
// a connection's handler (one wrong password on the native port does it), and it
// takes standard input's word for whether it is.
func terminalOnStdin() (master int, err error) {
	m, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	var number, unlock int32
	for _, c := range []struct {
		request uintptr
		arg     *int32
	}{{syscall.TIOCSPTLCK, &unlock}, {syscall.TIOCGPTN, &number}} {
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(m), c.request, uintptr(unsafe.Pointer(c.arg))); e != 0 {
			return 0, e
		}
	}
	slave, err := syscall.Open(fmt.Sprintf("/dev/pts/%d", number), syscall.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0, err
	}
	if err := syscall.Dup2(slave, 0); err != nil {
		return 0, err
	}
	return m, syscall.Close(slave)
}
