package console

import (
	"net/http"
	"slices"
)

// problemPage is what was refused and what one does about it.
type problemPage struct {
	*refused
	Do    []string
	Again string // the page to load again, "" if that would change nothing
	Proof string // of an erased person: the page with the certificate
}

// problem says what to do about a refusal, by its status.
func (v *visit) problem(no *refused) *problemPage {
	p := &problemPage{refused: no}
	kind := ""
	switch no.Status {
	case http.StatusForbidden:
		kind = "forbidden"
		if no.Code == "forged" {
			kind = ""
		}
	case http.StatusNotFound, http.StatusGone:
		kind = "gone"
	case http.StatusConflict, http.StatusPreconditionFailed:
		if kind = "changed"; no.Code == "not_yet" {
			kind = "not_yet"
		}
	case http.StatusRequestEntityTooLarge:
		kind = "large"
	case http.StatusTooManyRequests:
		kind = "often"
	case http.StatusInternalServerError, http.StatusBadGateway:
		kind = "broken"
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInsufficientStorage:
		kind = "closed"
	}
	for _, key := range []string{"do_" + kind, "do_" + kind + "_more"} {
		if s := v.words.texts[key]; kind != "" && s != "" {
			p.Do = append(p.Do, s)
		}
	}
	if v.r.Method == http.MethodGet && slices.Contains([]string{"changed", "often", "broken", "closed"}, kind) {
		p.Again = v.r.URL.RequestURI()
	}
	if no.Order != "" && v.allowed("GET /v1/operations/{id}") {
		p.Proof = Root + "/operations/" + no.Order
	}
	return p
}
