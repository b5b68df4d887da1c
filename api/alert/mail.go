package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/smtp"
	"os"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// How a mail server is spoken to.
const (
	StartTLS = "starttls" // plain first, then TLS or nothing (RFC 3207)
	TLS      = "tls"      // from the first byte (RFC 8314)
	Plain    = "plain"    // to loopback addresses alone
)

const mailTime = 30 * time.Second

// MailConfig is the file about a mail server.
type MailConfig struct {
	Host         string   `yaml:"host"`
	Port         int      `yaml:"port"`
	Security     string   `yaml:"security"` // starttls if absent
	CAFile       string   `yaml:"ca_file"`  // PEM; the machine's roots if absent
	User         string   `yaml:"user"`
	PasswordFile string   `yaml:"password_file"`
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`
}

// mailer tells by e-mail.
type mailer struct {
	cfg      MailConfig
	roots    *x509.CertPool
	password string
	now      func() time.Time
}

// OpenMail reads a file about a mail server. Errors name the key of the file.
func OpenMail(path string, now func() time.Time) (Way, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--smtp: %w", err)
	}
	m := &mailer{now: now}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&m.cfg); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New("--smtp: the file is no YAML of the keys host, port, security, ca_file, user, password_file, from, to")
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("--smtp: %w", err)
	}
	return m, nil
}

func (m *mailer) check() error {
	c := &m.cfg
	if c.Security == "" {
		c.Security = StartTLS
	}
	if c.Port == 0 {
		c.Port = map[string]int{StartTLS: 587, TLS: 465, Plain: 25}[c.Security]
	}
	switch {
	case c.Host == "" || strings.ContainsAny(c.Host, " \r\n"):
		return errors.New("give host, the mail server's name")
	case c.Security != StartTLS && c.Security != TLS && c.Security != Plain:
		return errors.New("security is starttls, tls or plain")
	case c.Security == Plain && !loopback(c.Host):
		return errors.New("security plain is for a loopback address alone; use starttls or tls")
	case c.Port < 1 || c.Port > 65535:
		return errors.New("port is 1 to 65535")
	case len(c.To) == 0 || len(c.To) > 20:
		return errors.New("give 1 to 20 addresses under to")
	}
	var err error
	if c.From, err = bare(c.From); err != nil {
		return errors.New("from is no e-mail address")
	}
	for i := range c.To {
		if c.To[i], err = bare(c.To[i]); err != nil {
			return errors.New("an entry of to is no e-mail address")
		}
	}
	return m.secrets()
}

func (m *mailer) secrets() error {
	if m.cfg.PasswordFile != "" {
		b, err := os.ReadFile(m.cfg.PasswordFile)
		if err != nil {
			return fmt.Errorf("password_file: %w", err)
		}
		m.password = strings.TrimRight(string(b), "\r\n")
	}
	if m.cfg.CAFile != "" {
		b, err := os.ReadFile(m.cfg.CAFile)
		if err != nil {
			return fmt.Errorf("ca_file: %w", err)
		}
		m.roots = x509.NewCertPool()
		if !m.roots.AppendCertsFromPEM(b) {
			return errors.New("ca_file holds no certificate (PEM)")
		}
	}
	return nil
}

// bare is the address alone, without a name or a line break.
func bare(text string) (string, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsAny(a.Address, "\r\n <>") {
		return "", errors.New("no address")
	}
	return a.Address, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (*mailer) Name() string { return "mail" }

// Tell sends one mail. Errors say at what step it failed, with the server's code if it
// gave one, never its words.
func (m *mailer) Tell(ctx context.Context, x *Message) error {
	text, err := mailText(x, m.cfg.From, m.cfg.To, m.now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(m.cfg.Host, strconv.Itoa(m.cfg.Port)))
	if err != nil {
		return errors.New("alert by mail: there is no connection to the mail server")
	}
	defer conn.Close()
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(at)
	}
	if step, err := m.deliver(conn, text); err != nil {
		return fmt.Errorf("alert by mail: %s failed%s", step, codeOf(err))
	}
	return nil
}

// deliver speaks SMTP; step is where it failed.
func (m *mailer) deliver(conn net.Conn, text []byte) (step string, err error) {
	secure := &tls.Config{ServerName: m.cfg.Host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
	if m.cfg.Security == TLS {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, m.cfg.Host)
	if err != nil {
		return "the greeting", err
	}
	if err := c.Hello("localhost"); err != nil {
		return "EHLO", err
	}
	if m.cfg.Security == StartTLS {
		if err := c.StartTLS(secure); err != nil {
			return "STARTTLS", err
		}
	}
	if m.cfg.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.cfg.User, m.password, m.cfg.Host)); err != nil {
			return "authentication", err
		}
	}
	if err := c.Mail(m.cfg.From); err != nil {
		return "MAIL", err
	}
	for _, to := range m.cfg.To {
		if err := c.Rcpt(to); err != nil {
			return "RCPT", err
		}
	}
	w, err := c.Data()
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "DATA", err
	}
	_ = c.Quit() // it was accepted
	return "", nil
}

// codeOf is the three digits that a server's answer begins with.
func codeOf(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	if errors.As(err, &unknown) || errors.As(err, &host) {
		return ": its certificate does not hold"
	}
	if s := err.Error(); len(s) >= 3 && strings.IndexFunc(s[:3], func(r rune) bool { return r < '0' || r > '9' }) < 0 {
		return " with " + s[:3]
	}
	return ""
}
