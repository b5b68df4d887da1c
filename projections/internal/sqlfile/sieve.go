package sqlfile

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// Sieve holds in memory which tokens a Blind may have: of one that is not in it the
// file holds none. It is a split block Bloom filter (one bit in each of eight words
// of one cache line), 12 bits a token, so that one in two hundred others gets
// through. Tokens are keyed digests, so their own bits serve as hashes. What is wiped
// stays in it until it is built anew; nobody can be told from its bits.
//
// Follow brings it up to the present; May may be asked meanwhile.
type Sieve struct {
	file  *File
	blind *Blind
	tags  []byte // that count; none: all

	mu     sync.Mutex // of Follow
	resets int64
	sheet  int64 // the last that was read, and may have grown since
	used   int   // cells of it that were read
	held   int64 // tokens in bits
	room   int64 // how many there may be
	bits   atomic.Pointer[[]uint64]
}

// NewSieve makes an empty sieve of the entries under the tags of b, which lie in f.
// It must be followed before it is asked.
func NewSieve(f *File, b *Blind, tags ...byte) *Sieve { return &Sieve{file: f, blind: b, tags: tags} }

const (
	laneWords    = 8
	bitsOfToken  = 12
	smallestRoom = 4096
)

// Follow takes in what was added. Whatever is committed when it is called is in the
// sieve when it returns nil.
func (s *Sieve) Follow(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	resets := s.file.resets.Load()
	if s.bits.Load() == nil || s.resets != resets || s.held > s.room {
		return s.build(ctx, resets)
	}
	return s.read(ctx)
}

// build reads everything, and lets the new bits be seen when they are whole.
func (s *Sieve) build(ctx context.Context, resets int64) error {
	sheets, err := s.sheets(ctx)
	if err != nil {
		return err
	}
	fresh := &Sieve{file: s.file, blind: s.blind, tags: s.tags, room: max(smallestRoom, sheets*sheetCells*5/4)}
	words := make([]uint64, (fresh.room*bitsOfToken/64/laneWords+1)*laneWords)
	fresh.bits.Store(&words)
	if err := fresh.read(ctx); err != nil {
		return err
	}
	s.resets, s.sheet, s.used, s.held, s.room = resets, fresh.sheet, fresh.used, fresh.held, fresh.room
	s.bits.Store(&words)
	return nil
}

func (s *Sieve) sheets(ctx context.Context) (n int64, err error) {
	var last sql.NullInt64
	if err := s.file.Row(ctx, s.blind.sql.most, nil, &last); err != nil {
		return 0, fmt.Errorf("sieve: %w", err)
	}
	return last.Int64, nil
}

// read takes in the sheets from the last one that was read.
func (s *Sieve) read(ctx context.Context) error {
	rows, err := s.file.Rows(ctx, s.blind.sql.sheets, s.sheet)
	if err != nil {
		return fmt.Errorf("sieve: %w", err)
	}
	defer rows.Close()
	first := true
	for rows.Next() {
		var n int64
		var data sql.RawBytes
		if err := rows.Scan(&n, &data); err != nil {
			return fmt.Errorf("sieve: %w", err)
		}
		if len(data) != sheetSize {
			return fmt.Errorf("sieve: %w", ErrSheet)
		}
		from := 0
		if first && n == s.sheet {
			from = s.used
		}
		first = false
		s.used = s.take(data, from)
		s.sheet = n
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("sieve: %w", err)
	}
	return nil
}

// take adds the cells of a sheet and returns how many of it are used.
func (s *Sieve) take(data []byte, from int) int {
	for i := from; i < sheetCells; i++ {
		c := data[i*cellSize:]
		switch {
		case c[0] == 0:
			return i
		case c[0] == wipedTag, len(s.tags) > 0 && !slices.Contains(s.tags, c[0]):
			continue
		}
		s.add((*[tokenSize]byte)(c[1:]))
	}
	return sheetCells
}

func (s *Sieve) add(token *[tokenSize]byte) {
	words := *s.bits.Load()
	lane := laneOf(words, token)
	h := binary.BigEndian.Uint64(token[8:])
	for i := range lane {
		atomic.OrUint64(&lane[i], 1<<(h>>(6*i)&63))
	}
	s.held++
}

// May reports whether the file may hold the token; false is certain.
func (s *Sieve) May(token *[tokenSize]byte) bool {
	p := s.bits.Load()
	if p == nil {
		return true
	}
	lane := laneOf(*p, token)
	h := binary.BigEndian.Uint64(token[8:])
	for i := range lane {
		if atomic.LoadUint64(&lane[i])&(1<<(h>>(6*i)&63)) == 0 {
			return false
		}
	}
	return true
}

func laneOf(words []uint64, token *[tokenSize]byte) []uint64 {
	at, _ := bits.Mul64(binary.BigEndian.Uint64(token[:]), uint64(len(words)/laneWords))
	return words[at*laneWords:][:laneWords]
}
