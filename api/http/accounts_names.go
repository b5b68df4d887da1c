package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/access"
	"greffe/projections/accounts"
)

// maxNames bounds the accounts of one question.
const maxNames = 200

// NamesQuery asks whose accounts some ids are.
type NamesQuery struct {
	IDs string `query:"ids" doc:"Ids of accounts, with commas between them; at most 200."`
}

// AccountName is whose account an id is.
type AccountName struct {
	ID    domain.ID `json:"id"`
	Kind  string    `json:"kind" enum:"person,service,guest"`
	Roles []string  `json:"roles"`
	Label string    `json:"label,omitempty" doc:"For callers whose roles are shown the class accounts."`
	Login string    `json:"login,omitempty" doc:"Likewise."`
}

// AccountNames are the accounts that there are; other ids are left out.
type AccountNames struct {
	Items []AccountName `json:"items"`
}

func accountNameRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	return []Route{
		{http.MethodGet, "/v1/accounts/names", "accounts.read", "Whose accounts some ids are: roles, and names for those who are shown them", read, false, getAccountNames().of(Nobodys), nil},
	}
}

func getAccountNames() endpoint {
	return opening(readsAccounts[NamesQuery], func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *NamesQuery) (*AccountNames, error) {
		asked := strings.FieldsFunc(in.IDs, func(r rune) bool { return r == ',' })
		if len(asked) == 0 || len(asked) > maxNames {
			return nil, problem.At(problem.ParameterInvalid, "ids")
		}
		wanted := map[domain.ID]bool{}
		for _, text := range asked {
			id, err := domain.ParseID(text)
			if err != nil {
				return nil, problem.At(problem.ParameterInvalid, "ids")
			}
			wanted[id] = true
		}
		of := slices.DeleteFunc(a.services.Directory.Accounts(), func(x accounts.Account) bool { return !wanted[x.ID] })
		names, err := a.namesFor(ctx, c, receipt, of)
		if err != nil {
			return nil, err
		}
		out := &AccountNames{Items: make([]AccountName, len(of))}
		for i, x := range of {
			out.Items[i] = AccountName{ID: x.ID, Kind: string(x.Kind), Roles: x.Roles, Label: names[i].Label, Login: names[i].Login}
		}
		return out, nil
	})
}
