package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// places says where the stores are that are not in the data directory, and who else
// serves the ledger.
func (a *App) places(ctx context.Context) (out []Check) {
	for _, s := range []struct{ name, at string }{{"fact log", a.cfg.LogStore}, {"vault", a.cfg.VaultStore}, {"audit dataset", a.cfg.AuditStore}} {
		if s.at != "" {
			out = append(out, Check{s.name, Good, Place(s.at)})
		}
	}
	if !a.cfg.several() {
		return out
	}
	return append(out, a.otherNodes(ctx))
}

func (a *App) otherNodes(ctx context.Context) Check {
	leases, err := a.vault.Leases(ctx, "")
	if err != nil {
		return Check{"nodes", Bad, err.Error()}
	}
	var serving []string
	keeper := "nobody keeps house"
	names := map[[16]byte]string{}
	for _, l := range leases {
		var n note
		if strings.HasPrefix(l.Role, roleNode) && json.Unmarshal(l.Note, &n) == nil {
			names[l.Holder] = n.Name
			if n.Serving {
				serving = append(serving, fmt.Sprintf("%s (position %s)", n.Name, n.Applied))
			}
		}
	}
	state := Warn
	for _, l := range leases {
		if l.Role == roleKeeper {
			keeper, state = names[l.Holder]+" keeps house", Good
		}
	}
	if len(serving) == 0 {
		return Check{"nodes", Warn, "no other node serves"}
	}
	return Check{"nodes", state, strings.Join(serving, ", ") + "; " + keeper}
}
