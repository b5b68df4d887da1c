package httpapi

import (
	"errors"
	"strings"

	"github.com/go-chi/chi/v5"

	"greffe/api/problem"
)

// guest keeps an inspector to the inspection that it was invited for (loi 78-17 art. 19):
// while that is open, and of inspections to that one. Others pass.
func (a *API) guest(c *Call) error {
	own := c.principal.Inspection
	if own.IsZero() {
		return nil
	}
	err := a.services.Inspections.Standing(c.ctx, own)
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return problem.Because(problem.SessionInvalid, err)
	}
	if err != nil {
		return err
	}
	pattern, all := c.route.Pattern, "/v1/inspections"
	if pattern == all || strings.HasPrefix(pattern, all+"/{id}") && chi.URLParam(c.r, "id") != own.String() {
		return &problem.Error{Code: problem.PermissionMissing, Permission: c.route.Permission}
	}
	return nil
}
