// Package sealed is what a service answers before it has its key: that it lives, that
// it is not ready, and POST /v1/unseal, which takes the shares of the key one by one.
// Everything else is 503 sealed; nothing about anybody can be read, since nothing is
// open yet.
//
// It promises that the key is given to the caller once, when enough shares of one
// division fit; that shares and key are cleared from memory then; that no share is in
// an answer, an error or a log; that a share that was not printed is refused and costs
// none of those that came; and that a share that does not come from the machine
// itself is taken over TLS only. It assumes that whoever holds a share may give it: no
// token is asked for, since none can be checked yet. A crash forgets the shares that
// came; they are sent again.
package sealed

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
	"greffe/eventstore/vault/kek/escrow"
)

const maxBody = 4 << 10

// Progress answers a share.
type Progress struct {
	Sealed bool   `json:"sealed"`
	Set    string `json:"set"`  // of the division, as it is printed
	Have   int    `json:"have"` // shares of it that came
	Need   int    `json:"need"`
}

// Handler answers until the key is there.
type Handler struct {
	log     *slog.Logger
	printed func(*escrow.Share) bool
	use     func(name string, key []byte)

	mu   sync.Mutex
	came []escrow.Share
	open bool
}

// New makes one. printed tells whether a share is of the one division that opens the
// key; others are refused. use is called once, with a key that is cleared when it returns.
func New(log *slog.Logger, printed func(*escrow.Share) bool, use func(name string, key []byte)) *Handler {
	return &Handler{log: log, printed: printed, use: use}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n")
	case r.URL.Path == "/v1/unseal" && r.Method == http.MethodPost:
		h.unseal(w, r)
	default:
		problem.Write(w, r, problem.New(problem.Sealed), "")
	}
}

func (h *Handler) unseal(w http.ResponseWriter, r *http.Request) {
	if r.TLS == nil && !loopback(r.RemoteAddr) {
		problem.Write(w, r, problem.New(problem.PlainRefused), "")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	defer clear(body)
	var in struct {
		Share string `json:"share"`
	}
	if err == nil {
		err = json.Unmarshal(body, &in, json.RejectUnknownMembers(true))
	}
	if err != nil {
		problem.Write(w, r, problem.At(problem.FieldInvalid, "share"), "")
		return
	}
	share, err := escrow.Parse(in.Share)
	if err != nil {
		problem.Write(w, r, problem.At(problem.ShareRefused, "share"), "")
		return
	}
	got, err := h.take(share)
	if err != nil {
		problem.Write(w, r, problem.At(problem.ShareRefused, "share"), "")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, got)
}

// take adds a share, and gives the key out when it is whole.
func (h *Handler) take(s escrow.Share) (Progress, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := Progress{Sealed: true, Set: s.Name(), Need: s.Threshold}
	if h.open {
		got.Sealed, got.Have = false, s.Threshold
		return got, nil
	}
	if !h.printed(&s) {
		h.log.Warn("a share of the key was refused: it is not one that was printed", "set", got.Set, "number", s.Number)
		return got, escrow.ErrForeign
	}
	if slices.Contains(h.came, s) {
		got.Have = len(h.came)
		return got, nil
	}
	had := append(h.came, s)
	name, key, err := escrow.Combine(had)
	switch {
	case errors.Is(err, escrow.ErrTooFew):
		h.came = had
		got.Have = len(had)
		h.log.Info("a share of the key came", "set", got.Set, "number", s.Number, "have", got.Have, "need", got.Need)
		return got, nil
	case err != nil: // what was printed makes no key
		h.log.Error("printed shares of the key do not fit; divide it again", "set", got.Set)
		return got, err
	}
	defer clear(key)
	h.use(name, key)
	for i := range had {
		had[i].Clear()
	}
	h.came, h.open, got.Sealed, got.Have = nil, true, false, len(had)
	h.log.Info("the key is whole", "set", got.Set, "key", name)
	return got, nil
}

func loopback(remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	return err == nil && at.Addr().Unmap().IsLoopback()
}
