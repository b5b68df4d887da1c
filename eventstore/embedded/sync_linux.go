package embedded

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Sync is fdatasync: data, and the size if it changed.
func (f osFile) Sync() error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var sync error
	err = conn.Control(func(fd uintptr) {
		for {
			if sync = unix.Fdatasync(int(fd)); !errors.Is(sync, unix.EINTR) {
				return
			}
		}
	})
	if sync != nil {
		sync = os.NewSyscallError("fdatasync", sync)
	}
	return errors.Join(err, sync)
}
