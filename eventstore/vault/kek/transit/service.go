package transit

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	ownTimeout = 10 * time.Second
	maxAnswer  = 4 << 20
	maxToken   = 16 << 10
	maxKeyName = 40 // so that a version's name has at most 64 bytes
)

var (
	errAnswer  = fmt.Errorf("%w: its answer is not that of a transit engine", ErrUnavailable)
	errRefused = errors.New("the transit service refused the request") // 400
)

// service is a transit engine.
type service struct {
	client    *http.Client
	mount     string // whole URL of the engine
	tokenFile string
	namespace string
	timeout   time.Duration

	mu    sync.Mutex
	token string // "": read the file
}

func newService(o Options) (*service, string, error) {
	mount, name, err := parseURL(o.URL)
	if err != nil {
		return nil, "", err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, "", fmt.Errorf("certificates: %w", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, "", errors.New("certificates: the file holds none in PEM form")
		}
	}
	s := &service{mount: mount, tokenFile: o.TokenFile, namespace: o.Namespace, timeout: o.Timeout}
	if s.timeout == 0 {
		s.timeout = ownTimeout
	}
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: secure, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 2},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // the token is for this host
	return s, name, nil
}

// parseURL parts …/MOUNT/keys/NAME. Its errors never quote it.
func parseURL(text string) (mount, name string, err error) {
	u, err := url.Parse(strings.TrimPrefix(text, "transit:"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", "", errors.New("give the key as https://host:8200/v1/transit/keys/NAME; token and password stand in files")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", "", errors.New("use https, http is for this machine alone")
	}
	path, name, ok := strings.Cut(strings.TrimPrefix(u.Path, "/v1"), "/keys/")
	if path = strings.Trim(path, "/"); !ok || path == "" || name == "" || len(name) > maxKeyName || strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) {
		return "", "", fmt.Errorf("the URL ends with the engine's path, /keys/ and the key's name, 1 to %d of a-z, 0-9, '-' and '_'", maxKeyName)
	}
	return u.Scheme + "://" + u.Host + "/v1/" + path + "/", name, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// sealing is what encrypt and decrypt take and give. Bytes are base64.
type sealing struct {
	Plaintext      []byte `json:"plaintext,omitzero"`
	Ciphertext     string `json:"ciphertext,omitzero"`
	AssociatedData []byte `json:"associated_data,omitzero"`
	KeyVersion     int    `json:"key_version,omitzero"`
}

// call makes a request, at most twice, and reads its data into out unless that is
// nil.
func (s *service) call(ctx context.Context, method, path string, in, out any) error {
	token, err := s.current(false)
	if err != nil {
		return err
	}
	err = s.once(ctx, token, method, path, in, out)
	switch {
	case errors.Is(err, ErrDenied):
		again, rerr := s.current(true)
		if rerr != nil {
			return errors.Join(err, rerr)
		}
		if again == token {
			return err
		}
		token = again
	case !errors.Is(err, ErrUnavailable) || ctx.Err() != nil:
		return err
	}
	return s.once(ctx, token, method, path, in, out)
}

// current is the token; out of its file if fresh, or if it is not known.
func (s *service) current(fresh bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != "" && !fresh {
		return s.token, nil
	}
	f, err := os.Open(s.tokenFile)
	if err != nil {
		return "", fmt.Errorf("token of the transit service: %w", err)
	}
	defer f.Close() // read only
	b, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return "", fmt.Errorf("token of the transit service: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "", errors.New("token of the transit service: the file holds none")
	}
	s.token = token
	return token, nil
}

// once makes one request.
func (s *service) once(ctx context.Context, token, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("transit request: %w", err)
		}
	}
	defer clear(body)
	call, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(call, method, s.mount+path, bytes.NewReader(body))
	if err != nil {
		return errors.New("the transit request cannot be made")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Vault-Request", "true")
	req.Header.Set("X-Vault-Token", token)
	if s.namespace != "" {
		req.Header.Set("X-Vault-Namespace", s.namespace)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return unreachable(ctx, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return unreachable(ctx, err)
	}
	defer clear(answer)
	if err := status(resp.StatusCode); err != nil || out == nil {
		return err
	}
	got := struct {
		Data any `json:"data"`
	}{out}
	if err := json.Unmarshal(answer, &got); err != nil {
		return errAnswer
	}
	return nil
}

// unreachable is a failure of the network, without the URL.
func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func status(code int) error {
	switch {
	case code/100 == 2:
		return nil
	case code == http.StatusBadRequest:
		return errRefused
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return ErrDenied
	case code == http.StatusNotFound:
		return ErrNoKey
	}
	return fmt.Errorf("%w: status %d", ErrUnavailable, code)
}
