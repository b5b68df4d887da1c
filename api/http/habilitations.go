package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"greffe/api/auth"
	files "greffe/api/habilitation"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/habilitation"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/projections/accounts"
)

// Habilitations knows what held at former dates.
type Habilitations interface {
	// AsOf is the policy that was in force at an instant, with the accounts and tokens
	// of then; ErrNotFound before the first policy.
	AsOf(ctx context.Context, at time.Time) (*RightsHeld, error)
	// Since is AsOf the instant at which a version of the policy came into force.
	Since(ctx context.Context, version int64) (*RightsHeld, error)
}

// RightsHeld is what a matrix is made of.
type RightsHeld struct {
	Rules    *policy.Policy
	Version  int64
	At       time.Time
	Accounts []accounts.Account
	Grants   []accounts.Grant
}

// Rights is the matrix.
func (h *RightsHeld) Rights() habilitation.Rights {
	return habilitation.Of(h.Rules, h.Version, auth.Habilitations(h.Rules, h.Accounts, h.Grants, h.At))
}

// Document is the matrix with what each permission opens, as the table of routes says;
// without anybody's name.
func (h *RightsHeld) Document(made time.Time) (*habilitation.Document, error) {
	d := &habilitation.Document{Made: made.UTC(), Rights: h.Rights()}
	var err error
	if d.SHA256, err = d.Rights.Digest(); err != nil {
		return nil, err
	}
	routes := map[string][]string{}
	for _, r := range Routes() {
		routes[r.Permission] = append(routes[r.Permission], r.Method+" "+r.Pattern)
	}
	for _, code := range policy.Permissions() {
		p := habilitation.Permission{Code: code, Routes: some(routes[code]), Roles: []string{}}
		for _, r := range d.Rights.Roles {
			if slices.Contains(r.Permissions, code) {
				p.Roles = append(p.Roles, r.Code)
			}
		}
		d.Permissions = append(d.Permissions, p)
	}
	return d, nil
}

// ordered are the accounts in the order of the matrix.
func (h *RightsHeld) ordered(d *habilitation.Document) []accounts.Account {
	byID := map[domain.ID]int{}
	for i := range h.Accounts {
		byID[h.Accounts[i].ID] = i
	}
	out := make([]accounts.Account, len(d.Rights.Accounts))
	for i, x := range d.Rights.Accounts {
		out[i] = h.Accounts[byID[x.ID]]
	}
	return out
}

// Nameless adds what is known of the accounts' use, and nobody's name.
func (h *RightsHeld) Nameless(d *habilitation.Document) {
	for _, a := range h.ordered(d) {
		d.Holders = append(d.Holders, auth.Holder(&a, h.Grants, h.At, nil))
	}
}

// HabilitationQuery asks for the matrix.
type HabilitationQuery struct {
	AsOf   time.Time `query:"as_of" doc:"What held then (RFC 3339); now if absent."`
	Format string    `query:"format" doc:"json, csv or xlsx; json if absent."`
	Table  string    `query:"table" doc:"Of a CSV: matrix (a line for each role and right) or accounts (a line for each account and token); matrix if absent."`
}

// HabilitationDiffQuery chooses what to compare with.
type HabilitationDiffQuery struct {
	Since string    `query:"since" doc:"A version of the policy: what held as it came into force; or a time (RFC 3339). The version in force if absent."`
	AsOf  time.Time `query:"as_of" doc:"What held then (RFC 3339); now if absent."`
}

// HabilitationDiff is what differs.
type HabilitationDiff struct {
	From    HabilitationState          `json:"from"`
	To      HabilitationState          `json:"to"`
	Changes []habilitation.RightChange `json:"changes"`
	Holders []HabilitationHolder       `json:"holders" doc:"Who holds the accounts of the changes; names for those whose roles are shown the class accounts."`
}

// HabilitationHolder is who holds an account.
type HabilitationHolder struct {
	Account domain.ID `json:"account_id"`
	Label   string    `json:"label,omitempty"`
	Login   string    `json:"login,omitempty"`
}

// HabilitationState names a matrix.
type HabilitationState struct {
	At     time.Time `json:"at"`
	Policy int64     `json:"policy_version"`
	SHA256 string    `json:"sha256"`
}

func habilitationRoutes() []Route {
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	return []Route{
		{http.MethodGet, "/v1/habilitations", "accounts.read", "Who may do and see what: roles, rights, levels, quotas, accounts and tokens", list, false, getHabilitations().of(Nobodys), nil},
		{http.MethodGet, "/v1/habilitations/changes", "accounts.read", "Which rights were given and taken since a time or a version of the policy", list, false, getHabilitationDiff(), nil},
	}
}

// held is the matrix as of an instant, now for the zero time.
func (a *API) held(ctx context.Context, at time.Time) (*RightsHeld, error) {
	now := a.cfg.Now()
	switch {
	case at.IsZero():
		rules, version := a.services.Ledger.Policy()
		return &RightsHeld{rules, version, now, a.services.Directory.Accounts(), a.services.Directory.List()}, nil
	case at.After(now):
		return nil, problem.At(problem.ParameterInvalid, "as_of")
	}
	return a.services.Habilitations.AsOf(ctx, at)
}

