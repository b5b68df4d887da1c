package app

import "golang.org/x/sys/unix"

// scarce tells whether the disk of dir is used to limit percent, as df counts. A
// disk that cannot be asked is not: what is written to it will say so.
func scarce(dir string, limit int) func() bool {
	if limit <= 0 {
		return nil
	}
	return func() bool {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) != nil {
			return false
		}
		used := st.Blocks - st.Bfree
		return 100*used >= uint64(limit)*(used+st.Bavail)
	}
}
