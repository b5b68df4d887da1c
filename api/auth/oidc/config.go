package oidc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Config is a provider and what is believed of what it says.
type Config struct {
	Name     string   // what people call it; shown beside the button
	Issuer   string   // URL, exactly as the provider writes it
	Hosts    []string // further hosts its endpoints may be at, beside the issuer's
	ClientID string
	Secret   string   // "" for a public client, which PKCE alone protects
	CA       []byte   // PEM of the authorities of its certificate; none: the system's
	Scopes   []string // openid among them
	ACR      []string // authentication contexts in which two factors are given; asked for
	// AMR are sets of methods (RFC 8176), each of which is two factors.
	AMR         [][]string
	GroupsClaim string
	NameClaim   string
	Roles       map[string][]string // group to roles of the policy
}

// ErrConfig: the file about the provider cannot be used. The text says what to
// change and holds none of its values but names of keys, groups and methods.
var ErrConfig = errors.New("the file about the identity provider cannot be used")

// file is Config as it is written.
type file struct {
	Name         string              `yaml:"name"`
	Issuer       string              `yaml:"issuer"`
	Hosts        []string            `yaml:"hosts"`
	ClientID     string              `yaml:"client_id"`
	ClientSecret string              `yaml:"client_secret_file"`
	CA           string              `yaml:"ca_file"`
	Scopes       []string            `yaml:"scopes"`
	ACR          []string            `yaml:"acr"`
	AMR          []methods           `yaml:"amr"`
	GroupsClaim  string              `yaml:"groups_claim"`
	NameClaim    string              `yaml:"name_claim"`
	Roles        map[string][]string `yaml:"roles"`
}

// methods are written as one word or as a list.
type methods []string

// UnmarshalYAML reads either.
func (m *methods) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*m = methods{n.Value}
		return nil
	}
	return n.Decode((*[]string)(m))
}

// Load reads the file at a path, and the files that it names. secret, if not
// empty, goes before client_secret_file. Errors are ErrConfig.
func Load(path, secret string) (Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	var f file
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%w: it is not the YAML that is expected; see the documentation for its keys", ErrConfig)
	}
	c := Config{Name: f.Name, Issuer: f.Issuer, Hosts: f.Hosts, ClientID: f.ClientID, Secret: secret, Scopes: f.Scopes, ACR: f.ACR,
		GroupsClaim: f.GroupsClaim, NameClaim: f.NameClaim, Roles: f.Roles}
	for _, m := range f.AMR {
		c.AMR = append(c.AMR, m)
	}
	if f.ClientSecret != "" && secret == "" {
		text, err := os.ReadFile(f.ClientSecret)
		if err != nil {
			return Config{}, fmt.Errorf("%w: client_secret_file: %w", ErrConfig, err)
		}
		if c.Secret = strings.TrimSpace(string(text)); c.Secret == "" {
			return Config{}, fmt.Errorf("%w: client_secret_file is empty", ErrConfig)
		}
	}
	if f.CA != "" {
		if c.CA, err = os.ReadFile(f.CA); err != nil {
			return Config{}, fmt.Errorf("%w: ca_file: %w", ErrConfig, err)
		}
	}
	c.defaults()
	return c, c.check()
}

func (c *Config) defaults() {
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "profile"}
	}
	if c.GroupsClaim == "" {
		c.GroupsClaim = "groups"
	}
	if c.NameClaim == "" {
		c.NameClaim = "name"
	}
	if c.Name == "" {
		if u, err := url.Parse(c.Issuer); err == nil {
			c.Name = u.Hostname()
		}
	}
}

const maxName = 100 // bytes

func (c *Config) check() error {
	wrong := func(what string) error { return fmt.Errorf("%w: %s", ErrConfig, what) }
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return wrong("issuer must be the URL that the provider calls itself by")
	case !safe(u):
		return wrong("issuer must begin with https://, unless it is a loopback address")
	case c.ClientID == "":
		return wrong("client_id is missing")
	case !slices.Contains(c.Scopes, "openid"):
		return wrong("scopes must contain openid")
	case len(c.Name) > maxName:
		return wrong("name is longer than 100 bytes")
	case len(c.Roles) == 0:
		return wrong("roles is missing: say which group has which roles, or nobody can sign in")
	case slices.Contains(c.ACR, "") || slices.Contains(c.ACR, "0"):
		return wrong("acr names a context without a second factor")
	}
	for group, roles := range c.Roles {
		if group == "" || len(roles) == 0 || slices.Contains(roles, "") {
			return wrong("roles: a group needs a name and at least one role")
		}
	}
	for _, set := range c.AMR {
		if len(set) == 0 || slices.Contains(set, "") || !couldBeTwo(set) {
			return wrong("amr: " + strings.Join(set, "+") + " is one factor only; write those that are used together as a list, such as [pwd, otp]")
		}
	}
	return nil
}

// RoleCodes lists every role that a group gives, sorted.
func (c *Config) RoleCodes() []string {
	var out []string
	for _, roles := range c.Roles {
		out = append(out, roles...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// rolesOf are the roles of somebody in these groups: those mapped, and no other.
func (c *Config) rolesOf(groups []string) []string {
	var out []string
	for _, g := range groups {
		out = append(out, c.Roles[g]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// safe reports a URL that nobody on the way can read or answer for.
func safe(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// hostPort is a URL's host with its port, in lower case.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
