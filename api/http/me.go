package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"greffe/api/auth"
	"greffe/api/signin"
	"greffe/domain"
	"greffe/domain/account"
)

type secondFactor func(ctx context.Context, ticket, code string, from netip.Addr) (auth.Started, error)

// OwnCredential is one of the caller's credentials, without its secret.
type OwnCredential struct {
	ID   domain.ID `json:"id"`
	Kind string    `json:"kind" enum:"password,totp,passkey,recovery,oidc"`
	Set  time.Time `json:"set_at"`
	Left *int      `json:"left,omitempty" doc:"Recovery codes not used yet."`
}

func ownCredentials() endpoint {
	return plain(http.StatusOK, func(_ context.Context, a *API, c *Call, _ *struct{}) (*List[OwnCredential], error) {
		of, _ := a.services.Directory.Find(c.principal.Account)
		out := &List[OwnCredential]{Items: []OwnCredential{}}
		for _, x := range of.Credentials {
			shown := OwnCredential{ID: x.ID, Kind: string(x.Kind), Set: x.Set}
			if x.Kind == account.Recovery {
				left := auth.RecoveryCodes - x.Used
				shown.Left = &left
			}
			out.Items = append(out.Items, shown)
		}
		return out, nil
	})
}

// CredentialPath names a credential.
type CredentialPath struct {
	ID domain.ID `path:"id" doc:"The credential, by its id."`
}

func removeCredential() endpoint {
	return silent(func(ctx context.Context, a *API, c *Call, in *CredentialPath) error {
		if err := a.services.People.IsFresh(c.principal); err != nil {
			return err
		}
		return a.services.People.RemoveCredential(ctx, c.principal.Account, c.principal.Account, in.ID)
	})
}

// NewPasswordInput is another password.
type NewPasswordInput struct {
	Body struct {
		Password string `json:"password"`
	}
}

func postOwnPassword() endpoint {
	return renewed(func(ctx context.Context, a *API, c *Call, in *NewPasswordInput) (auth.Started, error) {
		return a.services.People.ChangePassword(ctx, c.principal, in.Body.Password, c.remote())
	})
}

// TOTPOffered is a seed to put into an authenticator application, shown once.
type TOTPOffered struct {
	Secret string `json:"secret" doc:"Base32, to be typed in."`
	URI    string `json:"uri" doc:"otpauth://, to be shown as a QR code."`
	Ticket string `json:"ticket" doc:"Send it back with the first code."`

	QR signin.QRCode `json:"qr" doc:"The same, drawn: an SVG path."`
}

func offerTOTP() endpoint {
	return plain(http.StatusOK, func(_ context.Context, a *API, c *Call, _ *struct{}) (*TOTPOffered, error) {
		o, err := a.services.People.OfferTOTP(c.principal)
		if err != nil {
			return nil, err
		}
		code, err := signin.QR(o.URI)
		return &TOTPOffered{o.Secret, o.URI, o.Ticket, code}, err
	})
}

// TOTPInput is the first code of an offered seed.
type TOTPInput struct {
	Body struct {
		Ticket string `json:"ticket" doc:"Of the options."`
		Code   string `json:"code"`
	}
}

func confirmTOTP() endpoint {
	return renewed(func(ctx context.Context, a *API, c *Call, in *TOTPInput) (auth.Started, error) {
		return a.services.People.ConfirmTOTP(ctx, c.principal, in.Body.Ticket, in.Body.Code, c.remote())
	})
}

// RecoveryMade shows new recovery codes, this once.
type RecoveryMade struct {
	Codes []string `json:"codes" doc:"Each is good once, in the place of the second factor. Keep them on paper."`
}

func postRecoveryCodes() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*RecoveryMade, error) {
		codes, err := a.services.People.SetRecovery(ctx, c.principal)
		if err != nil {
			return nil, err
		}
		return &RecoveryMade{codes}, nil
	})
}
