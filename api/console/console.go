package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"greffe/domain/bundle"
)

//go:embed pages assets words
var files embed.FS

// Root is where the console's pages are.
const Root = "/console"

// csp lets a page use its own style, scripts and answers, send forms to this service,
// and nothing else. Pictures in data: are those within the style sheet.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// maxForm bounds what a form sends, a file included, in bytes.
const maxForm = 32 << 20

// Config is what a console is made with.
type Config struct {
	API    http.Handler     // needed: every page asks it
	Now    func() time.Time // needed
	Rand   io.Reader        // numbers of forms; crypto/rand if nil
	Logger *slog.Logger     // nil: nothing is logged
	// Terms are the codes of the policy in force that fields take, by the fields' names;
	// nil: forms take any text.
	Terms   func() map[string][]Term
	Scratch func() (bundle.Spill, error) // needed: where a bundle is kept, enciphered, until it is taken
	LogKey  func() []byte                // needed: the public key of the log, in PEM
	// Tick is how often what streams follow is looked at; a second if 0.
	Tick time.Duration
	// PublicURL is what the browser's address line begins with, where that is not what this
	// service is called; "" if it is.
	PublicURL string
}

func (cfg *Config) tick() time.Duration { return cmp.Or(cfg.Tick, defaultTick) }

// Term is a code of the policy with its names.
type Term struct{ Code, FR, EN string }

// Console answers what is asked under Root, and / by leading there; everything else is
// the API's.
type Console struct {
	cfg      Config
	spec     spec
	words    map[string]*words    // by language
	terms    map[string][]lawTerm // of the law, by language
	pages    map[string]func() (*template.Template, error)
	sent     forms
	names    *names
	files    map[string]asset
	streams  *streams
	bundles  *bundles
	kept     *keptFiles
	receipts *recent[string, recorded]
	origin   *http.CrossOriginProtection
	mux      *http.ServeMux
}

// New builds the console of an API, whose document it reads. It fails if a desk names
// a route that the API does not have.
func New(cfg Config) (*Console, error) {
	if cfg.API == nil || cfg.Now == nil || cfg.Scratch == nil || cfg.LogKey == nil {
		return nil, errors.New("console: an API, a clock, scratch files and the key of the log are needed")
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Terms == nil {
		cfg.Terms = func() map[string][]Term { return nil }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Console{cfg: cfg, words: map[string]*words{}, terms: map[string][]lawTerm{}, sent: newForms(cfg.Now), names: newNames(cfg.Now), streams: newStreams(), bundles: newBundles(cfg.Now), kept: newKeptFiles(cfg.Now), receipts: newReceipts(cfg.Now)}
	var err error
	if c.origin, err = ownPages(cfg.PublicURL); err != nil {
		return nil, fmt.Errorf("console: the public URL: %w", err)
	}
	if c.spec, err = readSpec(cfg.API); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	for _, lang := range []string{"fr", "en"} {
		if c.words[lang], err = readWords(lang); err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		if c.terms[lang], err = readGlossary(lang); err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
	}
	if c.files, err = readAssets(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if c.pages, err = c.readPages(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	for _, d := range desks() {
		for _, name := range d.operations() {
			if c.spec[name] == nil {
				return nil, fmt.Errorf("console: the desk %s asks for %s, which the API does not have", d.slug, name)
			}
		}
	}
	c.mux = c.routes()
	return c, nil
}

// ownPages lets the forms of this service's own pages through.
func ownPages(publicURL string) (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	if publicURL == "" {
		return p, nil
	}
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, err
	}
	return p, p.AddTrustedOrigin(u.Scheme + "://" + strings.ToLower(u.Host))
}

// ServeHTTP answers one request, or has the API answer it.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/" && r.Method == http.MethodGet:
		http.Redirect(w, r, Root, http.StatusSeeOther)
	case r.URL.Path == "/favicon.ico": // browsers ask on every page; there is none
		w.Header().Set("Cache-Control", "max-age=86400")
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == Root, strings.HasPrefix(r.URL.Path, Root+"/"):
		c.mux.ServeHTTP(w, r)
	default:
		c.cfg.API.ServeHTTP(w, r)
	}
}

func (c *Console) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Root+"/assets/{file}", c.asset)
	mux.HandleFunc("GET "+Root, c.page(c.start))
	mux.HandleFunc("POST "+Root+"/reason", c.page(c.chooseReason))
	mux.HandleFunc("GET "+Root+"/recorded/{number}", c.page(c.receipt))
	mux.HandleFunc("GET "+Root+"/people", c.page(c.people))
	mux.HandleFunc("POST "+Root+"/people", c.page(c.findPeople))
	c.personRoutes(mux)
	for _, room := range []func(*http.ServeMux){c.againRoutes, c.contactRoutes, c.objectionRoutes, c.mergeRoutes, c.oppositionRoutes, c.quarantineRoutes, c.breachRoutes, c.deskRoutes, c.noticeRoutes, c.producerRoutes} {
		room(mux)
	}
	c.operationRoutes(mux)
	c.rightsRoutes(mux)
	c.auditRoutes(mux)
	c.inspectionRoutes(mux)
	c.verificationRoutes(mux)
	c.helpRoutes(mux)
	mux.HandleFunc("GET "+Root+"/{desk}/{id}/{act}/file", c.page(c.download))
	mux.HandleFunc("GET "+Root+"/accounts/{id}", c.page(c.account))
	mux.HandleFunc("GET "+Root+"/habilitations", c.page(c.habilitations))
	mux.HandleFunc("GET "+Root+"/{desk}", c.page(c.desk))
	mux.HandleFunc("GET "+Root+"/{desk}/{id}", c.page(c.item))
	mux.HandleFunc("GET "+Root+"/{desk}/new/{act}", c.page(c.form))
	mux.HandleFunc("POST "+Root+"/{desk}/new/{act}", c.page(c.act))
	mux.HandleFunc("GET "+Root+"/{desk}/{id}/{act}", c.page(c.form))
	mux.HandleFunc("POST "+Root+"/{desk}/{id}/{act}", c.page(c.act))
	mux.HandleFunc(Root+"/", c.page(func(context.Context, *visit) error { return errNowhere }))
	return mux
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
}
