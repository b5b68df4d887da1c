package console

import "net/http"

// deskRoutes are the rooms that desks of registers, access and operations have of their own.
func (c *Console) deskRoutes(mux *http.ServeMux) {
	for _, room := range []func(*http.ServeMux){c.breachDeskRoutes, c.policyRoutes, c.approvalRoutes, c.minimisationRoutes, c.operationsRoutes, c.watchRoutes} {
		room(mux)
	}
}
