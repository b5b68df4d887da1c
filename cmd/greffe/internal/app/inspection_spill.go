package app

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"greffe/domain/bundle"
)

// spill keeps a file of a bundle until it is whole: in the data directory, under a
// name that is gone at once, enciphered (AES-256-CTR) with a key that this process
// alone has for this file alone. A crash leaves bytes that nobody can read.
type spill struct {
	f     *os.File
	block cipher.Block
	at    int64 // bytes written
	buf   []byte
}

func (a *App) spill() (bundle.Spill, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(a.cfg.Rand, key); err != nil {
		return nil, fmt.Errorf("key of a temporary file: %w", err)
	}
	block, err := aes.NewCipher(key)
	clear(key)
	if err != nil {
		return nil, fmt.Errorf("key of a temporary file: %w", err)
	}
	f, err := os.CreateTemp(a.cfg.Data, "bundle-")
	if err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("temporary file: %w", err), f.Close())
	}
	return &spill{f: f, block: block}, nil
}

// stream is the key stream from a byte of the file on.
func (s *spill) stream(at int64) cipher.Stream {
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[8:], uint64(at/aes.BlockSize))
	c := cipher.NewCTR(s.block, iv[:])
	skip := make([]byte, at%aes.BlockSize)
	c.XORKeyStream(skip, skip)
	return c
}

// Write adds b.
func (s *spill) Write(b []byte) (int, error) {
	s.buf = append(s.buf[:0], b...)
	s.stream(s.at).XORKeyStream(s.buf, s.buf)
	n, err := s.f.WriteAt(s.buf, s.at)
	s.at += int64(n)
	return n, err
}

// ReadAt reads what was written.
func (s *spill) ReadAt(b []byte, at int64) (int, error) {
	n, err := s.f.ReadAt(b, at)
	s.stream(at).XORKeyStream(b[:n], b[:n])
	return n, err
}

// Close frees it.
func (s *spill) Close() error { return s.f.Close() }
