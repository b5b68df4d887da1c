package app

import (
	"context"
	"errors"

	signednote "golang.org/x/mod/sumdb/note"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
	"greffe/domain/receipt"
	"greffe/eventstore/access"
)

// Receipt implements httpapi.Evidence.
func (e evidence) Receipt(ctx context.Context, r access.Receipt, id domain.ID) ([]byte, error) {
	g, f, err := e.given(ctx, id)
	if err != nil {
		return nil, err
	}
	out := receipt.Receipt{Consent: g, Made: domain.NewTime(e.a.cfg.Now())}
	switch f.Type {
	case event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn:
	default:
		return nil, errors.Join(httpapi.ErrNotFound, receipt.ErrNoConsent)
	}
	if lens := r.Lens(); lens.Full(f.Subject, classEvidence) {
		if err := e.discloseConsent(ctx, r, f, &out); err != nil {
			return nil, err
		}
	}
	if out.Notice, err = e.notice(ctx, f.Codes.ID("notice")); err != nil {
		return nil, err
	}
	rules, err := e.a.Ledger.PolicyVersion(ctx, f.Policy)
	if err != nil {
		return nil, err
	}
	terms, err := receipt.TermsOf(rules, f, nil)
	if err != nil {
		return nil, err
	}
	out.Terms = *terms
	v, err := e.verifierOf(g)
	if err != nil {
		return nil, err
	}
	return out.Make(v)
}

// discloseConsent opens the consent's own proof, or says what destroyed it.
func (e evidence) discloseConsent(ctx context.Context, r access.Receipt, f *event.Fact, out *receipt.Receipt) error {
	d, err := access.NewReader(e.a.Ledger).Disclose(ctx, r, f, classEvidence)
	switch {
	case err == nil:
		out.Consent.Opened = &proof.Opened{Class: classEvidence, Part: d.Part, Key: d.Key}
		return nil
	case !errors.Is(err, access.ErrGone):
		return err
	}
	by, _, ok, err := e.a.Index.Erased(ctx, f.Subject)
	if err == nil && ok {
		out.ErasedBy = by
	}
	return err
}

// notice is the proof of a published notice with its text, nil if it was not published.
func (e evidence) notice(ctx context.Context, id domain.ID) (*proof.Given, error) {
	if id.IsZero() {
		return nil, nil
	}
	if err := e.a.upToDate(ctx, e.a.Notices.Name()); err != nil {
		return nil, err
	}
	at, ok, err := e.a.Notices.At(ctx, id)
	if err != nil || !ok {
		return nil, err
	}
	g, f, err := e.givenAt(ctx, at)
	if err != nil {
		return nil, err
	}
	d, err := e.a.Ledger.Keyring().Disclose(ctx, f, classEvidence) // a published text is nobody's data
	if err != nil {
		return nil, err
	}
	g.Opened = &proof.Opened{Class: classEvidence, Part: d.Part, Key: d.Key}
	return g, nil
}

// verifierOf checks what was signed under the origin that a proof names.
func (e evidence) verifierOf(g *proof.Given) (signednote.Verifier, error) {
	return signednote.NewVerifier(proof.VerifierKey(g.Origin(), e.a.headed.public()))
}
