package httpapi

import (
	"context"
	"net/netip"
	"net/url"

	"greffe/api/auth"
	"greffe/api/auth/oidc"
)

// testProvider is one that lets nobody in.
type testProvider struct{ data *testData }

func (p *testProvider) panics() {
	if p.data.get().panics {
		panic(marker)
	}
}

func (p *testProvider) Name() string { return "ACME" }

func (p *testProvider) Language(string) string { return "" }

func (p *testProvider) Start(context.Context, oidc.Begin) (to, kept string, err error) {
	p.panics()
	return "", "kept", nil
}

func (p *testProvider) Enter(context.Context, string, url.Values, netip.Addr) (auth.Started, error) {
	p.panics()
	return auth.Started{}, &oidc.Refusal{Why: oidc.Expired}
}

func (p *testProvider) Leave(context.Context, string) error {
	p.panics()
	return &oidc.Refusal{Why: oidc.Invalid}
}
