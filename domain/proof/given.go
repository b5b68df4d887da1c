package proof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain/part"
)

var (
	// ErrGiven: not a .tlog-proof of this ledger in its one form.
	ErrGiven = errors.New("not a proof in its one form")
	// ErrNewerGiven: a .tlog-proof that a newer version of this program wrote.
	ErrNewerGiven = errors.New("the proof is newer than this program knows; upgrade")
)

// Bounds of a Given.
const (
	MaxGivenBytes = 8 << 20
	// MaxGivenAnchors is how many anchors a proof may carry.
	MaxGivenAnchors = 16
	maxCheckpoint   = 4 << 10
	maxPath         = 63
)

const (
	givenFirst   = "c2sp.org/tlog-proof@v1\n"
	givenVersion = 1
)

// Given is a proof that a fact stood in the log when a head was signed: all that a
// stranger needs besides the ledger's public key. As text it is a C2SP tlog-proof
// (c2sp.org/tlog-proof@v1, file extension .tlog-proof): other programs check path and
// checkpoint with the leaf hash of Fact. It stays valid when the person is erased, as
// nothing of it is looked up.
type Given struct {
	Index      uint64   // position of the fact
	Fact       []byte   // as the log stores it
	Path       []Hash   // from the leaf's sibling upwards
	Checkpoint []byte   // as it was signed
	Anchors    []Anchor // of exactly this checkpoint
	Opened     *Opened  // nil: nothing is disclosed
}

// Opened is one part of the fact's event, disclosed: the sealed bytes that the fact
// commits to, and the key that opens them and no other part.
type Opened struct {
	Class string
	Part  []byte
	Key   part.Key // K_part
}

// givenForm is what stands in the line "extra", as RFC 8785 JSON in base64.
type givenForm struct {
	V       int          `json:"v"`
	Fact    []byte       `json:"fact"`
	Anchors []anchorForm `json:"anchors"`
	Opened  *openedForm  `json:"opened,omitempty"`
}

type openedForm struct {
	Class string       `json:"class"`
	Part  []byte       `json:"part"`
	Key   [keyLen]byte `json:"key"`
}

const keyLen = len(part.Key{})

// Encode writes the one form of g. It checks form and bounds, not what is proved. The
// error is ErrGiven.
func (g *Given) Encode() ([]byte, error) {
	switch {
	case g.Index > 1<<63-1 || len(g.Path) > maxPath:
		return nil, fmt.Errorf("%w: no log is so long", ErrGiven)
	case len(g.Fact) == 0 || len(g.Checkpoint) == 0 || len(g.Checkpoint) > maxCheckpoint:
		return nil, fmt.Errorf("%w: it needs a fact, and a checkpoint of at most %d bytes", ErrGiven, maxCheckpoint)
	case len(g.Anchors) > MaxGivenAnchors:
		return nil, fmt.Errorf("%w: it has more than %d anchors", ErrGiven, MaxGivenAnchors)
	}
	extra, err := g.extra()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGiven, err)
	}
	enc := base64.StdEncoding
	b := make([]byte, 0, len(givenFirst)+enc.EncodedLen(len(extra))+len(g.Path)*45+len(g.Checkpoint)+64)
	b = append(b, givenFirst+"extra "...)
	b = enc.AppendEncode(b, extra)
	b = append(b, "\nindex "...)
	b = strconv.AppendUint(b, g.Index, 10)
	b = append(b, '\n')
	for _, h := range g.Path {
		b = append(enc.AppendEncode(b, h[:]), '\n')
	}
	b = append(append(b, '\n'), g.Checkpoint...)
	if len(b) > MaxGivenBytes {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrGiven, MaxGivenBytes)
	}
	return b, nil
}

func (g *Given) extra() ([]byte, error) {
	f := givenForm{V: givenVersion, Fact: g.Fact, Anchors: make([]anchorForm, 0, len(g.Anchors))}
	for _, a := range g.Anchors {
		f.Anchors = append(f.Anchors, anchorForm(a))
	}
	if o := g.Opened; o != nil {
		f.Opened = &openedForm{o.Class, o.Part, o.Key}
	}
	b, err := json.Marshal(&f)
	if err != nil {
		return nil, err
	}
	v := jsontext.Value(b)
	err = v.Canonicalize()
	return v, err
}

// ParseGiven reads what Encode writes and nothing else. Errors are ErrGiven and
// ErrNewerGiven. What it returns is not proved yet: see Verify.
func ParseGiven(b []byte) (*Given, error) {
	if len(b) > MaxGivenBytes {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrGiven, MaxGivenBytes)
	}
	head, checkpoint, ok := strings.Cut(string(b), "\n\n")
	lines := strings.SplitN(head+"\n", "\n", maxPath+5) // first, extra, index, path, ""
	if !ok || lines[0]+"\n" != givenFirst || len(lines) < 4 || len(lines) > maxPath+4 {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrGiven)
	}
	g := &Given{Checkpoint: []byte(checkpoint)}
	if err := g.readExtra(lines[1]); err != nil {
		return nil, err
	}
	index, ok := strings.CutPrefix(lines[2], "index ")
	var err error
	if g.Index, err = strconv.ParseUint(index, 10, 63); err != nil || !ok {
		return nil, fmt.Errorf("%w: its third line is no index", ErrGiven)
	}
	for _, line := range lines[3 : len(lines)-1] {
		h, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(h) != len(Hash{}) {
			return nil, fmt.Errorf("%w: its path is not of hashes", ErrGiven)
		}
		g.Path = append(g.Path, Hash(h))
	}
	if again, err := g.Encode(); err != nil || !bytes.Equal(again, b) {
		return nil, ErrGiven
	}
	return g, nil
}

func (g *Given) readExtra(line string) error {
	text, ok := strings.CutPrefix(line, "extra ")
	b, err := base64.StdEncoding.DecodeString(text)
	var f givenForm
	if !ok || err != nil || json.Unmarshal(b, &f) != nil {
		var newer struct {
			V int `json:"v"`
		}
		if ok && err == nil && json.Unmarshal(b, &newer) == nil && newer.V > givenVersion {
			return ErrNewerGiven
		}
		return fmt.Errorf("%w: its second line holds no fact", ErrGiven)
	}
	if f.V > givenVersion {
		return ErrNewerGiven
	}
	g.Fact = f.Fact
	for _, a := range f.Anchors {
		g.Anchors = append(g.Anchors, Anchor(a))
	}
	if o := f.Opened; o != nil {
		g.Opened = &Opened{o.Class, o.Part, o.Key}
	}
	return nil
}

// Origin is the history that the checkpoint says it is of: which verifier to ask.
func (g *Given) Origin() string {
	origin, _, _ := strings.Cut(string(g.Checkpoint), "\n")
	return origin
}
