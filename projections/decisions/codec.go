package decisions

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

var errChunk = errors.New("stored facts are not of a known form")

// words are the strings stored as one number; others are written out. They are
// only ever added to, at the end.
var words = [...]string{"", "acme", "*", "collection.channel", "collection.collected_at", "collection.purposes", "collection.sale.kind",
	"collection.sale.objection_offered", "company.sole_trader", "professional", "channels", "evidence", "expires_at", "method",
	"purpose", "slots", "ended_at", "ends_at", "sector", "scope", "entry", "of", "reason", "right", "direction", "kind", "object",
	"outcome", "restriction", "whole", "web_form", "sale", "phone", "store", "paper", "import", "partner", "other", "purchase",
	"service", "free_account", "prospecting", "customer_service", "contract", "billing", "recruitment", "email", "sms", "postal",
	"social", "proven", "unproven", "unsubscribe_link", "preference_page", "double_opt_in", "in_person", "api", "all", "objection",
	"in", "out", "call", "call_attempt", "callback_request", "answered", "no_answer", "busy", "refused", "interested", "voicemail",
	"wrong_number", "sold", "energy_renovation", "home_adaptation", "press", "insurance", "telecom", "energy", "retail"}

var numbers = func() map[string]uint64 {
	m := make(map[string]uint64, len(words))
	for i, w := range words {
		m[w] = uint64(i)
	}
	return m
}()

// A value's form.
const (
	isText = iota
	isList
	isNumber
	isTrue
	isFalse
	isInstant
)

func appendText(b []byte, s string) []byte {
	if n, ok := numbers[s]; ok {
		return binary.AppendUvarint(b, n<<1)
	}
	return append(binary.AppendUvarint(b, uint64(len(s))<<1|1), s...)
}

// append encodes r: kind(1) ‖ event id(16), then as varints: position, time and
// what recorded is later by (µs), flag of what a proof lacks, source, controller,
// masks, codes.
func (r *record) append(b []byte) []byte {
	f := &r.fact
	b = append(b, byte(kindOf(f.Type)))
	b = append(b, f.ID[:]...)
	b = binary.AppendUvarint(b, uint64(r.position))
	at := f.Time.UnixMicro()
	b = binary.AppendVarint(b, at)
	b = binary.AppendVarint(b, f.Recorded.UnixMicro()-at)
	lacks := uint64(0)
	switch {
	case len(f.Lacks) == 0:
	case f.Lacks[0] == text[0]:
		lacks = 2
	default:
		lacks = 1
	}
	b = binary.AppendUvarint(b, lacks)
	b = binary.AppendUvarint(b, sourceNumber(f.Source))
	b = appendText(b, f.Controller)
	b = binary.AppendUvarint(b, uint64(r.fields))
	b = binary.AppendUvarint(b, uint64(r.unset))
	b = binary.AppendUvarint(b, uint64(len(f.Codes)))
	for _, c := range f.Codes {
		b = appendText(b, c.Name)
		b = appendValue(b, c.Value)
	}
	return b
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		if t, err := domain.ParseTime(v); err == nil && domain.FormatTime(t) == v {
			return binary.AppendVarint(append(b, isInstant), t.UnixMicro())
		}
		return appendText(append(b, isText), v)
	case []string:
		b = binary.AppendUvarint(append(b, isList), uint64(len(v)))
		for _, s := range v {
			b = appendText(b, s)
		}
		return b
	case int64:
		return binary.AppendVarint(append(b, isNumber), v)
	case bool:
		if v {
			return append(b, isTrue)
		}
	}
	return append(b, isFalse)
}

// sourceID holds the number of a source in the file, which stands for it.
func sourceID(n uint64) (id domain.ID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

func sourceNumber(id domain.ID) uint64 { return binary.BigEndian.Uint64(id[8:]) }

// reader reads what append wrote; bad becomes true at the first damage.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
		return make([]byte, min(n, 16))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads a length, of members that take at least one byte each.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.uint()
	if n&1 == 1 {
		return string(r.take(n >> 1))
	}
	if n>>1 >= uint64(len(words)) {
		r.bad = true
		return ""
	}
	return words[n>>1]
}

func (r *reader) value() any {
	switch r.take(1)[0] {
	case isText:
		return r.text()
	case isList:
		l := make([]string, r.count())
		for i := range l {
			l[i] = r.text()
		}
		return l
	case isNumber:
		return r.int()
	case isTrue:
		return true
	case isFalse:
		return false
	case isInstant:
		return domain.FormatTime(time.UnixMicro(r.int()))
	}
	r.bad = true
	return nil
}

func (r *reader) record() (x record) {
	kind := r.take(1)[0]
	if int(kind) >= len(kept) {
		r.bad = true
		return x
	}
	f := &x.fact
	f.Type = kept[kind].t
	f.ID = domain.ID(r.take(16))
	x.position = domain.Position(r.uint())
	at := r.int()
	f.Time = domain.NewTime(time.UnixMicro(at))
	f.Recorded = domain.NewTime(time.UnixMicro(at + r.int()))
	switch r.uint() {
	case 1:
		f.Lacks = lacking
	case 2:
		f.Lacks = text
	}
	f.Source = sourceID(r.uint())
	f.Controller = r.text()
	x.fields, x.unset = mask(r.uint()), mask(r.uint())
	f.Fields = x.fields.list()
	if n := r.count(); n > 0 {
		f.Codes = make(event.Codes, n)
		for i := range f.Codes {
			f.Codes[i] = event.Code{Name: r.text(), Value: r.value()}
		}
	}
	return x
}

// A chunk is what its first byte says, then records to its end.
const (
	chunkOfFacts     = 1
	chunkOfTombstone = 2 // one record: the order that erased the person
)

// readChunk appends the records of a chunk that lie below a position.
func readChunk(into []record, b []byte, below domain.Position) (_ []record, tombstone bool, err error) {
	r := &reader{b: b}
	form := r.take(1)[0]
	if form != chunkOfFacts && form != chunkOfTombstone {
		return nil, false, errChunk
	}
	for len(r.b) > 0 && !r.bad {
		if x := r.record(); form == chunkOfTombstone || x.position < below {
			into = append(into, x)
		}
	}
	if r.bad || form == chunkOfTombstone && len(into) == 0 {
		return nil, false, errChunk
	}
	return slices.Clip(into), form == chunkOfTombstone, nil
}
