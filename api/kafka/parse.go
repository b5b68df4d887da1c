package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const maxFile = 1 << 20

// Load reads and validates a file of settings. What it refers to by relative
// paths stands beside it. Errors name file, line and what to do.
func Load(path string) (*Config, error) {
	text, err := readFile(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("kafka settings: %w", err)
	}
	c, err := Parse(text, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("kafka settings: %s: %w", path, err)
	}
	return c, nil
}

// Parse reads and validates settings; dir is where relative paths begin. The
// error is an Errors with every problem that was found.
func Parse(text []byte, dir string) (*Config, error) {
	var doc, next yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, Errors{{Line: 1, Message: "the file is empty: say at least brokers, and intake or publish"}}
		}
		return nil, Errors{{Line: lineOf(err.Error()), Message: "correct the indentation, quotes or list marks here or above; this is not YAML"}}
	}
	if err := dec.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, Errors{{Line: max(next.Line, 1), Message: "remove this second document"}}
	}
	c := new(Config)
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(c); err != nil {
		return nil, misread(err)
	}
	c.fill()
	c.resolve(dir)
	if errs := c.problems(); len(errs) > 0 {
		for i := range errs {
			errs[i].Line = place(doc.Content[0], strings.Split(errs[i].Path, "."))
		}
		return nil, errs
	}
	return c, nil
}

// resolve puts dir before relative paths.
func (c *Config) resolve(dir string) {
	var files []*string
	if c.TLS != nil {
		files = append(files, &c.TLS.CA, &c.TLS.Cert, &c.TLS.Key)
	}
	if c.SASL != nil {
		files = append(files, &c.SASL.PasswordFile)
	}
	if c.Publish != nil {
		for i := range c.Publish.Recipients {
			files = append(files, &c.Publish.Recipients[i].KeyFile)
		}
	}
	for _, f := range files {
		if *f != "" && !filepath.IsAbs(*f) {
			*f = filepath.Join(dir, *f)
		}
	}
}

var (
	yamlLine    = regexp.MustCompile(`line (\d+)`)
	yamlUnknown = regexp.MustCompile(`line (\d+): field (\S+) not found in type kafka\.(\w+)`)
)

func lineOf(s string) int {
	if m := yamlLine.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 1
}

// misread keeps of the YAML reader's errors what quotes no value.
func misread(err error) Errors {
	var typed *yaml.TypeError
	if _, said, ok := strings.Cut(err.Error(), ": "); ok && strings.HasPrefix(said, "this key is not known") {
		return Errors{{Line: lineOf(err.Error()), Message: said}}
	}
	if !errors.As(err, &typed) {
		return Errors{{Line: lineOf(err.Error()), Message: "this cannot be read; see the example in the manual"}}
	}
	var out Errors
	for _, s := range typed.Errors {
		e := Problem{Line: lineOf(s), Message: "this value has another form than the setting takes"}
		if m := yamlUnknown.FindStringSubmatch(s); m != nil {
			e.Message = fmt.Sprintf("there is no setting %q here; remove it or correct its name", m[2])
			if strings.Contains(m[2], "password") || strings.Contains(m[2], "secret") {
				e.Message = "secrets do not stand in this file; put the secret into a file of its own and name that by password_file"
			}
		} else if strings.Contains(s, "already defined") {
			e.Message = "this setting is given twice; keep one"
		}
		out = append(out, e)
	}
	return out
}

// place is the line of a setting, or of the nearest above it that is given.
func place(n *yaml.Node, path []string) int {
	line := max(n.Line, 1)
	for _, key := range path {
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == key {
					line, next = n.Content[i].Line, n.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(key); err == nil && i < len(n.Content) {
				line, next = n.Content[i].Line, n.Content[i]
			}
		}
		if next == nil {
			return line
		}
		n = next
	}
	return line
}

// readFile reads a file of at most most bytes. Its errors name the path only.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(b)) > most:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return b, nil
}
