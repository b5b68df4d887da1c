package app

import (
	"io"
	"log/slog"
	"net/netip"
	"time"

	httpapi "greffe/api/http"
	"greffe/eventstore/vault/kek"
)

// Config says where a ledger is.
type Config struct {
	Data    string
	key     *kek.File // of its shares; see Unseal
	KEK     string    // file, transit:URL or aws-kms://ARN
	Transit Transit
	Stores
	Anchoring Anchoring
	// FenceDir is DATA.fence when empty; Backups, where backups are made and looked
	// for, is nowhere when empty.
	FenceDir, Backups string

	Logger *slog.Logger
	Now    func() time.Time // time.Now when nil
	Rand   io.Reader        // crypto/rand when nil
	Rates  map[httpapi.Rate]float64

	// RightsForm serves the public form of rights requests.
	RightsForm bool
	// DiskLimit is the share of the disk, in percent, from which on only what
	// protects people is taken in; 0 means never.
	DiskLimit int
	Verifiers string // folder of the programs that verify bundles, "" for that of this program
	Mappings  string // folder of the operator's own mappings, "" for none
	Exists    bool   // the ledger must be there; without it a new one is made
	Aside     bool   // for one command, perhaps beside nodes that serve
	// OIDC is the file about an identity provider, "" for none; OIDCSecret goes before
	// the secret that it names.
	OIDC, OIDCSecret string
	// PublicURL is what one-click links begin with, such as https://greffe.example.org.
	PublicURL string
	Hosts     []string // other names that requests may be sent to
	// TrustedProxies are the networks of reverse proxies, whose X-Forwarded-For counts.
	TrustedProxies []netip.Prefix
	// HouseWebhooks lets changes be pushed to this machine and private networks.
	HouseWebhooks bool
}
