package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/eventstore/access"
	"greffe/projections/accounts"
)

// guestRole is the role of whoever is invited to an inspection by the inspection's desk,
// and no other: that desk gives out no right beyond looking at it.
const guestRole = "inspector"

// maxGuestMonths bounds how long such a guest stays, in months.
const maxGuestMonths = 6

// GuestInput invites an authority's agent to one inspection.
type GuestInput struct {
	ID   domain.ID `path:"id" doc:"The inspection."`
	Body struct {
		Label   string    `json:"label" doc:"Name and capacity of the agent, as on the mission order; sealed. At most 200 bytes."`
		Login   string    `json:"login" doc:"What the agent will sign in with; sealed."`
		Expires time.Time `json:"expires_at" doc:"Then the account ends, if the inspection was not closed before; at most six months from now."`
	}
}

// GuestsQuery asks for the guests of an inspection.
type GuestsQuery struct {
	ID domain.ID `path:"id" doc:"The inspection."`
}

// GuestPath names a guest of an inspection.
type GuestPath struct {
	ID      domain.ID `path:"id" doc:"The inspection."`
	Account domain.ID `path:"account" doc:"The guest, by its account."`

	Revision *int `query:"revision" doc:"Of the account as the caller saw it; another one is a conflict."`
}

func inspectionGuestRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	change := Limits{Body: 16 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	const invite, of = "inspections.invite", "/v1/inspections/{id}/guests"
	fresh := writing(problem.SignInAgain)
	return []Route{
		{http.MethodGet, of, invite, "The guests of an inspection", read, false, listGuests().of(Nobodys), nil},
		{http.MethodPost, of, invite, "Invite an authority's agent to this inspection alone", change, true, postGuest(), append(fresh, problem.LoginTaken)},
		{http.MethodPost, of + "/{account}/invitation", invite, "Invite a guest of the inspection anew; the former invitation is void", change, true, postGuestInvitation(), fresh},
		{http.MethodPost, of + "/{account}/end", invite, "End the account of a guest of the inspection, at once", change, true, endGuest(), writing()},
	}
}

// guestOf finds a guest that the inspection's desk may see to: of this inspection and
// with no role but the inspector's.
func (a *API) guestOf(inspection, of domain.ID) error {
	x, ok := a.services.Directory.Find(of)
	if !ok || x.Kind != account.Guest || x.Inspection != inspection || !slices.Equal(x.Roles, []string{guestRole}) {
		return ErrNotFound
	}
	return nil
}

// listGuests opens who they are: an access like any other. Those of an inspection that
// is closed have ended, whatever their own end.
func listGuests() endpoint {
	return opening(func(ctx context.Context, a *API, c *Call, in *GuestsQuery) (access.Reading, error) {
		c.under(in.ID)
		if err := a.services.Inspections.Standing(ctx, in.ID); err != nil && !errors.Is(err, ErrConflict) {
			return access.Reading{}, err
		}
		return access.Reading{Action: "read", Categories: []string{"accounts"}}, nil
	}, func(ctx context.Context, a *API, _ *Call, receipt access.Receipt, in *GuestsQuery) (*List[AccountItem], error) {
		closed := errors.Is(a.services.Inspections.Standing(ctx, in.ID), ErrConflict)
		all := a.guests(in.ID)
		items, err := a.shownAccounts(ctx, receipt, all)
		for i := range items {
			if closed {
				items[i].State = "ended"
			}
		}
		return &List[AccountItem]{Items: items}, err
	})
}

// guests are the accounts that were made for an inspection.
func (a *API) guests(inspection domain.ID) []accounts.Account {
	return slices.DeleteFunc(a.services.Directory.Accounts(), func(x accounts.Account) bool {
		return x.Kind != account.Guest || x.Inspection != inspection
	})
}

func (a *API) countGuests(inspection domain.ID) *InspectionGuests {
	out := &InspectionGuests{}
	for _, x := range a.guests(inspection) {
		if out.Invited++; x.Ready() {
			out.Came++
		}
	}
	return out
}

func postGuest() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *GuestInput) (*InvitationMade, error) {
		b, now := &in.Body, a.cfg.Now()
		if err := a.services.Inspections.Standing(ctx, in.ID); err != nil {
			return nil, err
		}
		switch {
		case b.Expires.IsZero():
			return nil, problem.At(problem.FieldRequired, "expires_at")
		case b.Expires.After(now.AddDate(0, maxGuestMonths, 1)):
			return nil, problem.At(problem.FieldInvalid, "expires_at")
		}
		made, err := a.services.People.Create(ctx, c.principal.Account, auth.NewAccount{Kind: account.Guest, Label: b.Label, Login: b.Login,
			Roles: []string{guestRole}, Inspection: in.ID, Until: b.Expires, Invite: true})
		if err != nil {
			return nil, err
		}
		return invitationMade(made), nil
	})
}

func postGuestInvitation() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *GuestPath) (*InvitationMade, error) {
		if err := a.services.Inspections.Standing(ctx, in.ID); err != nil {
			return nil, err
		}
		if err := a.guestOf(in.ID, in.Account); err != nil {
			return nil, err
		}
		made, err := a.services.People.Invite(ctx, c.principal.Account, in.Account, accountOn{in.Account, in.Revision}.seen())
		if err != nil {
			return nil, err
		}
		return invitationMade(made), nil
	})
}

func endGuest() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *GuestPath) (*AccountRecorded, error) {
		if err := a.guestOf(in.ID, in.Account); err != nil {
			return nil, err
		}
		over := true
		at, err := a.services.People.Change(ctx, c.principal.Account, in.Account, auth.Change{Disabled: &over, Seen: accountOn{in.Account, in.Revision}.seen()})
		if err != nil {
			return nil, err
		}
		return &AccountRecorded{at}, nil
	})
}
