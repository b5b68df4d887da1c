package event

import (
	"encoding/hex"
	"time"

	"greffe/domain"
)

// The texts a fact is made of, written and read without allocating. Each reader
// accepts exactly what its writer writes.

const timeLen = len("2006-01-02T15:04:05.000000Z")

// appendTime writes what domain.FormatTime writes, for the years 0 to 9999.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = appendDigits(b, year, 4, '-')
	b = appendDigits(b, int(month), 2, '-')
	b = appendDigits(b, day, 2, 'T')
	b = appendDigits(b, hour, 2, ':')
	b = appendDigits(b, minute, 2, ':')
	b = appendDigits(b, second, 2, '.')
	return appendDigits(b, t.Nanosecond()/1000, 6, 'Z')
}

func appendDigits(b []byte, n, width int, after byte) []byte {
	var d [7]byte
	for i := width - 1; i >= 0; i-- {
		d[i] = byte('0' + n%10)
		n /= 10
	}
	d[width] = after
	return append(b, d[:width+1]...)
}

func readTime(s string) (t time.Time, ok bool) {
	if len(s) != timeLen {
		return t, false
	}
	n := func(from, to int) (v int) {
		for _, c := range []byte(s[from:to]) {
			v = v*10 + int(c-'0')
		}
		return v
	}
	t = time.Date(n(0, 4), time.Month(n(5, 7)), n(8, 10), n(11, 13), n(14, 16), n(17, 19), n(20, 26)*1000, time.UTC)
	var again [timeLen]byte
	return t, string(appendTime(again[:0], t)) == s // whatever n made of other characters
}

func appendID(b []byte, id domain.ID) []byte {
	var x [36]byte
	hex.Encode(x[0:8], id[0:4])
	hex.Encode(x[9:13], id[4:6])
	hex.Encode(x[14:18], id[6:8])
	hex.Encode(x[19:23], id[8:10])
	hex.Encode(x[24:36], id[10:16])
	x[8], x[13], x[18], x[23] = '-', '-', '-', '-'
	return append(b, x[:]...)
}

func readID(s string) (id domain.ID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	at := 0
	for i := range id {
		if at == 8 || at == 13 || at == 18 || at == 23 {
			at++
		}
		high, low := nibble(s[at]), nibble(s[at+1])
		if high > 15 || low > 15 {
			return domain.ID{}, false
		}
		id[i] = high<<4 | low
		at += 2
	}
	return id, true
}

// nibble is what a lower-case hexadecimal digit stands for, or more than 15.
func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
