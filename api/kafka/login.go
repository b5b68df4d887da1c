package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

const maxPassword = 4096 // bytes

// login authenticates with the password that its file holds at that moment.
type login struct{ settings *SASL }

// Name is the mechanism's name on the wire.
func (l login) Name() string { return strings.ToUpper(l.settings.Mechanism) }

// Start begins one authentication.
func (l login) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	m, err := l.settings.mechanism()
	if err != nil {
		return nil, nil, err
	}
	return m.Start(ctx)
}

// String hides nothing: there is no secret in it.
func (l login) String() string { return "SASL " + l.Name() }

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	text, err := readFile(s.PasswordFile, maxPassword)
	if err != nil {
		return nil, fmt.Errorf("kafka: sasl.password_file: %w", err)
	}
	password := string(bytes.TrimRight(text, "\r\n"))
	if password == "" || !utf8.ValidString(password) {
		return nil, fmt.Errorf("kafka: sasl.password_file: %s holds no password", s.PasswordFile)
	}
	if s.Mechanism == Plain {
		return plain.Mechanism{Username: s.User, Password: password}, nil
	}
	algorithm := scram.SHA256
	if s.Mechanism == ScramSHA512 {
		algorithm = scram.SHA512
	}
	m, err := scram.Mechanism(algorithm, s.User, password)
	if err != nil { // its text may quote what it was given
		return nil, errors.New("kafka: sasl: user or password holds characters that SCRAM forbids (RFC 4013)")
	}
	return m, nil
}
