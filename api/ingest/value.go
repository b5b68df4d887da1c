package ingest

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/encoding/charmap"
)

const (
	maxDepth  = 64  // nesting of a record; what is deeper is left out
	maxDigits = 100 // of an integer; longer ones are left out
)

// readValue reads a JSON value for jq, as far as it can be read. whole is false
// if something is broken or missing: v then holds what came before. A name that
// comes twice has its last value.
func readValue(raw []byte) (v any, whole bool) {
	r := reader{dec: jsontext.NewDecoder(bytes.NewReader(utf8Text(raw)), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	v = r.value(0)
	if !r.broken {
		_, err := r.dec.ReadToken()
		r.damaged = r.damaged || !errors.Is(err, io.EOF)
	}
	return v, !r.broken && !r.damaged
}

// utf8Text is raw in UTF-8. What is not UTF-8 is read as Windows-1252, which is
// what French systems that do not say write.
func utf8Text(raw []byte) []byte {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if utf8.Valid(raw) {
		return raw
	}
	b, err := charmap.Windows1252.NewDecoder().Bytes(raw)
	if err != nil {
		return bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	}
	return b
}

// reader builds values until the text breaks off.
type reader struct {
	dec     *jsontext.Decoder
	broken  bool // nothing more can be read
	damaged bool // something was left out
}

func (r *reader) value(depth int) any {
	if depth > maxDepth {
		r.broken, r.damaged = r.dec.SkipValue() != nil, true
		return nil
	}
	t, err := r.dec.ReadToken()
	if err != nil {
		r.broken = true
		return nil
	}
	switch t.Kind() {
	case '"':
		return t.String()
	case '0':
		return r.number(t.String())
	case 't':
		return true
	case 'f':
		return false
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	}
	return nil
}

func (r *reader) object(depth int) any {
	out := map[string]any{}
	for !r.broken && r.dec.PeekKind() != '}' {
		name, err := r.dec.ReadToken()
		if err != nil {
			r.broken = true
			break
		}
		key := name.String()
		v := r.value(depth + 1)
		if r.broken && !partial(v) { // a value cut in the middle says nothing
			break
		}
		out[key] = v
	}
	r.close()
	return out
}

func (r *reader) array(depth int) any {
	out := []any{}
	for !r.broken && r.dec.PeekKind() != ']' {
		v := r.value(depth + 1)
		if r.broken && !partial(v) {
			break
		}
		out = append(out, v)
	}
	r.close()
	return out
}

// partial reports whether v may hold something although it is not whole.
func partial(v any) bool {
	switch x := v.(type) {
	case map[string]any:
		return len(x) > 0
	case []any:
		return len(x) > 0
	}
	return false
}

func (r *reader) close() {
	if r.broken {
		return
	}
	if _, err := r.dec.ReadToken(); err != nil {
		r.broken = true
	}
}

// number keeps integers exact. What no system means as a number is left out,
// and the record counts as damaged.
func (r *reader) number(s string) any {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	if !strings.ContainsAny(s, ".eE") && len(s) <= maxDigits {
		if n, ok := new(big.Int).SetString(s, 10); ok {
			return n
		}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) {
		return f
	}
	r.damaged = true
	return nil
}
