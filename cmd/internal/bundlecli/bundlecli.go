// Package bundlecli verifies an inspection bundle from the command line, for
// greffe verify BUNDLE and for greffe-verify, which does nothing else. It reads a
// directory or a zip and writes a report; it opens no network connection and
// writes no file, so a crash leaves nothing. Assumed: nobody changes the bundle
// while it is read.
package bundlecli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"greffe/domain/bundle"
	"greffe/domain/proof/stamp"
)

// Flags say what to verify a bundle against.
type Flags struct {
	Key           string `help:"Public key of the ledger, from another source than the bundle: file key.pem, or the line of a C2SP verifier key." placeholder:"FILE|VKEY" env:"-"`
	Lang          string `help:"Language of the report: fr or en." enum:"fr,en" default:"${lang}" env:"-"`
	Authority     string `help:"Certificates (PEM) of the timestamp authority to trust." placeholder:"FILE" env:"-"`
	Address       string `help:"Also look an e-mail address or telephone number up in the opposition list; - reads it from standard input." placeholder:"ADDRESS" env:"-"`
	Region        string `help:"Country of a national telephone number." default:"FR" placeholder:"CC" env:"-"`
	OppositionKey string `help:"Opposition key of this inspection, given apart from the bundle; needed for --address." placeholder:"FILE" env:"-"`
}

// Given reports whether any flag for a bundle was given.
func (f *Flags) Given() bool {
	return f.Key != "" || f.Authority != "" || f.Address != "" || f.OppositionKey != ""
}

// maxKey bounds files of keys and certificates.
const maxKey = 1 << 20

var (
	errKey        = errors.New("give the ledger's public key, from another source than the bundle: --key key.pem")
	errOpposition = errors.New("--address needs --opposition-key, the file that was given apart from the bundle")
)

// Verify verifies the bundle called name and prints the report to out, as JSON or
// as text; clean says that nothing is wrong. The error says that it could not be
// verified at all.
func (f *Flags) Verify(name string, asJSON bool, stdin io.Reader, out io.Writer, progress func(done, total int64)) (clean bool, err error) {
	o, err := f.options(stdin, progress)
	if err != nil {
		return false, err
	}
	r, err := verify(name, o)
	if err != nil {
		return false, err
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return r.Verdict == bundle.Intact, enc.Encode(r)
	}
	return r.Verdict == bundle.Intact, r.Text(out)
}

func verify(name string, o bundle.Options) (*bundle.Report, error) {
	src, err := open(name, o.Language)
	if r, ok := bundle.Refused(err, o.Language, o.Key); ok {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := bundle.Verify(src, o)
	return r, errors.Join(err, src.Close())
}

func (f *Flags) options(stdin io.Reader, progress func(done, total int64)) (bundle.Options, error) {
	o := bundle.Options{Language: f.Lang, Progress: progress}
	if f.Key == "" {
		return o, errKey
	}
	// A verifier key may look like a path: it begins with greffe/, which may be a file.
	key, err := bundle.ParseKey([]byte(f.Key))
	if err != nil {
		text, missing := small(f.Key)
		switch {
		case errors.Is(missing, fs.ErrPermission):
			return o, fmt.Errorf("--key: %w", missing)
		case missing == nil:
			key, err = bundle.ParseKey(text)
		}
	}
	if err != nil {
		return o, fmt.Errorf("--key: %w", err)
	}
	o.Key = key
	if f.Authority != "" {
		pem, err := small(f.Authority)
		if err == nil {
			o.Authority, err = stamp.ParseAuthority(pem)
		}
		if err != nil {
			return o, fmt.Errorf("--authority: %w", err)
		}
	}
	if f.Address != "" {
		o.Address, err = f.query(stdin)
	}
	return o, err
}

func (f *Flags) query(stdin io.Reader) (*bundle.AddressQuery, error) {
	if f.OppositionKey == "" {
		return nil, errOpposition
	}
	key, err := small(f.OppositionKey)
	if err != nil {
		return nil, fmt.Errorf("--opposition-key: %w", err)
	}
	q := &bundle.AddressQuery{Address: f.Address, Region: f.Region, Key: key}
	if f.Address == "-" {
		b, err := io.ReadAll(io.LimitReader(stdin, 4<<10))
		if err != nil {
			return nil, fmt.Errorf("--address: %w", err)
		}
		q.Address = string(b)
	}
	return q, nil
}

func small(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKey))
	return b, errors.Join(err, f.Close())
}

// Language is fr where the environment's locale is French, else en.
func Language(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if s := getenv(name); s != "" {
			if strings.HasPrefix(strings.ToLower(s), "fr") {
				return "fr"
			}
			return "en"
		}
	}
	return "en"
}
