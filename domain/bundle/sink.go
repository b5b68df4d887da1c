package bundle

import "io"

// Sink is where the files of a bundle go. Several may be open at once; each path
// is created once. Paths are relative, with slashes, of a-z A-Z 0-9 . _ - only.
type Sink interface {
	// Create begins a file; Close ends it.
	Create(path string) (io.WriteCloser, error)
	// Commit makes the bundle seen under its name; every file is closed.
	Commit() error
	// Discard takes away everything that was written. It may be called at any
	// time before Commit returned nil, also with files open.
	Discard() error
}

// File is one file to be read.
type File interface {
	io.ReaderAt
	io.Closer
}

// Source is a finished bundle, or what claims to be one.
type Source interface {
	// List gives every entry there is, also those that no bundle has.
	List() ([]Entry, error)
	// Open opens a regular file of List.
	Open(path string) (File, error)
	// Ordered reports whether List's order is part of the bundle, as in a zip.
	Ordered() bool
}

// Entry is one entry of a Source.
type Entry struct {
	Path    string // with slashes, relative to the root
	Bytes   int64
	CRC32   *uint32 // what the container says of its content, if it does
	Foreign string  // why it cannot stand in a bundle (a link, a device); "" for a regular file
}