func getHabilitations() endpoint {
	e := opening(func(_ context.Context, _ *API, _ *Call, in *HabilitationQuery) (access.Reading, error) {
		switch files.Format(in.Format) {
		case "":
			in.Format = string(files.JSON)
		case files.XLSX, files.CSV, files.JSON:
		default:
			return access.Reading{}, problem.At(problem.ParameterInvalid, "format")
		}
		if in.Table == "" {
			in.Table = files.Matrix
		}
		if in.Table != files.Matrix && in.Table != files.Accounts {
			return access.Reading{}, problem.At(problem.ParameterInvalid, "table")
		}
		return access.Reading{Action: "export", Categories: []string{"accounts"}}, nil
	}, func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *HabilitationQuery) (answer, error) {
		h, err := a.held(ctx, in.AsOf)
		if err != nil {
			return answer{}, err
		}
		d, err := h.Document(a.cfg.Now())
		if err != nil {
			return answer{}, err
		}
		d.AsOf = in.AsOf
		if err := a.holders(ctx, c, receipt, h, d); err != nil {
			return answer{}, err
		}
		f := files.Format(in.Format)
		var out bytes.Buffer
		if err := files.Write(&out, f, d, in.Table); err != nil {
			return answer{}, err
		}
		name := "habilitations-" + strconv.FormatInt(d.Rights.Policy, 10) + "-" + h.At.UTC().Format("20060102T150405Z") + "." + in.Format
		return answer{status: http.StatusOK, bytes: out.Bytes(), media: f.Media(), header: map[string]string{"Content-Disposition": `attachment; filename="` + name + `"`}}, nil
	})
	e.out, e.gives = nil, []string{mediaJSON, mediaXLSX, mediaPlainCSV}
	return e
}

// holders says who holds the accounts: names for those whose roles are shown the class
// accounts, and for all what is known of their use.
func (a *API) holders(ctx context.Context, c *Call, receipt access.Receipt, h *RightsHeld, d *habilitation.Document) error {
	ordered := h.ordered(d)
	names, err := a.namesFor(ctx, c, receipt, ordered)
	if err != nil {
		return err
	}
	for i := range ordered {
		x := auth.Holder(&ordered[i], h.Grants, h.At, a.services.Auth.LastUse)
		x.Label, x.Login = names[i].Label, names[i].Login
		if !ordered[i].Inspection.IsZero() {
			err := a.services.Inspections.Standing(ctx, ordered[i].Inspection)
			x.Inspection = "open"
			if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
				x.Inspection, err = "closed", nil
			}
			if err != nil {
				return err
			}
		}
		d.Holders = append(d.Holders, x)
	}
	return nil
}

// namesFor opens names for callers whose roles are shown the class accounts; others get
// none.
func (a *API) namesFor(ctx context.Context, c *Call, receipt access.Receipt, of []accounts.Account) ([]StaffName, error) {
	if !slices.Contains(c.principal.Sees(c.rules), "accounts") {
		return make([]StaffName, len(of)), nil
	}
	return a.services.StaffNames.Names(ctx, receipt, of)
}

func getHabilitationDiff() endpoint {
	return opening(readsAccounts[HabilitationDiffQuery], func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *HabilitationDiffQuery) (*HabilitationDiff, error) {
		to, err := a.held(ctx, in.AsOf)
		if err != nil {
			return nil, err
		}
		from, err := a.since(ctx, in.Since)
		if err != nil {
			return nil, err
		}
		out, err := Compare(from, to)
		if err != nil {
			return nil, err
		}
		out.Holders, err = a.holdersOf(ctx, c, receipt, out.Changes, from, to)
		return out, err
	})
}

// holdersOf names the accounts of changes.
func (a *API) holdersOf(ctx context.Context, c *Call, receipt access.Receipt, changes []habilitation.RightChange, from, to *RightsHeld) ([]HabilitationHolder, error) {
	known := map[domain.ID]accounts.Account{}
	for _, x := range slices.Concat(from.Accounts, to.Accounts) {
		known[x.ID] = x
	}
	var of []accounts.Account
	out := []HabilitationHolder{}
	for _, x := range changes {
		if account, ok := known[x.Account]; ok {
			of, out = append(of, account), append(out, HabilitationHolder{Account: x.Account})
			delete(known, x.Account)
		}
	}
	names, err := a.namesFor(ctx, c, receipt, of)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Label, out[i].Login = names[i].Label, names[i].Login
	}
	return out, nil
}

// since is what held at a time or as a version of the policy came into force.
func (a *API) since(ctx context.Context, text string) (*RightsHeld, error) {
	if text == "" {
		_, version := a.services.Ledger.Policy()
		return a.services.Habilitations.Since(ctx, version)
	}
	if version, err := strconv.ParseInt(text, 10, 64); err == nil {
		if version < 1 {
			return nil, problem.At(problem.ParameterInvalid, "since")
		}
		return a.services.Habilitations.Since(ctx, version)
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.After(a.cfg.Now()) {
		return nil, problem.At(problem.ParameterInvalid, "since")
	}
	return a.services.Habilitations.AsOf(ctx, at)
}

// Compare says which rights were given and taken.
func Compare(from, to *RightsHeld) (*HabilitationDiff, error) {
	before, after := from.Rights(), to.Rights()
	out := &HabilitationDiff{From: HabilitationState{At: from.At.UTC(), Policy: from.Version}, To: HabilitationState{At: to.At.UTC(), Policy: to.Version},
		Changes: habilitation.Diff(&before, &after)}
	var err, other error
	out.From.SHA256, err = before.Digest()
	out.To.SHA256, other = after.Digest()
	return out, errors.Join(err, other)
}
